"""Whether a canary costs more per event than the baseline: sums of heavy tails, of which only the sums are known."""

from collections.abc import Mapping
from math import exp, log, log1p, sqrt

from releasegate.canary import outage
from releasegate.canary.limit import SHARE
from releasegate.canary.mixture import LATE, Mixture
from releasegate.canary.monitor import Detectable, Interval, Moment, Part
from releasegate.canary.sequence import radius

FACTORS = (1.2, 1.5, 2.0, 3.0, 6.0)
"""How many times more than what is tolerated the alternatives cost."""
BOLDEST = 0.95
"""The largest part of the evidence that is ever put at stake."""
MEMORY = 1 / 3
"""The part of the window over which the baseline's mean is taken, so that a slow wave is followed."""
CAUTION = 1.5
"""By how many of its standard errors the baseline's mean is taken to be larger than it seems."""
WIDEST = 50.0
"""The logarithm of a factor above which a bound is none."""
START = 4.0
"""The coefficient of variation of one event that is assumed before anything was seen, and weighs as two polls."""


class Spread:
    """The squared coefficient of variation of one event, from how the means of successive polls differ."""

    def __init__(self) -> None:
        self._sum, self._pairs = 2 * START**2, 2.0
        self._last: tuple[float, float] | None = None

    def add(self, total: float, count: float) -> None:
        """Learn from a poll's sum and number of events."""
        if count <= 0:
            return
        mean = total / count
        if self._last is not None:
            mean_before, count_before = self._last
            usual = (mean * count + mean_before * count_before) / (count + count_before)
            if usual > 0:
                self._sum += (mean - mean_before) ** 2 / (1 / count + 1 / count_before) / usual**2
                self._pairs += 1
        self._last = (mean, count)

    @property
    def value(self) -> float:
        """The squared coefficient of variation."""
        return self._sum / self._pairs


def stakes(events: float, spread: float) -> list[float]:
    """For each alternative the part of the evidence to put at stake in a poll of so many events: Kelly's, nearly."""
    noise = spread / events
    return [min(BOLDEST, (factor - 1) / ((factor - 1) ** 2 + factor**2 * noise)) for factor in FACTORS]


class MeanMonitor:
    """Watches `(sum, count)` of both tracks.

    Each poll is a bet: if the canary's mean is at most what is tolerated, `x = mean / tolerated` is at most 1 on
    average, and so is `1 + stake (x - 1)`, however heavy the tail. This is exact against a limit. Against the baseline,
    whose mean has to be estimated, it is calibrated: the estimate is raised by `CAUTION` standard errors.
    """

    def __init__(self, tolerate: float, limit: float | None) -> None:
        self._tolerate = tolerate
        self.ceiling = limit
        self._worse = Mixture(len(FACTORS), LATE)
        self._above = Mixture(len(FACTORS), LATE)
        self.parts: tuple[Part, ...] = (Part("worse", 1.0, self._worse),)
        if limit is not None:
            self.parts += (Part("limit", SHARE, self._above),)
        self._spread = Spread()
        self._varies = self._spread.value
        self._recent = (0.0, 0.0)
        self._baseline = (0.0, 0.0)
        self._canary = (0.0, 0.0)
        self._polls = 0
        self._elapsed = 0.0

    def calibrate(self, baseline: tuple[float, float], seconds: float) -> None:
        """Learn what an event of the baseline costs, and how much that varies."""
        del seconds
        self._spread.add(*baseline)
        self._recent = (self._recent[0] + baseline[0], self._recent[1] + baseline[1])

    def update(self, baseline: tuple[float, float], canary: tuple[float, float], moment: Moment) -> None:
        """Judge one poll by the baseline's mean up to it."""
        self._varies = self._spread.value
        fade = exp(-moment.elapsed / MEMORY)
        self._recent = (self._recent[0] * fade, self._recent[1] * fade)
        self.calibrate(baseline, moment.seconds)
        if canary[1] <= 0:
            return
        if self.ceiling is not None:
            self._bet(self._above, canary, self.ceiling, moment.elapsed)
        total, count = self._recent
        if not moment.warming:
            self._baseline = (self._baseline[0] + baseline[0], self._baseline[1] + baseline[1])
            self._canary = (self._canary[0] + canary[0], self._canary[1] + canary[1])
            self._polls += 1
            self._elapsed += moment.elapsed
            if total > 0:
                usual = total / count * (1 + CAUTION * sqrt(self._varies / count))
                self._bet(self._worse, canary, self._tolerate * usual, moment.elapsed)

    def _bet(self, process: Mixture, canary: tuple[float, float], tolerated: float, elapsed: float) -> None:
        excess = canary[0] / canary[1] / tolerated - 1
        process.bet([log1p(stake * excess) for stake in stakes(canary[1], self._varies)], elapsed)

    def outage(self, before: tuple[float, float], recent: tuple[float, float]) -> bool:
        """By three standard errors of the recent mean."""
        if before[0] <= 0 or recent[1] <= 0:
            return False
        times = recent[0] / recent[1] / (before[0] / before[1])
        return times / (1 + 3 * sqrt(self._varies / recent[1])) >= outage.TIMES

    def notes(self) -> tuple[str, ...]:
        """None: how much it varies stands in the interval."""
        return ()

    def detectable(self, lines: Mapping[str, float]) -> Detectable:
        """By the growth that such a canary's bets would have had nine times in ten, its polls being alike."""
        (total, count), events = self._baseline, self._canary[1]
        if total <= 0 or events <= 0:
            return Detectable(None, None)
        usual = total / count
        caution = 1 + CAUTION * sqrt(self._varies / count)
        ratio = self._tolerate * caution * self._smallest(lines["worse"])
        level = usual * ratio
        if self.ceiling is not None:
            level = min(level, self.ceiling * self._smallest(lines["limit"]))
        return Detectable(level / usual, level) if level < float("inf") else Detectable(None, None)

    def _smallest(self, line: float) -> float:
        """How many times what is tolerated would have been found."""
        low, high = 0.0, 20.0
        if self._ninth(1 + high) < line:
            return float("inf")
        while high - low > 0.01 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self._ninth(1 + middle) < line else (low, middle)
        return 1 + high

    def _ninth(self, times: float) -> float:
        noise = self._varies * self._polls / self._canary[1] * times**2
        evidence = []
        for stake in stakes(self._canary[1] / self._polls, self._varies):
            grown = 1 + stake * (times - 1)
            loss = stake**2 * noise / grown**2
            evidence.append(self._polls * (log(grown) - loss / 2) - 1.2816 * sqrt(self._polls * loss))
        return max(evidence) + log((1 - LATE) / len(FACTORS))

    def interval(self) -> Interval | None:
        """The ratio of the means, as far as sums of so many events are normal."""
        (total, count), (total_canary, events) = self._baseline, self._canary
        if total <= 0 or total_canary <= 0:
            return None
        ratio = total_canary / events / (total / count)
        width = radius(self._elapsed) * sqrt(self._varies * (1 / count + 1 / events))
        return (ratio * exp(-width), ratio, ratio * exp(width)) if width < WIDEST else (0.0, ratio, None)
