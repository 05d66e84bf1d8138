"""Doubles of the ports, which pass the same contract tests as the real adapters."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import count

from releasegate.errors import RaceError, RepositoryError
from releasegate.forge.port import Change, Commit, FileAt, Tag
from releasegate.gates.changes import IncomingCommit
from releasegate.ledger.event import Actor


class FakeClock:
    """A clock that moves only when somebody waits."""

    def __init__(self, now=datetime(2026, 11, 23, 10, 0, tzinfo=UTC)):
        self.moment = now
        self.slept = []

    def now(self):
        return self.moment

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.moment += timedelta(seconds=max(seconds, 0))


class Randomness:
    """Bytes that differ from call to call and are the same in every run."""

    def __init__(self):
        self.calls = count()

    def __call__(self, size):
        return hashlib.sha256(str(next(self.calls)).encode()).digest()[:size]


class MemoryForge:
    """A forge in memory. `clock` gives the commits their time; `before_commit` is called first in every `commit`."""

    name = "memory"
    home = "memory"

    def __init__(self, clock=None, actor=None, before_commit=lambda: None):
        self.clock = clock or FakeClock()
        self._actor = actor or Actor("Ada", verified=False)
        self.before_commit = before_commit
        self.commits = {}
        self.trees = {}
        self.branches = {}
        self.made_tags = {}
        self.issues = {}
        self.pull_requests = None
        self._lock = threading.RLock()

    def actor(self):
        return self._actor

    def default_branch(self):
        return "main"

    def resolve(self, revision):
        if revision == "HEAD":
            revision = "main"
        if revision in self.made_tags:
            return self.made_tags[revision].commit
        if revision in self.branches:
            return self.branches[revision]
        found = [sha for sha in self.commits if sha.startswith(revision)] if len(revision) >= 4 else []
        if len(found) != 1:
            raise RepositoryError(f"there is no branch, tag or commit `{revision}`")
        return found[0]

    def branch_head(self, branch):
        return self.branches.get(branch)

    def create_branch(self, branch, commit):
        with self._lock:
            head = self.branches.get(branch)
            if head is not None and self.is_ancestor(commit, head):
                return
            if head is not None and not self.is_ancestor(head, commit):
                raise RaceError(f"the branch `{branch}` has gone another way than {commit[:12]}")
            self.branches[branch] = commit

    def tags(self, pattern):
        found = [tag for name, tag in self.made_tags.items() if fnmatchcase(name, pattern)]
        return sorted(found, key=lambda tag: (tag.time, tag.name))

    def create_tag(self, name, commit, message):
        with self._lock:
            moment = self.clock.now().replace(microsecond=0)
            tag = self.made_tags.setdefault(name, Tag(name, commit, message.rstrip() + "\n", True, moment))
        if tag.commit != commit:
            raise RaceError(f"the tag `{name}` is on {tag.commit[:12]} already, and a tag is never moved")
        return tag

    def is_ancestor(self, older, newer):
        return older in self._reach(newer)

    def _reach(self, sha):
        seen, ahead = set(), [sha]
        while ahead:
            sha = ahead.pop()
            if sha not in seen:
                seen.add(sha)
                ahead.extend(self.commits[sha].parents)
        return seen

    def read(self, path, branch):
        commit = self.branches.get(branch) or self.resolve(branch)
        tree = self.trees[commit]
        if any(other.startswith(f"{path}/") for other in tree):
            raise RepositoryError("is a folder, not a file", where=f"{branch}:{path}")
        return FileAt(path, tree[path], blob_id(tree[path]), commit) if path in tree else None

    def files(self, folder, revision):
        tree = self.trees[self.branches.get(revision) or self.resolve(revision)]
        return {path for path in tree if path.startswith(f"{folder}/")}

    def commit(self, branch, files, message, *, parent):
        self.before_commit()
        with self._lock:
            if parent is not None and branch not in self.branches:
                raise RaceError(f"there is no branch `{branch}`")
            if self.branches.get(branch) != parent:
                raise RaceError(f"`{branch}` moved meanwhile", remedy="run the command again")
            before = self.trees.get(parent, {})
            after = {path: c for path, c in {**before, **files}.items() if c is not None}
            changes = tuple(_changes(before, after))
            moment = self.clock.now().replace(microsecond=0)
            sha = hashlib.sha1(repr((parent, after, message, moment, self._actor)).encode()).hexdigest()
            parents = () if parent is None else (parent,)
            self.commits[sha] = Commit(sha, parents, self._actor.name, moment, message, changes)
            self.trees[sha] = after
            self.branches[branch] = sha
            return sha

    def replace(self, branch, path, content, message, *, blob, parent):
        del blob
        return self.commit(branch, {path: content}, message, parent=parent)

    def history(self, branch, *, since=None):
        found, sha = [], self.branches.get(branch)
        while sha is not None and sha != since:
            found.append(self.commits[sha])
            sha = next(iter(self.commits[sha].parents), None)
        return found[::-1]

    def newest(self, branch):
        return self.commits.get(self.branches.get(branch))

    def changes_between(self, older, newer):
        """As a local forge; a test puts a commit's pull requests into `pull_requests`, by its id."""
        old, new = self._reach(older), self._reach(newer)
        return [
            IncomingCommit(
                sha=sha,
                author=commit.author,
                message=commit.message,
                paths=tuple(change.path for change in commit.changes),
                pull_requests=None if self.pull_requests is None else self.pull_requests.get(sha, ()),
            )
            for sha, commit in self.commits.items()
            if sha in new and sha not in old
        ]

    def open_issue(self, marker, title, body):
        with self._lock:
            if marker not in self.issues:
                self.issues[marker] = (f"memory:issues/{len(self.issues) + 1}", title, body)
        return self.issues[marker][0]


def blob_id(content):
    """Git's id of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _changes(before, after):
    for path in sorted({*before, *after}):
        if path not in after:
            yield Change("D", path, b"")
        elif path not in before:
            yield Change("A", path, after[path])
        elif before[path] != after[path]:
            yield Change("M", path, after[path])
