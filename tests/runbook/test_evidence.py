"""The bytes are kept: what a rollout or rollback rests on, as one zip whose hash is in the ledger."""

import json
import zipfile
from hashlib import sha256
from io import BytesIO

import pytest

from releasegate.errors import OutsideError, PolicyError
from releasegate.policy.load import load_policy
from releasegate.runbook.evidence import Record, keep, of_ended, of_rollback, owed
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from releasegate.verdict import Evidence, Outcome, Verdict
from service import Service
from worlds import POLICY, START

KEPT = POLICY + b"evidence: {store: repository, retain: 7y}\n"
REPORT = b'{"lighthouse": 1}'


def judged(*paths):
    """A verdict that rests on `paths`, all of which held `REPORT` then."""
    evidence = tuple(Evidence.of(path, REPORT) for path in paths)
    return Verdict(
        gate="lighthouse", verdict=Outcome.PASS, summary="fine", evidence=evidence, started=START, finished=START
    )


def recorded(world):
    return [event for event in world.journal.events() if event.kind == "evidence.stored"]


def opened(content):
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def record_of(service, verdicts=()):
    return Record(tag=service.tag.name, commit=service.tag.commit, headline="fine", verdicts=verdicts)


def test_a_rollout_keeps_report_recording_and_the_evidence_as_it_was_judged(tmp_path):
    service = Service(tmp_path / "documents", policy=KEPT)
    _, world = service.roll_out()
    (tmp_path / "lhr.json").write_bytes(REPORT)
    (tmp_path / "changed.json").write_bytes(b"other")
    (world.documents / "report.html").write_text("<p>")
    gone = str(tmp_path / "changed.json")
    verdicts = [judged(str(tmp_path / "lhr.json"), gone)]
    outcome = keep(world, lambda: record_of(service, verdicts))
    [event] = recorded(world)
    branch, _, path = event.data["where"].partition(":")
    content = service.forge.read(path, branch).content
    digest = sha256(content).hexdigest()
    assert (branch, path) == ("releasegate/evidence", f"shop/test/v1.1.0-rc.1-evidence-{digest[:12]}.zip")
    facts = {key: event.data[key] for key in ("sha256", "bytes", "store", "missing")}
    assert facts == {"sha256": digest, "bytes": len(content), "store": "repository", "missing": [gone]}
    assert event.data["until"].startswith("2033-11-21T10:0")
    files = opened(content)
    kept = f"evidence{tmp_path}/lhr.json"
    assert set(files) == {"report.html", "recording.jsonl", "verdicts.json", "manifest.json", kept}
    assert files[kept] == REPORT
    manifest = json.loads(files["manifest.json"])
    assert {one["name"]: one["sha256"] for one in manifest["files"]} == {
        name: sha256(body).hexdigest() for name, body in files.items() if name != "manifest.json"
    }
    assert (manifest["tag"], manifest["missing"]) == ("v1.1.0-rc.1", [gone])
    assert (outcome.exit_code, outcome.text.startswith(f"4 files, {len(content)} bytes, SHA-256 {digest}: ")) == (
        0,
        True,
    )


def test_the_same_is_stored_once(tmp_path):
    service = Service(tmp_path / "documents", policy=KEPT)
    world = service.world()
    (world.documents / "report.html").write_text("<p>")
    keep(world, lambda: record_of(service))
    head = service.forge.branch_head("releasegate/evidence")
    keep(world, lambda: record_of(service))
    assert service.forge.branch_head("releasegate/evidence") == head
    assert len({event.data["sha256"] for event in recorded(world)}) == 1


def test_a_rollback_keeps_its_document(tmp_path):
    service = Service(tmp_path / "documents", policy=KEPT)
    service.roll_out()
    world = service.world()
    result = Rollback(world, Request(reason="people complain"), lambda _: None).run()
    assert keep(world, lambda: of_rollback(world, result.leaving, result.headline)).exit_code == 0
    branch, _, path = recorded(world)[0].data["where"].partition(":")
    assert "rollback-v1.1.0-rc.1.md" in opened(service.forge.read(path, branch).content)


def test_a_command_gets_the_file_and_says_where_it_is(tmp_path):
    policy = POLICY + b'evidence: {store: command, command: [put, "{name}", "{sha256}", "{file}", "{tag}"]}\n'
    seen = {}

    def shell(_, values):
        seen.update(values)
        return "uploading\ns3://audit/1.zip"

    service = Service(tmp_path / "documents", policy=policy)
    world = service.world(shell=shell)
    (world.documents / "report.html").write_text("<p>")
    outcome = keep(world, lambda: record_of(service))
    assert (outcome.exit_code, outcome.text.endswith(": s3://audit/1.zip")) == (0, True)
    content = (world.documents / seen["name"]).read_bytes()
    assert (seen["sha256"], seen["tag"]) == (sha256(content).hexdigest(), "v1.1.0-rc.1")


