"""Each line of `doctor` with its light and its fix, whole, from what a host and a source of counts may say."""
# ruff: noqa: E501  a line stands as the user gets it

from dataclasses import replace

import pytest

from releasegate.errors import ForgeError, MetricsError
from releasegate.forge.host import Health
from releasegate.metrics.port import Poll
from releasegate.policy.load import load_policy
from releasegate.runbook.doctor import asked, host, line, metrics
from releasegate.runbook.doctor_workflows import workflows

POLICY = "version: 1\nservice: shop\nenvironment: production\n"
WATCH = (
    "on:\n  schedule: [{cron: '*/5 * * * *'}]\njobs: {w: {steps: [run: releasegate rollout --resume-or-rollback]}}\n"
)
WELL = Health(
    private=False,
    may_push=True,
    scopes=None,
    refusals=(),
    auto_merge=True,
    rules_known=True,
    environments={"production": True},
    workflows={".github/workflows/watch.yml": WATCH},
)
LINES = {
    "token": "green   token: it may write",
    "branch": "green   branch: a commit straight on main is let through: a rollback lands",
    "environment": "green   environment: production is there; somebody has to approve a deployment",
    "approvals": "green   approvals: what counts here: reviews of environments, reviews of pull requests, and a second person's own workflow run",
    "watchdog": "green   watchdog: .github/workflows/watch.yml goes on with a rollout whose runner died",
}
SCOPES = "red     token: its scopes are {}; it needs the scope `repo`"
SLOW = "branch: a rollback waits until its pull request into main is merged"
NO_WATCH = "yellow  watchdog: no workflow would notice that a runner died during a canary; add a workflow with `schedule` that runs `releasegate rollout --resume-or-rollback`"
NOT_HERE = "yellow  approvals: what counts here: reviews of pull requests, and a second person's own workflow run; reviews of environments need an Enterprise plan for a private repository"
NOBODY = "green   environment: production is there; nobody has to approve"
BY_REQUEST = "flags: {commit: pull-request}\n"


def loaded(more=""):
    return load_policy((POLICY + more).encode(), "releasegate.yaml", {})


@pytest.mark.parametrize(
    ("health", "more", "told"),
    [
        ({}, "", {}),
        ({"scopes": ("repo", "workflow")}, "", {}),
        ({"scopes": ("public_repo",)}, "", {}),
        ({"scopes": ("public_repo",), "private": True}, "", {"token": SCOPES.format("public_repo")}),
        ({"scopes": ("gist", "read:org")}, "", {"token": SCOPES.format("gist, read:org")}),
        ({"scopes": ()}, "", {"token": SCOPES.format("none")}),
        ({"may_push": False}, "", {"token": "red     token: it may read only; give it `contents: write` (or a person who may push)"}),
        ({"may_push": None}, "", {"token": "yellow  token: what it may do is not told; see that the job has `contents: write` and `issues: write`"}),
        ({"refusals": ("a ruleset asks for signed commits", "the branch is locked")}, "", {"branch": "red     branch: a rollback would be refused on main: a ruleset asks for signed commits; the branch is locked; put the GitHub App that runs it into the bypass list, or keep the flag file on a branch of its own"}),
        ({"rules_known": False}, "", {"branch": "yellow  branch: main is protected, and the token may not read how; give the token `administration: read`, or try `releasegate flags off` on a harmless flag"}),
        ({}, "flags: {commit: patch}\n", {"branch": "yellow  branch: nothing is committed (flags.commit: patch): a person has to apply each patch; write flags.commit: direct, or have somebody at hand who may push at any hour"}),
        ({}, BY_REQUEST, {"branch": f"yellow  {SLOW}; write flags.commit: direct where a commit straight on it can be let through"}),
        ({"auto_merge": None}, BY_REQUEST, {"branch": f"yellow  {SLOW}; write flags.commit: direct where a commit straight on it can be let through"}),
        ({"auto_merge": False}, BY_REQUEST, {"branch": f"red     {SLOW}, and nothing merges it by itself; allow auto-merge in the repository's settings, or write flags.commit: direct"}),
        ({"environments": {"production": False}}, "", {"environment": NOBODY}),
        ({"environments": {"production": False}, "private": True}, "", {"environment": NOBODY, "approvals": NOT_HERE}),
        ({"environments": {"staging": True}, "private": True}, "", {"environment": "yellow  environment: there is no environment production; make it, if deployments are to be shown there"}),
        ({"workflows": {}}, "", {"watchdog": NO_WATCH}),
        ({"workflows": {"a.yml": WATCH.replace("schedule:", "push:")}}, "", {"watchdog": NO_WATCH}),
        ({"workflows": {"a.yml": WATCH.replace("--resume-or-rollback", "--resume")}}, "", {"watchdog": NO_WATCH}),
        ({"workflows": {"a.yml": WATCH.replace("schedule:", "workflow_run:")}}, "", {"watchdog": LINES["watchdog"].replace(".github/workflows/watch.yml", "a.yml")}),
    ],
)  # fmt: skip
def test_what_the_host_tells(health, more, told):
    found = [line(finding) for finding in host(replace(WELL, **health), loaded(more))]
    assert found == list({**LINES, **told}.values())


