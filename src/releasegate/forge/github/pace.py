"""How fast one run of the program writes: GitHub refuses more than 80 requests a minute that make content.

An emergency is one write, or a few: those are never waited with. Only a run that writes on and on waits between them.
"""

from collections.abc import Callable
from dataclasses import dataclass

AT_ONCE = 20
"""Writes that are not waited with. One a second follows, so that no minute holds more than 80."""
PERIOD = 1.0
"""Seconds for each write after these: what GitHub asks for between two."""


@dataclass(slots=True)
class Pace:
    """The writes of one run."""

    left: float = AT_ONCE
    """How many are free now."""
    since: float | None = None
    """When that was so; None before the first."""

    def keep(self, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Wait until the next write is due: mostly not at all. A clock that is set back costs one period at most."""
        moment = now()
        gained = 0.0 if self.since is None else max(moment - self.since, 0.0) / PERIOD
        self.left = min(self.left + gained, AT_ONCE)
        wait = max(1.0 - self.left, 0.0) * PERIOD
        if wait:
            sleep(wait)
        self.left, self.since = max(self.left - 1.0, 0.0), moment + wait
