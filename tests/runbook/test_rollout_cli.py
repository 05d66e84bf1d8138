"""`releasegate rollout` and `rollback` in a terminal."""

import json
import os
import re
import secrets
import subprocess
import sys

import pytest

from releasegate.cli.clock import SystemClock
from releasegate.forge.local import LocalForge
from releasegate.ledger.event import STAGES
from releasegate.runbook.journal import Draft, Journal
from repositories import committed, git, origin, with_origin
from worlds import FLAG_FILE, FLAGS, POLICY

SMOKE = 'manual: [the till prints]\nchecks: {page: {url: "http://127.0.0.1:9/"}}\n'
WHOLE = POLICY.decode().replace("rollback: {", "rollback: {smoke: smoke.yaml, ")
WHOLE = WHOLE.replace('command: [ci, "{tag}"]', 'command: ["true"]')


@pytest.fixture
def checkout(tmp_path):
    folder = with_origin(tmp_path / "here", origin(tmp_path / "origin"))
    committed(folder, {FLAG_FILE: FLAGS.decode(), "releasegate.yaml": WHOLE, "smoke.yaml": SMOKE})
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    return folder


def of_file(get="print(open('split').read() + '%')"):
    """The policy's commands for a split that is a file."""
    put = "import sys; open('split', 'w').write(sys.argv[1])"
    return json.dumps({"get": [sys.executable, "-c", get], "set": [sys.executable, "-c", put, "{percent}"]})


def write(folder, tag, events):
    """Put what happened to a candidate into the ledger."""
    forge = LocalForge(folder)
    subject = {"service": "shop", "environment": "test", "tag": tag, "commit": forge.resolve("HEAD")}
    journal = Journal(forge, "releasegate/ledger", SystemClock(), secrets.token_bytes)
    journal.append(*(Draft(kind, subject, data) for kind, data in events.items()))


def test_a_plan_changes_nothing(command, checkout):
    before = git(checkout, "ls-remote", "origin")
    code, output, errors = command(checkout, "rollout", "--dry-run", "--format", "json")
    plan = json.loads(output)
    assert (code, errors) == (0, "")
    assert [step["step"] for step in plan["steps"]] == list(STAGES)
    assert not any(step["done"] for step in plan["steps"])
    assert plan["steps"][0]["would"].startswith("v0.1.0-rc.1 on ")
    assert plan["now"] == "flag checkout-v2 in config/feature-flags.yaml: on for 0%"
    assert git(checkout, "ls-remote", "origin") == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["v9.9.9"], 2, "releasegate: there is no tag `v9.9.9`; is it spelled right, and pushed?\n"),
        (["--accept-inconclusive"], 2, "releasegate: no reason is given; say why with --reason TEXT\n"),
        (["--until", "lunch"], 2, "releasegate: Invalid value for '--until': 'lunch' is not one of"),
        (
            ["--override-freeze", "--reason", "urgent"], 2,
            "releasegate: nobody vouches that you are Ada, so you cannot override a freeze; dispatch the workflow on",
        ),
        (["--resume-or-rollback"], 0, ""),
    ],
)  # fmt: skip
def test_what_it_says_when_it_does_not_begin(command, checkout, arguments, code, said):
    found, _, errors = command(checkout, "rollout", *arguments)
    assert (found, errors.startswith(said)) == (code, True), errors
    assert "traffic.raised" not in git(checkout, "ls-remote", "origin")


def test_without_a_gate_it_stops_before_any_traffic_and_goes_on_from_there(command, checkout):
    for _ in range(2):
        code, output, errors = command(checkout, "rollout", "--format", "json")
        result = json.loads(output)
        assert (code, result["headline"]) == (3, "v0.1.0-rc.1 stopped at `gates`: no gate in the policy"), errors
        assert [stage["stage"] for stage in result["stages"]] == ["tag", "gates"]
    assert [stage["state"] for stage in result["stages"]] == ["already", "failed"]
    assert "v0.1.0-rc.1" in git(checkout, "ls-remote", "--tags", "origin")
    code, output, _ = command(checkout, "status")
    assert "rollout of v0.1.0-rc.1, 1 of 9 stages done, next: gates" in output


def test_a_job_that_resumes_needs_no_tag(command, checkout):
    write(checkout, "v0.1.0-rc.1", {"rollout.started": {"from": None, "revision": "x"}})
    assert command(checkout, "rollout", "--dry-run")[::2] == (
        2, "releasegate: there is no tag `v0.1.0-rc.1`; is it spelled right, and pushed?\n",
    )  # fmt: skip
    code, output, errors = command(checkout, "rollout", "--resume-or-rollback", "--dry-run")
    assert (code, errors) == (0, "")
    assert output.splitlines()[1].startswith("1. v0.1.0-rc.1 on ")


