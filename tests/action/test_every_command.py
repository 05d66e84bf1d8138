"""Every command through the real composite action, in one job: what it exits with, and that nothing is a bug."""

import json
import re
from pathlib import Path

import click
import pytest
import yaml
from act_runs import SAMPLES, git
from test_summary import recording

from releasegate.cli.main import releasegate

ELSEWHERE = {
    "rollout": "test_rollout_workflow.py", "canary backtest": "test_examples.py", "canary watch": "test_schedule.py",
    "rehearse": "test_schedule.py",
}  # fmt: skip
"""What needs more than a repository, and the test that runs it through the action."""
INPUTS = {
    "canary plan": ({"args": "--requests 100 --errors 1%"}, 0),
    "canary replay": ({"args": "canary.jsonl"}, 3),
    "doctor": ({}, 1),
    "flags get": ({"args": "checkout-v2"}, 0),
    "flags list": ({}, 0),
    "flags lint": ({}, None),
    "flags off": ({"args": "checkout-v2", "reason": "why"}, 0),
    "flags prove": ({"args": "checkout-v2"}, 0),
    "flags restore": ({"args": "checkout-v2"}, 0),
    "flags rollout": ({"args": "--in-place checkout-v2 5"}, 0),
    "flags set": ({"args": "--in-place checkout-v2 on"}, 0),
    "gate lighthouse": ({"reports": ".lighthouseci", "config": "lighthouserc.json"}, 0),
    "gate changes": ({}, 3),
    "gate lint": ({"args": "--config lighthouserc.json"}, 0),
    "gate migrations": ({}, 2),
    "gate run": ({"tag": "v1.0.0-rc.1"}, 0),
    "gate stamp": ({"reports": ".lighthouseci"}, 0),
    "gate tests": ({"reports": "junit.xml"}, 0),
    "gate zap": ({"reports": "zap.json"}, None),
    "init": ({"args": "--yes"}, 0),
    "kill-switch off": ({"dry-run": "true"}, 0),
    "kill-switch on": ({"dry-run": "true"}, 0),
    "kill-switch status": ({}, 0),
    "kill-switch validate": ({}, 0),
    "ledger export": ({}, 0),
    "ledger index": ({}, 0),
    "ledger show": ({}, 0),
    "ledger verify": ({}, 0),
    "policy explain": ({}, 0),
    "rollback": ({"dry-run": "true"}, 0),
    "schema": ({"args": "policy"}, 0),
    "status": ({}, 4),
    "tag bad": ({"tag": "v1.0.0-rc.1"}, 0),
    "tag last-good": ({}, 3),
    "tag rc": ({"tag": "1.0.0"}, 0),
    "tag release": ({}, 3),
}
"""Inputs and the exit code; None: whatever it says of this repository."""
GATES = """\
gates:
  undated: accept
  tests: {regression: {junit: [junit.xml]}}
"""


def leaves(command, words=()):
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    for name in command.list_commands(click.Context(command)):
        yield from leaves(command.get_command(click.Context(command), name), (*words, name))


def workflow(commands):
    steps = [{"uses": "actions/checkout@v6"}]
    for command in commands:
        given = {"command": command, **INPUTS[command][0]}
        steps.append({"name": command, "uses": "releasegate/releasegate@v1", "continue-on-error": True, "with": given})
    return yaml.safe_dump(
        {"on": "push", "jobs": {"all": {"runs-on": "ubuntu-latest", "steps": steps}}}, sort_keys=False
    )


def test_every_command_is_run_through_the_action_somewhere():
    assert sorted([*INPUTS, *ELSEWHERE]) == sorted(leaves(releasegate))
    assert [file for file in ELSEWHERE.values() if not Path(__file__).with_name(file).is_file()] == []


@pytest.mark.soak
def test_every_command_runs_through_the_action(shop, act):
    (shop / "junit.xml").write_text('<testsuite name="t" tests="1"><testcase classname="a" name="b"/></testsuite>')
    (shop / "zap.json").write_bytes((SAMPLES / "zap.json").read_bytes())
    (shop / "canary.jsonl").write_text("\n".join(recording(bad=1)))
    (shop / "AGENT-GUARDRAILS.md").write_text("# Guardrails\n- no refunds\n")
    with (shop / "releasegate.yaml").open("a") as policy:
        policy.write(GATES)
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "-m", "evidence")
    git(shop, "push", "--quiet", "origin", "main")
    commands = sorted(INPUTS)
    commands.sort(key=lambda name: name != "tag rc")  # the others leave changes behind, and a dirty tree is not tagged
    run = act(shop, workflow=workflow(commands), options=("--json",))
    codes = dict.fromkeys(commands, 0)
    for line in run.log.splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        failed = re.match(r"exit status (\d+)", entry.get("msg", "")) or re.search(
            r"exitcode '(\d+)'", entry.get("msg", "")
        )
        if failed and entry.get("step") in codes:
            codes[entry["step"]] = int(failed[1])
    assert {name: code for name, code in codes.items() if code not in range(5)} == {}
    expected = {name: code for name, (_, code) in INPUTS.items() if code is not None}
    assert {name: codes[name] for name in expected} == expected
    assert "this is a bug in releasegate" not in run.log
