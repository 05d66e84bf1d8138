"""A bound on how long a whole exchange may take: an HTTP client's own timeout only bounds the silence between bytes."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TooSlowError(Exception):
    """It did not come to its end in time."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises; `TooSlowError` if that takes longer than `seconds`.

    It goes on in a thread of its own, which nobody waits for, not even the end of the program.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True, name="releasegate-request")
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if results:
        return results[0]
    raise TooSlowError
