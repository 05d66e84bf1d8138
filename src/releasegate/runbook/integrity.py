"""The user's checks of the data, before and after a rollback touches it."""

from collections.abc import Sequence

from releasegate.errors import VerificationError
from releasegate.policy.section import Command
from releasegate.runbook.outside import Shell
from releasegate.runbook.tally import losses, read


class Integrity:
    """Runs the checks twice, and compares what they print: row counts and checksums, or plain text."""

    def __init__(self, checks: Sequence[Command], shell: Shell) -> None:
        self._checks = checks
        self._shell = shell
        self._seen: list[str] = []

    def look(self) -> str:
        """Run them before anything else is done; a red one is told, and stops nothing but a revert of migrations."""
        self._seen = [self._shell(check, {}) for check in self._checks]
        return f"{len(self._checks)} integrity checks hold"

    def compare(self) -> str:
        """Run them again: each has to end well, and nothing that it told before may be lost."""
        after = [self._shell(check, {}) for check in self._checks]
        seen = list(zip(self._checks, self._seen, after, strict=False))
        lost = [f"{check[0]}: {loss}" for check, old, new in seen for loss in losses(old, new)]
        if lost:
            raise VerificationError(f"the data is not what it was: {'; '.join(lost)}")
        if not seen:
            return f"{len(self._checks)} integrity checks hold, with nothing to compare to"
        counted = [table for _, old, _ in seen for table in (read(old) or {}).values()]
        if not counted:
            return f"{len(self._checks)} integrity checks hold, and print what they did before"
        rows = sum(table.rows for table in counted)
        return f"{len(self._checks)} integrity checks hold, and none of {rows} rows in {len(counted)} tables is lost"
