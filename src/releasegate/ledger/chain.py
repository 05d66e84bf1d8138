"""Whether the ledger is the chain that it must be: one line of commits that only ever added events, tied to anchors."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from releasegate.errors import InputError
from releasegate.ledger.event import Event, decode, moment_of
from releasegate.verdict import Finding, Level, Outcome, conclude

SKEW = timedelta(minutes=10)
"""How far the clocks of an event's writer and of its commit's may lie apart."""
ANCHOR_LINE = re.compile(r"^Ledger: ([0-9a-f]{40}|[0-9a-f]{64})$", re.MULTILINE)


class Change(Protocol):
    """What a commit did to one path."""

    @property
    def status(self) -> str:
        """Git's status letter."""

    @property
    def path(self) -> str:
        """The path."""

    @property
    def content(self) -> bytes:
        """The content after the commit."""


class Link(Protocol):
    """One commit of the ledger."""

    @property
    def sha(self) -> str:
        """Its id."""

    @property
    def parents(self) -> Sequence[str]:
        """Its parents' ids."""

    @property
    def author(self) -> str:
        """Its author's name."""

    @property
    def time(self) -> datetime:
        """The committer's time, UTC."""

    @property
    def changes(self) -> Sequence[Change]:
        """What it changed against its first parent."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place outside the ledger that names one of its commits."""

    name: str
    """The tag that holds it."""
    ledger: str
    """The ledger's commit that it names; empty where it names none."""
    commit: str
    """The commit that the tag stands on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a verification found."""

    findings: tuple[Finding, ...]
    commits: int
    events: int
    head: str | None
    """The newest commit: keep it, and give it to the next verification as `--expect-head`."""
    anchor: Anchor | None
    """The newest anchor that holds."""
    unanchored: str | None
    """The first commit that no anchor covers."""
    unanchored_commits: int
    sound: str | None
    """The commit before the first that stops every reader, as it is no part of the chain or holds what is no event.

    The head where none does; None where there is no such commit.
    """

    @property
    def outcome(self) -> Outcome:
        """`fail` if anything is wrong, `inconclusive` if the evidence is not complete, else `pass`."""
        return conclude(self.findings)


def anchor_of(tag: str, message: str, commit: str) -> Anchor:
    """The anchor in a tag's annotation: its last line `Ledger: <commit>`."""
    named = ANCHOR_LINE.findall(message)
    return Anchor(tag, named[-1] if named else "", commit)


def verify(commits: Sequence[Link], anchors: Sequence[Anchor], expected_head: str | None = None) -> Report:
    """Check all `commits` of the ledger (oldest first) against themselves, the `anchors` and a head kept elsewhere."""
    places = {commit.sha: place for place, commit in enumerate(commits)}
    findings = [*_line(commits), *_additions(commits)]
    events, faults = _events(commits)
    findings += [
        *faults,
        *_forward(events),
        *_anchors(anchors, places),
        *_tags(anchors, [event for event, _ in events]),
    ]
    if not commits:
        title = "there is no ledger yet: `releasegate tag rc` or `rollout` begins it"
        findings.append(_unusable("ledger", title, "a branch with events", "none"))
    if expected_head is not None and not any(sha.startswith(expected_head) for sha in places):
        findings.append(
            _error("expected-head", "the head that was kept is not in the ledger", expected_head, _head(commits))
        )
    held = [anchor for anchor in anchors if anchor.ledger in places]
    newest = max(held, key=lambda anchor: places[anchor.ledger], default=None)
    first = places[newest.ledger] + 1 if newest else 0
    return Report(
        findings=tuple(findings),
        commits=len(commits),
        events=len(events),
        head=commits[-1].sha if commits else None,
        anchor=newest,
        unanchored=commits[first].sha if first < len(commits) else None,
        unanchored_commits=len(commits) - first,
        sound=_sound(commits, findings),
    )


def _line(commits: Sequence[Link]) -> Iterator[Finding]:
    """Every commit has the one before it as its only parent."""
    before: str | None = None
    for commit in commits:
        wanted = [] if before is None else [before]
        if list(commit.parents) != wanted:
            what = "a merge" if len(commit.parents) > 1 else "a gap in the chain"
            observed = ", ".join(commit.parents) or "no parent"
            yield _error("one-parent", what, before or "no parent", observed, commit.sha)
        before = commit.sha


