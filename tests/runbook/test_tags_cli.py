"""`releasegate tag` as a person and as a workflow use it, on real repositories."""

import json
import os
import re

import pytest

from repositories import committed, git, origin, repository, with_origin, write

POLICY = "version: 1\nservice: checkout\nenvironment: production\n"


@pytest.fixture
def releasegate(command, monkeypatch):
    """Call it in a folder with none of the variables of a runner or of git, but those that are given."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "GIT_"))]:
        monkeypatch.delenv(name)

    def call(folder, *arguments, **environ):
        with monkeypatch.context() as given:
            for name, value in environ.items():
                given.setenv(name, value)
            return command(folder, *arguments)

    return call


@pytest.fixture(params=["alone", "remote"])
def repo(request, tmp_path):
    if request.param == "alone":
        folder = repository(tmp_path / "repo")
    else:
        folder = with_origin(tmp_path / "repo", origin(tmp_path / "origin.git"))
    committed(folder, {"releasegate.yaml": POLICY})
    if request.param == "remote":
        git(folder, "push", "--quiet", "origin", "main")
    return folder


def test_a_candidate_from_tag_to_verified_ledger(releasegate, repo):
    head = git(repo, "rev-parse", "HEAD")
    assert releasegate(repo, "tag", "rc", "--dry-run") == (
        0,
        "RC_TAG=v0.1.0-rc.1\n",
        f"would tag v0.1.0-rc.1 on {head[:12]} (release/v0.1.0)\n",
    )
    assert releasegate(repo, "ledger", "verify")[0] == 3
    assert releasegate(repo, "tag", "rc") == (
        0,
        "RC_TAG=v0.1.0-rc.1\n",
        f"tagged v0.1.0-rc.1 on {head[:12]} (release/v0.1.0)\n",
    )
    assert releasegate(repo, "tag", "rc")[2] == f"found v0.1.0-rc.1 on {head[:12]} (release/v0.1.0)\n"
    second = committed(repo, {"code": "2"})
    code, out, _ = releasegate(repo, "tag", "rc", "--format", "json")
    assert (code, json.loads(out)) == (
        0,
        {
            "schema": "releasegate/tag/1",
            "tag": "v0.1.0-rc.2",
            "commit": second,
            "branch": "release/v0.1.0",
            "made": True,
        },
    )
    code, out, _ = releasegate(repo, "ledger", "verify", "--format", "json")
    found = json.loads(out)
    assert (code, found["verdict"], found["ledger"]["events"]) == (0, "pass", 2)
    assert found["ledger"]["anchor"]["tag"] == "v0.1.0-rc.2"
    assert found["ledger"]["unanchored_commits"] == 1
    assert git(repo, "cat-file", "-t", "v0.1.0-rc.2") == "tag"
    assert git(repo, "status", "--porcelain") == ""


def test_a_workflow_gets_the_tag(releasegate, repo, tmp_path):
    files = {"GITHUB_ENV": str(tmp_path / "env"), "GITHUB_OUTPUT": str(tmp_path / "output")}
    assert releasegate(repo, "tag", "rc", "1.4.0", **files)[0] == 0
    for path, name in ((tmp_path / "env", "RC_TAG"), (tmp_path / "output", "tag")):
        found = re.fullmatch(rf"{name}<<(end-[0-9a-f]{{32}})\nv1\.4\.0-rc\.1\n\1\n", path.read_text())
        assert found, path.read_text()
    code, _, err = releasegate(repo, "tag", "rc", "1.5.0", GITHUB_ENV=str(tmp_path))
    assert (code, err) == (4, f"releasegate: {tmp_path}: the runner's file cannot be written: Is a directory\n")


def test_a_changed_file_would_not_be_in_the_candidate(releasegate, repo):
    write(repo, {"releasegate.yaml": POLICY + "timezone: UTC\n", "untracked": ""})
    line = (
        "releasegate: `releasegate.yaml` would not be in the candidate: not committed; "
        "commit or stash it, or name the commit with --commit HEAD\n"
    )
    assert releasegate(repo, "tag", "rc") == (2, "", line)
    assert git(repo, "tag") == ""
    assert releasegate(repo, "tag", "rc", "--commit", "HEAD")[0] == 0


def test_a_detached_head_is_tagged_where_it_is(releasegate, repo):
    first = git(repo, "rev-parse", "HEAD")
    committed(repo, {"code": "2"})
    git(repo, "checkout", "--quiet", "--detach", first)
    assert releasegate(repo, "tag", "rc")[:2] == (0, "RC_TAG=v0.1.0-rc.1\n")
    assert git(repo, "rev-parse", "v0.1.0-rc.1^{commit}") == first


def test_a_runner_whose_git_knows_nobody_acts_for_who_started_the_job(releasegate, repo, tmp_path):
    for key in ("user.name", "user.email"):
        git(repo, "config", "--unset", key)
    nobody = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": "/dev/null"}
    nobody["GIT_CONFIG_NOSYSTEM"] = "1"
    line = 'git does not know who you are; run `git config user.name "…"` and `git config user.email "…"`'
    assert releasegate(repo, "tag", "rc", **nobody) == (2, "", f"releasegate: {line}\n")
    runner = {**nobody, "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "octocat", "GITHUB_ACTOR_ID": "583231"}
    assert releasegate(repo, "tag", "rc", **runner)[0] == 0
    tagger = git(repo, "for-each-ref", "--format=%(taggername) %(taggeremail)", "refs/tags")
    assert tagger == "octocat <583231+octocat@users.noreply.github.com>"
    _, out, _ = releasegate(repo, "ledger", "verify", "--format", "json", **nobody)
    assert json.loads(out)["verdict"] == "pass"


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ["tag", "last-good"],
            3,
            "the ledger knows no release that passed its gates, was rolled out and is not marked",
        ),
        (["tag", "release"], 3, "no candidate has reached the end of a rollout, as far as the ledger tells"),
        (["tag", "release", "v1.0.0-rc.1"], 3, "`v1.0.0-rc.1` has not reached the end of a rollout"),
        (["tag", "bad", "v1.0.0"], 2, "there is no tag `v1.0.0`"),
        (["tag", "bad", "v1.0.0", "--reason", "a\nb"], 2, "the reason holds control characters"),
        (["tag", "rc", "one"], 2, "`one` is not a version; write it as v1.4.0; -rc.N is added"),
        (["tag", "rc", "--commit", "nowhere"], 2, "there is no branch, tag or commit `nowhere`"),
        (["tag", "rc", "--commit", "--all"], 2, "there is no branch, tag or commit `--all`"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(releasegate, repo, arguments, code, line):
    before = git(repo, "for-each-ref", "refs/tags", "refs/heads")
    got, out, err = releasegate(repo, *arguments)
    assert (got, out) == (code, "")
    assert err.startswith(f"releasegate: {line}")
    assert err.count("\n") == 1
    assert git(repo, "for-each-ref", "refs/tags", "refs/heads") == before


def test_states_of_a_repository(releasegate, tmp_path):
    folder = tmp_path / "bare"
    folder.mkdir()
    write(folder, {"releasegate.yaml": POLICY})
    here = folder.resolve()
    lines = {
        "no repository": f"{here}: not a git repository; run this inside a checkout, or make one with `git init`",
        "no commits": "the repository has no commits yet; make one first",
        "no remote there": "origin did not answer: 'gone.git' does not appear to be a git repository; "
        "check the network, `git remote -v` and the credentials",
    }
    assert releasegate(folder, "tag", "rc") == (2, "", f"releasegate: {lines['no repository']}\n")
    assert releasegate(folder, "ledger", "show") == (2, "", f"releasegate: {lines['no repository']}\n")
    git(folder, "init")
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.com")
    assert releasegate(folder, "tag", "rc") == (2, "", f"releasegate: {lines['no commits']}\n")
    assert releasegate(folder, "ledger", "verify")[0] == 3
    committed(folder, {"releasegate.yaml": POLICY})
    git(folder, "remote", "add", "origin", "gone.git")
    for command in (["tag", "rc"], ["tag", "last-good"], ["ledger", "show"], ["ledger", "verify"]):
        assert releasegate(folder, *command) == (4, "", f"releasegate: {lines['no remote there']}\n")
    assert git(folder, "for-each-ref").count("\n") == 0


def test_a_shallow_clone_of_the_ledger_is_inconclusive(releasegate, tmp_path):
    remote = origin(tmp_path / "origin.git")
    source = with_origin(tmp_path / "source", remote)
    committed(source, {"releasegate.yaml": POLICY})
    git(source, "push", "--quiet", "origin", "main")
    for version in ("1.0.0", "2.0.0"):
        assert releasegate(source, "tag", "rc", version)[0] == 0
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{remote}", "clone")
    line = "this clone is shallow and hides older commits; run `git fetch --unshallow` and try again"
    assert releasegate(tmp_path / "clone", "ledger", "verify") == (3, "", f"releasegate: {line}\n")
    git(tmp_path / "clone", "fetch", "--quiet", "--unshallow")
    assert releasegate(tmp_path / "clone", "ledger", "verify")[0] == 0
