"""Every command through the real composite action, in one job: what it exits with, and that nothing is a bug."""

import json
import re

import click
import pytest
import yaml
from act_runs import SAMPLES
from test_summary import recording

from releasegate.cli.main import releasegate

ELSEWHERE = {"action", "rehearse", "rollout", "canary watch", "canary backtest"}
"""Their own tests run them, or they need more than a repository."""
INPUTS = {
    "canary plan": ({"args": "--requests 100 --errors 1%"}, 0),
    "canary replay": ({"args": "canary.jsonl"}, 3),
    "flags get": ({"args": "checkout-v2"}, 0),
    "flags list": ({}, 0),
    "flags lint": ({}, None),
    "flags off": ({"args": "checkout-v2", "reason": "why"}, 0),
    "flags prove": ({"args": "checkout-v2"}, 0),
    "flags rollout": ({"args": "--in-place checkout-v2 5"}, 0),
    "flags set": ({"args": "--in-place checkout-v2 on"}, 0),
    "gate lighthouse": ({"reports": ".lighthouseci", "config": "lighthouserc.json"}, 0),
    "gate lint": ({}, None),
    "gate run": ({}, None),
    "gate stamp": ({"reports": ".lighthouseci"}, 0),
    "gate tests": ({"reports": "junit.xml"}, 0),
    "gate zap": ({"reports": "zap.json"}, None),
    "init": ({"args": "--yes"}, 0),
    "kill-switch on": ({"dry-run": "true"}, 0),
    "kill-switch status": ({}, 0),
    "ledger show": ({}, 0),
    "ledger verify": ({}, None),
    "policy explain": ({}, 0),
    "rollback": ({"dry-run": "true"}, 0),
    "schema": ({"args": "policy"}, 0),
    "tag rc": ({"tag": "1.0.0"}, 0),
}
"""Inputs and the exit code; None: whatever it says of this repository. A command that is not here runs without any."""


def leaves(command, words=()):
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    for name in command.list_commands(click.Context(command)):
        yield from leaves(command.get_command(click.Context(command), name), (*words, name))


def workflow(commands):
    steps = [{"uses": "actions/checkout@v6"}]
    for command in commands:
        given = {"command": command, **INPUTS.get(command, ({}, None))[0]}
        steps.append({"name": command, "uses": "releasegate/releasegate@v1", "continue-on-error": True, "with": given})
    return yaml.safe_dump(
        {"on": "push", "jobs": {"all": {"runs-on": "ubuntu-latest", "steps": steps}}}, sort_keys=False
    )


def test_every_command_that_is_named_exists():
    assert INPUTS.keys() | ELSEWHERE - {"action"} <= set(leaves(releasegate))


@pytest.mark.soak
def test_every_command_runs_through_the_action(shop, act):
    (shop / "junit.xml").write_text('<testsuite name="t" tests="1"><testcase classname="a" name="b"/></testsuite>')
    (shop / "zap.json").write_bytes((SAMPLES / "zap.json").read_bytes())
    (shop / "canary.jsonl").write_text("\n".join(recording(bad=1)))
    commands = [name for name in leaves(releasegate) if name not in ELSEWHERE]
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
