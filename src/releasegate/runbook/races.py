"""Changes of a branch that another writer may overtake: lost, they are read and decided again."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from releasegate.errors import RaceError

T = TypeVar("T")
TRIES = 5
"""Races that are lost before this gives up."""


def until_won(act: Callable[[], T]) -> T:
    """Do `act`, which reads and commits, until it loses no race; the last `RaceError` of `TRIES` is passed on."""
    for _ in range(TRIES - 1):
        with suppress(RaceError):
            return act()
    return act()
