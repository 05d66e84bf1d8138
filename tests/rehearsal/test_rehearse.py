"""The rehearsal, as a newcomer runs it: a whole release through the real commands, with real load."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from releasegate.canary.recording import parse

pytestmark = pytest.mark.usefixtures("alone_under_load")
LONGEST = 300
"""Seconds after which a rehearsal hangs: a busy machine may need several times as long as an idle one."""
REHEARSE = [sys.executable, "-I", "-m", "releasegate", "rehearse", "--format", "json"]


def play(tmp_path, *options):
    """Run it with temporary files of its own; gives the result, the folder that it kept and what it left behind."""
    keep, temporary = tmp_path / "kept", tmp_path / "temporary"
    temporary.mkdir()
    result = subprocess.run(
        [*REHEARSE, "--keep", str(keep), *options],
        env={**os.environ, "TMPDIR": str(temporary)}, capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    return result, keep, list(temporary.iterdir())


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def ledger_kinds(keep):
    names = git(keep / "origin.git", "ls-tree", "-r", "--name-only", "releasegate/ledger").splitlines()
    plain = ("stage.finished", "step.claimed", "step.finished")
    files = [json.loads(git(keep / "origin.git", "show", f"releasegate/ledger:{name}")) for name in sorted(names)]
    return [event["kind"] for event in files[4:] if event["kind"] not in plain]


def processes_of(temporary):
    """The processes of a rehearsal, which all have its folder for temporary files in their environment."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if str(temporary) in os.fsdecode(file.read_bytes()):
                found.append(os.fsdecode((file.parent / "cmdline").read_bytes()).replace("\0", " "))
    return found


