"""Whether a canary has more bad events than the baseline, exact however few there are."""

from collections.abc import Mapping
from math import ceil, exp, inf, log, log1p, sqrt

from releasegate.canary import outage
from releasegate.canary.dispersion import Dispersion, quantile_of_mean
from releasegate.canary.limit import SHARE, Above
from releasegate.canary.mixture import LATE, Mixture, log_mean, smallest
from releasegate.canary.monitor import Detectable, Interval, Moment, Part, bursty

FACTORS = (1.4, 1.55, 1.75, 2.05, 2.5, 3.2, 4.4, 6.8, 12.5, 32.0)
"""How many times worse than what is tolerated the alternatives are where no history says what there is to find."""
INTERVAL_FACTORS = (1.03, 1.08, 1.2, *FACTORS)
ENOUGH = 5.5
"""The log evidence that alternatives are laid out for."""
SPACING = 0.9
"""Neighbouring alternatives are so many standard errors apart: of the estimate at the moment when it suffices."""
SMALLEST, LARGEST = log(1.02), log(60.0)
INTERVAL_LINE = log(2 / 0.05)
"""Each side of a 95% confidence sequence excludes what has this log evidence against it."""


def slopes(odds: float, clump: float, factor: float) -> tuple[float, float]:
    """The log evidence of one bad event of the canary and of one of the baseline, for the alternative `factor`.

    `odds` are the canary's requests over the baseline's, times what is tolerated. The null hypothesis: bad events are
    independent, or come in clumps of geometric size with mean `clump`, and a request of the canary is at most
    `tolerate` times as likely to be bad. The level may be anything and may change from poll to poll.

    For `clump` 1 this is the likelihood ratio of the split of the bad events between the tracks, as in M. Lindon and
    others, Rapid Regression Detection in Software Deployments through Sequential Testing, KDD 2022. Its expectation is
    at most 1 for Bernoulli events too: with `a` and `b` the factors of a bad event of either track, `n` their requests
    and `p` their levels, it is `(1 + pc (a-1))^nc (1 + pb (b-1))^nb`, at most `exp(nc pc (a-1) + nb pb (b-1))`, where
    `a` and `b` make the exponent 0 for `pc = tolerate pb`. For clumps the same holds for the expected factor
    of a whole clump.
    """
    gain = (factor - 1) / (1 + factor * odds)
    loss = -gain * odds
    return log1p(gain / (clump + (clump - 1) * gain)), log1p(loss / (clump + (clump - 1) * loss))


def lay_out(bad_a_poll: float, polls: float, odds: float, clump: float) -> tuple[float, ...]:
    """Alternatives from what one poll of the canary shows at once to what two windows would show.

    `bad_a_poll` is what a healthy canary is expected to have. Equal weights at distances of one standard error lose
    about equally wherever the truth lies; alternatives that cannot matter here would only cost the others weight.
    """
    if bad_a_poll <= 0:
        return FACTORS
    width = (LARGEST - SMALLEST) / 60
    grid = [exp(SMALLEST + width * (index + 0.5)) for index in range(60)]
    terms = [slopes(odds, clump, factor) for factor in grid]
    places, length, best = [], 0.0, 0
    for truth in grid:
        # among clumps it is better to bet on less than the truth: one large clump must not decide
        growths = (bad_a_poll * (truth * up + down / odds) for up, down in terms[best:])
        growth = next(growths)
        for further in growths:  # the best bet rises with the truth, and beyond it they only get worse
            if further <= growth:
                break
            growth, best = further, best + 1
        factor = grid[best]
        if growth * polls * 2 < ENOUGH:
            continue
        information = bad_a_poll * truth / (1 + truth * odds) / (2 * clump - 1)
        length += sqrt(ENOUGH / growth * information) * width
        places.append((length, factor))
        if growth > ENOUGH * 2:
            break
    if not places:
        return FACTORS[-1:]
    number = max(1, ceil(length / SPACING))
    marks = [length * (index + 0.5) / number for index in range(number)]
    return tuple(dict.fromkeys(min(places, key=lambda place: abs(place[0] - mark))[1] for mark in marks))


def needed_to_compare(
    bad_baseline: float, odds: float, dispersion: float, factors: tuple[float, ...], line: float
) -> float:
    """How many bad events of the canary give as much log evidence as `line`."""
    terms = [slopes(odds, (dispersion + 1) / 2, factor) for factor in factors]
    return smallest(lambda count: log_mean([count * up + bad_baseline * down for up, down in terms]) - line)


