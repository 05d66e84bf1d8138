"""What every section of the policy is made of: its base, and the types of its values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from releasegate.policy.units import DURATION, LEVEL, SHARE

Duration = Annotated[float, DURATION]
Share = Annotated[float, SHARE]
Level = Annotated[float, LEVEL]
Secret = Annotated[str, "secret"]
OneOrMany = Annotated[tuple[str, ...], "one or many"]
Command = tuple[str, ...]
"""A program and its arguments; `{tag}`, `{commit}`, `{environment}`, `{track}` and `{id}` are filled in."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow of the repository's host, by its file name; it is dispatched with what would fill a command."""

    file: str


Scalar = str | int | float | bool
Fault = tuple[str, str, str]
"""What a value's own check found: the field, what is wrong with it, what to do."""


class Section:
    """The base of every mapping of the policy."""

    __slots__ = ()
    LATER: ClassVar[tuple[str, ...]] = ()
    """Keys that the design knows and this version does not support yet."""
    ONE_OF: ClassVar[tuple[str, ...]] = ()
    """Fields of which exactly one has to be given."""

    def completed(self) -> Self:
        """The same with what follows from its values."""
        return self

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the values taken together."""
        yield from ()
