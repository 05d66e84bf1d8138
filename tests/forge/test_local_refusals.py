"""Repositories and remotes in which something cannot be done: one line each, and nothing changed."""

import socket

import pytest

from git_over_http import serve
from releasegate.errors import ForgeError, InconclusiveError, RepositoryError
from releasegate.forge.git import uncommitted
from releasegate.forge.local import LocalForge
from repositories import committed, git, origin, porcelain, repository, with_origin, write


@pytest.fixture
def repo(tmp_path):
    return repository(tmp_path / "repo")


def refusal(error, action):
    with pytest.raises(error) as caught:
        action()
    return str(caught.value)


def test_no_repository(tmp_path):
    forge = LocalForge(tmp_path)
    line = f"{tmp_path}: not a git repository; run this inside a checkout, or make one with `git init`"
    for action in (
        lambda: forge.home,
        forge.default_branch,
        lambda: forge.resolve("HEAD"),
        lambda: forge.branch_head("main"),
        lambda: forge.tags("*"),
        lambda: forge.commit("main", {"a": b""}, "x", parent=None),
        lambda: forge.history("main"),
        lambda: forge.open_issue("a", "b", "c"),
        lambda: uncommitted(tmp_path),
    ):
        assert refusal(RepositoryError, action) == line
    assert list(tmp_path.iterdir()) == []


def test_no_folder_and_no_git(tmp_path, monkeypatch):
    missing = tmp_path / "missing"
    assert refusal(RepositoryError, lambda: LocalForge(missing).tags("*")) == f"{missing}: there is no such folder"
    monkeypatch.setenv("PATH", str(tmp_path))
    line = "git is not installed; install git 2.31 or newer"
    assert refusal(RepositoryError, lambda: LocalForge(tmp_path).tags("*")) == line


def test_no_commits_yet(repo):
    line = "the repository has no commits yet; make one first"
    assert refusal(RepositoryError, lambda: LocalForge(repo).resolve("HEAD")) == line


