"""`releasegate kill-switch` at a terminal, on a real repository: a local name stops the agents, and cannot undo it."""

import json
from functools import partial

import pytest

from repositories import committed, git, origin, porcelain, with_origin

FILE = "config/feature-flags.yaml"
FLAGS = "AGENT_SAFE_MODE: 0   # 1 stops the agents\nsearch: true\n"
POLICY = """\
version: 1
service: checkout
environment: production
flags: {live: {command: [git, cat-file, -e, "{blob}"]}}
kill-switch: {flag: AGENT_SAFE_MODE, value: 1, collect: {logs: {command: [echo, "a line"]}}}
gates: {tests: {regression: {junit: [report.xml]}}}
"""
NO_POLICY = (
    "releasegate: no policy: neither releasegate.yaml nor .github/releasegate.yaml is here; "
    "run `releasegate init`, or name one with --policy FILE\n"
)
NEEDS_GITHUB = (
    "releasegate: flags.commit: pull-request needs GitHub, and this is a plain git repository; "
    "write flags.commit: direct or patch, or name the repository on GitHub: --repo OWNER/NAME\n"
)


@pytest.fixture
def repo(tmp_path):
    folder = with_origin(tmp_path / "repo", origin(tmp_path / "origin.git"))
    committed(folder, {FILE: FLAGS, "releasegate.yaml": POLICY, "AGENT-GUARDRAILS.md": "# Guardrails\n"})
    git(folder, "push", "--quiet", "origin", "main")
    return folder


@pytest.fixture
def call(repo, command):
    return partial(command, repo, "kill-switch")


def shown(repo):
    return git(repo.parent / "origin.git", "show", f"main:{FILE}") + "\n"


def test_status_on_status_and_a_refused_off(repo, call):
    assert call("status") == (0, "the kill switch is off\nAGENT_SAFE_MODE in the flag file: off\n", "")
    code, out, err = call("on", "--reason", "it promised refunds")
    assert (code, err, shown(repo)) == (0, "", FLAGS.replace("MODE: 0", "MODE: 1"))
    head = git(repo.parent / "origin.git", "rev-parse", "--short=12", "main")
    lines = out.splitlines()
    assert lines[0] == "the agents are stopped"
    assert lines[1] == f"  ✓ stop the agents: committed {head}"
    assert lines[2].startswith("  ✓ see it live: live after ")
    assert [line.split(":")[0] for line in lines[3:]] == [
        "  ✓ record it", "  ✓ tell those in charge", "  ✓ open the review",
    ]  # fmt: skip
    private = repo / ".git" / "releasegate"
    assert sorted(path.name for path in (private / "messages").iterdir()) == ["ai-platform", "compliance"]
    assert [path.read_text() for path in (private / "kill-switch").iterdir()] == ["a line"]
    assert porcelain(repo) == []
    code, out, err = call("status", "--format", "json")
    document = json.loads(out)
    assert (code, document["on"], document["says"], document["by"], document["why"]) == (
        0, True, "on", {"name": "Ada", "verified": False}, "it promised refunds",
    )  # fmt: skip
    assert len(document["missing"]) == 3
    code, out, err = call("off", "--root-cause", "the prompt let it")
    assert (code, out) == (3, "")
    assert err.startswith("releasegate: the agents stay stopped: AGENT-GUARDRAILS.md was not changed since")
    assert shown(repo) == FLAGS.replace("MODE: 0", "MODE: 1")
    code, out, err = call("status")
    assert "root cause: the prompt let it\n" in out
    assert "by Ada (unverified)\n" in out


