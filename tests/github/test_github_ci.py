"""A rollout whose evidence comes from workflow runs: found or started, awaited, their artifacts judged."""

import json

import pytest

from github_front import JOB, Fault, github_forge
from github_shop import FLAGS, POLICY, told

IDLE = FLAGS.replace(b'"on", 5], ["off", 95', b'"on", 0], ["off", 100')
GATES = b"""release: {ci: {workflow: ci.yml}}
gates: {tests: {regression: {junit: reports/*.xml, artifact: regression}}}
"""
GREEN = '<testsuite name="e2e" tests="1"><testcase classname="shop" name="buys"/></testsuite>'
RED = GREEN.replace("/></testsuite>", "><failure>no</failure></testcase></testsuite>")
TAG = "v0.1.0-rc.1"


@pytest.fixture
def shop(github, hosted, capsys):
    """A candidate, tagged; its commit is what a dispatch at its tag runs on."""

    def begin(policy):
        forge = github_forge(github)
        commit = forge.commit(
            "main", {"releasegate.yaml": POLICY + policy, "config/feature-flags.yaml": IDLE}, "start", parent=None
        )
        assert told(hosted, ["tag", "rc", "--repo", forge.home], capsys)[0] == 0
        github.stub.on_ref[TAG] = commit

        def roll_out(until="gates"):
            words = ["rollout", TAG, "--until", until, "--repo", forge.home, "--format", "json"]
            code, out, err = told(hosted, words, capsys)
            stages = json.loads(out)["stages"] if out.startswith('{"schema": "releasegate/rollout') else []
            return code, stages[-1]["text"] if stages else err

        roll_out.home = forge.home
        roll_out.events = lambda: [
            json.loads(change.content) for one in forge.history("releasegate/ledger") for change in one.changes
        ]
        return commit, roll_out

    return begin


def dispatched(github):
    return [json.loads(e.body) for e in github.exchanges if e.path.endswith("/dispatches")]


def test_the_ci_run_of_the_commit_is_found_and_its_artifact_judged(github, shop):
    commit, roll_out = shop(GATES)
    run = github.stub.run(commit)
    content = github.stub.artifact("regression", run, {"e2e.xml": GREEN})
    code, text = roll_out()
    assert code == 0, text
    assert text.startswith(f"ci.yml is green: {run['html_url']}, regression ({len(content)} bytes, SHA-256 ")
    assert text.endswith("; tests/regression pass: 1 passed")
    assert dispatched(github) == []
    assert roll_out() == (0, "done before this run")
    _, found = github.rest("GET", f"/repos/{roll_out.home}/commits/{commit}/check-runs", None)
    assert [(one["name"], one["conclusion"], one["output"]["title"]) for one in found["check_runs"]] == [
        ("releasegate checkout production gates", "success", "pass: tests/regression pass")
    ]


@pytest.mark.parametrize("by_job", [True, False], ids=["a job's own token", "a person's"])
def test_the_tag_alone_starts_nothing_where_a_job_made_it_so_that_ci_is_dispatched(github, shop, monkeypatch, by_job):
    github.stub.on_tag = ["ci.yml"]
    own = github.stub.run("a" * 40, title="the job itself")
    if by_job:
        monkeypatch.setenv("GITHUB_TOKEN", JOB)
        monkeypatch.setenv("GITHUB_RUN_ID", str(own["id"]))
    commit, roll_out = shop(GATES)
    pushed = [e for e in github.exchanges if e.path.endswith("/git/refs") and b"refs/tags" in e.body]
    assert [(e.by_job, e.status) for e in pushed] == [(by_job, 201)]
    runs = [(run["head_sha"], run["event"]) for run in github.stub.runs if run is not own]
    assert (runs, dispatched(github)) == ([] if by_job else [(commit, "push")], [])
    code, text = roll_out()
    assert (code, text.count("ci.yml left no artifact `regression`")) == (3, 1), text
    assert [(one["ref"], one["inputs"]["tag"]) for one in dispatched(github)] == [(TAG, TAG)] * by_job
    github.stub.artifact("regression", github.stub.runs[-1], {"e2e.xml": GREEN})
    assert roll_out()[0] == 0
    assert len(dispatched(github)) == by_job


def test_a_token_that_may_make_no_check_run_stops_nothing(github, shop):
    commit, roll_out = shop(GATES + b"evidence: {store: release-asset}\n")
    github.stub.artifact("regression", github.stub.run(commit), {"e2e.xml": GREEN})
    body = b'{"message": "You must authenticate via a GitHub App."}'
    github.fault = lambda e: Fault(status=403, body=body) if e.path.endswith("/check-runs") else None
    code, text = roll_out()
    note = " (not shown as a check run: GitHub answered 403: You must authenticate via a GitHub App.)"
    assert (code, text.endswith(note)) == (0, True), text
    [release] = github.rest("GET", f"/repos/{roll_out.home}/releases", None)[1]
    [asset] = release["assets"]
    assert (release["tag_name"], release["prerelease"]) == (TAG, True)
    [event] = [e for e in roll_out.events() if e["kind"] == "evidence.stored"]
    assert (asset["name"], asset["size"]) == (event["data"]["name"], event["data"]["bytes"])
    assert (event["data"]["where"], event["data"]["missing"]) == (release["html_url"], [])
    assert event["data"]["sha256"] in release["body"]


