"""Every example runs as it stands, against real parts; only what is the user's own is written here."""

import json
import shutil
import sys
from datetime import UTC, datetime

import pytest
from act_runs import ROOT, SAMPLES, committed, git

import fortnight
from releasegate.policy.load import load_policy
from releasegate.rehearsal.house import Addresses
from releasegate.rehearsal.rehearse import Options, open_shop
from servers import prometheus

EXAMPLES = ROOT / "examples"
JUNIT = '<testsuite name="t" tests="1"><testcase classname="a" name="b" time="0.1"/></testsuite>'
MAKEFILE = f"test:\n\tmkdir -p reports/regression && echo '{JUNIT}' > reports/regression/r.xml\n"


def test_every_example_is_in_the_table_and_runs_here():
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    table = (EXAMPLES / "README.md").read_text()
    assert {name for name in folders if f"| [{name}]({name}) |" in table} == folders == {"pwa", "api-flag", "backtest"}


def test_the_web_application_is_judged_by_what_its_base_branch_says(tmp_path, act, artifacts):
    folder = tmp_path / "pwa"
    shutil.copytree(EXAMPLES / "pwa", folder)
    shutil.copytree(SAMPLES, folder / "samples")
    (folder / "Makefile").write_text(
        "reports:\n\tmkdir -p reports && cp -r samples/lighthouse reports/lighthouse && cp samples/zap.json reports\n"
    )
    base = git(committed(folder), "rev-parse", "HEAD")
    (folder / "lighthouserc.json").write_text('{"ci": {"assert": {"assertions": {"lang-attr": "warn"}}}}')
    git(folder, "commit", "--quiet", "-am", "a pull request that lowers the bar")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"sha": base}}}))
    run = act(folder, event="pull_request", options=("--eventpath", event))
    assert run.code == 0, run.log
    assert "lighthouse: PASS: 0 of 4 checks failed on 1 page (3 runs)" in run.printed
    assert any(line.startswith("zap: ") for line in run.printed)
    assert {path.name for path in (artifacts / "reports").iterdir()} == {"lighthouse", "zap.json"}


@pytest.mark.soak
@pytest.mark.servers
def test_the_backtest_judges_the_last_fortnight(program, tmp_path, act, artifacts):
    folder = tmp_path / "backtest"
    shutil.copytree(EXAMPLES / "backtest", folder)
    (tmp_path / "prometheus").mkdir()
    fortnight.back_fill(program, tmp_path / "prometheus", int(datetime.now(UTC).timestamp()))
    with prometheus(program, tmp_path / "prometheus", {}) as url:
        options = ("--var", f"PROMETHEUS_URL={url}")
        secrets = {"PROMETHEUS_TOKEN": "t0ken"}
        run = act(committed(folder), event="workflow_dispatch", options=options, secrets=secrets)
    assert run.code == 0, run.log
    assert any("healthy releases" in line for line in run.printed)
    assert (artifacts / "backtest" / "backtest.svg").read_text().startswith("<svg")


def as_rehearsed(text, addresses: Addresses):
    """The example's policy with the times of a rehearsal, and where its flags go live."""
    changes = {"window: 30m": "window: 35s\n  interval: 1s\n  settle: 15s", "https://flags.example.com": addresses}
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.soak
@pytest.mark.servers
def test_the_api_is_watched_in_a_real_prometheus_and_taken_back(program, tmp_path, act, artifacts):
    program("prometheus")
    with open_shop(tmp_path / "shop", Options(scenario="errors", prometheus=True)) as house:
        own = load_policy((house.repo / "releasegate.yaml").read_bytes(), "p", {})
        shutil.copytree(EXAMPLES / "api-flag", house.repo, dirs_exist_ok=True)
        policy = house.repo / "releasegate.yaml"
        policy.write_text(as_rehearsed(policy.read_text(), own.flags.live.url.removesuffix("/live")))
        (house.repo / "Makefile").write_text(MAKEFILE)
        deploy = house.repo / "deploy.sh"
        deploy.write_text(f'#!/bin/sh\nexec {sys.executable} -m releasegate.rehearsal.deploy {house.deployed} "$@"\n')
        deploy.chmod(0o755)
        house.commit("as the example says")
        house.git(house.repo, "push", "--quiet", "origin", "main")
        run = act(house.repo, event="workflow_dispatch", secrets={"PROMETHEUS_URL": own.canary.metrics.prometheus.url})
        flags = git(house.origin, "show", "main:config/feature-flags.yaml")
    assert run.code == 1, run.log
    assert "exit status 1" in run.log
    assert "v1.4.0-rc.1 was taken back" in run.log
    assert "enabled: false" in flags
    assert "```mermaid" in run.summary
    assert (artifacts / "smoke-checklist" / "smoke-checklist.md").is_file()
