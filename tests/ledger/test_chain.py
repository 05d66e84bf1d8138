"""`verify`: a ledger that only grew passes, and every other one is found out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeClock, MemoryForge, Randomness
from releasegate.forge.port import Change
from releasegate.ledger.chain import Anchor, anchor_of, verify
from releasegate.ledger.event import encode
from releasegate.runbook.journal import Draft, Journal
from releasegate.verdict import Outcome

SCOPE = {"service": "checkout", "environment": "production"}
TAG, RELEASE = "v1.0.0-rc.1", "v1.0.0"
CODE = "c" * 40


def chain(length=6):
    """The commits of a ledger, with one event each but for the second, which has three; and the anchors in it."""
    clock = FakeClock()
    forge = MemoryForge(clock)
    journal = Journal(forge, "ledger", clock, Randomness())
    journal.append(Draft("release.candidate", {**SCOPE, "tag": TAG, "commit": CODE}))
    for number in range(1, length):
        clock.sleep(30)
        journal.append(*[Draft("stage.finished", SCOPE, {"stage": str(i)}) for i in range(3 if number == 1 else 1)])
    commits = list(forge.history("ledger"))
    anchors = [Anchor(TAG, "", CODE), Anchor(RELEASE, commits[3].sha, CODE)] if length > 3 else [Anchor(TAG, "", CODE)]
    return commits, anchors


def found(commits, anchors=(), expected=None):
    return [(f.check, f.title) for f in verify(commits, anchors, expected).findings]


def test_a_ledger_that_only_grew_passes():
    commits, anchors = chain()
    report = verify(commits, anchors, commits[2].sha)
    assert report.outcome is Outcome.PASS
    assert report.findings == ()
    assert (report.commits, report.events, report.head) == (6, 8, commits[-1].sha)
    assert (report.anchor, report.unanchored, report.unanchored_commits) == (anchors[1], commits[4].sha, 2)


def test_all_of_it_may_be_anchored_or_nothing():
    commits, _ = chain()
    tag = Anchor(TAG, commits[-1].sha, CODE)
    whole = verify(commits, [tag])
    assert (whole.outcome, whole.anchor, whole.unanchored, whole.unanchored_commits) == (Outcome.PASS, tag, None, 0)
    bare = verify(commits, [Anchor(TAG, "", CODE)])
    assert (bare.outcome, bare.anchor, bare.unanchored, bare.unanchored_commits) == (
        Outcome.PASS,
        None,
        commits[0].sha,
        6,
    )


def test_no_ledger_is_inconclusive_and_a_ledger_that_was_deleted_fails():
    assert verify([], []).outcome is Outcome.INCONCLUSIVE
    assert verify([], [Anchor(TAG, "a" * 40, CODE)]).outcome is Outcome.FAIL
    assert verify([], [], "a" * 40).outcome is Outcome.FAIL


def test_what_was_cut_off_is_missed_by_its_anchor_and_by_the_head_that_was_kept():
    commits, anchors = chain()
    assert found(commits[:3], anchors) == [
        ("anchor", "a commit that a tag names is not in the ledger: it was cut off or rewritten")
    ]
    assert found(commits[:5], anchors, commits[5].sha) == [
        ("expected-head", "the head that was kept is not in the ledger")
    ]
    assert found(commits, anchors, commits[5].sha[:12]) == []


def test_missing_and_moved_tags():
    commits, anchors = chain()
    missing = verify(commits, anchors[1:])
    assert missing.outcome is Outcome.INCONCLUSIVE
    assert [(f.check, f.where) for f in missing.findings] == [("tags", TAG)]
    moved = verify(commits, [replace(anchors[0], commit="d" * 40), anchors[1]])
    assert moved.outcome is Outcome.FAIL
    assert [f.title for f in moved.findings] == ["a tag was moved"]


def edit(commits, at):
    """Edit an older event in a later commit."""
    victim = commits[0].changes[0]
    return changed(commits, at, Change("M", victim.path, victim.content))


def remove(commits, at):
    return changed(commits, at, Change("D", commits[0].changes[0].path, b""))


def rename(commits, at):
    return changed(commits, at, Change("R", "events/elsewhere.json", b"{}"))


def intrude(commits, at):
    """Add something that is no event."""
    return changed(commits, at, Change("A", "README.md", b"hello"))


def misplace(commits, at):
    own = commits[at].changes[0]
    return [*commits[:at], replace(commits[at], changes=(replace(own, path="events/x.json"),)), *commits[at + 1 :]]


def repeat(commits, at):
    return changed(commits, at, commits[0].changes[0])


def merge(commits, at):
    return [
        *commits[:at],
        replace(commits[at], parents=(*commits[at].parents, "e" * 40)),
        *commits[at + 1 :],
    ]


def skip(commits, at):
    return [*commits[:at], *commits[at + 1 :]]


def swap(commits, at):
    return [*commits[: at - 1], commits[at], commits[at - 1], *commits[at + 1 :]]


def forge_author(commits, at):
    return [*commits[:at], replace(commits[at], author="Eve"), *commits[at + 1 :]]


def backdate(commits, at):
    return [
        *commits[:at],
        replace(commits[at], time=commits[at].time - timedelta(minutes=11)),
        *commits[at + 1 :],
    ]


def empty(commits, at):
    return [*commits[:at], replace(commits[at], changes=()), *commits[at + 1 :]]


def changed(commits, at, change):
    return [*commits[:at], replace(commits[at], changes=(*commits[at].changes, change)), *commits[at + 1 :]]


TAMPERINGS = {
    edit: "an event was edited",
    remove: "an event was removed",
    rename: "an event was renamed",
    intrude: "not an event: Expecting value: line 1 column 1 (char 0)",
    misplace: "an event in another event's place",
    repeat: "an id that was there before",
    merge: "a merge",
    skip: "a gap in the chain",
    swap: "a gap in the chain",
    forge_author: "the commit was made by somebody else",
    backdate: "the commit was made at another time",
    empty: "a commit that adds nothing",
}


@given(st.sampled_from(list(TAMPERINGS)), st.integers(4, 9), st.data())
def test_every_tampering_is_found_and_named(tamper, length, data):
    commits, anchors = chain(length)
    at = data.draw(st.integers(1, length - 2))
    report = verify(tamper(commits, at), anchors)
    assert report.outcome is Outcome.FAIL
    assert TAMPERINGS[tamper] in [finding.title for finding in report.findings]


def with_event(commits, at, **changes):
    """Record an event with other facts than it had, as if its writer had lied."""
    from releasegate.ledger.event import decode  # noqa: PLC0415

    event = replace(decode(commits[at].changes[0].content, ""), **changes)
    change = Change("A", event.path, encode(event))
    return [*commits[:at], replace(commits[at], changes=(change,)), *commits[at + 1 :]]


def test_an_event_that_lies_about_its_time_is_found():
    commits, anchors = chain()
    lied = with_event(commits, 4, time=commits[4].time - timedelta(minutes=2))
    assert found(lied, anchors) == [
        ("id", "the id holds another time"),
        ("forward", "older than the event before it"),
    ]


@pytest.mark.parametrize(
    ("message", "ledger"),
    [
        (f"Release v1\n\nLedger: {'a' * 40}\n", "a" * 40),
        (f"Ledger: {'a' * 40}\nLedger: {'b' * 64}", "b" * 64),
        (f"see Ledger: {'a' * 40}", ""),
        ("Ledger: abc", ""),
        ("", ""),
    ],
)
def test_the_anchor_in_an_annotation(message, ledger):
    assert anchor_of("v1", message, CODE) == Anchor("v1", ledger, CODE)
