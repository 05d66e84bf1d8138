"""Traffic that is split by a flag's rollout percentage, in a file that is committed to git."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from releasegate.errors import FenceError, FlagError, InconclusiveError, RaceError
from releasegate.flags.document import Edit, FlagFile
from releasegate.flags.proof import decide, raises
from releasegate.traffic.port import Split

TRIES = 5
"""How often a lost race is run again."""


class ReadFile(Protocol):
    """A file of a branch."""

    @property
    def content(self) -> bytes:
        """Its bytes."""

    @property
    def blob(self) -> str:
        """Git's id of the content."""

    @property
    def commit(self) -> str | None:
        """The branch's head that it was read from, where that is known."""


class Repository(Protocol):
    """What is needed of a forge."""

    def read(self, path: str, branch: str) -> ReadFile | None:
        """The file at the head of `branch`, or None."""

    def replace(self, branch: str, path: str, content: bytes, message: str, *, blob: str, parent: str | None) -> str:
        """Commit `content` as the file that was read as `blob` at `parent`; `RaceError` if it is another by now."""


class FlagTraffic:
    """Implements `releasegate.traffic.port.Traffic`.

    `path` lies in the repository; `on` names the variant that leads to the canary, where the dialect has variants;
    `warn` gets one line where something is done without a proof.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        branch: str,
        path: str,
        flag: str,
        on: str | None = None,
        warn: Callable[[str], None],
    ) -> None:
        self.repository, self.branch, self.path = repository, branch, path
        self.flag, self.on, self.warn = flag, on, warn

    def split(self) -> Split:
        """The percentage that the flag file gives now; `InconclusiveError` where its rules give no one percentage."""
        found, file = self._read()
        state = file.state(self.flag, self.on)
        if state.percent is None:
            what = f"`{self.flag}` has no single percentage: {state.text}"
            remedy = f"set one with `releasegate flags rollout {self.flag} PERCENT`"
            raise InconclusiveError(what, where=self.path, remedy=remedy)
        return self._asked(found, file, 0)

    def preview(self, weight: float) -> str:
        """The diff of the flag file."""
        return self._edit(self._read()[1], _percent(weight)).diff

    def set_weight(self, weight: float, *, reason: str, expected: str | None = None) -> Split:
        """Commit the percentage for `weight` (0 to 1); a raise is proved first, and fenced by `expected`."""
        percent = _percent(weight)
        for _ in range(TRIES):
            found, file = self._read()
            edit = self._edit(file, percent)
            if not edit.changed:
                return self._asked(found, file, weight)
            self._decide(found, edit, expected)
            message = f"Set {self.flag} to {percent:f}%\n\n{reason}\n"
            try:
                commit = self.repository.replace(
                    self.branch, self.path, edit.content, message, blob=found.blob, parent=found.commit
                )
            except RaceError:
                continue
            return self._asked(*self._read(commit), weight)
        what = f"`{self.branch}` kept moving: {TRIES} commits lost the race"
        raise RaceError(what, where=self.path, remedy="try again")

    def _read(self, commit: str | None = None) -> tuple[ReadFile, FlagFile]:
        found = self.repository.read(self.path, commit or self.branch)
        if found is None:
            where = f"{self.branch}:{self.path}"
            raise FlagError("there is no such flag file", where=where, remedy="is `flags.file` right?")
        return found, FlagFile.parse(found.content, self.path)

    def _asked(self, found: ReadFile, file: FlagFile, weight: float) -> Split:
        state = file.state(self.flag, self.on)
        share = weight if state.percent is None else float(state.percent / 100)
        return Split(share, found.blob, f"flag {self.flag} in {self.path}: {state.text}")

    def _edit(self, file: FlagFile, percent: Decimal) -> Edit:
        return file.rollout(self.flag, percent, self.on) if percent else file.off(self.flag, self.on)

    def _decide(self, found: ReadFile, edit: Edit, expected: str | None) -> None:
        """Refuse a raise behind the fence or without proof; lower anyway, and say what could not be proved."""
        if raises(edit) and expected is not None and found.blob != expected:
            what = f"`{self.flag}` is not raised: the flag file was changed by somebody else"
            raise FenceError(what, where=self.path, remedy="look at its history, then start again")
        _, missing = decide(edit)
        if missing:
            self.warn(f"WARNING: {self.flag} is lowered WITHOUT PROOF ({missing}): see that it takes effect")


def _percent(weight: float) -> Decimal:
    return (Decimal(str(weight)) * 100).normalize()
