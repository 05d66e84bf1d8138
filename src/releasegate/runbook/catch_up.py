"""A clock that begins in the past: what a source remembers is polled at once, and from the present on in real time."""

from datetime import datetime, timedelta

from releasegate.runbook.clock import Clock


class CatchUpClock:
    """A `Clock` that stands at `since` until it is told to sleep, and is never ahead of `real`."""

    def __init__(self, since: datetime, real: Clock) -> None:
        self._moment = since
        self._real = real

    def now(self) -> datetime:
        """The moment that has been caught up to; the real one once there is no more to catch up."""
        return self._moment

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`; wait only for the part of them that is still to come."""
        self._moment += timedelta(seconds=max(seconds, 0.0))
        ahead = (self._moment - self._real.now()).total_seconds()
        if ahead > 0:
            self._real.sleep(ahead)
