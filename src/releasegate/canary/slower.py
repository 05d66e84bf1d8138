"""Ways to be slower: where the requests of each bucket go, and what a request of either track is worth then."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import exp, log, log1p
from operator import mul

SLOWER = (1.1, 1.2, 1.35, 1.6, 2.0, 3.0, 5.0)
"""Alternatives: every request takes this many times as long."""
STUCK = (0.03, 0.1, 0.3)
"""Alternatives: this part of the requests takes `STUCK_FACTOR` times as long."""
STUCK_FACTOR = 10.0
ROOM = 0.9
"""How much of the largest factor that a canary's request could have is used."""
SMALLEST = 0.05
"""The smallest factor: one fast request of the canary does not refute that it is slower."""
STEEPNESS = 2.0
"""How the log odds rise with the logarithm of a bound where there is only one."""


class Curve:
    """How requests that are spread over buckets as `shares` are spread when each takes longer.

    Between bounds, and beyond the outer ones, the log odds of being faster run straight in the logarithm of the bound,
    as they do for a log-logistic distribution, and nearly for a log-normal one. Bounds that are not positive stay.
    """

    def __init__(self, shares: Sequence[float], bounds: Sequence[float]) -> None:
        self._below = list(zip(bounds, list(accumulate(shares))[:-1], strict=True))
        points = [(log(bound), log(share / (1 - share))) for bound, share in self._below if bound > 0 and 0 < share < 1]
        self._inner = [place for place, _ in points[1:-1]]
        self._lines = [(x, y, (height - y) / (end - x)) for (x, y), (end, height) in pairwise(points)]
        if len(points) == 1:
            self._lines = [(*points[0], STEEPNESS)]

    def slowed(self, factor: float) -> list[float]:
        """The shares of the buckets when each request takes `factor` times as long."""
        moved, line = [], 0
        for bound, share in self._below:
            if bound <= 0 or not self._lines:
                moved.append(share)
                continue
            place = log(bound / factor)
            while line < len(self._inner) and self._inner[line] < place:
                line += 1
            x, y, slope = self._lines[line]
            odds = slope * (x - place) - y
            moved.append(1 / (1 + exp(odds if odds < 700.0 else 700.0)))  # noqa: FURB136  calls are slow
        moved = list(accumulate(moved, max))
        return [now - before for before, now in zip([0.0, *moved], [*moved, 1.0], strict=True)]


def carried(usual: Sequence[float], slower: Sequence[float]) -> list[list[float]]:
    """Where each bucket's requests go when `usual` becomes `slower` in the same order: one row of shares a bucket."""
    ends, targets = list(accumulate(usual)), list(accumulate(slower))
    ends[-1] = targets[-1] = 1.0
    last = len(targets) - 1
    rows, begin, first = [], 0.0, 0
    for end in ends:
        row, low, target = [0.0] * len(targets), begin, first
        while target < last and targets[target] < end:
            row[target] = targets[target] - low
            low, target = targets[target], target + 1
        row[target] = max(0.0, end - low)
        total = sum(row)
        rows.append([part / total for part in row] if total > 0 else [0.0] * last + [1.0])
        begin, first = end, target
    return rows


def factors_of(usual: Sequence[float], slower: Sequence[float], weight: float) -> list[float]:
    """For each bucket the factor of a request of the canary, which gets `weight` of all: rising, with room to 1/weight.

    It is the likelihood ratio of `slower` against the mixture of both tracks, which grows fastest (R. Turner, A. Ly and
    P. Grünwald, Generic E-variables for exact sequential k-sample tests, 2024), made to rise.
    """
    largest, most = 1 + ROOM * (1 / weight - 1), SMALLEST
    factors = []
    for a, b in zip(usual, slower, strict=True):
        ratio = b / (weight * b + (1 - weight) * a) if a + b else 0.0
        if ratio > most:
            most = min(largest, ratio)
        factors.append(most)
    return factors


class Alternative:
    """One way to be slower: the factors of a request of either track by bucket.

    The null hypothesis: the canary is stochastically no slower than the baseline whose every request takes `tolerate`
    times as long. With rising factors `c` of the canary, and `m` their mean over where a baseline's bucket goes, the
    baseline's factors are `1 + nc/nb (1 - m)`: then `nc c + nb b` is on average at most `nc + nb` whatever the
    distribution, and by the inequality of the means the product over all requests has an expectation of at most 1.
    """

    def __init__(self, canary: Sequence[float], tolerated: Sequence[Sequence[float]] | None) -> None:
        self.largest = max(canary)
        self.logs = [log(factor) for factor in canary]
        means = canary if tolerated is None else [sum(map(mul, row, canary)) for row in tolerated]
        self.gains = [1 - mean for mean in means]

    def log_factor(self, baseline: Sequence[float], canary: Sequence[float], odds: float) -> float:
        """The log evidence of a poll's counts, where `odds` are the canary's requests over the baseline's."""
        if odds * (self.largest - 1) > 0.97:  # so many requests of the canary that the baseline's factors would be < 0
            return 0.0
        evidence: float = sum(map(mul, canary, self.logs))
        evidence += sum(map(mul, baseline, map(log1p, map(odds.__mul__, self.gains))))
        return evidence


def draw(
    usual: Sequence[float],
    bounds: tuple[float, ...],
    tolerate: float,
    weight: float,
    slower: Sequence[float] = SLOWER,
    stuck: Sequence[float] = STUCK,
) -> list[Alternative]:
    """The alternatives, for a baseline whose requests are spread over the buckets as `usual`."""
    most = Curve(usual, bounds).slowed(tolerate) if tolerate != 1 else list(usual)
    tolerated = carried(usual, most) if tolerate != 1 else None
    curve = Curve(most, bounds)
    canaries = [curve.slowed(factor) for factor in slower]
    if stuck:
        hanging = curve.slowed(STUCK_FACTOR)
        canaries += [[(1 - part) * a + part * b for a, b in zip(most, hanging, strict=True)] for part in stuck]
    return [Alternative(factors_of(most, canary, weight), tolerated) for canary in canaries]


def no_slower(counts: Sequence[float], shares: Sequence[float]) -> bool:
    """Whether beyond no bound there are more of `counts` than `shares` say: then no alternative has evidence."""
    total = sum(counts)
    beyond = accumulate(reversed(counts))
    return all(seen <= total * share for seen, share in zip(beyond, accumulate(reversed(shares)), strict=True))
