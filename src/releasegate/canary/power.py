"""What a canary will be able to catch, before it begins."""

from dataclasses import dataclass, replace
from math import log

from releasegate.canary.dispersion import quantile_of_mean
from releasegate.canary.ratio import lay_out, needed_to_compare
from releasegate.errors import InputError

LONGEST = 30 * 86400.0
"""Seconds; no longer window is proposed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A canary to be: its traffic, its baseline and how it is watched. `InputError` on what cannot be."""

    rate: float
    """Requests a second, of both tracks together."""
    errors: float
    """The baseline's share of bad requests."""
    weight: float = 0.05
    window: float = 1800.0
    interval: float = 15.0
    false_abort: float = 0.01
    tolerate: float = 1.0
    dispersion: float = 1.0
    """Variance over mean of the bad requests a poll: 1 if they are independent, more if they come in clumps."""
    slis: int = 1
    """How many SLIs share the budget."""

    def __post_init__(self) -> None:
        fits = {
            "requests": self.rate > 0,
            "errors": 0 < self.errors < 1,
            "weight": 0 < self.weight < 1,
            "window": self.interval <= self.window,
            "interval": self.interval > 0,
            "false-abort": 0 < self.false_abort < 1,
            "tolerate": self.tolerate >= 1,
            "dispersion": self.dispersion >= 1,
            "slis": self.slis >= 1,
        }
        for name, good in fits.items():
            if not good:
                raise InputError(f"no canary can have such {name}")

    def detectable(self) -> float | None:
        """The smallest regression that is caught nine times in ten, as a multiple; None where none can be."""
        polls = self.window / self.interval
        odds = self.tolerate * self.weight / (1 - self.weight)
        bad = self.rate * (1 - self.weight) * self.errors
        clump = (self.dispersion + 1) / 2
        factors = lay_out(bad * odds * self.interval, polls, odds, clump)
        line = log(self.slis / self.false_abort)
        needed = needed_to_compare(bad * self.window, odds, self.dispersion, factors, line)
        level = quantile_of_mean(needed, self.dispersion) / (self.rate * self.weight * self.window)
        return level / self.errors if level <= 1 else None

    def catches(self, ratio: float) -> bool:
        """Whether a regression of `ratio` is caught nine times in ten."""
        found = self.detectable()
        return found is not None and found <= ratio

    def weight_for(self, ratio: float) -> float | None:
        """The smallest weight, up to a half, that catches `ratio` in the same window."""
        if not replace(self, weight=0.5).catches(ratio):
            return None
        low, high = 0.0, 0.5
        while high - low > 0.005 * high:
            middle = (low + high) / 2
            low, high = (low, middle) if replace(self, weight=middle).catches(ratio) else (middle, high)
        return high

    def window_for(self, ratio: float) -> float | None:
        """The shortest window in seconds, up to `LONGEST`, that catches `ratio` at the same weight."""
        if not replace(self, window=LONGEST).catches(ratio):
            return None
        low, high = 0.0, LONGEST
        while high - low > 0.005 * high and high > self.interval:
            middle = max((low + high) / 2, self.interval)
            low, high = (low, middle) if replace(self, window=middle).catches(ratio) else (middle, high)
        return high
