"""`rollout.yml` against the sample service under real load: through its four jobs, to everybody or back."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml
from act_runs import ROOT

from releasegate.cli.app import App
from releasegate.rehearsal.evidence import write_evidence
from releasegate.rehearsal.house import VERSION
from releasegate.rehearsal.rehearse import Options, open_shop
from releasegate.runbook.tags import find
from repositories import git

pytestmark = pytest.mark.usefixtures("alone_under_load")

ROLLOUT = ROOT / ".github" / "workflows" / "rollout.yml"


def tagged(repo):
    command = [sys.executable, "-m", "releasegate", "tag", "rc", VERSION]
    subprocess.run(command, cwd=repo, check=True, env={**os.environ, "GITHUB_ACTIONS": ""})
    return find(App(directory=repo).forge(), f"v{VERSION}-rc.1")


def rolled_out(root, scenario, act, artifacts, changed=lambda _: None):
    """What the workflow does with a candidate of `scenario`: the run, the flag file, and the ledger's commits."""
    with open_shop(root, Options(scenario=scenario)) as house:
        changed(house)
        candidate = tagged(house.repo)
        write_evidence(artifacts / "evidence" / "evidence", candidate, datetime.now(UTC))
        (house.repo / ".github" / "workflows").mkdir(parents=True)
        shutil.copy(ROLLOUT, house.repo / ".github" / "workflows")
        inputs = {"tag": candidate.name, "evidence": "evidence"}
        run = act(house.repo, event="workflow_dispatch", inputs=inputs)
        flags = git(house.origin, "show", "main:config/feature-flags.yaml")
        kinds = git(house.origin, "log", "--reverse", "--format=%s", "releasegate/ledger")
    return run, flags, kinds


@pytest.mark.soak
def test_a_bad_candidate_is_taken_back(tmp_path, act, artifacts):
    run, flags, kinds = rolled_out(tmp_path / "shop", "errors", act, artifacts)
    assert run.code == 1, run.log
    assert "enabled: false" in flags
    assert kinds.splitlines()[-2:] == [
        "rollback.started (+1): shop rehearsal v1.4.0-rc.1", "traffic.lowered (+1): shop rehearsal v1.4.0-rc.1"
    ]  # fmt: skip
    checklist = (artifacts / "smoke-checklist" / "smoke-checklist.md").read_text()
    assert checklist.startswith(f"# Smoke checklist: shop v{VERSION}-rc.1 (rehearsal)\n")
    assert "- [ ] checkout" in checklist
    assert any(path.endswith("/report.html") for path in run.outputs("report")), run.outputs("report")
    assert {"report.html", "recording.jsonl"} <= {path.name for path in (artifacts / "rollout").rglob("*")}
    assert "xychart-beta" in run.summary
    folded = re.findall(r"::group::(.*)", run.log)
    assert {"gates", "deploy the canary", "5%25 to the canary", "flip the traffic", "smoke checks"} <= set(folded), (
        folded
    )
    assert any(title.startswith("lighthouse: PASS: ") for title in folded)
    assert [title for title in folded if "INCONCLUSIVE" in title] == []  # of gates that wait for staging
    assert "▸ watch the canary" in run.printed  # what the line a minute stands below is not folded away
    # It ended by itself, so the last job has nothing to do.
    assert "Go on, or take it back" not in run.log


def dies_once(house):
    """Let the first look whether the flag is live end the program that looks, with nobody told."""
    file = house.repo / "releasegate.yaml"
    policy = yaml.safe_load(file.read_text())
    policy["flags"]["live"] = {"command": ["sh", "-c", f"! mkdir {house.root}/died 2>/dev/null || kill -9 $PPID"]}
    file.write_text(yaml.safe_dump(policy))
    house.commit("a runner that dies")
    house.git(house.repo, "push", "--quiet", "origin", "main")


@pytest.mark.soak
def test_the_last_job_goes_on_where_a_job_died_and_takes_a_bad_candidate_back(tmp_path, act, artifacts):
    run, flags, kinds = rolled_out(tmp_path / "shop", "errors", act, artifacts, dies_once)
    watching, last = (
        run.step(name)
        for name in (
            "Send a few percent to the canary, watch, and complete or take back",
            "Go on, or take it back, where the watching job died",
        )
    )
    assert (run.code, watching.outputs("json"), last.code) == (1, [""], 1), run.log
    assert "watch the canary" not in watching.log
    assert "▸ watch the canary" in last.printed
    assert "v1.4.0-rc.1 was taken back: errors: " in last.summary
    assert "enabled: false" in flags
    assert kinds.splitlines()[-2].startswith("rollback.started (+1): ")
