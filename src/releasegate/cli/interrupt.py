"""SIGTERM and SIGHUP end a command as Control-C does, so that a cancelled job takes its traffic back."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def one_way_to_end() -> Iterator[None]:
    """Turn every way of being asked to end into `KeyboardInterrupt`."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
