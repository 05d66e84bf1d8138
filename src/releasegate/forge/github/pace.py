"""How fast one run writes: GitHub refuses more than 80 requests a minute, or 500 an hour, that make content.

An emergency is one write, or a few: those are never waited with. Only a run that writes on and on waits between them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

AT_ONCE = 20
"""Writes that are not waited with. One a second follows, so that no minute holds more than 80."""
IN_AN_HOUR = 400
"""Writes that come no slower than that. One each 36 seconds follows, so that no hour holds more than 500."""


@dataclass(slots=True)
class Allowance:
    """Writes that are free, and come back one by one."""

    most: int
    period: float
    """Seconds until one more comes back."""
    left: float = field(init=False)
    """How many are free now."""
    since: float | None = None
    """When that was so (seconds); None before the first."""

    def __post_init__(self) -> None:
        """In the beginning all are free."""
        self.left = self.most

    def wait(self, moment: float) -> float:
        """Seconds until the next one is free. A clock that is set back costs one period at most."""
        gained = 0.0 if self.since is None else max(moment - self.since, 0.0) / self.period
        self.left, self.since = min(self.left + gained, self.most), moment
        return max(1.0 - self.left, 0.0) * self.period

    def take(self, moment: float) -> None:
        """One is made now."""
        self.wait(moment)
        self.left = max(self.left - 1.0, 0.0)


@dataclass(slots=True)
class Pace:
    """The writes of one run."""

    minute: Allowance = field(default_factory=lambda: Allowance(AT_ONCE, 1.0))
    hour: Allowance = field(default_factory=lambda: Allowance(IN_AN_HOUR, 36.0))

    def keep(self, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Wait until the next write is due: mostly not at all."""
        moment = now()
        wait = max(self.minute.wait(moment), self.hour.wait(moment))
        if wait:
            sleep(wait)
        self.minute.take(moment + wait)
        self.hour.take(moment + wait)
