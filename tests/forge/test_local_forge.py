"""The local forge among people: their configuration, their working tree, their remotes."""

import os
import subprocess
from pathlib import Path

import pytest

from git_over_http import serve
from releasegate.errors import ForgeError, RaceError, RepositoryError
from releasegate.forge.git import Git, redact, uncommitted
from releasegate.forge.local import LocalForge
from repositories import committed, git, origin, porcelain, repository, with_origin, write


@pytest.fixture
def repo(tmp_path):
    return repository(tmp_path / "repo")


def hostile(folder):
    """Everything that a person may have configured and that would break a naive use of git."""
    hooks = folder.parent / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "commit-msg", "pre-push", "reference-transaction", "post-checkout", "post-index-change"):
        (hooks / name).write_text("#!/bin/sh\necho hook >&2\nexit 1\n")
        (hooks / name).chmod(0o755)
    settings = {
        "commit.gpgsign": "true",
        "tag.gpgsign": "true",
        "tag.forceSignAnnotated": "true",
        "push.gpgSign": "true",
        "gpg.program": "false",
        "core.hooksPath": str(hooks),
        "core.autocrlf": "true",
        "core.quotePath": "true",
        "core.pager": "false",
        "core.editor": "false",
        "core.fsmonitor": "false",
        "color.ui": "always",
        "diff.noprefix": "true",
        "diff.external": "false",
        "log.showSignature": "true",
        "push.followTags": "true",
        "push.pushOption": "x",
        "push.recurseSubmodules": "check",
        "fetch.prune": "true",
        "fetch.pruneTags": "true",
        "status.showUntrackedFiles": "no",
        "status.short": "true",
        "i18n.commitEncoding": "ISO-8859-1",
        "alias.push": "!false",
        "url.https://invalid.invalid/.insteadOf": "gh:",
    }
    for name, value in settings.items():
        git(folder, "config", name, value)


@pytest.mark.parametrize("remote", [False, True], ids=["alone", "remote"])
def test_hooks_and_configuration_break_nothing(tmp_path, remote, monkeypatch):
    folder = tmp_path / "repo"
    if remote:
        with_origin(folder, origin(tmp_path / "origin.git"))
        git(folder, "config", "remote.origin.mirror", "true")
    else:
        repository(folder)
    hostile(folder)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    monkeypatch.setenv("GIT_TRACE", "1")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    forge = LocalForge(folder)
    one = forge.commit("main", {"ä\n.yaml": b"a\r\n"}, "Größe", parent=None)
    two = forge.commit("main", {"ä\n.yaml": b"b\n"}, "second", parent=one)
    assert [commit.message for commit in forge.history("main")] == ["Größe", "second"]
    assert forge.read("ä\n.yaml", one).content == b"a\r\n"
    assert forge.create_tag("v1.0.0", two, "x").commit == two


def test_a_checked_out_branch_is_kept_in_step(repo):
    committed(repo, {"flags.yaml": "a: 1\n", "gone": "", "other": "1\n"})
    write(repo, {"other": "mine\n", "new": "mine\n"})
    git(repo, "add", "new")
    forge = LocalForge(repo)
    forge.commit("main", {"flags.yaml": b"a: 2\n", "gone": None, "deep/er": b""}, "x", parent=forge.branch_head("main"))
    assert (repo / "flags.yaml").read_text() == "a: 2\n"
    assert not (repo / "gone").exists()
    assert (repo / "deep/er").read_text() == ""
    assert porcelain(repo) == ["A  new", " M other"]


@pytest.mark.parametrize("stage", [False, True], ids=["in the tree", "in the index"])
def test_the_users_own_changes_are_left_alone(repo, stage):
    head = committed(repo, {"flags.yaml": "a: 1\n"})
    write(repo, {"flags.yaml": "a: mine\n"})
    if stage:
        git(repo, "add", "flags.yaml")
    before = porcelain(repo)
    with pytest.raises(RepositoryError, match=r"flags\.yaml: has changes of your own .*; commit or stash them"):
        LocalForge(repo).commit("main", {"flags.yaml": b"a: 2\n"}, "x", parent=head)
    assert (repo / "flags.yaml").read_text() == "a: mine\n"
    assert git(repo, "rev-parse", "main") == head
    assert porcelain(repo) == before


