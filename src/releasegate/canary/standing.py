"""Where one SLI stands: when its counts are judged, how much evidence it takes, and whether it allows to promote."""

from collections.abc import Mapping
from math import log

from releasegate.canary.gauge import GaugeMonitor
from releasegate.canary.histogram import HistogramMonitor
from releasegate.canary.mean import MeanMonitor
from releasegate.canary.mixture import CAP
from releasegate.canary.monitor import Detectable, Moment, Monitor, two_digits
from releasegate.canary.outage import Outage, together
from releasegate.canary.ratio import RatioMonitor
from releasegate.canary.recording import TRACKS, Counts, Header
from releasegate.canary.sli import Kind, Limit, SliSpec
from releasegate.canary.throughput import ThroughputMonitor

STALE = 0.25
"""An SLI that was not heard of for this part of the window decides nothing at its end."""
DETECT_GAUGE = 5.0
"""What a gauge that is compared must be able to show."""


def monitor_of(spec: SliSpec) -> Monitor:
    """What watches an SLI of this kind."""
    limit = spec.limit
    if spec.kind is Kind.HISTOGRAM:
        return HistogramMonitor(spec.bounds, spec.tolerate, limit if isinstance(limit, Limit) else None)
    if spec.kind is Kind.THROUGHPUT:
        return ThroughputMonitor(spec.starved_below)
    level = None if isinstance(limit, Limit) else limit
    if spec.kind is Kind.MEAN:
        return MeanMonitor(spec.tolerate, level)
    if spec.kind is Kind.GAUGE:
        return GaugeMonitor(spec.tolerate, level, compare=spec.compare)
    return RatioMonitor(spec.tolerate, level)


class Standing:
    """Its monitor, its place in the budget, and the counts of one track that wait for the other's."""

    def __init__(self, spec: SliSpec, header: Header) -> None:
        self.spec = spec
        self.monitor = monitor_of(spec)
        self.lines: dict[str, float] = {}
        self.line = 0.0
        self.decided_at: float | None = None
        self.heard_at = 0.0
        """Up to when its counts were judged, in seconds."""
        self.warm_up = 0.0 if spec.kind is Kind.THROUGHPUT else header.warm_up
        self.carried = header.carried
        self._header = header
        self._waiting: dict[str, Counts] = {}
        self._weighted = 0.0
        self._baseline_at: float | None = None
        self.polls = self.missed = 0
        """How many polls there were since the split, and how many of them did not hold both tracks."""
        self.weights: tuple[float, ...] = ()
        """The canary's weights, one after the other."""
        self.shown: Detectable | None = None
        """What could have been shown so far, once that was asked."""
        self.outage = Outage(self.monitor)
        self.share = sum(part.share for part in self.monitor.parts)
        self.evidence = 1.0
        self.cause = self.monitor.parts[0].cause

    def set_lines(self, total: float, false_abort: float) -> None:
        """Say how much evidence is needed where all that decides weighs `total`."""
        self.line = log(total / (self.share * false_abort))
        self.lines = {part.cause: log(total / (part.share * false_abort)) for part in self.monitor.parts}

    def _weigh(self, t: float) -> None:
        """Average what the e-processes say, which is one again."""
        grown = [(part.share / self.share * part.process.value, part.cause) for part in self.monitor.parts]
        self.evidence = min(CAP, sum(value for value, _ in grown))
        self.cause = max(grown)[1]
        if self.decided_at is None and self.evidence > 1 and log(self.evidence) >= self.line:
            self.decided_at = t

    def history(self, t: float, counts: Mapping[str, Counts]) -> None:
        """Take in a poll of before the split."""
        if "baseline" in counts:
            seconds = self._header.interval if self._baseline_at is None else t - self._baseline_at
            self.monitor.calibrate(counts["baseline"], seconds)
            self.outage.history(t, counts["baseline"], seconds / self._header.window)
            self._baseline_at = t

    def poll(self, t: float, seconds: float, weight: float, counts: Mapping[str, Counts]) -> None:
        """Take in a poll, and judge as soon as both tracks have counts up to the same moment."""
        self._weighted += weight * seconds
        self.polls += 1
        if self.weights[-1:] != (weight,):
            self.weights += (weight,)
        if self._waiting and self.spec.kind is not Kind.GAUGE:  # of a gauge only the newest level counts
            counts = {track: together(self._waiting.get(track), value) for track, value in counts.items()}
        self._waiting = {**self._waiting, **counts}
        if len(counts) < len(TRACKS):
            self.missed += 1
        else:
            passed = t - self.heard_at
            warming = self._header.warms_up(t)
            moment = Moment(self._weighted / passed, passed, passed / self._header.window, warming)
            self.monitor.update(self._waiting["baseline"], self._waiting["canary"], moment)
            self.outage.poll(t, self._waiting["baseline"], moment.elapsed)
            self._waiting, self._weighted, self.heard_at, self.shown = {}, 0.0, t, None
            self._weigh(t)

    def doubt(self, t: float) -> str | None:
        """Why this SLI does not allow to promote at the moment `t`; None if it does."""
        if t - self.heard_at > STALE * self._header.window:
            return f"no counts of both tracks since {self.heard_at:g} s"
        if self.outage.since is not None:
            return f"the baseline itself is far worse than before since {self.outage.since:g} s: a shared outage"
        if self.sufficient():
            return None
        seen, asked = self.detectable(), self._header.detect.get(self.spec.kind, DETECT_GAUGE)
        shown = f"no less than {two_digits(seen.ratio)}x" if seen.ratio else "no regression at all"
        return f"too little was seen: {shown} would have shown, {asked:g}x was asked"

    def safe(self) -> bool:
        """Whether the confidence sequence excludes what must be detected, so that there is no need to wait."""
        interval, detect = self.monitor.interval(), self._header.detect.get(self.spec.kind, DETECT_GAUGE)
        if self.spec.kind is Kind.GAUGE:
            return self.sufficient()
        if interval is None:
            return False
        if self.spec.kind is Kind.THROUGHPUT:
            return interval[0] is not None and interval[0] > self.spec.starved_below
        return interval[2] is not None and interval[2] < detect

    def detectable(self) -> Detectable:
        """What could have been shown so far; reckoned once a poll."""
        if self.shown is None:
            self.shown = self.monitor.detectable(self.lines)
        return self.shown

    def sufficient(self) -> bool:
        """Whether what could have been shown is as small as was asked."""
        seen = self.detectable()
        asked, ceiling = self._header.detect.get(self.spec.kind, DETECT_GAUGE), self.monitor.ceiling
        return (seen.ratio is not None and seen.ratio <= asked) or (
            seen.level is not None and ceiling is not None and seen.level <= ceiling
        )