class Source:
    """A `CountSource` that sees `problems`."""

    def __init__(self, problems):
        self.problems = problems

    def advance(self, at):
        assert at == 7.0
        return Poll({}, self.problems)


@pytest.mark.parametrize(
    ("problems", "told"),
    [
        ({}, ["green   metrics: every SLI has series on both tracks"]),
        (
            {"errors/canary": "no series", "errors/baseline": "no series at all"},
            [
                "red     metrics: errors/baseline: no series at all; see docs/label-your-metrics.md",
                "yellow  metrics: errors/canary: no series; it must have series once the canary runs",
            ],
        ),
    ],
)
def test_the_series_of_both_tracks(problems, told):
    assert [line(finding) for finding in metrics(Source(problems), 7.0)] == told


def test_what_fails_to_answer_is_red_and_says_why():
    def failing(error):
        raise error
        yield

    silent = MetricsError("Prometheus does not answer", where="http://prometheus", remedy="is it up?")
    assert [line(one) for one in asked("metrics", lambda: failing(silent))] == [
        "red     metrics: http://prometheus: Prometheus does not answer; is it up?"
    ]
    assert [line(one) for one in asked("host", lambda: failing(ForgeError("GitHub answered 502")))] == [
        "red     host: GitHub answered 502; mend this first"
    ]


GATES = """\
gates:
  zap: {reports: [zap.json], artifact: zap}
  tests: {regression: {junit: r.xml, artifact: regression}}
"""
UNLEFT = "red     artifacts: no workflow leaves {} ({}); name it: {}: {{workflow: …}}"


@pytest.mark.parametrize(
    ("more", "files", "told"),
    [
        (GATES, {}, [UNLEFT.format("zap, regression", "release.ci", "release.ci")]),
        (
            GATES + "release: {ci: {workflow: ci.yml}}\n",
            {"ci.yml": "on: {push: {}, workflow_dispatch: {}}\nname: zap\nenv: {A: regression}\n"},
            ["green   workflows: ci.yml", "green   artifacts: ci.yml names zap, regression"],
        ),
        (
            GATES + "release: {ci: {workflow: ci.yml}}\n",
            {"ci.yml": "on: push\nenv: {A: zap, B: regression-reports}\n"},
            [
                "yellow  workflows: ci.yml cannot be started (release.ci); add `on: workflow_dispatch` to it",
                "yellow  artifacts: ci.yml does not name regression; see that actions/upload-artifact gives it this `name`",
            ],
        ),
        (
            "flags: {publish: {workflow: publish.yml}}\n",
            {"publish.yml": "on: push\n"},
            ["red     workflows: publish.yml cannot be started (flags.publish); add `on: workflow_dispatch` to it"],
        ),
    ],
)
def test_the_policys_workflows_and_the_artifacts_they_leave(more, files, told):
    health = replace(WELL, workflows={f".github/workflows/{name}": text for name, text in files.items()})
    assert [line(finding) for finding in workflows(health, loaded(more))] == told