@pytest.mark.parametrize("ignored", [False, True])
def test_an_untracked_file_is_not_overwritten(repo, ignored):
    head = committed(repo, {".gitignore": "notes\n" if ignored else ""})
    write(repo, {"notes": "mine\n"})
    with pytest.raises(RepositoryError, match="notes: has changes of your own"):
        LocalForge(repo).commit("main", {"notes": b"theirs\n"}, "x", parent=head)
    assert (repo / "notes").read_text() == "mine\n"
    assert git(repo, "rev-parse", "main") == head


def test_another_worktree_follows_and_this_one_stays(repo, tmp_path):
    head = committed(repo, {"a": "1\n"})
    git(repo, "worktree", "add", "-b", "other", str(tmp_path / "linked"))
    LocalForge(repo).commit("other", {"a": b"2\n"}, "x", parent=head)
    assert (tmp_path / "linked/a").read_text() == "2\n"
    assert (repo / "a").read_text() == "1\n"
    assert porcelain(repo) == porcelain(tmp_path / "linked") == []


def test_with_a_remote_the_checkout_is_not_touched(tmp_path):
    repo = with_origin(tmp_path / "repo", origin(tmp_path / "origin.git"))
    head = committed(repo, {"a": "1\n"})
    git(repo, "push", "--quiet", "origin", "main")
    write(repo, {"a": "mine\n"})
    forge = LocalForge(repo)
    new = forge.commit("main", {"a": b"2\n"}, "x", parent=head)
    assert git(tmp_path / "origin.git", "rev-parse", "main") == new
    assert git(repo, "rev-parse", "main") == head
    assert (repo / "a").read_text() == "mine\n"


def test_the_remote_holds_the_shared_state(tmp_path):
    remote = origin(tmp_path / "origin.git")
    one = LocalForge(with_origin(tmp_path / "one", remote))
    two = LocalForge(with_origin(tmp_path / "two", remote))
    head = one.commit("main", {"a": b"1\n"}, "x", parent=None)
    assert two.branch_head("main") == head
    one.create_branch("release", head)
    assert two.branch_head("release") == head
    git(remote, "branch", "-D", "release")
    one.create_branch("release/v1", head)  # which cannot stand beside `release`
    assert two.branch_head("release/v1") == head
    git(tmp_path / "two", "tag", "v1", git(tmp_path / "two", "hash-object", "-w", "/dev/null"))
    assert one.create_tag("v1", head, "theirs") == two.create_tag("v1", head, "ours")
    assert [tag.message for tag in two.tags("v*")] == ["theirs\n"]


def test_a_detached_head_and_a_bare_repository_are_fine(repo, tmp_path):
    head = committed(repo, {"a": "1\n"})
    git(repo, "checkout", "--quiet", "--detach")
    forge = LocalForge(repo)
    assert (forge.resolve("HEAD"), forge.default_branch()) == (head, "main")
    new = forge.commit("main", {"a": b"2\n"}, "x", parent=head)
    assert (forge.resolve("HEAD"), forge.branch_head("main")) == (head, new)
    assert porcelain(repo) == []
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "bare.git")
    git(tmp_path / "bare.git", "remote", "remove", "origin")
    git(tmp_path / "bare.git", "config", "user.name", "Ada")
    git(tmp_path / "bare.git", "config", "user.email", "ada@example.com")
    bare = LocalForge(tmp_path / "bare.git")
    newer = bare.commit("main", {"a": b"3\n"}, "x", parent=new)
    assert bare.branch_head("main") == newer


def test_a_sha256_repository(tmp_path):
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--object-format=sha256")
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.com")
    forge = LocalForge(folder)
    one = forge.commit("main", {"a": b"1\n"}, "x", parent=None)
    two = forge.commit("main", {"a": None, "b": b""}, "x", parent=one)
    assert len(two) == 64
    assert [(c.status, c.path) for c in forge.history("main", since=one)[0].changes] == [("D", "a"), ("A", "b")]
    assert forge.create_tag("v1", two, "x").commit == two


