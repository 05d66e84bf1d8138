"""The journal: appends that lose nothing, whoever else writes, and events that wait until they can be written."""

import secrets
import subprocess
import sys
from datetime import timedelta

import pytest

from fakes import FakeClock, MemoryForge, Randomness
from releasegate.cli.clock import SystemClock
from releasegate.errors import FenceError, ForgeError, InconclusiveError, OutsideError, RaceError
from releasegate.forge.local import LocalForge
from releasegate.ledger.chain import verify
from releasegate.ledger.event import encode
from releasegate.ledger.state import fold
from releasegate.runbook.journal import ATTEMPTS, Draft, Journal
from releasegate.runbook.outbox import Outbox
from releasegate.verdict import Outcome
from repositories import origin, repository, with_origin

SCOPE = {"service": "checkout", "environment": "production"}
BRANCH = "releasegate/ledger"


def draft(text, kind="stage.finished"):
    return Draft(kind, SCOPE, {"stage": text})


def stages(journal):
    return [event.data["stage"] for event in journal.events()]


def setup(**options):
    clock = FakeClock()
    forge = MemoryForge(clock, **options)
    return forge, Journal(forge, BRANCH, clock, Randomness(), "run 1"), clock


def test_events_of_one_step_travel_in_one_commit():
    forge, journal, clock = setup()
    assert (journal.events(), journal.head) == ((), None)
    head = journal.append(draft("one"), draft("two"))
    clock.sleep(1)
    last = journal.append(draft("three"))
    assert (journal.head, forge.branch_head(BRANCH)) == (last, last)
    assert [commit.sha for commit in forge.history(BRANCH)] == [head, last]
    assert [commit.message for commit in forge.history(BRANCH)] == [
        "stage.finished (+1): checkout production\n",
        "stage.finished: checkout production\n",
    ]
    assert stages(journal) == stages(Journal(forge, BRANCH, clock, Randomness())) == ["one", "two", "three"]
    first = journal.events()[0]
    assert (first.run, first.actor, first.subject) == ("run 1", forge.actor(), SCOPE)
    assert verify(forge.history(BRANCH), []).outcome is Outcome.PASS


def test_nothing_chosen_is_nothing_recorded():
    forge, journal, _ = setup()
    assert (journal.append(), journal.record(), journal.decide(lambda _: [])) == ("", "", "")
    assert forge.branch_head(BRANCH) is None


def test_nothing_appended_is_nothing_recorded_also_where_nothing_was_read():
    forge, journal, _ = setup()
    assert (journal.append(), journal.record(), forge.history(journal.branch)) == ("", "", [])


def test_a_writer_that_lost_the_race_reads_and_decides_again():
    seen = []
    others = [draft("other 1"), draft("other 2")]

    def interfere():
        if others:
            Journal(forge, BRANCH, clock, Randomness()).append(others.pop(0))

    forge, journal, clock = setup(before_commit=lambda: None)
    forge.before_commit = lambda: (setattr(forge, "before_commit", lambda: None), interfere())
    journal.decide(lambda events: seen.append([e.data["stage"] for e in events]) or [draft("mine")])
    assert seen == [[], ["other 1"]]
    assert stages(journal) == ["other 1", "mine"]


def test_what_another_writer_recorded_while_it_was_decided_is_decided_upon_again():
    """Also where the decision itself reads the ledger once more: what it saw first is what it was made of."""
    forge, journal, clock = setup()
    other = Journal(forge, BRANCH, clock, Randomness(), "run 2")
    journal.append(draft("first"))
    seen = []

    def choose(events):
        seen.append(len(events))
        if len(seen) == 1:
            other.append(draft("between"))
        return [draft(f"last of {len(journal.events())}, decided on {len(events)}")]

    journal.decide(choose)
    assert (seen, stages(journal)) == ([1, 2], ["first", "between", "last of 2, decided on 2"])


def test_a_decision_that_no_longer_holds_is_not_recorded():
    forge, journal, clock = setup()

    def interfere():
        forge.before_commit = lambda: None
        Journal(forge, BRANCH, clock, Randomness()).append(Draft("rollback.started", SCOPE, {}))

    def choose(events):
        if fold(events).rollback is not None:
            raise FenceError("a rollback is newer")
        return [Draft("traffic.raised", SCOPE, {"weight": 1})]

    forge.before_commit = interfere
    with pytest.raises(FenceError):
        journal.decide(choose)
    assert [event.kind for event in journal.events()] == ["rollback.started"]