def test_a_job_that_resumes_keeps_the_evidence_of_a_run_that_died_before_it_could(command, checkout):
    (checkout / "releasegate.yaml").write_text(f"{WHOLE}evidence: {{store: repository}}\n")
    events = {"rollout.started": {}, "rollout.settled": {}, "release.tagged": {"release": "v0.1.0"}}
    write(checkout, "v0.1.0-rc.1", events)
    nothing = {"schema": "releasegate/rollout/1", "tag": None, "exit_code": 0}
    resume = ["rollout", "--resume-or-rollback", "--format", "json"]
    code, output, errors = command(checkout, *resume, "--dry-run")
    assert (code, json.loads(output)) == (0, nothing), errors
    code, output, errors = command(checkout, *resume)
    result = json.loads(output)
    assert (code, result.pop("evidence")[:9], result) == (0, "0 files, ", nothing), errors
    assert "refs/heads/releasegate/evidence" in git(checkout, "ls-remote", "origin")
    code, output, errors = command(checkout, *resume)
    assert (code, json.loads(output)) == (0, nothing), errors


def test_a_rollback_shows_what_it_would_do(command, checkout):
    command(checkout, "rollout", "--until", "tag")
    code, output, errors = command(checkout, "rollback", "--dry-run")
    assert (code, errors) == (0, "")
    assert output.startswith(
        "now: flag checkout-v2 in config/feature-flags.yaml: on for 0%\n"
        "from v0.1.0-rc.1 to no last known good release\n1. set the canary's weight to 0\n"
    )
    assert "\n   -  enabled: true\n   +  enabled: false\n" in output


def test_neither_smoke_checks_nor_a_folder_that_cannot_be_used_stop_a_rollback(command, checkout, monkeypatch):
    monkeypatch.setenv("RUNNER_TEMP", str(checkout / "smoke.yaml"))
    (checkout / "smoke.yaml").write_text("checks: [")
    code, output, errors = command(checkout, "rollback", "--traffic-only", "--format", "json")
    result = json.loads(output)
    states = {step["step"]: step["state"] for step in result["steps"]}
    assert (code, result["traffic_is_back"], states["record"]) == (0, True, "done"), errors
    code, _, errors = command(checkout, "rollout")
    assert (code, errors.startswith("releasegate: smoke.yaml:2:1: not YAML")) == (2, True), errors


def test_a_cancelled_job_takes_back_what_is_unfinished_and_nothing_else(command, checkout):
    """With blue-green a rollback of a finished release would flip everybody to the one before."""
    policy = WHOLE.replace("flag: {name: checkout-v2}", f"command: {of_file()}, blue-green: true")
    (checkout / "releasegate.yaml").write_text(policy)
    (checkout / "split").write_text("100")
    words = ["rollback", "--yes", "--traffic-only", "--unfinished-only"]
    events = {
        "release.candidate": {}, "rollout.started": {}, "traffic.raised": {"weight": 1.0},
        "tracks.swapped": {"live": "green", "release": "v1.0.0-rc.1"}, "rollout.settled": {},
    }  # fmt: skip
    write(checkout, "v1.0.0-rc.1", events)
    assert command(checkout, *words)[:2] == (0, "no rollout is unfinished\n")
    code, output, _ = command(checkout, *words, "--dry-run", "--format", "json")
    assert (code, json.loads(output)["exit_code"], (checkout / "split").read_text()) == (0, 0, "100")
    write(checkout, "v1.1.0-rc.1", {"rollout.started": {}, "traffic.raised": {"weight": 1.0}})
    (checkout / "split").write_text("0")  # green is live: the canary is blue
    code, output, errors = command(checkout, *words)
    assert (code, (checkout / "split").read_text()) == (0, "100"), output + errors


