"""Every command through the real composite action, in one job: GitHub's emulator, a real Prometheus, a job's token.

The steps are one story, in the order of the table: a candidate and its evidence, a canary, flags, and what takes back.
"""

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import yaml
from act_runs import SAMPLES, git
from test_summary import recording

from github_front import github_forge
from github_shop import push
from planted import JOB
from releasegate.cli.main import releasegate
from servers import await_true, counting_app, free_port, prometheus, query, traffic

ELSEWHERE = {
    "rollout": "test_github_rollout.py", "canary backtest": "test_examples.py", "rehearse": "test_schedule.py",
}  # fmt: skip
"""What needs more than this repository, and the test that runs it through the action."""
NOTHING, CANDIDATE = {}, {"tag": "v1.0.0-rc.1"}
PASS = {"verdict": "pass"}
STEPS = {
    "doctor": ({}, 0, "10 checks: 0 red, ", {"verdict": "warn"}),
    "init": ({"args": "--yes"}, 0, "5. commit the files, then try: ", NOTHING),
    "policy explain": ({}, 0, "service: shop", NOTHING),
    "schema": ({"args": "policy"}, 0, '  "title": "releasegate.yaml",', NOTHING),
    "tag rc": ({"tag": "1.0.0"}, 0, "RC_TAG=v1.0.0-rc.1", CANDIDATE),
    "gate lighthouse": ({"reports": ".lighthouseci"}, 0, "lighthouse: PASS: 0 of 8 checks failed ", PASS),
    "gate zap": ({"reports": "zap.json"}, 0, "zap: PASS: 3 INFO on 1 site", PASS),
    "gate tests": ({"reports": "junit.xml"}, 0, "tests: PASS: 1 passed", PASS),
    "gate changes": ({}, 3, "releasegate: changes: there is no last known good release ", NOTHING),
    "gate lint": ({"args": "--config lighthouserc.json"}, 0, "lint: PASS: 0 remarks on lighthouserc.json", PASS),
    "gate migrations": ({}, 2, "releasegate: the policy has no `rollback.migrations`; ", NOTHING),
    "gate stamp": ({"reports": ".lighthouseci"}, 0, ".lighthouseci/releasegate-subject.json: ", NOTHING),
    "gate run": ({"tag": "v1.0.0-rc.1"}, 0, "run: PASS: tests/regression pass: 1 passed", PASS),
    "canary plan": ({"args": "--requests 100 --errors 1%"}, 0, "With 5% of 100 requests/s, 30 minutes ", NOTHING),
    "canary replay": ({"args": "canary.jsonl"}, 3, "shop-1: inconclusive: ", {"decision": "inconclusive"}),
    "canary watch": ({"args": "--once --since SINCE"}, 3, "shop-production-", {"decision": "inconclusive"}),
    "flags list": ({}, 0, "checkout-v2      on for 50%", NOTHING),
    "flags get": ({"args": "checkout-v2"}, 0, "on for 50%", NOTHING),
    "flags lint": ({}, 0, "flags: PASS: 0 remarks on config/feature-flags.yaml", PASS),
    "flags prove": ({"args": "checkout-v2"}, 0, "checkout-v2 at 50%: 4981 of 10000 keys are on ", NOTHING),
    "flags set": ({"args": "checkout-v2 on"}, 0, "committed ", NOTHING),
    "flags off": ({"args": "checkout-v2", "reason": "why"}, 0, "committed ", NOTHING),
    "flags restore": ({"args": "checkout-v2"}, 0, "committed ", NOTHING),
    "flags rollout": ({"args": "checkout-v2 5"}, 0, "+  percentage: 5   # of the users", NOTHING),
    "status": ({}, 0, "  split        5% to the canary (flag checkout-v2 in ", NOTHING),
    "rollback": ({"args": "--yes", "reason": "it burns"}, 0, "traffic is back, and every step held", NOTHING),
    "kill-switch validate": ({}, 0, "tests/regression: pass: 1 passed", PASS),
    "kill-switch on": ({"reason": "they buy paperclips"}, 0, "the agents are stopped", NOTHING),
    "kill-switch status": ({}, 0, "why: they buy paperclips", NOTHING),
    "kill-switch off": ({"root-cause": "a prompt"}, 3, "releasegate: the agents stay stopped: ", NOTHING),
    "tag release": ({}, 3, "releasegate: no candidate has reached the end of a rollout, ", NOTHING),
    "tag last-good": ({}, 3, "releasegate: the ledger knows no release that passed ", NOTHING),
    "tag bad": ({"tag": "v1.0.0-rc.1"}, 0, "v1.0.0-rc.1 is marked bad", CANDIDATE),
    "ledger show": ({}, 0, "marked bad:      v1.0.0-rc.1", NOTHING),
    "ledger index": ({}, 0, "## v1.0.0-rc.1", NOTHING),
    "ledger export": ({}, 0, '{"id": ', NOTHING),
    "ledger verify": ({}, 0, "ledger: PASS: ", PASS),
}  # fmt: skip
"""What is asked of each, what it exits with, how a line begins that it prints, and what it hands on."""
OUTPUTS = ("verdict", "decision", "tag")


