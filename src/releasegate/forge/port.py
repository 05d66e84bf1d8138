"""The forge: git and its host, as the procedures see them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from releasegate.gates.changes import IncomingCommit
from releasegate.ledger.event import Actor


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and the commit it stands on (peeled, for an annotated one)."""

    name: str
    commit: str
    message: str
    """The annotation; empty for a lightweight tag."""
    annotated: bool
    time: datetime
    """When it was made (the commit's own time for a lightweight tag)."""


@dataclass(frozen=True, slots=True)
class FileAt:
    """A file of a branch or commit, with what a compare-and-swap needs."""

    path: str
    content: bytes
    blob: str
    """Git's id of the content."""
    commit: str | None
    """The commit that it was read from: the branch's head. None where a host does not tell it with a file."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to one path: `A`dded, `M`odified, `D`eleted, `R`enamed or another of git's status letters."""

    status: str
    path: str
    content: bytes
    """The content after the commit; empty where it is gone."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a history, with what it changed against its first parent (all files, for a root)."""

    sha: str
    parents: tuple[str, ...]
    author: str
    time: datetime
    """The committer's time, UTC."""
    message: str
    changes: tuple[Change, ...]


class Forge(Protocol):
    """What every forge can do. Branches and tags are named without `refs/...`; commits by their full id.

    A ref that does not exist is `None` or an empty sequence where the signature says so, else `RepositoryError`. What
    the host refuses or leaves unanswered is `ForgeError`; a lost race is `RaceError`.
    """

    @property
    def name(self) -> str:
        """`local` or `github`, for output."""

    @property
    def home(self) -> str:
        """The repository, as a person would name it: a path or `owner/name`."""

    def actor(self) -> Actor:
        """Who is acting through this forge."""

    def default_branch(self) -> str:
        """The branch that releases are cut from."""

    def resolve(self, revision: str) -> str:
        """The commit that a branch, tag, `HEAD` or (short) id stands for."""

    def branch_head(self, branch: str) -> str | None:
        """The commit at the head of `branch`, or None if there is no such branch."""

    def create_branch(self, branch: str, commit: str) -> None:
        """Make `branch` at `commit`, or bring it forward to it; nothing happens if it holds `commit` already.

        `RaceError` if it has gone another way.
        """

    def tags(self, pattern: str) -> Sequence[Tag]:
        """The tags whose name matches the glob `pattern`, oldest first."""

    def create_tag(self, name: str, commit: str, message: str) -> Tag:
        """Make an annotated tag. The same tag on the same commit is returned as it is; a tag is never moved."""

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether the commit `older` is `newer` or one of its ancestors."""

    def read(self, path: str, branch: str) -> FileAt | None:
        """The file at the head of `branch` (or at a commit), or None if it is not there.

        A branch is meant where a tag has the same name: edits are decided on what is read here.
        """

    def files(self, folder: str, revision: str) -> AbstractSet[str]:
        """The path of every file below `folder` at a branch, tag or commit.

        Nothing where there is no such folder; links and submodules are left out.
        """

    def commit(self, branch: str, files: Mapping[str, bytes | None], message: str, *, parent: str | None) -> str:
        """Commit `files` (None removes one) on `branch`, whose head must be `parent`, and return the new commit.

        `parent=None` starts a branch with no history; `RaceError` if the branch is there already, or its head is not
        `parent`. Nothing is forced, and the working tree's own changes are left alone.
        """

    def replace(self, branch: str, path: str, content: bytes, message: str, *, blob: str, parent: str | None) -> str:
        """Commit `content` as the file `path` on `branch`, and return the new commit.

        `blob` and `parent` are what `read` gave. `RaceError` if the file is another by now; also if only the head is,
        where `parent` is known, since then it is the head that is compared.
        """

    def history(self, branch: str, *, since: str | None = None) -> Sequence[Commit]:
        """The commits of `branch` (after `since`), oldest first; `InconclusiveError` if a shallow clone hides some."""

    def newest(self, branch: str) -> Commit | None:
        """The commit at the head of `branch`, or None if there is no such branch."""

    def changes_between(self, older: str, newer: str) -> Sequence[IncomingCommit]:
        """The commits that `newer` holds and `older` does not, over all parents, oldest first, and how each came.

        A forge without pull requests leaves them None, with `paths` filled. One that has them gives the merged ones
        of each commit (none for a direct push), with `paths` at least where there is no pull request.
        """

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Open an issue and say where it is. One with the same `marker` is found again, not doubled."""
