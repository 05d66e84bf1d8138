"""Workflows that the policy names: started once, found again by their id, and waited for."""

import pytest

from fakes import FakeClock
from github_front import Fault, github_forge
from github_shop import FLAGS, POLICY, told
from releasegate.errors import OutsideError, PolicyError, UnknownOutcomeError
from releasegate.forge.github.host import GitHubHost
from releasegate.policy.load import load_policy
from releasegate.runbook.workflow import carry_out

VALUES = {"tag": "v1.0.0-rc.1", "track": "canary", "id": "shop-production-canary-v1.0.0-rc.1"}


@pytest.fixture
def host(github):
    return GitHubHost(github_forge(github).api)


def dispatches(github):
    return [exchange for exchange in github.exchanges if exchange.path.endswith("/dispatches")]


def carried_out(host, clock=None):
    return carry_out(host, "deploy.yml", "main", VALUES, clock or FakeClock())


def test_a_workflow_is_started_once_and_found_again(github, host):
    where = carried_out(host)
    assert where == f"deploy.yml: {github.stub.runs[0]['html_url']}"
    assert carried_out(host) == where
    assert len(dispatches(github)) == 1


def test_one_that_is_under_way_is_waited_for(github, host):
    github.stub.on_dispatch = "in_progress"

    class Ending(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            github.stub.runs[0] |= {"status": "completed", "conclusion": "success"}

    host.start_workflow("deploy.yml", "main", {}, VALUES["id"])
    assert carried_out(host, Ending()).startswith("deploy.yml: ")
    assert len(dispatches(github)) == 1


def test_one_that_failed_is_said_and_started_anew_by_the_next(github, host):
    github.stub.run("a" * 40, title=f"deploy {VALUES['id']}", event="workflow_dispatch", conclusion="failure")
    assert carried_out(host).startswith("deploy.yml: ")
    assert len(dispatches(github)) == 1
    github.stub.runs[1]["conclusion"] = "cancelled"
    github.fault = lambda e: Fault(status=404) if e.path.endswith("/dispatches") else None
    with pytest.raises(OutsideError, match="answered 404"):
        carried_out(host)


def test_a_run_that_ends_badly_is_an_error_with_its_address(github, host):
    github.stub.on_dispatch = "in_progress"

    class Failing(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            github.stub.runs[0] |= {"status": "completed", "conclusion": "timed_out"}

    with pytest.raises(OutsideError) as caught:
        carried_out(host, Failing())
    address = github.stub.runs[0]["html_url"]
    assert (str(caught.value), caught.value.exit_code) == (
        f"{address}: deploy.yml ended with `timed_out`; look at its log",
        4,
    )


def test_a_dispatch_that_was_not_answered_is_not_repeated(github, host):
    github.fault = lambda e: Fault(drop_after=True) if e.path.endswith("/dispatches") else None
    assert carried_out(host).startswith("deploy.yml: ")
    github.stub.runs.clear()
    github.exchanges.clear()
    github.fault = lambda e: Fault(drop_before=True) if e.path.endswith("/dispatches") else None
    with pytest.raises(UnknownOutcomeError):
        carried_out(host)
    assert len(dispatches(github)) == 1


def test_a_run_without_the_id_in_its_name_is_explained(github, host):
    class Unnamed(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            github.stub.runs[0]["display_title"] = "deploy"

    github.stub.on_dispatch = "queued"
    host.start_workflow("deploy.yml", "main", {}, "another")
    github.fault = lambda e: Fault(status=204, body=b"") if e.path.endswith("/dispatches") else None
    with pytest.raises(OutsideError, match="no run named `shop-production-canary"):
        carried_out(host, Unnamed())


def test_a_flag_commit_is_published_by_the_policys_workflow(github, hosted, capsys):
    policy = POLICY + b"flags: {publish: {workflow: publish-flags.yml}}\n"
    forge = github_forge(github)
    forge.commit("main", {"releasegate.yaml": policy, "config/feature-flags.yaml": FLAGS}, "start", parent=None)
    code, out, _ = told(hosted, ["flags", "off", "banner", "--repo", forge.home], capsys)
    assert (code, TOLD in out) == (0, True)
    [sent] = dispatches(github)
    blob = forge.read("config/feature-flags.yaml", "main").blob
    assert sent.path.endswith("/actions/workflows/publish-flags.yml/dispatches")
    assert sent.body.decode() == f'{{"ref": "main", "inputs": {{"blob": "{blob}", "id": "flags-{blob[:12]}"}}}}'


TOLD = "committed; whether it is live is not checked (policy: flags.live)"


def test_a_policy_names_a_command_or_a_workflow():
    head = b"version: 1\nservice: s\nenvironment: e\n"
    both = head + b"deploy: {staging: {command: [a], workflow: b.yml}}\n"
    for text, why in (
        (both, "give exactly one of them"),
        (head + b"kill-switch: {flag: F, value: 1, collect: {log: {workflow: log.yml}}}\n", "prints nothing"),
    ):
        with pytest.raises(PolicyError, match=why):
            load_policy(text, "releasegate.yaml", {})