@pytest.mark.parametrize(
    "words", [["set", "AGENT_SAFE_MODE", "0"], ["off", "AGENT_SAFE_MODE"], ["rollout", "AGENT_SAFE_MODE", "50"]]
)
def test_while_it_is_on_nobody_changes_its_flag_by_hand(repo, call, command, words):
    flags = partial(command, repo, "flags")
    assert flags("off", "AGENT_SAFE_MODE")[1] == "nothing to change: it is so already\n"
    assert call("on")[0] == 0
    said = "releasegate: `AGENT_SAFE_MODE` stays 1: the kill switch is on since "
    for more in ([], ["--dry-run"], ["--patch", "-"]):
        code, out, err = flags(*words, *more)
        assert (code, out, err[: len(said)]) == (3, "", said)
        assert err.endswith(" UTC (Ada); let the agents run again with `releasegate kill-switch off`\n")
    assert shown(repo) == FLAGS.replace("MODE: 0", "MODE: 1")
    assert flags("set", "AGENT_SAFE_MODE", "1", "search", "off")[0] == 0
    assert flags("off", "AGENT_SAFE_MODE", "--in-place")[0] == 0, "nothing is committed, so no agent runs"


def test_a_reason_that_is_no_utf_8_stops_nobody(repo, call):
    code, out, err = call("on", "--reason", "caf\udce9 refunds")
    assert (code, err, out.splitlines()[0]) == (0, "", "the agents are stopped")
    assert shown(repo) == FLAGS.replace("MODE: 0", "MODE: 1")
    assert json.loads(call("status", "--format", "json")[1])["why"] == "caf? refunds"
    code, _, err = call("off", "--root-cause", "the caf\udce9")
    assert (code, err.startswith("releasegate: the agents stay stopped: ")) == (3, True)
    assert "root cause: the caf?\n" in call("status")[1]


def test_on_is_a_plan_with_dry_run(repo, call):
    plan = (
        "1. set AGENT_SAFE_MODE to 1 for everybody\n2. publish the flag file and wait until it is live\n"
        "3. append to the ledger\n4. tell ai-platform, compliance\n5. collect logs, and open a review item\n"
    )
    assert call("on", "--dry-run") == (0, plan, "")
    assert shown(repo) == FLAGS


def test_validate_without_evidence_is_inconclusive_and_recorded(repo, call):
    call("on")
    commit = committed(repo, {"AGENT-GUARDRAILS.md": "# Guardrails\n- no refunds\n"})
    git(repo, "pull", "--quiet", "--rebase", "origin", "main")
    git(repo, "push", "--quiet", "origin", "main")
    commit = git(repo, "rev-parse", "HEAD")
    code, out, err = call("validate", "--format", "json")
    assert (code, err) == (3, "")
    found = {"schema": "releasegate/guardrails/1", "commit": commit, "verdict": "inconclusive"}
    assert json.loads(out) == {**found, "recorded": True}
    ledger = git(repo.parent / "origin.git", "rev-parse", "releasegate/ledger")
    code, out, err = call("validate", "--dry-run")
    assert (code, err, out.splitlines()[0]) == (3, "", "inconclusive (not recorded)")
    assert git(repo.parent / "origin.git", "rev-parse", "releasegate/ledger") == ledger
    assert any("was not validated in staging" in line for line in call("status")[1].splitlines())


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (POLICY.replace("kill-switch", "# kill-switch"),
         "releasegate: no `kill-switch` in the policy; add kill-switch: {flag: AGENT_SAFE_MODE, value: 1}\n"),
        (None, NO_POLICY),
        (POLICY.replace("flags: {", "flags: {commit: pull-request, "),
         NEEDS_GITHUB),
    ],
)  # fmt: skip
def test_without_a_policy_for_it(repo, call, policy, message):
    if policy is None:
        (repo / "releasegate.yaml").unlink()
    else:
        (repo / "releasegate.yaml").write_text(policy)
    assert call("on") == (2, "", message)
    assert shown(repo) == FLAGS


def test_a_flag_that_is_not_there_stops_nothing_and_says_so_loudly(repo, call):
    (repo / "releasegate.yaml").write_text(POLICY.replace("AGENT_SAFE_MODE", "AGENT_SAVE_MODE"))
    code, out, _ = call("on")
    assert (code, shown(repo)) == (4, FLAGS)
    lines = out.splitlines()
    assert lines[0] == "THE AGENTS ARE NOT STOPPED: set the flag by hand, now"
    assert lines[1] == (
        f"  ✗ stop the agents: {FILE}: there is no flag `AGENT_SAVE_MODE`; did you mean `AGENT_SAFE_MODE`?"
    )