def test_what_the_artifact_holds_decides(github, shop):
    commit, roll_out = shop(GATES)
    github.stub.artifact("regression", github.stub.run(commit), {"e2e.xml": RED})
    code, text = roll_out()
    assert (code, "tests/regression fail: 1 failed" in text) == (1, True), text
    _, found = github.rest("GET", f"/repos/{roll_out.home}/commits/{commit}/check-runs", None)
    assert [one["conclusion"] for one in found["check_runs"]] == ["failure"]


@pytest.mark.soak
def test_of_two_attempts_the_newest_artifact_of_the_run_counts(github, shop):
    commit, roll_out = shop(GATES)
    other, run = github.stub.run(commit, title="another workflow"), github.stub.run(commit)
    github.stub.artifact("regression", run, {"e2e.xml": RED})
    github.stub.artifact("regression", run, {"e2e.xml": GREEN})
    github.stub.artifact("regression", other, {"e2e.xml": RED})
    assert roll_out()[0] == 0


@pytest.mark.soak
@pytest.mark.parametrize(
    ("conclusion", "code", "why"),
    [
        ("failure", 1, "ci.yml is red; look at its log, mend the cause, and tag the next candidate"),
        ("cancelled", 3, "ci.yml ended with `cancelled`; run it again on its page, then this command"),
    ],
)
def test_a_run_that_is_not_green(github, shop, conclusion, code, why):
    commit, roll_out = shop(GATES)
    run = github.stub.run(commit, conclusion=conclusion)
    assert roll_out() == (code, f"{run['html_url']}: {why}")
    run["conclusion"] = "success"
    github.stub.artifact("regression", run, {"e2e.xml": GREEN})
    assert roll_out()[0] == 0


def test_a_report_that_is_older_than_the_candidate_is_no_evidence_without_a_checkout_either(github, shop):
    commit, roll_out = shop(GATES)
    old = GREEN.replace("<testsuite", '<testsuite timestamp="2001-01-01T00:00:00+00:00"')
    github.stub.artifact("regression", github.stub.run(commit), {"e2e.xml": old})
    code, text = roll_out()
    assert (code, "this evidence is older than its commit" in text) == (3, True), text


def test_an_artifact_that_was_altered_is_no_evidence(github, shop):
    commit, roll_out = shop(GATES)
    github.stub.artifact("regression", github.stub.run(commit), {"e2e.xml": GREEN}, digest=f"sha256:{'0' * 64}")
    code, text = roll_out()
    assert (code, "its SHA-256 is" in text) == (3, True), text


@pytest.mark.soak
def test_a_run_that_cannot_be_started_is_missing_evidence(github, shop):
    _, roll_out = shop(GATES)
    body = b'{"message": "Workflow does not have \'workflow_dispatch\' trigger"}'
    github.fault = lambda e: Fault(status=422, body=body) if e.path.endswith("/dispatches") else None
    code, text = roll_out()
    assert (code, "and none can be started (GitHub answered 422: Workflow does not have" in text) == (3, True), text


STAGING = b"""release: {ci: {workflow: ci.yml}}
staging-tests: {workflow: e2e.yml}
gates:
  zap: {reports: [zap.json], artifact: zap}
  tests:
    regression: {junit: reports/*.xml, artifact: regression}
    offline-sync: {junit: reports/*.xml, artifact: offline}
"""
ZAP = json.dumps({"@version": "2.17.0", "site": [{"@name": "https://shop.example", "alerts": []}]})


@pytest.mark.soak
def test_the_tests_in_staging_run_at_the_tag_and_leave_their_reports(github, shop):
    commit, roll_out = shop(STAGING)
    github.stub.artifact("zap", github.stub.run(commit), {"zap.json": ZAP})
    assert roll_out("staging")[0] == 0
    [asked] = dispatched(github)
    assert asked["ref"] == TAG
    run = github.stub.runs[-1]
    github.stub.artifact("regression", run, {"e2e.xml": GREEN})
    code, text = roll_out("staging-gates")
    assert (code, "e2e.yml left no artifact `offline`" in text) == (3, True), text
    github.stub.artifact("offline", run, {"sync.xml": RED})
    code, text = roll_out("staging-gates")
    assert (code, text) == (1, "tests/regression pass: 1 passed; tests/offline-sync fail: 1 failed")
    assert len(dispatched(github)) == 1