def _sound(commits: Sequence[Link], findings: Sequence[Finding]) -> str | None:
    """The newest commit up to which the ledger can be read."""
    stops = {finding.where.partition(":")[0] for finding in findings if finding.check in ("one-parent", "event")}
    before: str | None = None
    for commit in commits:
        if commit.sha in stops:
            return before
        before = commit.sha
    return before


def _additions(commits: Sequence[Link]) -> Iterator[Finding]:
    """Every change is a new file, and every commit adds one."""
    words = {"M": "an event was edited", "D": "an event was removed", "R": "an event was renamed"}
    for commit in commits:
        if not commit.changes:
            yield _error("adds-events", "a commit that adds nothing", "an added event", "no change", commit.sha)
        for change in commit.changes:
            if change.status != "A":
                what = words.get(change.status, "something other than an addition")
                yield _error("only-adds", what, "A", change.status, f"{commit.sha}:{change.path}")


def _events(commits: Sequence[Link]) -> tuple[list[tuple[Event, str]], list[Finding]]:
    """All events with where they were added, and what is wrong with each by itself."""
    events: list[tuple[Event, str]] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    for commit in commits:
        added: list[tuple[Event, str]] = []
        for change in (change for change in commit.changes if change.status == "A"):
            where = f"{commit.sha}:{change.path}"
            try:
                event = decode(change.content, where)
            except InputError as error:
                findings.append(_error("event", error.what, "an event", "", where))
                continue
            findings += _agreement(event, commit, change.path, where)
            if event.id in seen:
                findings.append(_error("id", "an id that was there before", "a new id", event.id, where))
            seen.add(event.id)
            added.append((event, where))
        events += sorted(added, key=lambda pair: pair[0].id)
    return events, findings


def _agreement(event: Event, commit: Link, path: str, where: str) -> Iterator[Finding]:
    """Path, id, time and actor of an event agree with one another and with the commit that brought it."""
    if event.path != path:
        yield _error("path", "an event in another event's place", event.path, path, where)
    if moment_of(event.id) != event.time:
        yield _error("id", "the id holds another time", f"{event.time}", f"{moment_of(event.id)}", where)
    if abs(event.time - commit.time) > SKEW:
        yield _error("time", "the commit was made at another time", f"{event.time}", f"{commit.time}", where)
    if event.actor.name != commit.author:
        yield _error("actor", "the commit was made by somebody else", event.actor.name, commit.author, where)


def _forward(events: Sequence[tuple[Event, str]]) -> Iterator[Finding]:
    """Time runs forward."""
    for (before, _), (event, where) in pairwise(events):
        if (event.time, event.id) <= (before.time, before.id):
            yield _error("forward", "older than the event before it", f"> {before.time}", f"{event.time}", where)


def _anchors(anchors: Sequence[Anchor], places: dict[str, int]) -> Iterator[Finding]:
    """Every commit that an anchor names is in the chain."""
    for anchor in anchors:
        if anchor.ledger and anchor.ledger not in places:
            what = "a commit that a tag names is not in the ledger: it was cut off or rewritten"
            yield _error("anchor", what, anchor.ledger, "not there", anchor.name)


def _tags(anchors: Sequence[Anchor], events: Sequence[Event]) -> Iterator[Finding]:
    """Every tag of which the ledger tells is there, on the commit that it was made on."""
    known = {anchor.name: anchor.commit for anchor in anchors}
    told: dict[str, str] = {}
    for event in events:
        if event.kind == "release.candidate":
            told.setdefault(event.subject.get("tag", ""), event.subject.get("commit", ""))
        if event.kind == "release.tagged":
            told.setdefault(str(event.data.get("release")), event.subject.get("commit", ""))
    for tag, commit in told.items():
        if tag not in known:
            yield _unusable("tags", "a tag that anchors the ledger is missing here", commit, "no such tag", tag)
        elif known[tag] != commit:
            yield _error("tags", "a tag was moved", commit, known[tag], tag)


def _head(commits: Sequence[Link]) -> str:
    return commits[-1].sha if commits else "none"


def _error(check: str, title: str, expected: str, observed: str, where: str = "") -> Finding:
    return Finding(check=check, level=Level.ERROR, title=title, expected=expected, observed=observed, where=where)


def _unusable(check: str, title: str, expected: str, observed: str, where: str = "") -> Finding:
    return Finding(
        check=check, level=Level.ERROR, title=title, expected=expected, observed=observed, where=where, unusable=True
    )
