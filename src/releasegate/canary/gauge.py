"""Whether a canary's level, such as a queue's depth, is above its limit or above the baseline's.

Levels wander: one poll says little that the poll before did not say. They are therefore judged in blocks, by their mean
against its standard error, which comes from how the baseline wandered. All of this is calibrated, not proved.
"""

from collections.abc import Mapping
from math import ceil, inf, log, sqrt

from releasegate.canary.limit import SHARE
from releasegate.canary.mixture import LATE, Mixture
from releasegate.canary.monitor import Detectable, Interval, Moment, Part
from releasegate.canary.sequence import radius

TILTS = (1.0, 2.0, 4.0)
"""By how many standard errors of a block's mean the alternatives are above what is tolerated."""
MOST = 8.0
"""A block's mean counts as at most so many standard errors away."""
START_CORRELATION = 0.8
START_POLLS = 10.0
"""The correlation of neighbouring polls that is assumed before anything was seen, and how many polls it weighs."""
MOST_CORRELATION = 0.98
FEWEST_POLLS = 4
"""How many polls of the baseline it takes to judge anything."""
LARGEST_BLOCK = 1 / 8
"""A block is at most this part of the window."""
FLOOR = 0.05
"""A level is taken to vary by at least this part of itself or of its limit."""
CAUTION = 1.5
"""By how many of its own standard errors the standard deviation is taken to be larger than it seems."""


class Wander:
    """How a level wanders: its variance and how much neighbouring polls are alike."""

    def __init__(self) -> None:
        self.polls = 0
        self.mean = 0.0
        self._squares = 0.0
        self._steps = 0.0
        self._last = 0.0

    def add(self, value: float) -> None:
        """Learn from one poll (Welford's update)."""
        if self.polls:
            self._steps += (value - self._last) ** 2
        self._last = value
        self.polls += 1
        before = value - self.mean
        self.mean += before / self.polls
        self._squares += before * (value - self.mean)

    @property
    def variance(self) -> float:
        """Of one poll."""
        return self._squares / (self.polls - 1) if self.polls > 1 else 0.0

    @property
    def step(self) -> float:
        """Half the mean squared difference of neighbouring polls: the variance, if they were not alike at all."""
        return self._steps / (self.polls - 1) / 2 if self.polls > 1 else 0.0

    @property
    def memory(self) -> float:
        """How many polls say as much as one that is independent of the others."""
        unlike = self.step / self.variance if self.variance > 0 else 1 - START_CORRELATION
        unlike = (unlike * self.polls + (1 - START_CORRELATION) * START_POLLS) / (self.polls + START_POLLS)
        alike = min(MOST_CORRELATION, max(0.0, 1 - unlike))
        return (1 + alike) / (1 - alike)


class GaugeMonitor:
    """Watches the level of both tracks."""

    def __init__(self, tolerate: float, limit: float | None, *, compare: bool) -> None:
        self._tolerate = tolerate
        self.ceiling = limit
        self._worse = Mixture(len(TILTS), LATE)
        self._above = Mixture(len(TILTS), LATE)
        self.parts: tuple[Part, ...] = (Part("worse", 1.0, self._worse),) if compare else ()
        if limit is not None:
            self.parts += (Part("limit", SHARE, self._above),)
        self._usual = Wander()
        self._trial = Wander()
        self._block: list[tuple[float, float]] = []
        self._elapsed = self._block_elapsed = 0.0
        self._sums = (0.0, 0.0, 0)
        self._error = (inf, inf)
        self._blocks = 0

    def calibrate(self, baseline: float, seconds: float) -> None:
        """Learn how the baseline wanders."""
        del seconds
        self._usual.add(baseline)

    def update(self, baseline: float, canary: float, moment: Moment) -> None:
        """Gather one poll, and judge when a block is full. A canary that warms up is held against its limit only."""
        if moment.warming and self.ceiling is None:
            return
        self._trial.add(canary)
        self._block.append((baseline, canary))
        self._elapsed += moment.elapsed
        self._block_elapsed += moment.elapsed
        polls = min(2 * self._usual.memory, LARGEST_BLOCK / moment.elapsed)
        if len(self._block) >= ceil(polls) and self._usual.polls >= FEWEST_POLLS:
            self._judge(compared=not moment.warming)
        self._usual.add(baseline)

    def _judge(self, *, compared: bool) -> None:
        polls = len(self._block)
        baseline, canary = (sum(values) / polls for values in zip(*self._block, strict=True))
        error, error_canary = self._errors(polls)
        if compared:
            between = sqrt(error_canary**2 + (self._tolerate * error) ** 2)
            self._bet(self._worse, (canary - max(baseline, self._tolerate * baseline)) / between)
            self._sums = (self._sums[0] + baseline * polls, self._sums[1] + canary * polls, self._sums[2] + polls)
            self._blocks += 1
            self._error = (error, error_canary)
        if self.ceiling is not None:
            self._bet(self._above, (canary - self.ceiling) / error_canary)
        self._block, self._block_elapsed = [], 0.0

    def _errors(self, polls: int) -> tuple[float, float]:
        """The standard errors of a block's mean of either track: the canary's few instances may wander more."""
        usual, memory = self._usual, self._usual.memory
        floor = FLOOR * max(abs(usual.mean), abs(self.ceiling or 0.0), 1e-9)
        caution = 1 + CAUTION * sqrt(memory / (2 * usual.polls))
        deviation = max(floor, sqrt(usual.variance)) * caution
        wider = sqrt(max(1.0, self._trial.step / usual.step)) if usual.step > 0 else 1.0
        error = deviation * sqrt(memory / polls)
        return error, error * wider

    def _bet(self, process: Mixture, errors: float) -> None:
        process.bet([tilt * min(MOST, errors) - tilt**2 / 2 for tilt in TILTS], self._block_elapsed)

    def outage(self, before: float, recent: float) -> bool:
        """Never: a level or a rate may change with the hour."""
        del before, recent
        return False

    def notes(self) -> tuple[str, ...]:
        """None: how much it varies stands in the interval."""
        return ()

    def detectable(self, lines: Mapping[str, float]) -> Detectable:
        """As a level the one that the canary is shown to be under; as a ratio what a comparison would have shown."""
        baseline, canary, polls = self._sums
        if not polls:
            return Detectable(None, None)
        baseline, canary = baseline / polls, canary / polls
        blocks, (error, error_canary) = self._blocks, self._error
        level = canary + radius(self._elapsed) * error_canary / sqrt(blocks)
        if "worse" not in lines or baseline <= 0:
            return Detectable(None, level)
        needed = lines["worse"] - log((1 - LATE) / len(TILTS))
        errors = min((needed + 1.2816 * tilt * sqrt(blocks)) / (blocks * tilt) + tilt / 2 for tilt in TILTS)
        between = sqrt(error_canary**2 + (self._tolerate * error) ** 2)
        return Detectable(self._tolerate + errors * between / baseline, level)

    def interval(self) -> Interval | None:
        """The ratio of the mean levels, where the baseline's is positive."""
        baseline, canary, polls = self._sums
        if not polls or baseline <= 0:
            return None
        usual, ratio = baseline / polls, canary / baseline
        error, error_canary = self._error
        width = radius(self._elapsed) * sqrt((error_canary**2 + (ratio * error) ** 2) / self._blocks) / usual
        return ratio - width, ratio, ratio + width
