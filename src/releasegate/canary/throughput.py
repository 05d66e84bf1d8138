"""Whether a canary gets the traffic that it should get."""

from collections.abc import Mapping
from math import log, sqrt

from releasegate.canary.dispersion import Dispersion
from releasegate.canary.mixture import Mixture
from releasegate.canary.monitor import Detectable, Interval, Moment, Part, bursty
from releasegate.canary.sequence import radius

FACTORS = (0.6, 0.3, 0.1, 0.01)
"""Which parts of the smallest share that is not starving the alternatives are."""
SHARE = 0.25
"""What starvation weighs in the budget: it shows fast."""
LATE = 0.5
"""A canary often falls silent after it was healthy."""


def slopes(least: float, factor: float) -> tuple[float, float]:
    """The log evidence of one request of the canary and of one of the baseline, for the alternative `factor`.

    The null hypothesis: given all requests, those of the canary are binomial with a share of at least `least`.
    """
    return log(factor), log((1 - factor * least) / (1 - least))


class ThroughputMonitor:
    """Watches the requests of both tracks.

    The canary starves where its share is under `starved_below` times its weight. The likelihood ratio, which is exact,
    is raised to the power of 1 over the dispersion of the baseline's own requests: that keeps its expectation at most 1
    (Jensen), and requests that come in bunches do not count as many.
    """

    ceiling: float | None = None

    def __init__(self, starved_below: float) -> None:
        self._starved_below = starved_below
        self._process = Mixture(len(FACTORS), LATE)
        self._dispersion = Dispersion()
        self._spread = self._dispersion.value
        self._lacks, self._lacked = self._dispersion.lacks, ""
        self._totals = (0.0, 0.0)
        self._expected = 0.0
        self._idle = 0.0
        self._elapsed = 0.0

    @property
    def parts(self) -> tuple[Part, ...]:
        """One e-process, which says `silent` where the canary's last request is long ago."""
        return (Part("silent" if self._idle > 0 else "starved", SHARE, self._process),)

    def calibrate(self, baseline: float, seconds: float) -> None:
        """Learn how bursty the baseline's requests are."""
        self._dispersion.add((baseline,), seconds)

    def update(self, baseline: float, canary: float, moment: Moment) -> None:
        """Judge one poll; warming up is no reason to get no traffic."""
        self._spread = self._dispersion.value
        self._lacks = self._dispersion.lacks
        self._lacked = self._lacked or self._lacks
        share = self._starved_below * moment.weight
        terms = [slopes(share, factor) for factor in FACTORS]
        self._process.bet([(canary * up + baseline * down) / self._spread for up, down in terms], moment.elapsed)
        self._totals = (self._totals[0] + baseline, self._totals[1] + canary)
        self._elapsed += moment.elapsed
        self._expected += moment.weight * (baseline + canary)
        self._idle = 0.0 if canary else self._idle + moment.seconds
        self.calibrate(baseline, moment.seconds)

    def outage(self, before: float, recent: float) -> bool:
        """Never: a level or a rate may change with the hour."""
        del before, recent
        return False

    def notes(self) -> tuple[str, ...]:
        """How bursty it is."""
        return bursty("requests", self._spread, lacks=self._lacks, lacked=self._lacked)

    def detectable(self, lines: Mapping[str, float]) -> Detectable:
        """The largest share that would have been found to starve, as a level and as a part of what is enough."""
        baseline, canary = self._totals
        if baseline <= 0:
            return Detectable(None, None)
        share = self._starved_below * self._expected / (baseline + canary)
        start = log((1 - LATE) / len(FACTORS)) - min(lines.values())
        terms = [slopes(share, factor) for factor in FACTORS]
        most = max((baseline * down + start * self._spread) / -up for up, down in terms)
        if most < 0:
            return Detectable(None, None)
        half = 1.2816 * sqrt(self._spread) / 2  # the mean whose count is at most `most` nine times in ten
        level = max(0.25, sqrt(half**2 + most) - half) ** 2 / (baseline + canary)
        return Detectable(share / level, level)

    def interval(self) -> Interval | None:
        """The canary's share over its weight."""
        baseline, canary = self._totals
        if self._expected <= 0 or baseline <= 0:
            return None
        width = radius(self._elapsed) * sqrt(self._spread * (canary + 1)) / self._expected
        estimate = canary / self._expected
        return max(0.0, estimate - width), estimate, estimate + width
