"""Evidence against a null hypothesis that may be looked at after every poll.

An e-process starts at 1 and, while the null hypothesis holds, is expected never to be above 1 at whatever moment one
stops. By Ville's inequality it then reaches 1/alpha at any time at all with probability at most alpha (J. Ville, Étude
critique de la notion de collectif, 1939). A product of conditional e-values is an e-process, and so is every average of
e-processes: over alternatives, over the moments at which a regression may begin, and over SLIs.
"""

from collections.abc import Callable, Iterable, Sequence
from math import exp, inf, log

CAP = 1e300
"""Evidence beyond this is written as this."""
LATE = 0.08
"""The part of the evidence that is kept for regressions that begin later than the canary."""
_LARGEST_EXPONENT = 600.0


class Mixture:
    """The average of one e-process for each of some alternatives, of which a part begins later.

    `late` is the part of the evidence that is kept back and spread evenly over the window, so that a regression that
    begins in the middle is not judged against the healthy time before it.
    """

    def __init__(self, alternatives: int, late: float) -> None:
        self._weight = 1 / alternatives
        self._capital = [self._weight * (1 - late)] * alternatives
        self._reserve = late
        self._late = late

    @property
    def value(self) -> float:
        """The e-value: at least 0, at most `CAP`."""
        return min(CAP, self._reserve + sum(self._capital))

    def bet(self, log_factors: Iterable[float], elapsed: float) -> None:
        """Multiply each alternative's e-process by its e-value for one poll, which took `elapsed` of the window."""
        release = min(self._reserve, self._late * elapsed)
        self._reserve -= release
        begin = release * self._weight
        grown = [
            (capital + begin) * exp(factor if factor < _LARGEST_EXPONENT else _LARGEST_EXPONENT)  # noqa: FURB136  calls are slow
            for capital, factor in zip(self._capital, log_factors, strict=True)
        ]
        self._capital = grown if max(grown) < CAP else [min(CAP, capital) for capital in grown]


def log_mean(log_values: Sequence[float]) -> float:
    """The log of a mixture with equal weights after all polls: of the part of it that began at once."""
    largest = max(log_values)
    return largest + log(sum(exp(value - largest) for value in log_values) / len(log_values) * (1 - LATE))


def smallest(excess: Callable[[float], float]) -> float:
    """The smallest number, to a thousandth, for which `excess`, which rises, is at least 0."""
    low, high = 0.0, 1.0
    while excess(high) < 0:
        low, high = high, high * 2
        if high > 1e15:
            return inf
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return high
