"""What a job's own token may not do: the release branch comes before the tag and lives until the release tag exists."""

import pytest

from github_front import JOB, github_forge
from github_shop import settle, start, told
from releasegate.errors import RefusedError

CI = ".github/workflows/ci.yml"
WHY = (
    "GITHUB_TOKEN may not make a ref on a commit whose workflow files differ from every branch; push the release branch"
    " yourself, or give a GitHub App with `workflows: write`"
)


@pytest.fixture
def job(github, hosted, monkeypatch):
    """A workflow's job: its own token, and the run of the person who started it."""
    run = github.stub.run("a" * 40)
    monkeypatch.delenv("GH_TOKEN")
    monkeypatch.setenv("GITHUB_TOKEN", JOB)
    monkeypatch.setenv("GITHUB_RUN_ID", str(run["id"]))
    return hosted


@pytest.fixture
def forge(github):
    """A repository with a workflow file, as a person may make it."""
    forge = github_forge(github)
    head = start(forge)
    forge.commit("main", {CI: b"on: push\n"}, "ci", parent=head)
    return forge


def refs(github):
    """The refs that were made and moved, in order."""
    made = [e for e in github.exchanges if "/git/refs" in e.path and e.status in (200, 201)]
    return [e.body.decode().partition('"ref": "')[2].partition('"')[0] or e.path.partition("refs/")[2] for e in made]


def test_the_release_branch_comes_before_the_tag_and_lives_until_the_release_has_its_own(github, forge, job, capsys):
    candidate = forge.branch_head("main")
    github.exchanges.clear()
    assert told(job, ["tag", "rc", "--repo", forge.home], capsys)[0] == 0
    made = [ref for ref in refs(github) if "ledger" not in ref]
    assert made == ["refs/heads/release/v0.1.0", "refs/tags/v0.1.0-rc.1"]
    forge.commit("main", {CI: b"on: [push, pull_request]\n"}, "another ci", parent=candidate)
    github.exchanges.clear()
    code, out, _ = told(job, ["tag", "rc", "--commit", candidate, "--repo", forge.home], capsys)
    assert (code, refs(github)) == (0, []), "the branch and the tag are found again"
    assert "v0.1.0-rc.1" in out
    settle(forge)
    github.exchanges.clear()
    assert told(job, ["tag", "release", "--repo", forge.home], capsys)[0] == 0
    assert [ref for ref in refs(github) if "ledger" not in ref] == ["refs/tags/v0.1.0"]
    assert forge.branch_head("release/v0.1.0") == candidate
    assert [e for e in github.exchanges if e.method == "DELETE"] == []


def test_without_the_branch_the_release_tag_is_refused_and_what_helps_is_said(github, forge, job, capsys):
    candidate = forge.branch_head("main")
    assert told(job, ["tag", "rc", "--repo", forge.home], capsys)[0] == 0
    settle(forge)
    forge.commit("main", {CI: b"on: [push, pull_request]\n"}, "another ci", parent=candidate)
    assert github.rest("DELETE", f"/repos/{forge.home}/git/refs/heads/release/v0.1.0", None)[0] == 204
    code, out, err = told(job, ["tag", "release", "--repo", forge.home], capsys)
    assert (code, out) == (4, "")
    place = f"POST /repos/{forge.home}/git/refs: GitHub answered 403: Resource not accessible by integration"
    assert err == f"releasegate: {place}; {WHY}\n"
    assert forge.tags("v0.1.0") == []


def test_a_branch_on_workflow_files_that_no_branch_has_is_refused_too(github, forge):
    head = forge.branch_head("main")
    forge.create_branch("other", head)
    commit = forge.commit("other", {CI: b"on: issues\n"}, "another ci", parent=head)
    forge.create_branch("behind", head)
    github.rest("DELETE", f"/repos/{forge.home}/git/refs/heads/other", None)
    of_job = github_forge(github, forge.home, token=JOB)
    for branch in ("release/v1.0.0", "behind"):
        with pytest.raises(RefusedError) as caught:
            of_job.create_branch(branch, commit)
        assert (caught.value.exit_code, caught.value.remedy) == (4, WHY)
    forge.create_branch("release/v1.0.0", commit)
    of_job.create_branch("behind", commit)
