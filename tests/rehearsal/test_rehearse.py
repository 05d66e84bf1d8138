"""The rehearsal, as a newcomer runs it: a whole release through the real commands, with real load."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from playing import (
    LONGEST,
    REHEARSE,
    files_of,
    git,
    ledger_kinds,
    left_running,
    listening,
    own,
    play,
    policy_of,
    processes_of,
    replayed,
    telling,
)

from releasegate.canary.recording import parse

pytestmark = pytest.mark.usefixtures("alone_under_load")


def test_a_healthy_release_goes_to_everybody(tmp_path):
    result, keep, left = play(tmp_path)
    assert (result.returncode, left, left_running(tmp_path), listening(policy_of(keep))) == (0, [], {}, []), (
        result.stderr
    )
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
    assert (result.returncode, left, left_running(tmp_path), listening(policy_of(keep))) == (1, [], {}, []), (
        result.stderr
    )
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
    for step in ("| ✓ see the traffic return | ", "| ✓ smoke checks | "):
        assert step in document
    assert document.count("2 of 2 smoke checks are green") == 1
    (issue,) = (keep / "repo" / ".git" / "releasegate" / "issues").iterdir()
    assert issue.read_text().startswith(
        "<!-- releasegate: rollback:shop:rehearsal:v1.4.0-rc.1 -->\n# v1.4.0-rc.1 was taken back: find the cause\n"
    )
    assert "2 of 2 smoke checks are green" in issue.read_text()
    assert f"✓ follow-up issue: document rollback-v1.4.0-rc.1.md, issue {issue}\n" in result.stderr
    assert replayed(keep)[0] == 1


@pytest.mark.soak
def test_a_fault_that_no_scenario_has_is_found_and_one_screen_tells_it(tmp_path):
    result = subprocess.run(
        [*REHEARSE, "--fault", "errors:/api/cart:6"],
        env=own(tmp_path), capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    screen = result.stdout.splitlines()
    cause = r"errors: the canary is [\d.]+x \(at least [\d.]+x\) the baseline \(evidence .+\)"
    assert re.fullmatch(f"v1.4.0-rc.1 was taken back: {cause}", screen[0])
    row = r"  [✓✗] \d\d:\d\d:\d\d UTC  (.+?)  +\S.*"
    assert [match[1] for line in screen if (match := re.fullmatch(row, line))] == [
        "candidate", "gates", "staging", "gates of staging", "deploy the canary", "5% to the canary",
        "watch the canary", "flip the traffic", "see the change live", "see the traffic return", "mark the release bad",
        "deploy the last known good", "switch features off", "smoke checks", "follow-up issue", "record it",
    ]  # fmt: skip
    told = screen.index("what this canary saw, and could have detected nine times in ten:")
    slis = [line for line in screen[told + 1 :] if re.match(r"  [a-z]", line)]
    assert [line.split(":")[0].strip() for line in slis] == ["errors", "duration", "rate", "agent-cost"]
    ratio = r"canary / baseline [\d.]+ \([\d.]+ to [\d.?]+\)"
    caught = r"would have caught [\d.]+x \(a level of [\d.]+\)"
    assert re.fullmatch(rf"  errors: abort, evidence \S+, {ratio}, {caught}", slis[0])
    assert screen[-2].endswith("is removed again: to keep repository, recording, documents and issue, give --keep DIR")
    report = Path(screen[-1].removeprefix("report: "))
    assert report.read_text().count("was taken back") >= 1
    assert files_of(tmp_path) == [report.parent, report]
    assert left_running(tmp_path) == {}


def interrupted(process, number, tmp_path):
    """Send a signal; gives the exit code, all that was printed, and what is left: files and processes."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=LONGEST)
    return process.returncode, output, errors, files_of(tmp_path), left_running(tmp_path)


