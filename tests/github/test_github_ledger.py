"""The ledger on GitHub: few requests, nothing lost, and a mitigation that goes on without it."""

from threading import Thread

import pytest

from fakes import FakeClock, Randomness
from github_front import Fault, github_forge
from releasegate.errors import OutsideError
from releasegate.ledger.chain import verify
from releasegate.runbook.journal import Draft, Journal
from releasegate.runbook.outbox import Outbox
from releasegate.verdict import Outcome

BRANCH = "releasegate/ledger"
SUBJECT = {"service": "checkout", "environment": "production"}
LIMITED = b'{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}'


def journal(forge, seed="", **options):
    randomness = Randomness()
    randomness.calls = iter([f"{seed}{n}" for n in range(1000)])
    return Journal(forge, BRANCH, SystemTime(), randomness, **options)


class SystemTime(FakeClock):
    """The real time, and no waiting."""

    def now(self):
        from datetime import UTC, datetime  # noqa: PLC0415

        return datetime.now(UTC)


def draft(number=0):
    return Draft("release.marked-bad", SUBJECT, {"reason": f"{number}"})


def checked(forge):
    report = verify(forge.history(BRANCH), [], None)
    assert [finding.title for finding in report.findings] == []
    assert report.outcome is Outcome.PASS
    return report


def appended(github, forge, ledger, *numbers):
    """The requests that an append of events takes, without the repository."""
    forge.actor()
    github.exchanges.clear()
    ledger.append(*map(draft, numbers))
    return [sent.replace(f"/repos/{forge.home}", "") for sent in github.sent()]


ON_TOP = ["POST /git/trees", "POST /git/commits", f"PATCH /git/refs/heads/{BRANCH}"]


def test_an_append_is_four_requests_however_long_the_ledger_is_and_three_where_its_head_is_known(github):
    forge = github_forge(github)
    head = f"GET /commits/heads/{BRANCH}"
    begun = [head, *ON_TOP[:2], "POST /git/refs"]
    assert appended(github, forge, journal(forge), 1) == begun
    assert appended(github, forge, journal(forge, "two-"), 2, 3, 4) == [head, *ON_TOP]
    reader = journal(forge, "three-")
    assert len(reader.events()) == 4
    assert appended(github, forge, reader, 5) == ON_TOP
    assert appended(github, forge, reader, 6) == ON_TOP
    assert [event.data["reason"] for event in reader.known()] == ["1", "2", "3", "4", "5", "6"]
    report = checked(forge)
    assert (report.commits, report.events) == (4, 6)


def test_sixteen_writers_at_once_lose_nothing(github):
    repository = github.repository()
    journal(github_forge(github, repository)).append(draft())
    failed = []

    def write(number):
        try:
            journal(github_forge(github, repository), seed=f"{number}-").append(draft(number))
        except Exception as error:  # noqa: BLE001  shown below
            failed.append(error)

    writers = [Thread(target=write, args=(number,)) for number in range(1, 17)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    forge = github_forge(github, repository)
    report = checked(forge)
    assert (report.commits, report.events) == (17, 17)
    found = [event.data["reason"] for event in journal(forge).events()]
    assert sorted(found, key=int) == [str(number) for number in range(17)]


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (Fault(status=403, headers={"Retry-After": "7"}, body=LIMITED), 7),
        (Fault(status=429, body=b'{"message": "Too many requests"}'), 60),
        (Fault(drop_after=True), 0),
        (Fault(status=502, execute=True, body=b"<html>"), 0),
    ],
    ids=["secondary limit", "429 without a time", "answer lost", "502 though it was done"],
)
def test_the_events_of_a_step_are_recorded_once_whatever_becomes_of_the_answer(github, fault, waits):
    forge = github_forge(github)
    ledger = journal(forge)
    ledger.append(draft(1))
    left = [fault]
    github.fault = lambda e: left.pop() if left and e.method == "PATCH" else None
    ledger.append(draft(2))
    assert left == []
    assert waits <= forge.api.waited <= waits + 3
    assert [event.data["reason"] for event in journal(forge).events()] == ["1", "2"]
    checked(forge)


def test_events_wait_in_the_outbox_while_the_ledger_cannot_be_written(github, tmp_path):
    forge = github_forge(github)
    outbox = Outbox(tmp_path / "outbox")
    ledger = journal(forge, outbox=outbox)
    ledger.append(draft(1))
    github.fault = lambda e: Fault(status=503) if "/git/" in e.path else None
    with pytest.raises(OutsideError, match="the ledger could not be written") as caught:
        ledger.record(draft(2))
    assert (caught.value.exit_code, len(outbox.waiting())) == (4, 1)
    github.fault = lambda _: None
    journal(forge, seed="later", outbox=outbox).append(draft(3))
    assert [event.data["reason"] for event in journal(forge).events()] == ["1", "2", "3"]
    assert list(outbox.waiting()) == []
