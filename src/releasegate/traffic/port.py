"""Who gets the canary."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Split:
    """How traffic is split, as it was asked for."""

    weight: float
    """The canary's share, 0 to 1."""
    revision: str
    """What identifies this state for the fence: the flag file's blob id, or the weights themselves."""
    description: str
    """One line for a person: which flag or which backend stands where."""


class Traffic(Protocol):
    """Changes the split, and converges: asking twice for the same split changes nothing the second time."""

    def split(self) -> Split:
        """The split as it stands now."""

    def preview(self, weight: float) -> str:
        """What `set_weight` would change, as a diff or a line for each command; empty if it is so already."""

    def set_weight(self, weight: float, *, reason: str, expected: str | None = None) -> Split:
        """Ask for `weight` (0 to 1) and return the split that is now asked for.

        `expected` is the fence of a raise: the `revision` that this rollout last saw or wrote. If the split's revision
        is another one by now, nothing is written and `FenceError` is raised. Lowering passes none.
        """
