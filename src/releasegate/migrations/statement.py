"""What the statements of a migration do to the release before it."""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Script:
    """What a file's text tells of it."""

    statements: Sequence[Statement]
    """What its way up drops or narrows, or what cannot be read of it."""
    empty: bool = False
    """Whether its way up does nothing, as that of a merge."""
    no_way_back: str | None = None
    """Why its way down cannot work, if that can be seen."""
