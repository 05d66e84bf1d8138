"""Changes of a file that do not go straight onto the branch: by a pull request, or as a patch for a person."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from releasegate.errors import ForgeError, PendingError, RaceError, ReleasegateError
from releasegate.flags.document import unified_diff
from releasegate.forge.host import Host, PullRequest
from releasegate.forge.port import FileAt, Forge
from releasegate.runbook.clock import Clock

PAUSE = 3.0
"""Seconds between two looks at a pull request."""
ROOT = "releasegate-flags"
"""The first part of the branches that are made here."""


class Proposals:
    """A repository of which one commit becomes one pull request, found again by what it changes, and waited for.

    `name` tells the changes of one kind from others (`checkout/production/traffic`). With `newest_only` a newer change
    of that kind closes the older ones that still wait: a raise must not be merged after it was taken back. So does
    `also` with those of other kinds, and says which. Both come after the newer one is opened, and stop nothing; `tell`
    gets a line about them.
    """

    def __init__(
        self,
        forge: Forge,
        host: Callable[[], Host],
        clock: Clock,
        *,
        name: str,
        patience: float,
        tell: Callable[[str], None],
        newest_only: bool = False,
        also: Callable[[], str] = lambda: "",
    ) -> None:
        self._forge, self._host, self._clock = forge, host, clock
        self._prefix = f"{ROOT}/{re.sub(r'[^A-Za-z0-9/_-]+', '-', name)}/"
        self._patience, self._tell, self._newest_only, self._also = patience, tell, newest_only, also

    def read(self, path: str, branch: str) -> FileAt | None:
        """The file at the head of `branch` (or at a commit), or None; with the commit, since a branch begins there."""
        found = self._forge.read(path, branch)
        if found is not None and found.commit is None:
            return self._forge.read(path, self._forge.branch_head(branch) or self._forge.resolve(branch))
        return found

    def replace(self, branch: str, path: str, content: bytes, message: str, *, blob: str, parent: str | None) -> str:
        """Have the file's `content` merged into `branch`, and return the commit with which it came.

        `PendingError` where it is not merged within the patience; the pull request then stays open.
        """
        del blob
        assert parent is not None  # noqa: S101  `read` tells it
        files = {path: content}
        host = self._host()
        waiting = host.pull_requests(branch, self._prefix)
        found = next((one for one in waiting if self._holds(one, files)), None)
        request = self._open(host, branch, files, message, parent) if found is None else found
        older = [one for one in waiting if one.number != request.number] if self._newest_only else []
        for note in filter(None, [*close(host, older), withdrawn(self._also)]):
            self._tell(note)
        return self._merged(host, request)

    def withdraw(self, branch: str) -> str:
        """Close what still waits to be merged into `branch`, and say so; nothing is said where nothing waits."""
        host = self._host()
        closed = close(host, host.pull_requests(branch, self._prefix)) if self._newest_only else []
        return ", ".join(filter(None, [*closed, withdrawn(self._also)]))

    def _holds(self, request: PullRequest, files: Mapping[str, bytes | None]) -> bool:
        found = {path: self._forge.read(path, request.head) for path in files}
        return all(one is not None and one.content == files[path] for path, one in found.items())

    def _open(
        self, host: Host, branch: str, files: Mapping[str, bytes | None], message: str, parent: str
    ) -> PullRequest:
        """The branch, its one commit and the pull request: a run that died between two of them is gone on with."""
        mark = sha256(repr((parent, sorted(files.items()))).encode()).hexdigest()[:12]
        name = f"{self._prefix}{mark}"
        self._forge.create_branch(name, parent)
        with suppress(RaceError):  # its commit is there
            self._forge.commit(name, files, message, parent=parent)
        title, _, reason = message.partition("\n")
        body = f"{reason.strip()}\n\nMade by releasegate, which waits for it to be merged.\n".lstrip()
        try:
            return host.open_pull_request(name, branch, title, body, auto_merge=True)
        except ForgeError:  # mostly because the repository allows no auto-merge: then a person merges it
            return host.open_pull_request(name, branch, title, body)

    def _merged(self, host: Host, request: PullRequest) -> str:
        end = self._clock.now().timestamp() + self._patience
        while True:
            if request.state == "merged":
                return request.merged_as or self._forge.resolve(request.head)
            if request.state == "closed":
                raise PendingError(
                    f"NOT LIVE: {request.url} was closed and not merged", remedy="ask who closed it, why"
                )
            if self._clock.now().timestamp() >= end:
                how = "it is merged once its rules are met" if request.auto_merge else "a person has to merge it"
                raise PendingError(
                    f"opened {request.url}, NOT LIVE: not merged within {self._patience:.0f} s ({how})",
                    remedy="have it approved and merged, then run the command again",
                )
            self._clock.sleep(PAUSE)
            request = host.pull_request(request.number)


class Patches:
    """A repository that nothing is committed to: each change is written to a file in `folder`, for a person."""

    def __init__(self, forge: Forge, folder: Path) -> None:
        self._forge, self._folder = forge, folder

    def read(self, path: str, branch: str) -> FileAt | None:
        """The file at the head of `branch` (or at a commit), or None."""
        return self._forge.read(path, branch)

    def replace(self, branch: str, path: str, content: bytes, message: str, *, blob: str, parent: str | None) -> str:
        """Write the patch; always a `PendingError`, which holds it."""
        del message
        found = self._forge.read(path, parent or branch)
        if found is None or found.blob != blob:
            raise RaceError(f"`{branch}:{path}` was changed meanwhile", remedy="run the command again")
        diff = unified_diff(found.content, content, path)
        target = self._folder / "flags.patch"
        with suppress(OSError):  # the error holds it as well
            self._folder.mkdir(parents=True, exist_ok=True)
            target.write_bytes(diff.encode())
        raise PendingError(
            "NOT LIVE: nothing is committed (policy: flags.commit: patch)",
            remedy=f"apply {target.name} and commit it on {branch}: git apply {target}",
            patch=diff,
        )


def close(host: Host, requests: Sequence[PullRequest]) -> list[str]:
    """Close each of them, and say what became of it: one that cannot be closed keeps nothing from being done."""
    notes = []
    for request in requests:
        try:
            host.close_pull_request(request.number)
        except ForgeError as error:
            notes.append(f"LOOK: {request.url} could not be closed ({error.what}): it must not be merged")
        else:
            notes.append(f"closed {request.url}")
    return notes


def withdrawn(withdraw: Callable[[], str]) -> str:
    """What `withdraw` says, or why it could not, which stops nothing."""
    try:
        return withdraw()
    except ReleasegateError as error:
        return f"LOOK: a pull request that takes this back again may still be open ({error.what})"
