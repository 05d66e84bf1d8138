"""Commits made from their parts, and checkouts of this repository that follow a branch's move."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from releasegate.errors import RepositoryError
from releasegate.forge.git import Git

FILE = "100644"


def build_commit(
    git: Git, files: Mapping[str, bytes | None], message: str, parent: str | None, who: Mapping[str, str]
) -> str:
    """Make a commit of `files` on top of `parent` in a temporary index, and return its id. No ref moves.

    `who` is what git's environment has to hold for it to know the author.
    """
    modes, folders = _standing(git, parent, list(files)) if parent else ({}, set())
    entries = []
    for path, content in files.items():
        if "\0" in path:
            raise RepositoryError("a path cannot hold a NUL", where=repr(path))
        if content is None:
            entries.append(f"0 {'0' * len(parent or '')}\t{path}\0")
        else:
            blob = git.ok("hash-object", "-w", "-t", "blob", "--stdin", stdin=content).text
            entries.append(f"{modes.get(path, FILE)} {blob}\t{path}\0")
    with tempfile.TemporaryDirectory(prefix="releasegate-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        if parent:
            git.ok("read-tree", parent, env=index)
        done = git.ok("update-index", "-z", "--add", "--index-info", stdin="".join(entries).encode(), env=index)
        if done.stderr:  # git only warns of a path that it leaves out
            raise RepositoryError(f"git does not allow such a path: {done.reason}")
        if parent and not folders.issuperset(_above(files)):
            _refuse_to_replace_files(git, files, parent, index)
        tree = git.ok("write-tree", env=index).text
    parents = ["-p", parent] if parent else []
    return git.ok("commit-tree", tree, *parents, stdin=message.encode(), env=who).text


def _refuse_to_replace_files(
    git: Git, files: Mapping[str, bytes | None], parent: str, index: Mapping[str, str]
) -> None:
    """Git makes room for `a/b` by removing the file `a`; nobody asked for that."""
    changed = git.ok("diff-index", "--cached", "--name-only", "--no-renames", "-z", parent, env=index).stdout
    for path in changed.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        if path not in files:
            raise RepositoryError("is in the way of a file that is to be committed", where=path)


def checkouts(git: Git, ref: str) -> list[Git]:
    """The working trees of this repository in which the branch `ref` is checked out."""
    found = []
    for block in git.ok("worktree", "list", "--porcelain").text.split("\n\n"):
        lines = block.splitlines()
        if f"branch {ref}" in lines and "bare" not in lines:
            found.append(Git(Path(lines[0].removeprefix("worktree ")), patience=git.patience))
    return found


def refuse_own_changes(checkout: Git, paths: Sequence[str], old: str | None, new: str) -> None:
    """`RepositoryError` if the user has changes at `paths`, tracked or not, that following `new` would overwrite."""
    changed = checkout.ok("status", "--porcelain", "-z", "--untracked-files=all", "--ignored", "--", *paths)
    if changed.stdout:
        first = changed.stdout.split(b"\0", 1)[0][3:].decode("utf-8", "replace")
        raise RepositoryError(
            "has changes of your own that are not committed, so it is left alone",
            where=str(checkout.directory / first),
            remedy="commit or stash them, and run the command again",
        )
    trial = _move(checkout, old, new, "--dry-run")
    if trial:
        raise RepositoryError(f"the checkout cannot follow: {trial}", where=str(checkout.directory))


def follow(checkout: Git, old: str | None, new: str) -> None:
    """Bring the checkout's index and files from `old` to `new`, leaving the user's own changes elsewhere alone."""
    problem = _move(checkout, old, new)
    if problem:
        raise RepositoryError(
            f"the commit {new[:12]} was made, but the checkout did not follow: {problem}",
            where=str(checkout.directory),
            remedy="look at `git status`",
        )


def _move(checkout: Git, old: str | None, new: str, *options: str) -> str | None:
    """A two-way merge of the checkout, as `git checkout` does it; git's reason if it cannot be done."""
    checkout.run("update-index", "-q", "--refresh")
    start = old or checkout.ok("mktree").text  # the empty tree, before the first commit
    result = checkout.run("read-tree", "-m", "-u", *options, start, new)
    return result.reason if result.code else None


def _above(paths: Iterable[str]) -> set[str]:
    """Every folder that has to be there for `paths`."""
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents} - {"."}


def _standing(git: Git, commit: str, paths: Sequence[str]) -> tuple[Mapping[str, str], set[str]]:
    """The modes of those `paths` that `commit` holds, and which folders above them; only files can be written."""
    modes, folders = {}, set()
    listed = git.ok("ls-tree", "-t", "-z", "--full-tree", commit, "--", *paths).stdout
    for entry in listed.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        meta, path = entry.split("\t", 1)
        mode, kind, _ = meta.split(" ")
        if path in paths and (kind != "blob" or mode == "120000"):
            what = "a symbolic link" if mode == "120000" else "a folder"
            raise RepositoryError(f"is {what}, not a file", where=path)
        modes[path] = mode
        if kind == "tree":
            folders.add(path)
    return modes, folders
