"""What the procedures know of time: the present moment, and waiting. The real one is built by the command line."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The present moment and waiting, so that a test can run half an hour in no time."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait; nothing happens for zero or less."""