def test_a_race_without_end_is_given_up():
    def always():
        raise RaceError("moved")

    _forge, journal, clock = setup(before_commit=always)
    with pytest.raises(RaceError, match=f"could not be written in {ATTEMPTS} attempts"):
        journal.append(draft("x"))
    assert len(clock.slept) == ATTEMPTS
    assert max(clock.slept) <= 2


def test_clocks_that_differ_a_little_keep_the_order_and_a_clock_that_is_wrong_is_told():
    forge, journal, clock = setup()
    journal.append(draft("one"))
    behind = FakeClock(clock.now() - timedelta(minutes=2))
    Journal(forge, BRANCH, behind, Randomness()).append(draft("two"))
    assert verify(forge.history(BRANCH), []).outcome is Outcome.PASS
    assert [b.time - a.time for a, b in [journal.events()]] == [timedelta(milliseconds=1)]
    wrong = FakeClock(clock.now() - timedelta(hours=2))
    Journal(forge, BRANCH, wrong, Randomness()).append(draft("three"))
    titles = {finding.check for finding in verify(forge.history(BRANCH), []).findings}
    assert titles == {"forward", "time"}


def test_something_else_in_the_ledger_stops_the_reader():
    forge, journal, clock = setup()
    head = journal.append(draft("one"))
    clock.sleep(60)
    broken = forge.commit(BRANCH, {"events/2026/11/23/x.json": b"{}"}, "by hand", parent=head)
    apart = Journal(MemoryForge(clock), BRANCH, clock, Randomness())
    apart.append(draft("two"))
    [other] = apart.events()
    forge.commit(BRANCH, {other.path: encode(other)}, "a later one", parent=broken)
    for _ in range(2):  # it stays so
        with pytest.raises(InconclusiveError) as caught:
            journal.events()
    assert [event.data["stage"] for event in journal.known()] == ["one", "two"]  # what a rollback goes by
    assert str(caught.value).startswith("events/2026/11/23/x.json: the ledger cannot be read: not an event: ")
    assert str(caught.value).endswith("; run `releasegate ledger verify`")


def test_a_ledger_that_was_rewritten_stops_the_reader():
    forge, journal, _clock = setup()
    journal.append(draft("one"))
    assert stages(journal) == ["one"]
    other, writer, _ = setup()
    writer.append(draft("another"), draft("past"))
    writer.append(draft("x"))
    forge.commits.update(other.commits)
    forge.branches[BRANCH] = other.branches[BRANCH]
    with pytest.raises(InconclusiveError, match="the ledger is not one chain"):
        journal.events()


def test_what_is_known_is_written_upon_and_a_choice_that_is_old_is_made_again():
    forge, journal, clock = setup()
    journal.append(draft("one"))
    assert stages(journal) == ["one"]
    asked = []

    def choose(events):
        asked.append([event.data["stage"] for event in events])
        if asked[-1][-1] == "one":
            raise FenceError("closed", where="here")
        return [draft("three")] if asked[-1][-1] == "two" else []

    with pytest.raises(FenceError):
        journal.decide(choose)
    Journal(forge, BRANCH, clock, Randomness()).append(draft("two"))
    head = journal.decide(choose)
    assert (asked, stages(journal)) == ([["one"], ["one"], ["one"], ["one", "two"]], ["one", "two", "three"])
    asked.clear()
    last = Journal(forge, BRANCH, clock, Randomness()).append(draft("four"))
    assert journal.decide(choose) == last != head
    assert asked == [["one", "two", "three"], ["one", "two", "three", "four"]]
    journal.decide(lambda events: [draft(f"after {len(events)}")])
    assert stages(journal)[-1] == "after 4"
    assert verify(forge.history(BRANCH), []).outcome is Outcome.PASS


def test_an_append_upon_a_ledger_that_was_not_read_comes_after_its_newest_event():
    forge, journal, clock = setup()
    journal.append(draft("one"), draft("two"))
    forge.history = None
    behind = FakeClock()
    behind.moment = clock.now() - timedelta(minutes=1)
    other = Journal(forge, BRANCH, behind, Randomness())
    head = other.append(draft("three"))
    assert (other.known(), other.head, forge.branch_head(BRANCH)) == ((), None, head)
    del forge.history
    assert (stages(other), other.head) == (["one", "two", "three"], head)
    times = [event.time for event in other.events()]
    assert times == sorted(times)
    assert times[2] - times[1] == timedelta(milliseconds=1)


def waiting_journal(tmp_path, **options):
    forge, _, clock = setup(**options)
    outbox = Outbox(tmp_path / "outbox")
    return forge, clock, outbox, Journal(forge, BRANCH, clock, Randomness(), "run 1", outbox=outbox)


