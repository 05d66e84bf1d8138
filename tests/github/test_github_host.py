"""What GitHub does beside git: each effect once, found again by its id, with the defaults that a rollback needs."""

import json

import pytest

from github_front import TOKEN, Fault, github_forge
from releasegate.errors import ForgeError, InconclusiveError, UnknownOutcomeError
from releasegate.forge.github.host import GitHubHost
from releasegate.forge.host import Approval, Asset

COMMIT = "a" * 40


@pytest.fixture
def stub(github):
    return github.stub


@pytest.fixture
def forge(github):
    return github_forge(github)


@pytest.fixture
def host(forge):
    return GitHubHost(forge.api)


def bodies(github, method, ending):
    return [json.loads(e.body) for e in github.exchanges if e.method == method and e.path.endswith(ending)]


def test_a_deployment_is_recorded_once_with_what_a_rollback_needs(github, host):
    made = host.deploy("production", COMMIT, "v1.0.0", "shop-production-baseline-v1.0.0", production=True)
    assert (made.commit, made.ref, made.environment, made.state) == (COMMIT, "v1.0.0", "production", "pending")
    assert host.deploy("production", COMMIT, "v1.0.0", "shop-production-baseline-v1.0.0", production=True) == made
    assert host.deploy("production", COMMIT, "v1.0.0", "another", production=True).id != made.id
    first, _ = bodies(github, "POST", "/deployments")
    assert (first["auto_merge"], first["required_contexts"], first["production_environment"]) == (False, [], True)
    host.deployment_status(made.id, "success", "x" * 200)
    [status] = bodies(github, "POST", "/statuses")
    assert status == {"state": "success", "description": "x" * 140, "auto_inactive": False, "log_url": ""}
    assert [one.state for one in host.deployments("production", COMMIT)] == ["pending", "success"]


def test_a_workflow_is_dispatched_and_its_run_found_by_the_id_in_its_name(github, stub, host):
    stub.on_dispatch = "in_progress"
    assert host.find_run("deploy.yml", "shop-7") is None
    host.start_workflow("deploy.yml", "main", {"tag": "v1"}, "shop-7")
    host.start_workflow("deploy.yml", "main", {"tag": "v1"}, "shop-77")
    assert bodies(github, "POST", "/dispatches")[0] == {"ref": "main", "inputs": {"tag": "v1", "id": "shop-7"}}
    found = host.find_run("deploy.yml", "shop-7")
    assert (found.name, found.finished, found.conclusion) == ("deploy shop-7", False, None)
    stub.runs[0] |= {"status": "completed", "conclusion": "failure"}
    assert (host.run(found.id).finished, host.run(found.id).conclusion) == (True, "failure")


def test_a_dispatch_whose_answer_was_lost_is_not_repeated(github, host):
    github.fault = lambda e: Fault(drop_after=True) if e.path.endswith("/dispatches") else None
    with pytest.raises(UnknownOutcomeError) as caught:
        host.start_workflow("deploy.yml", "main", {}, "shop-7")
    assert caught.value.exit_code == 4
    assert host.find_run("deploy.yml", "shop-7") is not None
    assert len([e for e in github.exchanges if e.path.endswith("/dispatches")]) == 1


def test_the_ci_run_of_a_commit_is_the_newest(stub, host):
    assert host.ci_run("ci.yml", COMMIT) is None
    stub.run(COMMIT, conclusion="failure")
    stub.run("b" * 40)
    stub.run(COMMIT, event="workflow_dispatch")
    found = host.ci_run("ci.yml", COMMIT)
    assert (found.commit, found.conclusion, found.event) == (COMMIT, "success", "workflow_dispatch")


def test_artifacts_of_a_commit_come_whole_and_without_the_token(github, stub, host):
    old, new, other = stub.run(COMMIT), stub.run(COMMIT), stub.run("b" * 40)
    stub.artifact("lighthouse", old, {"a.json": "1"})
    content = stub.artifact("lighthouse", new, {"a.json": "2"})
    stub.artifact("lighthouse", other, {"a.json": "3"})
    stub.artifact("zap", new, {"b.json": "4"})
    found = host.artifacts("lighthouse", COMMIT)
    assert [one.run for one in found] == [new["id"], old["id"]]
    github.storage.seen.clear()
    assert host.download(found[0], 10_000) == content
    assert [TOKEN in str(headers) or "Authorization" in headers for headers in github.storage.seen] == [False]


