"""The user's checks of the data, before and after a rollback touches it."""

from collections.abc import Sequence

from releasegate.errors import VerificationError
from releasegate.policy.section import Command
from releasegate.runbook.outside import Shell


class Integrity:
    """Runs the checks twice, and compares what they print."""

    def __init__(self, checks: Sequence[Command], shell: Shell) -> None:
        self._checks = checks
        self._shell = shell
        self._seen: list[str] = []

    def look(self) -> str:
        """Run them before anything else is done; a red one is told, and stops nothing."""
        self._seen = [self._shell(check, {}) for check in self._checks]
        return f"{len(self._checks)} integrity checks hold"

    def compare(self) -> str:
        """Run them again: each has to end well, and to print what it printed before."""
        after = [self._shell(check, {}) for check in self._checks]
        seen = zip(self._checks, self._seen, after, strict=False)
        changed = [f"{check[0]}: {old!r} before, {new!r} now" for check, old, new in seen if old != new]
        if changed:
            raise VerificationError(f"the data is not what it was: {'; '.join(changed)}")
        compared = "and print what they did before" if self._seen else "with nothing to compare to"
        return f"{len(self._checks)} integrity checks hold, {compared}"
