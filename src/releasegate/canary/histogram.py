"""Whether a canary is slower than the baseline, by all buckets of a histogram."""

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from operator import add, mul

from releasegate.canary import outage
from releasegate.canary.dispersion import Dispersion
from releasegate.canary.limit import SHARE, Above
from releasegate.canary.mixture import LATE, Mixture, log_mean
from releasegate.canary.monitor import Detectable, Interval, Moment, Part, bursty
from releasegate.canary.ratio import INTERVAL_LINE
from releasegate.canary.sli import Limit
from releasegate.canary.slower import SLOWER, STUCK, Alternative, Curve, draw, no_slower

REFRESH = 1.5
"""The alternatives are drawn again when so many times as many requests of the baseline were seen."""
FEWEST = 20.0
"""How many requests of the baseline must have been seen before alternatives are drawn."""


class HistogramMonitor:
    """Watches one count a bucket of both tracks."""

    def __init__(self, bounds: tuple[float, ...], tolerate: float, limit: Limit | None) -> None:
        self._bounds = bounds
        self._tolerate = tolerate
        self._process = Mixture(len(SLOWER) + len(STUCK), LATE)
        self.parts: tuple[Part, ...] = (Part("worse", 1.0, self._process),)
        self.ceiling = None if limit is None else 1 - limit.share
        self._above = None if limit is None else Above(1 - limit.share)
        self._first_slow = 0 if limit is None else bounds.index(limit.le) + 1
        if self._above:
            self.parts += (Part("limit", SHARE, self._above.process),)
        self._dispersion = Dispersion()
        self._spread = self._dispersion.value
        self._lacks, self._lacked = self._dispersion.lacks, ""
        zeros = (0.0,) * (len(bounds) + 1)
        self._usual = self._baseline = self._canary = zeros
        self._alternatives: list[Alternative] = []
        self._drawn = (FEWEST / REFRESH, 0.0)

    def calibrate(self, baseline: tuple[float, ...], seconds: float) -> None:
        """Learn how the baseline's requests are spread, and how that varies."""
        del seconds
        self._dispersion.add(baseline, sum(baseline))
        self._usual = _sum(self._usual, baseline)

    def update(self, baseline: tuple[float, ...], canary: tuple[float, ...], moment: Moment) -> None:
        """Judge one poll by what was learned before it."""
        self._spread = self._dispersion.value
        self._lacks = self._dispersion.lacks
        self._lacked = self._lacked or self._lacks
        if self._above:
            slow = sum(canary[self._first_slow :])
            self._above.update(slow, sum(canary), (self._spread + 1) / 2, moment.elapsed)
        if not moment.warming:
            self._compare(baseline, canary, moment)
        self.calibrate(baseline, moment.seconds)

    def _compare(self, baseline: tuple[float, ...], canary: tuple[float, ...], moment: Moment) -> None:
        self._baseline = _sum(self._baseline, baseline)
        self._canary = _sum(self._canary, canary)
        all_baseline, all_canary = sum(baseline), sum(canary)
        seen = sum(self._usual)
        if seen >= self._drawn[0] * REFRESH or (self._alternatives and moment.weight != self._drawn[1]):
            self._alternatives = draw(self._shares(), self._bounds, self._tolerate, moment.weight)
            self._drawn = (seen, moment.weight)
        if self._alternatives and all_baseline > 0 and all_canary > 0:
            odds = all_canary / all_baseline
            logs = [each.log_factor(baseline, canary, odds) / self._spread for each in self._alternatives]
            self._process.bet(logs, moment.elapsed)

    def _shares(self) -> list[float]:
        total = sum(self._usual) + 1
        return [(count + 1 / len(self._usual)) / total for count in self._usual]

    def outage(self, before: tuple[float, ...], recent: tuple[float, ...]) -> bool:
        """By the same evidence, with the history in the place of the baseline."""
        total = sum(before)
        if total < FEWEST or sum(recent) <= 0:
            return False
        odds = sum(recent) / total
        shares = [(count + 1 / len(before)) / (total + 1) for count in before]
        if no_slower(recent, Curve(shares, self._bounds).slowed(outage.TIMES)):
            return False
        alternatives = draw(shares, self._bounds, outage.TIMES, odds / (1 + odds))
        logs = [each.log_factor(before, recent, odds) / self._spread for each in alternatives]
        return log_mean(logs) >= outage.EVIDENCE

    def notes(self) -> tuple[str, ...]:
        """How bursty it is."""
        return bursty("requests of a duration", self._spread, lacks=self._lacks, lacked=self._lacked)

    def detectable(self, lines: Mapping[str, float]) -> Detectable:
        """By the evidence that a canary which is slower by a factor would have given nine times in ten."""
        all_baseline, all_canary = sum(self._baseline), sum(self._canary)
        if all_baseline <= 0 or all_canary <= 0:
            return Detectable(None, None)
        shares = self._shares()
        weight = all_canary / (all_baseline + all_canary)
        alternatives = draw(shares, self._bounds, self._tolerate, weight)
        start = log((1 - LATE) / len(alternatives)) - lines["worse"]
        curve = Curve(shares, self._bounds)

        def excess(extra: float) -> float:
            slower = curve.slowed(self._tolerate * (1 + extra))
            counts = [all_canary * share for share in slower]
            return max(self._ninth(each, counts, weight) for each in alternatives) + start

        low, high = 0.0, 40.0
        if excess(high) < 0:
            return Detectable(None, None)
        while high - low > 0.01 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) < 0 else (low, middle)
        ratio = self._tolerate * (1 + high)
        return Detectable(ratio, self._level(curve.slowed(ratio), all_canary, lines))

    def _ninth(self, each: Alternative, counts: Sequence[float], weight: float) -> float:
        """The log evidence that nine of ten such canaries reach."""
        mean = each.log_factor(self._baseline, counts, weight / (1 - weight))
        total = sum(counts)
        first = sum(map(mul, counts, each.logs)) / total
        second = sum(count * value**2 for count, value in zip(counts, each.logs, strict=True)) / total
        return (mean - 1.2816 * sqrt(self._spread * total * max(0.0, second - first**2))) / self._spread

    def _level(self, slower: Sequence[float], total: float, lines: Mapping[str, float]) -> float:
        """With a limit the share of slow requests that would be seen, else the 95th percentile."""
        if self._above:
            share = sum(slower[self._first_slow :])
            return min(share, self._above.detectable(total, self._spread, lines["limit"]))
        below = 0.0
        for share, bound in zip(slower, self._bounds, strict=False):
            below += share
            if below >= 0.95:
                return bound
        return self._bounds[-1]

    def interval(self) -> Interval | None:
        """How many times as long a request takes; bounds by the same evidence, tracks exchanged for the upper one."""
        if sum(self._baseline) < FEWEST or sum(self._canary) <= 0:
            return None
        above = self._excluded(self._baseline, self._canary)
        below = self._excluded(self._canary, self._baseline)
        return above, self._estimate(), 1 / below if below else None

    def _estimate(self) -> float:
        total = sum(self._canary)
        seen = sum(map(mul, self._canary, range(len(self._canary)))) / total
        curve = Curve(self._shares(), self._bounds)

        def mean_bucket(factor: float) -> float:
            buckets = curve.slowed(factor)
            return float(sum(map(mul, buckets, range(len(buckets)))))

        low, high = log(1 / 30), log(30)
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if mean_bucket(exp(middle)) < seen else (low, middle)
        return exp((low + high) / 2)

    def _excluded(self, usual: Sequence[float], slow: Sequence[float]) -> float:
        """The largest factor by which `slow` is excluded to be slower than `usual` at most; 0 if none is."""
        odds = sum(slow) / sum(usual)
        total = sum(usual) + 1
        shares = [(count + 1 / len(usual)) / total for count in usual]
        low, high = log(1 / 30), log(30)
        for _ in range(12):
            middle = (low + high) / 2
            alternatives = draw(shares, self._bounds, exp(middle), odds / (1 + odds), SLOWER[:5], ())
            start = log((1 - LATE) / len(alternatives))
            logs = (each.log_factor(usual, slow, odds) / self._spread + start for each in alternatives)
            low, high = (middle, high) if any(one >= INTERVAL_LINE for one in logs) else (low, middle)
        return exp(low) if low > log(1 / 30) else 0.0


def _sum(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(add, one, other))
