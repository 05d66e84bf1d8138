"""Burstiness: how much more counts vary than independent events would."""

from collections.abc import Sequence
from math import sqrt

START = 3.0
"""The dispersion that is assumed before anything was seen."""
START_EVENTS = 10.0
"""How many events the assumption weighs as much as."""

PRECISE = 0.2
"""Where independent events would show a dispersion of 1 to this standard error,"""
NOISE = 1.5
"""a dispersion within so many of them is taken for 1."""


class Dispersion:
    """The variance-to-mean ratio of counts a poll, learned from the baseline alone.

    Each poll is compared with the one before it, relative to their exposure, so that a slow wave in rate or in level is
    not taken for clumps: for counts `y` of `n`, `(y1 n0 - y0 n1)^2 / (n0 n1)` has the expectation of `y0 + y1` times
    the dispersion, whatever the level. Never under 1.
    """

    def __init__(self) -> None:
        self._squares = START * START_EVENTS
        self._events = START_EVENTS
        self.pairs = 0
        """How many pairs of polls it was learned from."""
        self._last: tuple[Sequence[float], float] | None = None
        self.value = START
        """The dispersion, at least 1."""

    def add(self, counts: Sequence[float], total: float) -> None:
        """Learn from one poll of the baseline: `counts` among `total`, which is their exposure."""
        if total <= 0:
            return
        if self._last is not None:
            before, total_before = self._last
            scale = 1 / (total * total_before)
            self.pairs += 1
            for count, count_before in zip(counts, before, strict=True):
                self._squares += (count * total_before - count_before * total) ** 2 * scale
                self._events += count + count_before
            if len(counts) > 1:  # shares that add up to 1 vary less than counts that do not
                both = total + total_before
                self._events -= sum((a + b) ** 2 for a, b in zip(counts, before, strict=True)) / both
        self._last = (counts, total)
        self.value = self._estimate()

    def _estimate(self) -> float:
        seen = self._squares / self._events
        if self.pairs:
            error = sqrt((3 + 2 * self.pairs / self._events) / self.pairs)
            if error <= PRECISE and seen <= 1 + NOISE * error:
                return 1.0
        return max(1.0, seen)

    @property
    def lacks(self) -> str:
        """What there was nothing of to learn from; empty where there was."""
        if not self.pairs:
            return "no history"
        return "" if self._events > START_EVENTS else "none were seen before"

    @property
    def clump(self) -> float:
        """The mean size of clumps of geometric size that vary as much: variance over mean is `2 clump - 1`."""
        return (self.value + 1) / 2


def quantile_of_mean(count: float, dispersion: float) -> float:
    """The mean whose count is at least `count` nine times in ten, by Wilson and Hilferty's cube root for a gamma."""
    units = count / dispersion
    if units <= 0:
        return 0.0
    return float(dispersion * units * (1 - 1 / (9 * units) + 1.2816 / (3 * sqrt(units))) ** 3)
