"""The real clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

JUMP = 5.0
"""Seconds that the machine's clock may differ from the time that really passed before it is told."""


def _steady() -> float:
    """Seconds that only grow, at the pace of time, also while the machine sleeps where it can tell that."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SystemClock:
    """The machine's time when the program began, and what really passed since.

    A machine whose clock is set an hour forwards or back in the middle of a watch neither skips an hour of it nor
    sleeps for one. `say` gets a line when that happens.
    """

    def __init__(
        self,
        say: Callable[[str], None] = lambda _: None,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = _steady,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._say, self._wall, self._steady, self._sleep = say, wall, steady, sleep
        self._offset = self._told = wall() - steady()

    def now(self) -> datetime:
        """The present moment, UTC."""
        offset = self._wall() - self._steady()
        if abs(offset - self._told) > JUMP:
            self._told = offset
            apart = offset - self._offset
            way = f"{abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'}"
            self._say(f"WARNING: this machine's clock is now {way} the time that passed; what passed is what counts")
        return datetime.fromtimestamp(self._steady() + self._offset, UTC)

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; nothing happens for zero or less."""
        self._sleep(max(seconds, 0))