def leaves(command, words=()):
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    for name in command.list_commands(click.Context(command)):
        yield from leaves(command.get_command(click.Context(command), name), (*words, name))


def test_every_command_is_run_through_the_action_somewhere():
    assert sorted([*STEPS, *ELSEWHERE]) == sorted(leaves(releasegate))
    assert [file for file in ELSEWHERE.values() if not Path(__file__).with_name(file).is_file()] == []


def workflow(since):
    steps = [{"uses": "actions/checkout@v6"}]
    for command, (inputs, *_) in STEPS.items():
        given = {"command": command, **{name: value.replace("SINCE", since) for name, value in inputs.items()}}
        steps.append({"name": command, "uses": "releasegate/releasegate@v1", "continue-on-error": True, "with": given})
    return yaml.safe_dump(
        {"on": "push", "jobs": {"all": {"runs-on": "ubuntu-latest", "steps": steps}}}, sort_keys=False
    )


def with_evidence(shop):
    """Reports, a recording, guardrails, and a policy that names them and the Prometheus of the test."""
    (shop / "junit.xml").write_text('<testsuite name="t" tests="1"><testcase classname="a" name="b"/></testsuite>')
    (shop / "zap.json").write_bytes((SAMPLES / "zap.json").read_bytes())
    (shop / "canary.jsonl").write_text("\n".join(recording(bad=1)))
    (shop / "AGENT-GUARDRAILS.md").write_text("# Guardrails\n- no refunds\n")
    policy = yaml.safe_load((shop / "releasegate.yaml").read_text())
    policy["gates"] = {"undated": "accept", "tests": {"regression": {"junit": ["junit.xml"]}}}
    policy["canary"] |= {
        "interval": "1s", "settle": "1m", "metrics": {"prometheus": {"url": "${PROMETHEUS_URL}"}},
        "slis": {"errors": {"ratio": {"bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}}},
    }  # fmt: skip
    (shop / "releasegate.yaml").write_text(yaml.safe_dump(policy))
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "-m", "evidence")


@pytest.fixture
def hosted(github, shop):
    """The shop with evidence, on GitHub; gives its forge."""
    with_evidence(shop)
    forge = github_forge(github, github.repository())
    push(github, forge.home, shop)
    git(shop, "remote", "set-url", "origin", f"https://github.com/{forge.home}.git")
    github.reset()
    github.stub.run(git(shop, "rev-parse", "HEAD"))["id"] = 1  # the number that act gives a run
    return forge


def wrong(run, command):
    """What is not as the table says of a step, in which act has hidden the token."""
    _, code, told, outputs = STEPS[command]
    part = run.step(command)
    found = {name: values[0] for name in OUTPUTS if (values := part.outputs(name)) and values[0]}
    printed = any(line.startswith(told) for line in part.printed)
    summarized = part.summary != "" or command == "ledger export"  # a whole ledger is for a file, not for a page
    seen = (part.code, printed, found, summarized, "⚙  ***" in part.log)
    return [] if seen == (code, True, outputs, True, True) else [(command, *seen, part.printed[-5:])]


@pytest.mark.soak
@pytest.mark.servers
def test_every_command_runs_through_the_action(github, hosted, shop, act, program, tmp_path):
    ports = {"stable": free_port(), "canary": free_port()}
    targets = {f"127.0.0.1:{port}": {"track": track} for track, port in ports.items()}
    with (
        counting_app(tmp_path, ports["stable"]), counting_app(tmp_path, ports["canary"]),
        prometheus(program, tmp_path / "prometheus", targets) as url, traffic(ports["stable"]),
    ):  # fmt: skip
        with traffic(ports["canary"]):
            await_true(lambda: counted(url), "a request of the canary")
            since, before = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", counted(url)
            await_true(lambda: counted(url) >= before + 50, "50 more of them")
        env = {"GITHUB_API_URL": github.address, "PROMETHEUS_URL": url}
        run = act(shop, workflow=workflow(since), secrets={"GITHUB_TOKEN": JOB}, env=env)
    assert run.code == 0, run.log
    faults = [fault for command in STEPS for fault in wrong(run, command)]
    assert faults == [], "\n".join(map(str, faults))
    assert "this is a bug in releasegate" not in run.log
    flags = hosted.read("config/feature-flags.yaml", "main").content.decode()
    assert (flags.count("enabled: false"), flags.count("AGENT_SAFE_MODE: 1")) == (1, 1)


def counted(url):
    """How many requests of the canary Prometheus knows of."""
    return sum(float(found["value"][1]) for found in query(url, 'http_requests_total{track="canary"}'))
