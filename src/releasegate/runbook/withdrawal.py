"""Pull requests that would undo what takes back: a raise that is merged afterwards is as bad as one made then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from releasegate.errors import FlagError
from releasegate.flags.document import FlagFile
from releasegate.flags.proof import raises
from releasegate.flags.splice import same
from releasegate.forge.host import Host, PullRequest
from releasegate.forge.port import Forge
from releasegate.runbook.flags import Change
from releasegate.runbook.proposal import ROOT, close


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Closes what waits to be merged into `branch`, was opened here, and would undo a change of `taken_back`.

    That maps a flag of the file `path` to the change that takes it back. A pull request undoes it if it changes that
    flag, and the change would then have to be made again.
    """

    forge: Forge
    host: Callable[[], Host]
    branch: str
    path: str
    taken_back: Mapping[str, Change]
    dialect: str | None = None

    def __call__(self) -> str:
        """Close them, and say so; nothing is said where none waits."""
        if not self.taken_back:
            return ""
        host = self.host()
        waiting = host.pull_requests(self.branch, f"{ROOT}/")
        return ", ".join(close(host, [one for one in waiting if self._undoes(one)]))

    def _undoes(self, request: PullRequest) -> bool:
        base, head = (self.forge.read(self.path, commit) for commit in (request.base, request.head))
        if head is None or (base is not None and base.content == head.content):
            return False
        try:
            before, after = (None if one is None else self._parse(one.content) for one in (base, head))
        except FlagError:
            return True  # nobody can tell what it does
        assert after is not None  # noqa: S101  the head has the file
        return any(_undone(name, change, before, after) for name, change in self.taken_back.items())

    def _parse(self, content: bytes) -> FlagFile:
        return FlagFile.parse(content, self.path, self.dialect)


def _undone(name: str, change: Change, before: FlagFile | None, after: FlagFile) -> bool:
    """Whether what leads from `before` to `after` changes the flag, so that `change` would have to be made again."""
    if name not in after.names():
        return False
    if before is not None and name in before.names() and same(before.flag(name), after.flag(name)):
        return False
    try:
        edit = change(after)
    except FlagError:
        return True
    return edit is not None and edit.changed and not raises(edit)