def test_the_artifacts_of_a_commit_are_found_among_very_many(github, stub, host):
    run, again = stub.run(COMMIT), stub.run(COMMIT)
    for one in (run, again):
        stub.artifact("lighthouse", one, {"a.json": "1"})
    other = stub.run("b" * 40)
    for _ in range(100):
        stub.artifact("lighthouse", other, {"a.json": "2"})
    github.exchanges.clear()
    assert [one.run for one in host.artifacts("lighthouse", COMMIT)] == [again["id"], run["id"]]
    assert len(github.exchanges) == 4


LOST = [Fault(status=500), Fault(drop_after=True), Fault(truncate=True)]


@pytest.mark.parametrize("fault", LOST, ids=["500", "dropped", "truncated"])
def test_a_storage_that_fails_is_asked_again_and_its_address_is_told_to_nobody(github, stub, host, fault):
    content = stub.artifact("lighthouse", stub.run(COMMIT), {"a.json": "1"})
    [artifact] = host.artifacts("lighthouse", COMMIT)
    github.storage_faults = [fault, fault]
    assert (host.download(artifact, 10_000), github.storage_faults) == (content, [])
    github.storage_faults = [fault] * 3
    with pytest.raises(ForgeError) as caught:
        host.download(artifact, 10_000)
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith("artifact lighthouse of run 100: could not be downloaded: ")
    assert github.storage.address not in str(caught.value)
    assert {(TOKEN in str(headers), "Authorization" in headers) for headers in github.storage.seen} == {(False, False)}


def test_an_artifact_that_is_not_what_it_should_be_is_not_used(stub, host):
    run = stub.run(COMMIT)
    stub.artifact("large", run, {"a": "x" * 1000})
    stub.artifact("lies", run, {"a": "x" * 1000}, size_in_bytes=10)
    stub.artifact("old", run, {"a": ""}, expired=True)
    stub.artifact("altered", run, {"a": ""}, digest=f"sha256:{'0' * 64}")
    for name, why in (("large", "larger"), ("lies", "larger"), ("old", "has expired"), ("altered", "SHA-256")):
        [artifact] = host.artifacts(name, COMMIT)
        with pytest.raises(InconclusiveError, match=why):
            host.download(artifact, 500)


def test_a_check_run_is_brought_up_to_date(forge, host, github):
    commit = forge.commit("main", {"a": b""}, "first", parent=None)
    where = host.check_run(commit, "releasegate", "failure", "2 of 41 checks failed", "text")
    assert host.check_run(commit, "releasegate", "success", "41 checks passed", "text") == where
    _, found = github.rest("GET", f"/repos/{forge.home}/commits/{commit}/check-runs", None)
    assert [(c["name"], c["conclusion"], c["output"]["title"]) for c in found["check_runs"]] == [
        ("releasegate", "success", "41 checks passed")
    ]


def test_a_release_is_published_once_and_completed(forge, host, github):
    commit = forge.commit("main", {"a": b""}, "first", parent=None)
    forge.create_tag("v1.0.0", commit, "one")
    where = host.release("v1.0.0", "1.0.0", "notes")
    evidence = Asset("evidence.zip", b"PK", "application/zip")
    assert host.release("v1.0.0", "1.0.0", "more notes", [evidence]) == where
    assert host.release("v1.0.0", "1.0.0", "more notes", [evidence]) == where
    _, found = github.rest("GET", f"/repos/{forge.home}/releases", None)
    assert [(one["tag_name"], one["body"], [a["name"] for a in one["assets"]]) for one in found] == [
        ("v1.0.0", "more notes\n\n<!-- releasegate: release -->\n", ["evidence.zip"])
    ]
    with pytest.raises(ForgeError, match="holds another"):
        host.release("v1.0.0", "1.0.0", "more notes", [Asset("evidence.zip", b"other")])


def test_a_release_that_people_wrote_keeps_their_words(forge, host, github):
    commit = forge.commit("main", {"a": b""}, "first", parent=None)
    forge.create_tag("v1.0.0", commit, "one")
    github.rest("POST", f"/repos/{forge.home}/releases", {"tag_name": "v1.0.0", "name": "One!", "body": "by hand"})
    host.release("v1.0.0", "1.0.0", "notes", [Asset("evidence.zip", b"PK", "application/zip")])
    _, found = github.rest("GET", f"/repos/{forge.home}/releases", None)
    assert [(one["name"], one["body"], [a["name"] for a in one["assets"]]) for one in found] == [
        ("One!", "by hand", ["evidence.zip"])
    ]


