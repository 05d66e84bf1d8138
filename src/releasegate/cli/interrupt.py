"""SIGINT, SIGTERM and SIGHUP end a command alike and once, so that a cancelled job takes its traffic back.

A cancelled job gets SIGINT, and SIGTERM 7.5 seconds later: the second one must not end what the first one began.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

WAYS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def one_way_to_end() -> Iterator[None]:
    """Turn the first request to end into `KeyboardInterrupt`, and ignore those after it."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        for each in WAYS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in WAYS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
