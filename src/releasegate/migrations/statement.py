"""What one statement of a migration does to the release before it."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that the release before may not survive, or that could not be read."""

    line: int
    """Where it begins, from 1."""
    what: str
    """What it does, in a few words: `drops the column shop.orders.note`."""
    read: bool = True
    """False where nobody could tell what it does."""


Found = Iterator[Statement]