@pytest.mark.parametrize("colours", [False, True])
def test_a_split_that_cannot_be_read_ends_no_rollback_at_its_question(checkout, colours):
    command = of_file("import sys; text = open('split').read(); print(text + '%') if text == '0' else sys.exit('503')")
    turns = ", blue-green: true" if colours else ""
    policy = WHOLE.replace("flag: {name: checkout-v2}", f"command: {command}{turns}")
    (checkout / "releasegate.yaml").write_text(policy)
    (checkout / "split").write_text("100")
    person, terminal = os.openpty()
    os.write(person, b"y\n\n")
    command = [sys.executable, "-I", "-m", "releasegate", "rollback", "--traffic-only"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, stdin=terminal, check=False)
    for end in (person, terminal):
        os.close(end)
    assert (
        ": take shop (test) back from the canary to what was live before? Now: the split cannot be read" in done.stderr
    )
    if colours:  # nobody can tell which colour is the bad one
        assert (done.returncode, (checkout / "split").read_text()) == (4, "100"), done.stderr
        assert done.stdout.startswith("TRAFFIC IS NOT BACK: set the split to 0 by hand, now\n")
        assert f"\n{sys.executable} -c 'import sys; open" in done.stdout
    else:
        assert (done.returncode, (checkout / "split").read_text()) == (0, "0"), done.stderr
        assert done.stdout.startswith("traffic is back, and every step held\n")


def in_terminal(folder, typed, *words):
    """A person at a terminal who types `typed`: the exit code, what was asked, and what was recorded as the reason."""
    person, terminal = os.openpty()
    os.write(person, typed)
    command = [sys.executable, "-I", "-m", "releasegate", "rollback", "--traffic-only", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=terminal, check=False)
    for end in (person, terminal):
        os.close(end)
    journal = Journal(LocalForge(folder), "releasegate/ledger", SystemClock(), secrets.token_bytes)
    reasons = [event.data["reason"] for event in journal.events() if event.kind == "rollback.explained"]
    return done.returncode, (done.stderr.count("[y/N]"), done.stderr.count("Why (may be empty)")), reasons


@pytest.mark.parametrize(
    ("typed", "words", "code", "asked", "reasons"),
    [
        (b"y\nthe till  is slow\n", [], 0, (1, 1), ["the till is slow"]),
        (b"y\n", ["--reason", "it is slow"], 0, (1, 0), []),
        (b"", ["--yes"], 0, (0, 0), []),
        (b"n\n", [], 130, (1, 0), []),
    ],
)
def test_a_person_is_asked_once_and_for_the_reason_afterwards(checkout, typed, words, code, asked, reasons):
    assert in_terminal(checkout, typed, *words) == (code, asked, reasons)


PROMETHEUS = """\
import json, sys
query, at = sys.argv[1], float(sys.argv[2])
rows = [("stable", 100 * at), ("canary", 5)]
rows = [{"metric": {"track": track}, "value": [at, str(value)]} for track, value in rows if track in query]
print(json.dumps({"data": {"resultType": "vector", "result": rows}}))
"""


def test_where_only_the_evidence_is_not_kept_the_document_tells_the_exit_code_that_is_returned(command, checkout):
    metrics = json.dumps({"command": [sys.executable, "-c", PROMETHEUS, "{query}", "{time}"]})
    policy = WHOLE.replace("smoke: smoke.yaml, ", "")
    policy = policy.replace("interval: 10s", "interval: 1s").replace("settle: 60s", "settle: 4s")
    policy = policy.replace('{prometheus: {url: "http://127.0.0.1:1"}}', metrics) + "evidence: {store: release-asset}\n"
    committed(checkout, {"releasegate.yaml": policy})
    git(checkout, "push", "--quiet", "origin", "HEAD:main")
    for words in (["rollout", "--until", "tag"], ["rollback"]):
        code, output, errors = command(checkout, *words, "--format", "json")
        result = json.loads(output)
        assert result["evidence"].startswith("the evidence is NOT kept: a plain git repository has no releases"), errors
        states = {step["state"] for step in result.get("steps", ())}
        assert (code, result["exit_code"], "failed" in states) == (4, 4, False), output


def test_a_manual_check_is_ticked_by_somebody(command, checkout):
    code, output, errors = command(checkout, "rollback", "--tick", "1")
    told, listed = output.splitlines()
    assert (code, told) == (0, "recorded: Ada looked at 1. the till prints"), errors
    assert re.fullmatch(r"- \[x\] 1\. the till prints \(Ada, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)", listed)
    code, output, _ = command(checkout, "rollback", "--tick", "1", "--dry-run", "--format", "json")
    document = json.loads(output)
    assert (code, document.pop("checks")) == (0, {"the till prints": listed.partition("(")[2][:-1]})
    assert document == {"schema": "releasegate/tick/1", "number": 1, "check": "the till prints", "who": "Ada"}
    assert command(checkout, "rollback", "--tick", "2")[2] == (
        "releasegate: --tick: there are 1 manual checks; see rollback.smoke\n"
    )
