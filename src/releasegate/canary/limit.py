"""Whether a canary's share of bad events is above a level that no canary may have, whatever the baseline does."""

from math import inf, log1p

from releasegate.canary.dispersion import quantile_of_mean
from releasegate.canary.mixture import LATE, Mixture, log_mean, smallest

FACTORS = (1.3, 1.7, 2.5, 4.0, 8.0, 16.0)
"""How many times above the limit the alternatives are."""
SHARE = 0.25
"""What a limit weighs in the budget, beside the 1 of a comparison: it is the coarser of the two."""


def slopes(limit: float, clump: float, factor: float) -> tuple[float, float]:
    """The log evidence of one bad event of the canary and of one event of any kind, for the alternative `factor`.

    The null hypothesis: an event is bad with a probability of at most `limit`, alone or in clumps of geometric size
    with mean `clump`. The expectation of `a^bad` is then at most `exp(total limit (G - 1) / clump)`, where `G` is the
    expected factor of a whole clump; for single events this holds for Bernoulli and Poisson counts alike.
    """
    gain = factor - 1
    return log1p(gain / (clump + (clump - 1) * gain)), -limit * gain / clump


class Above:
    """The evidence that the canary's share of bad events is above `limit`."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.process = Mixture(len(FACTORS), LATE)

    def update(self, bad: float, total: float, clump: float, elapsed: float) -> None:
        """Judge one poll of the canary."""
        terms = [slopes(self.limit, clump, factor) for factor in FACTORS]
        self.process.bet([bad * up + total * each for up, each in terms], elapsed)

    def detectable(self, total: float, dispersion: float, line: float) -> float:
        """The level that `total` events would have shown nine times in ten."""
        if total <= 0:
            return inf
        terms = [slopes(self.limit, (dispersion + 1) / 2, factor) for factor in FACTORS]
        needed = smallest(lambda bad: log_mean([bad * up + total * each for up, each in terms]) - line)
        return quantile_of_mean(needed, dispersion) / total