def test_a_pull_request_is_opened_once_and_approved_by_others_alone(forge, host, stub):
    first = forge.commit("main", {"a": b""}, "first", parent=None)
    forge.create_branch("flags", first)
    head = forge.commit("flags", {"a": b"1"}, "off", parent=first)
    made = host.open_pull_request("flags", "main", "Off", "why", auto_merge=True)
    assert (made.head, made.state) == (head, "open")
    assert host.open_pull_request("flags", "main", "Off", "why").number == made.number
    stub.reviews[made.number] = [
        ("Ada", "APPROVED", head),
        ("Bob", "APPROVED", head),
        ("Eve", "APPROVED", first),
        ("Kim", "APPROVED", head),
        ("Kim", "CHANGES_REQUESTED", head),
        ("Lee", "COMMENTED", head),
        ("Guest", "APPROVED", head),
    ]
    assert [(one.login, one.source) for one in host.reviewers(made.number)] == [("Bob", "pull-request")]


READY = "Pull request Pull request is in clean status"


def merged(github, forge):
    found = github.rest("GET", f"/repos/{forge.home}/pulls?state=all", None)[1]
    return [one["merged_at"] is not None for one in found]


@pytest.mark.parametrize("fault", [None, Fault(drop_after=True), Fault(drop_before=True), Fault(status=429)])
def test_a_pull_request_that_waits_for_nothing_is_merged_at_once_and_once(forge, host, stub, github, fault):
    first = forge.commit("main", {"a": b""}, "first", parent=None)
    forge.create_branch("flags", first)
    forge.commit("flags", {"a": b"1"}, "off", parent=first)
    stub.auto_merge, left = READY, [fault]
    github.fault = lambda e: left.pop() if left and e.method == "PUT" else None
    if fault is not None and fault.drop_before:
        with pytest.raises(UnknownOutcomeError):
            host.open_pull_request("flags", "main", "Off", "why", auto_merge=True)
        assert merged(github, forge) == [False]
    made = host.open_pull_request("flags", "main", "Off", "why", auto_merge=True)
    assert (made.state, made.merged_as, merged(github, forge)) == ("merged", forge.branch_head("main"), [True])


def test_auto_merge_that_is_not_allowed_says_what_helps(forge, host, stub):
    first = forge.commit("main", {"a": b""}, "first", parent=None)
    forge.create_branch("flags", first)
    forge.commit("flags", {"a": b"1"}, "off", parent=first)
    stub.auto_merge = "Pull request Auto merge is not allowed for this repository"
    with pytest.raises(ForgeError) as caught:
        host.open_pull_request("flags", "main", "Off", "why", auto_merge=True)
    assert caught.value.exit_code == 4
    assert str(caught.value).partition(": ")[2] == (
        f"auto-merge could not be switched on: GitHub refused: {stub.auto_merge}; "
        "allow it in the repository's settings, or merge the pull request by hand"
    )


def test_who_let_a_run_into_an_environment(stub, host):
    run = stub.run(COMMIT)
    stub.approvals[run["id"]] = [("Bob", "approved"), ("Eve", "rejected")]
    assert host.approvals(run["id"]) == [Approval("Bob", "environment", f"actions/runs/{run['id']}")]


def test_the_actor_of_a_workflow_is_the_person_who_started_it(github, stub):
    run = stub.run(COMMIT, actor="octocat")
    actor = github_forge(github, by_app=True, run=run["id"]).actor()
    assert (actor.name, actor.verified) == ("octocat", True)


def test_a_comment_is_written_once(forge, host):
    issue = forge.open_issue("drill", "A drill", "text")
    where = host.comment(issue, "note-1", "first note")
    assert host.comment(issue, "note-1", "again") == where
    assert host.comment(issue, "note-2", "second note") != where


def test_a_text_that_is_too_long_for_github_is_cut_and_found_again(forge):
    where = forge.open_issue("drill", "A drill", "é" * 70_000)
    assert forge.open_issue("drill", "A drill", "é" * 70_000) == where
    [issue] = forge.api.pages("issues", state="all")
    assert len(issue["body"]) == 65_536
    end = "é\n\n… (cut here: GitHub takes no longer text)\n\n<!-- releasegate: drill -->\n"
    assert issue["body"].endswith(end)
