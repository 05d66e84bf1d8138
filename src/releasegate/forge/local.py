"""A forge on any git repository, through the git command: the remote `origin` is shared, or this repository's refs."""

import hashlib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from releasegate.errors import InconclusiveError, RaceError, RepositoryError
from releasegate.forge import history, worktree
from releasegate.forge.git import Git, redact
from releasegate.forge.port import Commit, FileAt, Tag
from releasegate.forge.refs import (
    OwnRefs,
    Refs,
    RemoteRefs,
    allows_ref,
    check_ref,
    common_directory,
    has_remote,
    is_shallow,
)
from releasegate.gates.changes import IncomingCommit
from releasegate.ledger.event import Actor

ROLES = ("AUTHOR", "COMMITTER")


class LocalForge:
    """The repository that `directory` lies in.

    With a remote `origin` the shared state is the remote's: refs are read from it, and written by a push that names
    what it expects to find. Without one the local branches and tags are the state.
    `issues` is the folder that `open_issue` writes to; by default one inside `.git`. `identity` is the name and email
    address that are used where git knows none.
    """

    name = "local"

    def __init__(self, directory: Path, *, issues: Path | None = None, identity: tuple[str, str] | None = None) -> None:
        self.git = Git(directory)
        self._issues = issues
        self._fallback = identity

    @cached_property
    def shared(self) -> bool:
        """Whether there is a remote `origin`."""
        return has_remote(self.git)

    @cached_property
    def refs(self) -> Refs:
        """The shared refs."""
        self.git.ok("rev-parse", "--git-dir")
        return RemoteRefs(self.git) if self.shared else OwnRefs(self.git)

    @property
    def private(self) -> Path:
        """The folder inside `.git` for releasegate's own files, shared by all worktrees."""
        return common_directory(self.git) / "releasegate"

    @property
    def home(self) -> str:
        """The remote's address without credentials, or the repository's folder."""
        if self.shared:
            return redact(self.git.ok("config", "--get", "remote.origin.url").text)
        return str(common_directory(self.git).parent)

    def actor(self) -> Actor:
        """Git's `user.name`, which nobody vouches for."""
        return self._actor

    @cached_property
    def _actor(self) -> Actor:
        return Actor(self._identity().rpartition(" <")[0], verified=False)

    def default_branch(self) -> str:
        """The branch that releases are cut from."""
        found = self.refs.default_branch()
        if found is None:
            raise RepositoryError("it cannot be told which branch is the default", remedy="name one in the policy")
        return found

    def resolve(self, revision: str) -> str:
        """The commit that a branch, tag, `HEAD` or (short) id stands for."""
        return self._named(revision, "tags", "heads")

    def _named(self, revision: str, *kinds: str) -> str:
        """As `resolve`; the first of `kinds` is meant where two refs have the same name."""
        if revision != "HEAD" and not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision):
            refs = [f"refs/{kind}/{revision}" for kind in kinds]
            found = self.refs.those(*refs) if allows_ref(self.git, refs[0]) else {}
            for ref in filter(found.get, refs):
                return found[ref] if ref.startswith("refs/heads/") else self._peel(found[ref], revision)
        return self._peel(revision, revision)

    def branch_head(self, branch: str) -> str | None:
        """The commit at the head of `branch`, or None if there is no such branch."""
        return self.refs.get(self._ref("heads", branch))

    def create_branch(self, branch: str, commit: str) -> None:
        """Make `branch` at `commit`, or bring it forward to it; `RaceError` if it has gone another way."""
        ref = self._ref("heads", branch)
        head = self.refs.get(ref)
        if head is not None and self.is_ancestor(commit, head):
            return
        if head is not None and not self.is_ancestor(head, commit):
            raise RaceError(f"the branch `{branch}` has gone another way than {commit[:12]}")
        self.refs.swap(ref, commit, head)

    def tags(self, pattern: str) -> Sequence[Tag]:
        """The tags whose name matches the glob `pattern`, oldest first."""
        fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
        found = {ref.removeprefix("refs/tags/"): sha for ref, sha in self.refs.under(f"refs/tags/{fixed}").items()}
        return self._read_tags({name: sha for name, sha in found.items() if fnmatchcase(name, pattern)})

    def create_tag(self, name: str, commit: str, message: str) -> Tag:
        """Make an annotated tag, or return the one that is there on the same commit; a tag is never moved."""
        ref = self._ref("tags", name)
        present = self._tag(ref, name)
        if present is None:
            text = f"object {commit}\ntype commit\ntag {name}\ntagger {self._identity()}\n\n{message.rstrip()}\n"
            sha = self.git.ok("mktag", stdin=text.encode()).text
            try:
                self.refs.swap(ref, sha, None)
            except RaceError:
                present = self._tag(ref, name)
            else:
                if self.shared:  # a convenience for the person at this checkout; their own tag stays if there is one
                    self.git.run("update-ref", ref, sha, "")
                return self._read_tags({name: sha})[0]
        if present is None or present.commit != commit:
            place = "elsewhere" if present is None else f"on {present.commit[:12]}"
            raise RaceError(f"the tag `{name}` is {place} already, and a tag is never moved")
        return present

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether the commit `older` is `newer` or one of its ancestors."""
        result = self.git.run("merge-base", "--is-ancestor", older, newer)
        if result.code == 0:
            return True
        if is_shallow(self.git):
            raise InconclusiveError(
                f"this clone is shallow: whether {newer[:12]} contains {older[:12]} cannot be told",
                remedy="run `git fetch --unshallow` and try again",
            )
        if result.code == 1:
            return False
        raise self.git.failure(result)

    def read(self, path: str, branch: str) -> FileAt | None:
        """The file at the head of `branch` (or at a commit), or None if it is not there."""
        commit = self._named(branch, "heads", "tags")
        listed = self.git.ok("ls-tree", "-z", "--full-tree", commit, "--", path).stdout.decode("utf-8", "replace")
        if not listed:
            return None
        mode, kind, blob = listed.split("\t", 1)[0].split(" ")
        if kind != "blob" or mode == "120000":
            what = "a symbolic link" if mode == "120000" else "a folder"
            raise RepositoryError(f"is {what}, not a file", where=f"{branch}:{path}")
        found = next(self.git.objects([blob]))
        if found is None:
            raise RepositoryError("its content is missing from this clone", where=f"{branch}:{path}")
        return FileAt(path, found[2], blob, commit)

    def files(self, folder: str, revision: str) -> set[str]:
        """The path of every file below `folder`; nothing where there is no such folder."""
        commit = self._named(revision, "heads", "tags")
        listed = self.git.ok("ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{folder}/").stdout
        found: set[str] = set()
        for entry in listed.decode("utf-8", "surrogateescape").split("\0")[:-1]:
            facts, path = entry.split("\t", 1)
            mode, kind, _ = facts.split(" ")
            if kind == "blob" and mode != "120000":
                found.add(path)
        return found

    def commit(self, branch: str, files: Mapping[str, bytes | None], message: str, *, parent: str | None) -> str:
        """Commit `files` on `branch`, whose head must be `parent`, and return the new commit.

        The working tree is not touched, but for one case: without a remote, where `branch` is checked out, the files
        that are committed are brought in step there, and `RepositoryError` is raised (and nothing done) if they hold
        changes of the user's own.
        """
        ref, refs = self._ref("heads", branch), self.refs  # where there is no repository, that is said first
        self.actor()  # says where git does not know who commits, before anything is written
        new = worktree.build_commit(self.git, files, message, parent, self._who)
        if self.shared:
            refs.swap(ref, new, parent)
            return new
        checkouts = worktree.checkouts(self.git, ref)
        if checkouts and refs.get(ref) != parent:
            raise RaceError(f"`{branch}` moved meanwhile", remedy="run the command again")
        for checkout in checkouts:
            worktree.refuse_own_changes(checkout, sorted(files), parent, new)
        refs.swap(ref, new, parent)
        for checkout in checkouts:
            worktree.follow(checkout, parent, new)
        return new

    def replace(self, branch: str, path: str, content: bytes, message: str, *, blob: str, parent: str | None) -> str:
        """As `commit` with this one file: the head that `read` gave is compared, and the `blob` with it."""
        del blob
        return self.commit(branch, {path: content}, message, parent=parent)

    def history(self, branch: str, *, since: str | None = None) -> Sequence[Commit]:
        """The commits of `branch` (after `since`), oldest first; none where there is no such branch."""
        head = self.branch_head(branch)
        if head is None:
            return []
        return history.commits(self.git, head, since)

    def newest(self, branch: str) -> Commit | None:
        """The commit at the head of `branch`, or None if there is no such branch."""
        head = self.branch_head(branch)
        if head is None:
            return None
        parent = self.git.run("rev-parse", "--verify", "--quiet", f"{head}^")
        return history.commits(self.git, head, None if parent.code else parent.text)[-1]

    def changes_between(self, older: str, newer: str) -> Sequence[IncomingCommit]:
        """The commits that `newer` holds and `older` does not; git knows nothing of pull requests."""
        return history.incoming(self.git, older, newer)

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Write the issue as a Markdown file, once for each `marker`, and return its path."""
        folder = self._issues or self.private / "issues"
        digest = hashlib.sha256(marker.encode()).hexdigest()[:12]
        path = folder / f"{re.sub(r'[^a-z0-9]+', '-', marker.lower()).strip('-')[:60]}-{digest}.md"
        draft = folder / f".{secrets.token_hex(8)}.tmp"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(f"<!-- releasegate: {marker} -->\n# {title}\n\n{body.rstrip()}\n", encoding="utf-8")
            try:
                os.link(draft, path)  # whole or not at all, and never over one that is there
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        except OSError as error:
            raise RepositoryError(f"the issue cannot be written: {error.strerror}", where=str(folder)) from error
        return str(path)

    def _ref(self, kind: str, name: str) -> str:
        ref = f"refs/{kind}/{name}"
        check_ref(self.git, ref)
        return ref

    def _peel(self, revision: str, name: str) -> str:
        if not revision.startswith("-"):
            result = self.git.run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
            if result.code == 0:
                return result.text
        self.git.ok("rev-parse", "--git-dir")
        if name == "HEAD":
            raise RepositoryError("the repository has no commits yet", remedy="make one first")
        remedy = "is it spelled right, and pushed?"
        if is_shallow(self.git):
            remedy = "this clone is shallow: run `git fetch --unshallow` and try again"
        raise RepositoryError(f"there is no branch, tag or commit `{name}`", remedy=remedy)

    @cached_property
    def _who(self) -> Mapping[str, str]:
        """What git's environment has to hold for it to know who acts: nothing where it knows already."""
        if self._fallback is None or self.git.run("var", "GIT_COMMITTER_IDENT").code == 0:
            return {}
        name, email = self._fallback
        return {f"GIT_{role}_{part}": text for role in ROLES for part, text in (("NAME", name), ("EMAIL", email))}

    def _identity(self) -> str:
        """The committer as git writes it: `Name <email> seconds zone`."""
        return self.git.ok("var", "GIT_COMMITTER_IDENT", env=self._who).text

    def _tag(self, ref: str, name: str) -> Tag | None:
        sha = self.refs.get(ref)
        return None if sha is None else self._read_tags({name: sha})[0]

    def _read_tags(self, refs: Mapping[str, str]) -> list[Tag]:
        shas = list(refs.values())
        peeled = list(self.git.objects([f"{sha}^{{}}" for sha in shas]))
        tags = [
            history.tag(name, item[1], item[2], target[0])
            for name, item, target in zip(refs, self.git.objects(shas), peeled, strict=True)
            if item is not None and target is not None and target[1] == "commit"
        ]
        return sorted(tags, key=lambda tag: (tag.time, tag.name))
