"""The user's checks of the data, before and after a rollback touches it."""

from collections.abc import Sequence

from releasegate.errors import OutsideError, VerificationError
from releasegate.policy.section import Command
from releasegate.runbook.outside import Shell
from releasegate.runbook.tally import losses, read


class Integrity:
    """Runs the checks twice, and compares what they print: row counts and checksums, or plain text."""

    def __init__(self, checks: Sequence[Command], shell: Shell) -> None:
        self._checks = checks
        self._shell = shell
        self._seen: dict[int, str] = {}
        """What each check printed before, by its place; a check that failed has nothing here."""

    def look(self) -> str:
        """Run them before anything else is done; a red one is told, and stops nothing but a revert of migrations."""
        self._seen, red = self._run()
        if red:
            raise OutsideError("; ".join(red))
        return f"{len(self._checks)} integrity checks hold"

    def compare(self) -> str:
        """Run them again: each has to end well, and nothing that it told before may be lost."""
        after, red = self._run()
        both = [number for number in self._seen if number in after]
        lost = [f"{self._checks[n][0]}: {loss}" for n in both for loss in losses(self._seen[n], after[n])]
        if lost:
            raise VerificationError(f"the data is not what it was: {'; '.join([*lost, *red])}")
        if red:
            raise OutsideError("; ".join(red))
        hold = f"{len(self._checks)} integrity checks hold"
        if not both:
            return f"{hold}, with nothing to compare to"
        alone = [check[0] for number, check in enumerate(self._checks) if number not in both]
        rest = f"; nothing to compare to: {', '.join(alone)}" if alone else ""
        counted = [table for number in both for table in (read(self._seen[number]) or {}).values()]
        if not counted:
            return f"{hold}, and print what they did before{rest}"
        rows = sum(table.rows for table in counted)
        return f"{hold}, and none of {rows} rows in {len(counted)} tables is lost{rest}"

    def _run(self) -> tuple[dict[int, str], list[str]]:
        """What each check printed, by its place, and what ails those that failed."""
        printed: dict[int, str] = {}
        red = []
        for number, check in enumerate(self._checks):
            try:
                printed[number] = self._shell(check, {})
            except OutsideError as error:
                red.append(error.what)
        return printed, red