class RatioMonitor:
    """Watches `(bad, total)` of both tracks."""

    def __init__(self, tolerate: float, limit: float | None) -> None:
        self._tolerate = tolerate
        self.ceiling = limit
        self._factors: tuple[float, ...] = ()
        self._worse = Mixture(len(FACTORS), LATE)
        self._past = (0.0, 0.0)
        self._above = None if limit is None else Above(limit)
        self._dispersion = Dispersion()
        self._spread = self._dispersion.value
        self._lacks, self._lacked = self._dispersion.lacks, ""
        self._baseline = (0.0, 0.0)
        self._canary = (0.0, 0.0)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The comparison, and the limit where there is one."""
        compared = Part("worse", 1.0, self._worse)
        return (compared, Part("limit", SHARE, self._above.process)) if self._above else (compared,)

    def calibrate(self, baseline: tuple[float, float], seconds: float) -> None:
        """Learn how bursty the baseline's bad events are."""
        self._dispersion.add(baseline[:1], baseline[1])
        self._past = (self._past[0] + baseline[0], self._past[1] + seconds)

    def update(self, baseline: tuple[float, float], canary: tuple[float, float], moment: Moment) -> None:
        """Judge one poll by what was learned before it."""
        clump = self._dispersion.clump
        self._spread = self._dispersion.value
        self._lacks = self._dispersion.lacks
        self._lacked = self._lacked or self._lacks
        if self._above:
            self._above.update(canary[0], canary[1], clump, moment.elapsed)
        if not moment.warming:
            self._compare(baseline, canary, clump, moment)
        self.calibrate(baseline, moment.seconds)

    def _compare(
        self, baseline: tuple[float, float], canary: tuple[float, float], clump: float, moment: Moment
    ) -> None:
        self._baseline = (self._baseline[0] + baseline[0], self._baseline[1] + baseline[1])
        self._canary = (self._canary[0] + canary[0], self._canary[1] + canary[1])
        if baseline[1] > 0 and canary[1] > 0:
            odds = self._tolerate * canary[1] / baseline[1]
            if not self._factors:
                self._begin(clump, moment)
            terms = [slopes(odds, clump, factor) for factor in self._factors]
            self._worse.bet([canary[0] * up + baseline[0] * down for up, down in terms], moment.elapsed)

    def _begin(self, clump: float, moment: Moment) -> None:
        """Lay out the alternatives by what was seen of the baseline before."""
        bad, seconds = self._past
        odds = self._tolerate * moment.weight / (1 - moment.weight)
        expected = bad / seconds * moment.seconds * odds if seconds > 0 else 0.0
        self._factors = lay_out(expected, 1 / moment.elapsed, odds, clump)
        self._worse = Mixture(len(self._factors), LATE)

    def outage(self, before: tuple[float, float], recent: tuple[float, float]) -> bool:
        """By the same evidence, with the history in the place of the baseline."""
        if before[1] <= 0 or recent[1] <= 0:
            return False
        odds, clump = outage.TIMES * recent[1] / before[1], self._dispersion.clump
        terms = [slopes(odds, clump, factor) for factor in FACTORS]
        return log_mean([recent[0] * up + before[0] * down for up, down in terms]) >= outage.EVIDENCE

    def notes(self) -> tuple[str, ...]:
        """How bursty it is."""
        return bursty("bad events", self._spread, lacks=self._lacks, lacked=self._lacked)

    def detectable(self, lines: Mapping[str, float]) -> Detectable:
        """By the number of bad events that would have sufficed, and the level that gives as many nine times in ten."""
        bad, total = self._baseline
        level = inf
        if self._factors:
            odds = self._tolerate * self._canary[1] / total
            needed = needed_to_compare(bad, odds, self._spread, self._factors, lines["worse"])
            level = quantile_of_mean(needed, self._spread) / self._canary[1]
        if self._above:
            level = min(level, self._above.detectable(self._canary[1], self._spread, lines["limit"]))
        if level > 1:
            return Detectable(None, None)
        return Detectable(level * total / bad if bad else None, level)

    def interval(self) -> Interval | None:
        """Both sides are what the same evidence rejects, with the tracks' parts exchanged for the upper one."""
        (bad_baseline, total_baseline), (bad_canary, total_canary) = self._baseline, self._canary
        if total_baseline <= 0 or total_canary <= 0 or bad_baseline + bad_canary <= 0:
            return None
        odds, clump = total_canary / total_baseline, (self._spread + 1) / 2
        above = _excluded(bad_canary, bad_baseline, odds, clump)
        below = _excluded(bad_baseline, bad_canary, 1 / odds, clump)
        estimate = bad_canary / bad_baseline / odds if bad_baseline else None
        return above, estimate, 1 / below if below else None


def _excluded(more: float, fewer: float, odds: float, clump: float) -> float:
    """The largest ratio of the first track over the second that `more` and `fewer` bad events exclude; 0 if none."""
    if more <= 0:
        return 0.0
    low, high = -40.0, log((more + 1) / (fewer + 1) / odds) + 1
    for _ in range(30):
        middle = (low + high) / 2
        terms = [slopes(odds * exp(middle), clump, factor) for factor in INTERVAL_FACTORS]
        if log_mean([more * up + fewer * down for up, down in terms]) >= INTERVAL_LINE:
            low = middle
        else:
            high = middle
    return exp(low) if low > -40.0 else 0.0
