"""A disk that is full, read-only or broken is told as that, and keeps nothing else from being done."""

from pathlib import Path

import pytest

from releasegate.errors import OutsideError
from releasegate.runbook.evidence import Record, keep
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from releasegate.runbook.watch import recorder
from service import Service
from worlds import POLICY


def test_a_rollback_opens_its_issue_where_the_document_cannot_be_written(tmp_path):
    service = Service(tmp_path / "documents")
    service.roll_out(order=Order(until="canary"))
    world = service.world()
    world.documents.rename(tmp_path / "gone")
    result = Rollback(world, Request(reason="people complain"), lambda _: None).run()
    assert (result.exit_code, result.traffic_is_back, len(service.forge.issues)) == (4, True, 1)
    told = {one.id: one.text for one in result.outcomes}["follow-up"]
    what = "document rollback-v1.1.0-rc.1.md NOT written (No such file or directory); the issue holds the same: "
    assert told.startswith(what)


def test_a_canary_whose_recording_cannot_be_written_is_taken_back(tmp_path):
    service = Service(tmp_path / "documents")
    service.roll_out(order=Order(until="canary"))
    recording = service.world().documents / "recording.jsonl"
    recording.symlink_to("/dev/full")
    result, world = service.roll_out()
    why = f"{recording}: the recording cannot be written: No space left on device; make room, and begin anew"
    assert (result.exit_code, result.failed.id, result.failed.text) == (4, "watch", why)
    assert (result.rollback.traffic_is_back, world.traffic.split().weight) == (True, 0)


def test_a_recorder_says_what_its_disk_says_and_nothing_when_it_is_closed():
    with Path("/dev/full").open("w") as file:
        record = recorder(file)
        with pytest.raises(OutsideError) as error:
            record("a line")
    assert str(error.value) == (
        "/dev/full: the recording cannot be written: No space left on device; make room, and begin anew"
    )


def test_evidence_that_cannot_be_written_for_its_command_is_told(tmp_path):
    service = Service(tmp_path / "documents", policy=POLICY + b"evidence: {store: command, command: [put]}\n")
    world = service.world()
    world.documents.rmdir()
    outcome = keep(world, lambda: Record(tag=service.tag.name, commit=service.tag.commit, headline="fine"))
    assert (outcome.exit_code, outcome.text.partition("v1.1.0-rc.1-evidence-")[0]) == (4, f"{world.documents}/")
    assert outcome.text.endswith(".zip: the evidence is NOT kept: cannot be written: No such file or directory")
    assert service.shop.ran == []


def test_a_document_that_cannot_be_read_is_missing_in_the_zip_and_the_others_are_kept(tmp_path):
    service = Service(tmp_path / "documents", policy=POLICY + b"evidence: {store: repository}\n")
    world = service.world()
    (world.documents / "report.html").write_text("<p>")
    (world.documents / "recording.jsonl").symlink_to("/proc/self/mem")  # an I/O error at its first byte
    outcome = keep(world, lambda: Record(tag=service.tag.name, commit=service.tag.commit, headline="fine"))
    assert (outcome.exit_code, outcome.text.endswith("; 1 files were not there any more: recording.jsonl")) == (0, True)
    [event] = [one for one in world.journal.events() if one.kind == "evidence.stored"]
    assert event.data["missing"] == ["recording.jsonl"]