@pytest.fixture
def begun(tmp_path):
    """A rehearsal that has just been started, with nowhere to keep anything; gives its process."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*REHEARSE, "--scenario", "costly-agent"], env=own(tmp_path), **pipes)


def test_control_c_while_the_shop_opens_leaves_nothing_behind(tmp_path, begun):
    deadline = time.monotonic() + LONGEST
    while not list(tmp_path.glob("temporary/releasegate-rehearsal-*/logs/*.log")):
        assert time.monotonic() < deadline
        assert begun.poll() is None
    code, output, errors, files, processes = interrupted(begun, signal.SIGINT, tmp_path)
    # Where the signal arrives inside of an `exec`, as in an import, Python ends by it; a shell sees 130 either way.
    assert (code in {130, -signal.SIGINT}, output, files, processes) == (True, "", [], {}), errors
    assert errors.endswith("\nreleasegate: interrupted\n")


def test_control_c_leaves_nothing_behind_and_only_the_shop_learns_the_scenario(tmp_path, begun):
    deadline = time.monotonic() + LONGEST
    for line in begun.stderr:
        if "watch the canary" in line:
            break
        assert time.monotonic() < deadline
    (house,) = tmp_path.glob("temporary/releasegate-rehearsal-*")
    running = processes_of(tmp_path / "temporary")
    words = {word for argv in running.values() for word in argv}
    assert {"rehearse", "releasegate.rehearsal.load", "releasegate.rehearsal.sample.app"} <= words
    knowing = [argv for number, argv in running.items() if "costly-agent" in argv and number != str(begun.pid)]
    assert len(knowing) == 3  # baseline, canary, staging
    assert all("releasegate.rehearsal.sample.app" in argv for argv in knowing), knowing
    assert telling(house, b"costly-agent") == []
    policy = policy_of(house)
    assert len(listening(policy)) == 4
    code, output, errors, files, processes = interrupted(begun, signal.SIGTERM, tmp_path)
    assert (code, output, files, processes) == (130, "", [], {}), errors
    assert errors.endswith("releasegate: interrupted\n")
    assert "flip the traffic: flag checkout-v2" in errors
    assert listening(policy) == []


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            ["--fault", "noise"],
            "releasegate: --fault: 'noise' is no kind of fault: errors, slow or cost; write KIND:ROUTE:FACTOR",
        ),
        (["--keep", "."], "releasegate: .: is there already; name a new folder, or remove this one"),
        (["--keep", ""], "releasegate: .: is there already; name a new folder, or remove this one"),
        (["--keep", "/dev/null/x"], "releasegate: /dev/null/x: cannot be made: Not a directory; name another folder"),
        (["--scenario", "weather"], "releasegate: Invalid value for '--scenario': 'weather' is not one of"),
    ],
)
def test_what_cannot_be_played_is_one_line(option, message):
    result = subprocess.run([*REHEARSE, *option], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_without_git_nothing_can_be_played(tmp_path):
    result = subprocess.run(
        REHEARSE, env={**own(tmp_path), "PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "releasegate: git is not installed; install git 2.31 or newer\n"
    assert files_of(tmp_path) == []


ENDS = {
    "healthy": (0, None), "errors": (1, "errors"), "slow": (1, "duration"), "silent": (1, "rate"),
    "costly-agent": (1, "agent-cost"), "shared-outage": (3, None),
}  # fmt: skip
"""The exit code of each scenario, and the SLI that aborts it."""


def ends(tmp_path, scenario, *options):
    """Play it, and see that it ends as in the table, without a trace of its name; gives its answer and what it kept."""
    code, culprit = ENDS[scenario]
    result, keep, left = play(tmp_path, "--scenario", scenario, *options)
    answer = json.loads(result.stdout)
    aborted = [name for name, sli in answer["judgement"]["slis"].items() if sli["decision"] == "abort"]
    assert (result.returncode, aborted, left) == (code, [culprit] if culprit else [], []), result.stderr
    if "-" in scenario:  # the others are words of the trade
        assert telling(keep, scenario.encode()) == []
    return answer, keep


# Four seeds of each, and the fifth through Prometheus; a shared outage with the first one has its own test.
SEEDS = [(scenario, seed) for scenario in ENDS for seed in "1234" if (scenario, seed) != ("shared-outage", "1")]


@pytest.mark.soak
@pytest.mark.parametrize(("scenario", "seed"), SEEDS)
def test_every_scenario_ends_as_it_should(tmp_path, scenario, seed):
    ends(tmp_path, scenario, "--seed", seed)


@pytest.mark.soak
@pytest.mark.servers
@pytest.mark.parametrize("scenario", ENDS)
def test_every_scenario_ends_in_the_same_way_through_a_real_prometheus(tmp_path, program, scenario):
    program("prometheus")
    ends(tmp_path, scenario, "--seed", "5", "--prometheus")


@pytest.mark.soak
def test_a_shared_outage_is_not_the_canarys_fault_and_is_taken_back_as_the_policy_says(tmp_path):
    answer, keep = ends(tmp_path, "shared-outage", "--seed", "1")
    assert (answer["exit_code"], answer["decision"]) == (3, "inconclusive")
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