def test_what_cannot_be_kept_is_told_and_recorded_nowhere(tmp_path):
    def shell(*_):
        raise OutsideError("put exited 1: full")

    service = Service(tmp_path / "documents", policy=POLICY + b"evidence: {store: command, command: [put]}\n")
    world = service.world(shell=shell)
    (world.documents / "report.html").write_text("<p>")
    outcome = keep(world, lambda: record_of(service))
    assert (outcome.exit_code, outcome.text) == (4, "the evidence is NOT kept: put exited 1: full")
    assert recorded(world) == []


def test_a_plain_repository_has_no_releases(tmp_path):
    service = Service(tmp_path / "documents", policy=POLICY + b"evidence: {store: release-asset}\n")
    world = service.world()
    (world.documents / "report.html").write_text("<p>")
    outcome = keep(world, lambda: record_of(service))
    assert outcome.text == (
        "the evidence is NOT kept: a plain git repository has no releases; write evidence: {store: repository}"
    )


def test_what_a_killed_run_did_not_keep_is_owed_until_it_is_kept_and_names_what_is_gone(tmp_path):
    paths = [str(tmp_path / "lhr.json"), str(tmp_path / "changed.json")]
    service = Service(tmp_path / "documents", policy=KEPT, gates=lambda *_: [judged(*paths)])
    _, world = service.roll_out()
    (tmp_path / "lhr.json").write_bytes(REPORT)
    (tmp_path / "changed.json").write_bytes(b"other")
    (world.documents / "recording.jsonl").unlink()  # as on another machine
    world = service.world()
    world.journal.events()
    left = owed(world)
    assert (left.candidate, left.tag) == ("v1.1.0-rc.1", "v1.1.0")
    assert keep(world, lambda: of_ended(left)).exit_code == 0
    [event] = recorded(world)
    assert event.data["missing"] == ["recording.jsonl", paths[1]]
    branch, _, path = event.data["where"].partition(":")
    files = opened(service.forge.read(path, branch).content)
    assert set(files) == {"manifest.json", f"evidence{tmp_path}/lhr.json"}
    what = "v1.1.0 is live; the run that did it ended before this was kept"
    assert json.loads(files["manifest.json"])["headline"] == what
    assert owed(world) is None


def test_a_rollback_whose_evidence_could_not_be_uploaded_is_owed(tmp_path):
    service = Service(tmp_path / "documents", policy=KEPT)
    _, world = service.roll_out()
    keep(world, lambda: record_of(service))
    assert owed(world) is None
    world = service.world()
    Rollback(world, Request(reason="people complain"), lambda _: None).run()
    left = owed(world)
    assert (left.candidate, of_ended(left).headline.partition(";")[0]) == ("v1.1.0-rc.1", "v1.1.0 was taken back")


def test_the_documents_of_another_rollout_in_the_same_job_are_put_aside(tmp_path):
    first, second = (Service(tmp_path / "documents", policy=KEPT) for _ in range(2))
    first.roll_out()
    (tmp_path / "documents" / "rollback-v1.1.0-rc.1.md").write_text("the first's")
    _, world = second.roll_out(order=Order(until="gates"))
    keep(world, lambda: record_of(second))
    [event] = recorded(world)
    branch, _, path = event.data["where"].partition(":")
    assert set(opened(second.forge.read(path, branch).content)) == {"manifest.json"}
    assert event.data["missing"] == []
    [aside] = [path for path in (tmp_path / "documents").iterdir() if path.is_dir() and path.name != "artifacts"]
    assert sorted(path.name for path in aside.iterdir()) == ["recording.jsonl", "rollback-v1.1.0-rc.1.md"]


def test_the_same_rollout_keeps_what_an_earlier_command_of_the_job_left(tmp_path):
    service = Service(tmp_path / "documents", policy=KEPT)
    service.roll_out(order=Order(until="watch"))
    _, world = service.roll_out()
    keep(world, lambda: record_of(service))
    assert recorded(world)[0].data["missing"] == []
    other = Record(tag="v1.0.0", commit=service.tag.commit, headline="another")
    keep(world, lambda: other)
    branch, _, path = recorded(world)[1].data["where"].partition(":")
    assert set(opened(service.forge.read(path, branch).content)) == {"manifest.json"}


@pytest.mark.parametrize("text", [b"evidence: {store: command}\n", b"evidence: {store: repository, command: [a]}\n"])
def test_a_command_belongs_to_its_store(text):
    with pytest.raises(PolicyError, match="`store: command` and `command` belong together; give both, or neither"):
        load_policy(POLICY + text, "releasegate.yaml", {})
