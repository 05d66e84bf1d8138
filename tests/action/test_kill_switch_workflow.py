"""`kill-switch.yml`: the agents are stopped by one commit, and run again only with care."""

import shutil

import pytest
from act_runs import FLAGS, ROOT, STOPPED

from repositories import git

SWITCH = ROOT / ".github" / "workflows" / "kill-switch.yml"
CALLER = """\
on: workflow_dispatch
jobs:
  stop:
    permissions:
      contents: write
      issues: write
      actions: write
    uses: releasegate/releasegate/.github/workflows/kill-switch.yml@v1
    with:
      reason: they buy paperclips
"""


def flags(shop):
    return git(shop.parent / "origin.git", "show", "main:config/feature-flags.yaml")


def with_workflow(shop):
    (shop / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(SWITCH, shop / ".github" / "workflows")
    return shop


def test_dispatched_without_any_input_it_stops_the_agents(shop, act):
    run = act(with_workflow(shop), event="workflow_dispatch")
    assert run.code == 0, run.log
    assert "the agents are stopped" in run.printed
    assert flags(shop) == STOPPED


@pytest.mark.soak
def test_called_it_does_the_same_and_off_says_what_is_missing(shop, act):
    (shop / ".github" / "workflows").mkdir(parents=True)
    (shop / ".github" / "workflows" / "caller.yml").write_text(CALLER)
    run = act(shop, event="workflow_dispatch")
    assert run.code == 0, run.log
    assert flags(shop) == STOPPED
    assert "they buy paperclips" in git(shop.parent / "origin.git", "log", "-1", "--format=%B", "main")
    (shop / ".github" / "workflows" / "caller.yml").unlink()
    shutil.copy(SWITCH, shop / ".github" / "workflows")
    git(shop, "pull", "--quiet", "origin", "main")
    run = act(shop, event="workflow_dispatch", inputs={"action": "off", "root-cause": "a prompt"})
    assert run.code == 1, run.log
    assert flags(shop) == STOPPED


def test_a_dry_run_changes_nothing(shop, act):
    # A root cause, which only `off` takes, keeps nobody from stopping the agents.
    inputs = {"dry-run": "true", "root-cause": "not known yet"}
    run = act(with_workflow(shop), event="workflow_dispatch", inputs=inputs)
    assert run.code == 0, run.log
    assert flags(shop) == FLAGS.rstrip()
