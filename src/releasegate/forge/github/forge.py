"""The git side of the forge on GitHub."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from releasegate.errors import ForgeError
from releasegate.forge.github import commits, contents, issues, refs, reviews
from releasegate.forge.github.api import Api
from releasegate.forge.github.mirror import Mirror
from releasegate.forge.port import Commit, FileAt, Tag
from releasegate.gates.changes import IncomingCommit
from releasegate.ledger.event import Actor


class GitHubForge:
    """A repository on GitHub.

    `head` is the commit of the checkout, for which `HEAD` stands; None without one (then it is the default branch's).
    `run` is the number of the workflow run that this is part of. A commit of the ledger's events carries the actor's
    name as its author, since the ledger's check compares them; all others are committed by the token's own account, and
    GitHub signs those. `private` is the folder on this machine for releasegate's own files. `mirror` reads
    long histories through git.
    """

    name = "github"

    def __init__(
        self,
        api: Api,
        *,
        head: str | None = None,
        run: int | None = None,
        by_app: bool = False,
        private: Path = Path(),
        mirror: Mirror | None = None,
    ) -> None:
        self.api = api
        self._head = head
        self._run = run
        self._by_app = by_app
        self.private = private
        self._mirror = mirror

    @property
    def home(self) -> str:
        """`owner/name`."""
        return self.api.repository

    def actor(self) -> Actor:
        """Who is acting: the person who started the workflow run, else the login that the token belongs to."""
        return self._actor

    @cached_property
    def _actor(self) -> Actor:
        if not self._by_app:
            return Actor(self.api.get("/user")["login"], verified=True)
        if self._run is None:
            raise ForgeError(
                "the token belongs to a GitHub App and to no workflow run, so nobody vouches for who acts",
                remedy="run this in a workflow, or with a person's token",
            )
        return Actor(self.api.get(f"actions/runs/{self._run}")["triggering_actor"]["login"], verified=True)

    @cached_property
    def repository(self) -> Mapping[str, object]:
        """What GitHub says of the repository."""
        found: Mapping[str, object] = self.api.get("")
        return found

    def default_branch(self) -> str:
        """The branch that releases are cut from."""
        return str(self.repository["default_branch"])

    def resolve(self, revision: str) -> str:
        """The commit that a branch, tag, `HEAD` or (short) id stands for."""
        if revision == "HEAD":
            revision = self._head or self.default_branch()
        return commits.resolve(self.api, revision)

    def branch_head(self, branch: str) -> str | None:
        """The commit at the head of `branch`, or None if there is no such branch."""
        found = refs.get(self.api, "heads", branch)
        return None if found is None else found[1]

    def create_branch(self, branch: str, commit: str) -> None:
        """Make `branch` at `commit`, or bring it forward to it; `RaceError` if it has gone another way."""
        refs.create_branch(self.api, branch, commit)

    def tags(self, pattern: str) -> Sequence[Tag]:
        """The tags whose name matches the glob `pattern`, oldest first."""
        return refs.tags(self.api, pattern)

    def create_tag(self, name: str, commit: str, message: str) -> Tag:
        """Make an annotated tag, or return the one that is there on the same commit; a tag is never moved."""
        return refs.create_tag(self.api, name, commit, message, self.actor().name)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether the commit `older` is `newer` or one of its ancestors."""
        return refs.contains(self.api, older, newer)

    def read(self, path: str, branch: str) -> FileAt | None:
        """The file at the head of `branch` (or at a commit), or None if it is not there."""
        return commits.read(self.api, path, branch)

    def files(self, folder: str, revision: str) -> set[str]:
        """The path of every file below `folder`; nothing where there is no such folder."""
        return commits.files(self.api, folder, self.resolve(revision))

    def commit(self, branch: str, files: Mapping[str, bytes | None], message: str, *, parent: str | None) -> str:
        """Commit `files` on `branch`, whose head must be `parent`, and return the new commit."""
        commits.refuse_tricks(files)
        recorded = all(path.startswith("events/") for path in files)
        if parent is not None and not recorded:
            new = commits.commit_signed(self.api, branch, files, message, parent)
            if new is not None:
                return new
        who = self.actor().name if recorded else None
        return commits.commit_as(self.api, branch, files, message, parent, who)

    def replace(self, branch: str, path: str, content: bytes, message: str, *, blob: str, parent: str | None) -> str:
        """As `commit` with this one file; where `read` did not tell the head, the file is compared instead."""
        if parent is not None:
            return self.commit(branch, {path: content}, message, parent=parent)
        commits.refuse_tricks([path])
        return contents.replace(self.api, branch, path, content, message, blob)

    def history(self, branch: str, *, since: str | None = None) -> Sequence[Commit]:
        """The commits of `branch` (after `since`), oldest first; none where there is no such branch."""
        return commits.history(self.api, branch, since, self._mirror)

    def newest(self, branch: str) -> Commit | None:
        """The commit at the head of `branch`, or None if there is no such branch."""
        return commits.newest(self.api, branch)

    def changes_between(self, older: str, newer: str) -> Sequence[IncomingCommit]:
        """The commits that `newer` holds and `older` does not, oldest first, and by which pull requests they came."""
        return reviews.incoming(self.api, older, newer)

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Open an issue and say where it is. One with the same `marker` is found again, not doubled."""
        return issues.open_issue(self.api, marker, title, body)