def test_a_push_whose_answer_is_lost_was_carried_out_once(tmp_path):
    origin(tmp_path / "served" / "origin.git")
    lost = []

    def drop(method, path):
        if method == "POST" and path.endswith("git-receive-pack") and not lost:
            lost.append(path)
            return True
        return False

    with serve(tmp_path / "served", drop=drop) as server:
        forge = LocalForge(with_origin(tmp_path / "repo", f"{server.address}origin.git"))
        head = forge.commit("main", {"a": b"1\n"}, "x", parent=None)
        assert lost
        assert [commit.sha for commit in forge.history("main")] == [head]


def test_replaced_commits_do_not_fool_anybody(repo):
    one = committed(repo, {"a": "1\n"})
    two = committed(repo, {"a": "2\n"})
    git(repo, "replace", "--graft", two)
    assert [commit.sha for commit in LocalForge(repo).history("main")] == [one, two]


def test_renames_merges_and_modes_are_seen(repo):
    committed(repo, {"old": "text\n" * 20, "a": "1\n"})
    git(repo, "checkout", "--quiet", "-b", "side")
    committed(repo, {"side": ""})
    git(repo, "checkout", "--quiet", "main")
    git(repo, "mv", "old", "new")
    (repo / "a").chmod(0o755)
    git(repo, "commit", "--quiet", "-am", "rename")
    git(repo, "merge", "--quiet", "-m", "merge", "side")
    commits = LocalForge(repo).history("main")
    renamed = next(commit for commit in commits if commit.message == "rename\n")
    assert [(c.status, c.path) for c in renamed.changes] == [("M", "a"), ("R", "new")]
    assert [(c.status, c.path) for c in commits[-1].changes] == [("A", "side")]
    assert len(commits[-1].parents) == 2


def test_issues_are_files_with_a_marker(repo, tmp_path):
    place = Path(LocalForge(repo).open_issue("rollback v1", "Find the cause", "It was slow.\n"))
    assert place.parent == repo / ".git/releasegate/issues"
    assert place.read_text() == "<!-- releasegate: rollback v1 -->\n# Find the cause\n\nIt was slow.\n"
    other = Path(LocalForge(repo, issues=tmp_path / "issues").open_issue("rollback v1", "Find the cause", ""))
    assert (other.parent, other.name) == (tmp_path / "issues", place.name)
    assert porcelain(repo) == []


def test_uncommitted_files_are_named(repo):
    committed(repo, {"a": "1\n", "b": "2\n" * 9, "ö": ""})
    assert uncommitted(repo) == []
    write(repo, {"untracked": "", "ö": "x"})
    git(repo, "mv", "b", "c")
    assert sorted(uncommitted(repo)) == ["c", "ö"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://ada:pw@host/x", "https://***@host/x"),
        ("'https://x-access-token:a@b@host/x'", "'https://***@host/x'"),
        ("https://host/x?y=z", "https://host/x?y=z"),
        ("git@host:x.git and mail@example.com", "git@host:x.git and mail@example.com"),
    ],
)
def test_credentials_are_cut_out(text, clean):
    assert redact(text) == clean


def test_git_started_nothing_that_outlives_it(repo):
    nap = f"600.{os.getpid()}"
    with pytest.raises(ForgeError, match="did not answer within"):
        Git(repo, patience=0.3).run("-c", f"alias.wait=!sleep {nap} & wait", "wait")
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"sleep {nap}" not in running.splitlines()


def test_race_between_the_read_and_the_update_of_a_ref(repo):
    head = committed(repo, {"a": "1\n"})
    forge = LocalForge(repo)
    (repo / ".git/refs/heads/main.lock").touch()
    with pytest.raises(RaceError):
        forge.commit("main", {"a": b"2\n"}, "x", parent=head)
    (repo / ".git/refs/heads/main.lock").unlink()
    assert (repo / "a").read_text() == "1\n"
