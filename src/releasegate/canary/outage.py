"""Whether the baseline itself is worse than it was before the canary: then both suffer from something else."""

from operator import add

from releasegate.canary.monitor import Monitor
from releasegate.canary.recording import Counts

TIMES = 2.0
"""How many times worse than its history the baseline must be."""
EVIDENCE = 4.6
"""The log evidence for it."""
BLOCK = 1 / 16
"""The part of the window that is held against the history at a time."""


class Outage:
    """Follows one SLI's baseline."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._before: Counts | None = None
        self._recent: Counts | None = None
        self._elapsed = 0.0
        self._begun = False
        self.since: float | None = None
        """When it began, in seconds; None while the baseline is as it was."""
        self.incident: float | None = None
        """When the history itself was as bad for a while, in seconds before the canary (negative)."""

    def history(self, t: float, counts: Counts, elapsed: float) -> None:
        """Take in what was normal. An incident in it is not trimmed, but known."""
        self._recent = together(self._recent, counts)
        self._elapsed += elapsed
        if self._elapsed >= BLOCK:
            if self._before is not None and self._monitor.outage(self._before, self._recent):
                self.incident = t
            self._normal()

    def _normal(self) -> None:
        if self._recent is not None:
            self._before = together(self._before, self._recent)
        self._recent, self._elapsed = None, 0.0

    def poll(self, t: float, counts: Counts, elapsed: float) -> None:
        """Take in a poll that took `elapsed` of the window."""
        if not self._begun:
            self._normal()
            self._begun = True
        self._recent = together(self._recent, counts)
        self._elapsed += elapsed
        if self._before is None or self._elapsed < BLOCK:
            return
        if not self._monitor.outage(self._before, self._recent):
            self.since = None
        elif self.since is None:
            self.since = t
        self._recent, self._elapsed = None, 0.0


def together(one: Counts | None, other: Counts) -> Counts:
    """The counts of two polls as one."""
    if one is None:
        return other
    if isinstance(one, tuple) and isinstance(other, tuple):
        return tuple(map(add, one, other))
    return one + other  # type: ignore[operator]