def left_running(temporary):
    """Whoever does not end; a child that was just being started ends by itself, when the pipe to it is closed."""
    deadline = time.monotonic() + 30
    while (found := processes_of(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def replayed(keep):
    command = [sys.executable, "-I", "-m", "releasegate", "canary", "replay", str(keep / "recording.jsonl")]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_a_healthy_release_goes_to_everybody(tmp_path):
    result, keep, left = play(tmp_path)
    assert (result.returncode, left, left_running(tmp_path)) == (0, [], []), result.stderr
    answer = json.loads(result.stdout)
    assert (answer["tag"], answer["decision"], answer["exit_code"]) == ("v1.4.0-rc.1", "promote", 0)
    assert answer["headline"] == "v1.4.0 is live for everybody"
    assert git(keep / "origin.git", "rev-parse", "v1.4.0^{commit}") == answer["commit"]
    assert git(keep / "origin.git", "rev-parse", "release/v1.4.0") == answer["commit"]
    assert git(keep / "origin.git", "cat-file", "-t", "v1.4.0-rc.1") == "tag"
    flag_history = git(keep / "origin.git", "log", "--format=%s", "main", "--", "config/feature-flags.yaml")
    assert flag_history.splitlines() == [
        "Set checkout-v2 to 0%", "Set checkout-v2 to 100%", "Set checkout-v2 to 5%", "The shop as users have it",
    ]  # fmt: skip
    assert ledger_kinds(keep) == [
        "release.candidate", "rollout.started", "gates.judged", "gates.judged", "traffic.raised", "canary.started",
        "canary.checkpoint", "canary.decided", "traffic.raised", "rollout.completed", "traffic.lowered",
        "rollout.settled", "release.tagged",
    ]  # fmt: skip
    kept = {path.name for path in keep.iterdir()}
    assert kept >= {"repo", "origin.git", "recording.jsonl", "verdicts", "report.html"}
    assert sorted(path.name for path in (keep / "verdicts").iterdir()) == [
        "lighthouse.json", "tests-offline-sync.json", "zap.json",
    ]  # fmt: skip
    assert git(keep / "repo", "status", "--porcelain") == ""
    assert replayed(keep) == (0, answer["judgement"])
    report = (keep / "report.html").read_text()
    assert "v1.4.0 is live for everybody" in report
    assert "<script" not in report
    with (keep / "recording.jsonl").open() as lines:
        recording = next(parse(lines, "recording.jsonl"))
    requests = sum(
        sum(line.counts["errors"][track][1:])
        for line in recording.lines
        if line.t > 0
        for track in line.counts["errors"]
    )
    assert requests / recording.lines[-1].t >= 200


def test_a_bad_release_is_taken_back(tmp_path):
    result, keep, left = play(tmp_path, "--scenario", "errors")
    assert (result.returncode, left, left_running(tmp_path)) == (1, [], []), result.stderr
    answer = json.loads(result.stdout)
    assert (answer["decision"], answer["judgement"]["cause"]) == ("abort", "worse")
    assert answer["judgement"]["slis"]["errors"]["decision"] == "abort"
    assert answer["headline"].startswith("v1.4.0-rc.1 was taken back: errors: the canary is ")
    flags = git(keep / "origin.git", "show", "main:config/feature-flags.yaml")
    assert "# Who sees what." in flags
    assert ledger_kinds(keep) == [
        "release.candidate", "rollout.started", "gates.judged", "gates.judged", "traffic.raised", "canary.started",
        "canary.checkpoint", "canary.decided", "rollback.started", "release.marked-bad", "traffic.lowered",
        "rollback.finished",
    ]  # fmt: skip
    assert git(keep / "origin.git", "tag", "--list", "v1.4.0") == ""
    document = (keep / "rollback-v1.4.0-rc.1.md").read_text()
    assert document.startswith("# Rollback of v1.4.0-rc.1 (shop, rehearsal)\n")
    assert "- **What:** from v1.4.0-rc.1 to v1.3.0\n" in document
    assert replayed(keep)[0] == 1


def test_a_fault_that_no_scenario_has_is_found(tmp_path):
    result, _, _ = play(tmp_path, "--fault", "errors:/api/cart:6")
    answer = json.loads(result.stdout)
    assert (result.returncode, answer["decision"]) == (1, "abort"), result.stderr
    assert answer["judgement"]["slis"]["errors"]["decision"] == "abort"


def test_control_c_while_the_shop_opens_leaves_nothing_behind(tmp_path):
    process = subprocess.Popen(
        REHEARSE, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + LONGEST
    while not list(tmp_path.glob("releasegate-rehearsal-*/logs/*.log")):
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=LONGEST)
    # Where the signal arrives inside of an `exec`, as in an import, Python ends by it; a shell sees 130 either way.
    assert (process.returncode in {130, -signal.SIGINT}, output) == (True, ""), errors
    assert errors.endswith("\nreleasegate: interrupted\n")
    assert (list(tmp_path.iterdir()), left_running(tmp_path)) == ([], [])


def test_control_c_leaves_nothing_behind(tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [*REHEARSE, "--scenario", "healthy"],
        env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + LONGEST
    for line in process.stderr:
        if "watch the canary" in line:
            break
        assert time.monotonic() < deadline
    assert {"rehearse", "releasegate.rehearsal.load", "releasegate.rehearsal.sample.app"} <= {
        word for line in processes_of(temporary) for word in line.split()
    }
    process.terminate()
    output, errors = process.communicate(timeout=LONGEST)
    assert (process.returncode, output) == (130, ""), errors
    assert errors.endswith("releasegate: interrupted\n")
    assert "flip the traffic: flag checkout-v2" in errors
    assert (list(temporary.iterdir()), left_running(temporary)) == ([], [])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            ["--fault", "noise"],
            "releasegate: --fault: 'noise' is no kind of fault: errors, slow or cost; write KIND:ROUTE:FACTOR",
        ),
        (["--keep", "."], "releasegate: .: is there already; name a new folder, or remove this one"),
        (["--scenario", "weather"], "releasegate: Invalid value for '--scenario': 'weather' is not one of"),
    ],
)
def test_what_cannot_be_played_is_one_line(option, message):
    result = subprocess.run([*REHEARSE[:-2], *option], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("scenario", "code", "culprit"),
    [
        ("healthy", 0, None), ("errors", 1, "errors"), ("slow", 1, "duration"), ("silent", 1, "rate"),
        ("costly-agent", 1, "agent-cost"), ("shared-outage", 3, None),
    ],
)  # fmt: skip
def test_every_scenario_ends_as_it_should(tmp_path, scenario, code, culprit, seed):
    result, _, left = play(tmp_path, "--scenario", scenario, "--seed", str(seed))
    answer = json.loads(result.stdout)
    aborted = [name for name, sli in answer["judgement"]["slis"].items() if sli["decision"] == "abort"]
    assert (result.returncode, aborted, left) == (code, [culprit] if culprit else [], []), result.stderr


@pytest.mark.soak
def test_a_shared_outage_is_not_the_canarys_fault_and_is_taken_back_as_the_policy_says(tmp_path):
    result, keep, _ = play(tmp_path, "--scenario", "shared-outage")
    answer = json.loads(result.stdout)
    assert (result.returncode, answer["exit_code"], answer["decision"]) == (3, 3, "inconclusive"), result.stderr
    assert "a shared outage" in answer["judgement"]["reason"]
    assert answer["headline"].startswith("v1.4.0-rc.1 was taken back: errors: the baseline itself is far worse")
    assert ledger_kinds(keep)[-1] == "rollback.finished"


@pytest.mark.soak
def test_a_candidate_that_loses_work_done_without_a_network_stops_in_staging(tmp_path):
    result, keep, left = play(tmp_path, "--scenario", "lost-work")
    answer = json.loads(result.stdout)
    assert (result.returncode, answer["decision"], left) == (1, None, []), result.stderr
    assert answer["headline"].startswith("v1.4.0-rc.1 stopped at `gates of staging`: tests/offline-sync fail: ")
    assert ledger_kinds(keep) == [
        "release.candidate", "rollout.started", "gates.judged", "gates.judged", "rollout.aborted",
    ]  # fmt: skip


@pytest.mark.servers
def test_the_same_release_through_a_real_prometheus(tmp_path, program):
    program("prometheus")
    result, _, left = play(tmp_path, "--prometheus", "--scenario", "errors")
    answer = json.loads(result.stdout)
    assert (result.returncode, answer.get("decision"), left) == (1, "abort", []), result.stderr