def away():
    raise ForgeError("origin did not answer: no route to host")


def test_what_cannot_be_written_waits_and_is_brought_along(tmp_path):
    forge, clock, outbox, journal = waiting_journal(tmp_path, before_commit=away)
    happened = clock.now()
    with pytest.raises(OutsideError) as caught:
        journal.record(draft("one"), draft("two"))
    assert str(caught.value) == (
        "the ledger could not be written (origin did not answer: no route to host); "
        f"2 events wait in {tmp_path}/outbox for the next command that writes it"
    )
    assert [one.data["stage"] for one in outbox.waiting()] == ["one", "two"]
    clock.sleep(3600)
    forge.before_commit = lambda: None
    journal.append(draft("three"))
    assert stages(journal) == ["one", "two", "three"]
    assert list(outbox.waiting()) == []
    late = journal.events()[0]
    assert late.time == clock.now()
    assert late.data["waited"]["happened"] == happened.isoformat().replace("+00:00", "Z")
    assert late.data["waited"]["run"] == "run 1"
    assert verify(forge.history(BRANCH), []).outcome is Outcome.PASS


def test_what_was_brought_along_but_not_cleared_up_is_not_doubled(tmp_path):
    forge, clock, outbox, journal = waiting_journal(tmp_path, before_commit=away)
    with pytest.raises(OutsideError):
        journal.record(draft("one"))
    kept = {path: path.read_bytes() for path in outbox.folder.iterdir()}
    forge.before_commit = lambda: None
    journal.append(draft("two"))
    for path, content in kept.items():
        path.write_bytes(content)
    Journal(forge, BRANCH, clock, Randomness(), outbox=outbox).append(draft("three"))
    assert stages(journal) == ["one", "two", "three"]
    assert list(outbox.waiting()) == []


def test_a_broken_file_in_the_outbox_is_told_once_and_keeps_no_other_event_waiting(tmp_path):
    forge, clock, outbox, journal = waiting_journal(tmp_path, before_commit=away)
    with pytest.raises(OutsideError):
        journal.record(draft("one"))
    forge.before_commit = lambda: None
    (outbox.folder / "0.json").write_text("{")
    (outbox.folder / "1.json").mkdir()
    told = []
    journal = Journal(forge, BRANCH, clock, Randomness(), outbox=Outbox(outbox.folder, told.append))
    journal.append(draft("two"))
    journal.append(draft("three"))
    assert [event.data["stage"] for event in journal.events()] == ["one", "two", "three"]
    assert sorted(path.name for path in outbox.folder.iterdir()) == ["0.json", "1.json"]
    assert [line.split(";")[0] for line in told] == [
        f"WARNING: {outbox.folder}/0.json: not a waiting event: Input data was truncated",
        f"WARNING: {outbox.folder}/1.json: not a waiting event: [Errno 21] Is a directory: '{outbox.folder}/1.json'",
    ]


def test_without_an_outbox_the_error_is_the_forges_own():
    _, journal, _ = setup(before_commit=away)
    with pytest.raises(ForgeError):
        journal.record(draft("one"))


WRITER = """
import secrets, sys
from pathlib import Path
from releasegate.cli.clock import SystemClock
from releasegate.forge.local import LocalForge
from releasegate.runbook.journal import Draft, Journal
journal = Journal(LocalForge(Path(sys.argv[1])), "releasegate/ledger", SystemClock(), secrets.token_bytes)
sys.stdin.readline()
journal.append(Draft("stage.finished", {"service": "s", "environment": "e"}, {"stage": sys.argv[2]}))
"""


@pytest.mark.parametrize("kind", ["one clone, no remote", pytest.param("one clone", marks=pytest.mark.soak), "clones"])
def test_sixteen_writers_at_once_lose_nothing(tmp_path, kind):
    if kind == "one clone, no remote":
        folders = [repository(tmp_path / "repo")] * 16
    else:
        remote = origin(tmp_path / "origin.git")
        count = 1 if kind == "one clone" else 4
        clones = [with_origin(tmp_path / f"clone{i}", remote) for i in range(count)]
        folders = [clones[i % count] for i in range(16)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, folder in enumerate(folders)
    ]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    errors = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 16, "".join(errors)
    forge = LocalForge(folders[0])
    journal = Journal(forge, BRANCH, SystemClock(), secrets.token_bytes)
    assert sorted(stages(journal), key=int) == [str(number) for number in range(16)]
    report = verify(forge.history(BRANCH), [])
    assert (report.outcome, report.commits, report.events) == (Outcome.PASS, 16, 16)
