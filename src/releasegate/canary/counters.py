"""Counters as they are exposed: totals that only grow, except where a process starts again from zero."""

from collections.abc import Hashable, Mapping, Sequence
from math import isfinite
from typing import TypeAlias

SeriesKey: TypeAlias = Hashable
"""What tells one series from another: its labels."""


class SeriesTracker:
    """The increments of one counter, summed over its series, between one call and the next.

    Differences are taken for each series before anything is summed, and nothing is extrapolated:

    - a value that drops is a reset: the process started again, and the new value counts in full;
    - a series that appears after the first call is new, and its first value counts in full;
    - a series that vanishes adds nothing and keeps its mark: it may come back;
    - a sample that is no finite number, as the marker of a stale series, is passed over.
    """

    def __init__(self) -> None:
        self._marks: dict[SeriesKey, float] = {}
        self._marked = False

    def advance(self, samples: Mapping[SeriesKey, Sequence[float]]) -> float:
        """The increment since the last call, given each series' samples since then in the order of time.

        The first call sets the marks and returns 0. A sample that was given before adds nothing.
        """
        increment = 0.0
        for key, values in samples.items():
            for value in filter(isfinite, values):
                mark = self._marks.get(key, 0.0)
                if self._marked:
                    increment += value - mark if value >= mark else value
                self._marks[key] = value
        self._marked = True
        return increment
