"""A clock that begins in the past: what a source remembers is polled at once, and from the present on in real time."""

from datetime import datetime, timedelta

from releasegate.runbook.clock import Clock


class CatchUpClock:
    """A `Clock` that stands at `since` until it is told to sleep, and then goes on as `real` does, behind it.

    What is slept makes up for that, until there is nothing to make up for. A source that takes longer than the pause
    between two polls makes nothing up, and falls no further behind.
    """

    def __init__(self, since: datetime, real: Clock) -> None:
        self._since = since
        self._real = real
        self._behind: timedelta | None = None

    def now(self) -> datetime:
        """The moment that has been caught up to; the real one once there is no more to catch up."""
        return self._since if self._behind is None else self._real.now() - self._behind

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`; wait only for the part of them that is still to come."""
        behind = self._real.now() - self._since if self._behind is None else self._behind
        made_up = min(behind, timedelta(seconds=max(seconds, 0.0)))
        self._behind = behind - made_up
        self._real.sleep(max(seconds, 0.0) - made_up.total_seconds())
