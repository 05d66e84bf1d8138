"""`rollback.yml`, dispatched and called: the traffic is taken back, seen to return, and written down."""

import shutil

import pytest
import yaml
from act_runs import OFF, ROOT

from repositories import git
from servers import counting_app, free_port, traffic

CALLER = """\
on: workflow_dispatch
jobs:
  rollback:
    permissions:
      contents: write
      issues: write
      actions: write
      deployments: write
    uses: releasegate/releasegate/.github/workflows/rollback.yml@v1
    with:
      reason: called
"""


@pytest.fixture
def served(shop, tmp_path):
    """The shop, of which both tracks are up and whose users reach the baseline alone."""
    baseline, canary = free_port(), free_port()
    policy = yaml.safe_load((shop / "releasegate.yaml").read_text())
    policy["canary"] |= {
        "interval": "1s", "settle": "1m",
        "metrics": {"scrape": {
            "baseline": f"http://127.0.0.1:{baseline}/metrics", "canary": f"http://127.0.0.1:{canary}/metrics"
        }},
        "slis": {"rate": {"throughput": "http_requests_total"}},
    }  # fmt: skip
    del policy["canary"]["tracks"]
    (shop / "releasegate.yaml").write_text(yaml.safe_dump(policy))
    (shop / ".github" / "workflows").mkdir(parents=True)
    git(shop, "-c", "user.name=tester", "-c", "user.email=tester@localhost", "commit", "-qam", "served")
    git(shop, "push", "--quiet", "origin", "main")
    with counting_app(tmp_path, baseline), counting_app(tmp_path, canary), traffic(baseline):
        yield shop


def is_off(remote):
    return git(remote, "show", "main:config/feature-flags.yaml") == OFF


def test_dispatched_it_takes_the_traffic_back_and_writes_it_down(served, act):
    shutil.copy(ROOT / ".github" / "workflows" / "rollback.yml", served / ".github" / "workflows")
    run = act(served, event="workflow_dispatch", inputs={"reason": "it burns", "dry-run": "false"})
    assert run.code == 0, run.log
    assert "traffic is back, and every step held" in run.printed
    assert is_off(served.parent / "origin.git")
    remote = served.parent / "origin.git"
    files = git(remote, "ls-tree", "-r", "--name-only", "releasegate/ledger").splitlines()
    events = [git(remote, "show", f"releasegate/ledger:{path}") for path in files]
    assert any('"rollback.finished"' in event and "it burns" in event for event in events)


@pytest.mark.soak
def test_called_it_does_the_same(served, act):
    (served / ".github" / "workflows" / "caller.yml").write_text(CALLER)
    run = act(served, event="workflow_dispatch")
    assert run.code == 0, run.log
    assert "traffic is back, and every step held" in run.printed
    assert is_off(served.parent / "origin.git")


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(served, act):
    shutil.copy(ROOT / ".github" / "workflows" / "rollback.yml", served / ".github" / "workflows")
    before = git(served.parent / "origin.git", "for-each-ref")
    run = act(served, event="workflow_dispatch", inputs={"dry-run": "true"})
    assert run.code == 0, run.log
    assert "1. set the canary's weight to 0" in run.printed
    assert git(served.parent / "origin.git", "for-each-ref") == before