def test_an_unknown_person(repo, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git(repo, "config", "--unset", "user.name")
    git(repo, "config", "--unset", "user.email")
    forge = LocalForge(repo)
    line = 'git does not know who you are; run `git config user.name "…"` and `git config user.email "…"`'
    assert refusal(RepositoryError, forge.actor) == line
    assert refusal(RepositoryError, lambda: forge.commit("main", {"a": b""}, "x", parent=None)) == line
    assert forge.branch_head("main") is None


def test_a_remote_that_is_not_there(tmp_path):
    repo = with_origin(tmp_path / "repo", tmp_path / "nowhere.git")
    said = refusal(ForgeError, lambda: LocalForge(repo).branch_head("main"))
    assert said == (
        f"origin did not answer: '{tmp_path}/nowhere.git' does not appear to be a git repository; "
        "check the network, `git remote -v` and the credentials"
    )


def test_a_refused_connection_shows_no_credentials(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        repo = with_origin(tmp_path / "repo", f"http://ada:s3cr%40t@127.0.0.1:{port}/x.git")
        forge = LocalForge(repo)
        said = refusal(ForgeError, lambda: forge.branch_head("main"))
        assert said.startswith("origin did not answer: unable to access 'http://")
        assert "s3cr" not in said + forge.home
        assert forge.home == f"http://***@127.0.0.1:{port}/x.git"


def test_wrong_credentials_do_not_ask(tmp_path):
    origin(tmp_path / "served" / "origin.git")
    with serve(tmp_path / "served", password="right") as server:
        good = server.address.replace("://", "://ada:right@")
        head = LocalForge(with_origin(tmp_path / "good", f"{good}origin.git")).commit("main", {}, "x", parent=None)
        assert LocalForge(with_origin(tmp_path / "again", f"{good}origin.git")).branch_head("main") == head
        bad = server.address.replace("://", "://ada:wr0ng@")
        for name, address in (("wrong", bad), ("none", server.address)):
            forge = LocalForge(with_origin(tmp_path / name, f"{address}origin.git"))
            said = refusal(ForgeError, lambda forge=forge: forge.branch_head("main"))
            assert "wr0ng" not in said
            assert "origin did not answer: " in said


def test_a_remote_that_never_answers_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        forge = LocalForge(with_origin(tmp_path / "repo", f"git://127.0.0.1:{silent.getsockname()[1]}/x.git"))
        forge.git.patience = 0.5
        said = refusal(ForgeError, lambda: forge.branch_head("main"))
    assert said == "`git ls-remote` did not answer within 0.5 s; is the remote reachable?"


def test_a_push_that_the_remote_refuses(tmp_path):
    remote = origin(tmp_path / "origin.git")
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed'\nexit 1\n")
    hook.chmod(0o755)
    forge = LocalForge(with_origin(tmp_path / "repo", remote))
    said = refusal(ForgeError, lambda: forge.commit("main", {"a": b""}, "x", parent=None))
    assert said == (
        "origin refused `refs/heads/main`: error: GH006: Protected branch update failed; "
        "[remote rejected] (pre-receive hook declined); may this user push there?"
    )
    assert forge.branch_head("main") is None


def test_a_shallow_clone_says_so(tmp_path):
    source = repository(tmp_path / "source")
    one = committed(source, {"a": "1\n"})
    committed(source, {"a": "2\n"})
    git(source, "tag", "-a", "-m", "x", "v1", one)
    two = committed(source, {"a": "3\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(source), "origin.git")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}/origin.git", "clone")
    git(tmp_path / "clone", "config", "user.name", "Ada")
    git(tmp_path / "clone", "config", "user.email", "ada@example.com")
    forge = LocalForge(tmp_path / "clone")
    line = "this clone is shallow and hides older commits; run `git fetch --unshallow` and try again"
    assert refusal(InconclusiveError, lambda: forge.history("main")) == line
    assert "is shallow: whether" in refusal(InconclusiveError, lambda: forge.is_ancestor(one, two))
    assert refusal(RepositoryError, lambda: forge.resolve("HEAD~1")) == (
        "there is no branch, tag or commit `HEAD~1`; this clone is shallow: run `git fetch --unshallow` and try again"
    )
    assert [tag.commit for tag in forge.tags("v*")] == [one]
    ledger = forge.commit("ledger", {"e": b""}, "x", parent=None)
    new = forge.commit("main", {"a": b"4\n"}, "x", parent=two)
    assert [commit.sha for commit in forge.history("ledger")] == [ledger]
    assert [commit.sha for commit in forge.history("main", since=two)] == [new]
    git(tmp_path / "clone", "fetch", "--quiet", "--unshallow")
    assert len(forge.history("main")) == 4
    assert forge.is_ancestor(one, two)


def test_a_files_mode_is_kept_and_a_link_is_refused(repo):
    write(repo, {"run.sh": "#!/bin/sh\n"})
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("run.sh")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "x")
    forge = LocalForge(repo)
    head = forge.commit("main", {"run.sh": b"#!/bin/bash\n"}, "x", parent=forge.branch_head("main"))
    assert git(repo, "ls-tree", "main", "run.sh").startswith("100755")
    for action in (
        lambda: forge.read("link", "main"),
        lambda: forge.commit("main", {"link": b""}, "x", parent=head),
    ):
        assert refusal(RepositoryError, action).endswith("link: is a symbolic link, not a file")


@pytest.mark.parametrize("path", ["../out", "/etc/x", ".git/config", "a/../b", "", "a/b", "nul\0"])
def test_paths_that_git_does_not_allow_change_nothing(repo, path):
    head = committed(repo, {"a": "1\n"})
    with pytest.raises(RepositoryError):
        LocalForge(repo).commit("main", {path: b"x"}, "x", parent=head)
    assert git(repo, "rev-parse", "main") == head
    assert porcelain(repo) == []


@pytest.mark.parametrize("name", ["", "a b", "-x", "a..b", "x.lock", "a~1", "@{"])
def test_names_that_git_does_not_allow(repo, name):
    forge = LocalForge(repo)
    head = committed(repo, {"a": "1\n"})
    for action in (
        lambda: forge.create_branch(name, head),
        lambda: forge.create_tag(name, head, "x"),
        lambda: forge.commit(name, {"a": b""}, "x", parent=None),
    ):
        assert f"git does not allow the name `{name}`" in refusal(RepositoryError, action)
