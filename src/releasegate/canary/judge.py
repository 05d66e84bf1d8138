"""The judge: from counts to a decision, the same live and from a recording.

It is a pure fold: what it says after a poll depends on the header and the lines up to it, and on nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import log
from typing import Any

from releasegate.canary.gauge import GaugeMonitor
from releasegate.canary.histogram import HistogramMonitor
from releasegate.canary.mean import MeanMonitor
from releasegate.canary.mixture import CAP
from releasegate.canary.monitor import Detectable, Interval, Moment, Monitor, snapshot
from releasegate.canary.outage import Outage, together
from releasegate.canary.ratio import RatioMonitor
from releasegate.canary.recording import TRACKS, Counts, Header, Line
from releasegate.canary.sli import Kind, Limit, SliSpec
from releasegate.canary.throughput import ThroughputMonitor

STALE = 0.25
"""An SLI that was not heard of for this part of the window decides nothing at its end."""


DETECT_GAUGE = 5.0
"""What a gauge that is compared must be able to show."""


class Decision(StrEnum):
    """What the judge says."""

    PROMOTE = "promote"
    ABORT = "abort"
    CONTINUE = "continue"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """0 to promote or go on, 1 to abort, 3 where the evidence does not allow a decision."""
        return {Decision.ABORT: 1, Decision.INCONCLUSIVE: 3}.get(self, 0)


class SliAssessment:
    """What was seen of one SLI up to one poll. The interval and what was detectable are computed when asked for."""

    def __init__(self, watch: "_Watch", decision: Decision) -> None:
        self._monitor = snapshot(watch.monitor)
        self._lines = watch.lines
        self.decision = decision
        self.decided_at = watch.decided_at
        """When it alone would have aborted, in seconds; None if it would not."""
        self.evidence = watch.evidence
        """The e-value against this SLI."""
        self.line = watch.line
        """The log evidence at which this SLI alone aborts."""
        self.cause = watch.cause
        """What an abort by it says: `worse`, `limit`, `starved` or `silent`."""
        self._incident = watch.outage.incident

    @property
    def log_evidence(self) -> float:
        """The natural logarithm of the e-value."""
        return log(max(self.evidence, 1 / CAP))

    @property
    def ratio(self) -> Interval | None:
        """A 95% confidence sequence of canary over baseline: lower bound, estimate, upper bound."""
        return self._monitor.interval()

    @property
    def detectable(self) -> Detectable:
        """The smallest regression that would have been caught nine times in ten so far."""
        return self._monitor.detectable(self._lines)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know of this SLI: a sentence each."""
        if self._incident is None:
            return self._monitor.notes()
        incident = f"an incident {-self._incident:g} s before the canary counts as part of how bursty the baseline is"
        return (*self._monitor.notes(), incident)

    def document(self) -> dict[str, Any]:
        """As it stands in the judgement."""
        return {
            "decision": self.decision.value,
            "decided_at": self.decided_at,
            "evidence": self.evidence,
            "log_evidence": self.log_evidence,
            "ratio": self.ratio,
            "detectable": self.detectable.document(),
        }


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the judge says after one poll."""

    decision: Decision
    t: float
    """Seconds since the split was seen to flow."""
    slis: Mapping[str, SliAssessment]
    cause: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge says of a whole recording."""

    id: str
    decision: Decision
    decided_at: float | None
    """When it aborted or promoted early, in seconds; None where the window ended without."""
    cause: str | None
    reason: str
    slis: Mapping[str, SliAssessment]

    @property
    def exit_code(self) -> int:
        """Abort 1, inconclusive 3, promote 0."""
        return self.decision.exit_code

    def document(self) -> dict[str, Any]:
        """One line of `canary replay --format json`."""
        return {
            "id": self.id,
            "decision": self.decision.value,
            "decided_at": self.decided_at,
            "cause": self.cause,
            "reason": self.reason,
            "slis": {name: sli.document() for name, sli in self.slis.items()},
        }


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


class _Watch:
    """One SLI: its monitor, its place in the budget, and the counts that wait for the other track's."""

    def __init__(self, spec: SliSpec, header: Header) -> None:
        self.spec = spec
        self.monitor = monitor_of(spec)
        self.lines: dict[str, float] = {}
        self.line = 0.0
        self.decided_at: float | None = None
        self.heard_at = 0.0
        self._header = header
        self._waiting: dict[str, Counts] = {}
        self._weighted = 0.0
        self._baseline_at: float | None = None
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
        if self.decided_at is None and log(max(self.evidence, 1 / CAP)) >= self.line:
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
        for track, value in counts.items():
            waiting = None if self.spec.kind is Kind.GAUGE else self._waiting.get(track)  # of a gauge the newest level
            self._waiting[track] = together(waiting, value)
        if len(counts) == len(TRACKS):
            passed = t - self.heard_at
            warming = t <= self._header.warm_up
            moment = Moment(self._weighted / passed, passed, passed / self._header.window, warming)
            self.monitor.update(self._waiting["baseline"], self._waiting["canary"], moment)
            self.outage.poll(t, self._waiting["baseline"], moment.elapsed)
            self._waiting, self._weighted, self.heard_at = {}, 0.0, t
            self._weigh(t)

    def doubt(self, t: float) -> str | None:
        """Why this SLI does not allow to promote at the moment `t`; None if it does."""
        if t - self.heard_at > STALE * self._header.window:
            return f"no counts of both tracks since {self.heard_at:g} s"
        if self.outage.since is not None:
            return f"the baseline itself is far worse than before since {self.outage.since:g} s: a shared outage"
        if self.sufficient():
            return None
        seen, asked = self.monitor.detectable(self.lines), self._header.detect.get(self.spec.kind, DETECT_GAUGE)
        shown = f"no less than {seen.ratio:.2g}x" if seen.ratio else "no regression at all"
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

    def sufficient(self) -> bool:
        """Whether what could have been shown is as small as was asked."""
        seen = self.monitor.detectable(self.lines)
        asked, ceiling = self._header.detect.get(self.spec.kind, DETECT_GAUGE), self.monitor.ceiling
        return (seen.ratio is not None and seen.ratio <= asked) or (
            seen.level is not None and ceiling is not None and seen.level <= ceiling
        )


class Judge:
    """Judges one canary, poll by poll."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._watches = {name: _Watch(spec, header) for name, spec in header.slis.items()}
        self._critical = {name: watch for name, watch in self._watches.items() if watch.spec.critical}
        total = sum(watch.share for watch in self._critical.values())
        for watch in self._watches.values():
            watch.set_lines(total if watch.spec.critical else watch.share, header.false_abort)
        self._needed = total / header.false_abort
        self._weight = header.weight
        self._t = 0.0
        self._final: Assessment | None = None
        self._last = self._assess(0.0, Decision.CONTINUE, None, "nothing was seen yet")

    def observe(self, line: Line) -> Assessment:
        """Take in the next poll. Once it is decided to abort or to promote, the decision stays."""
        if self._final is not None:
            return self._final
        if line.weight is not None:
            self._weight = line.weight
        if line.t <= 0:
            for name, counts in line.counts.items():
                self._watches[name].history(line.t, counts)
            self._last = Assessment(Decision.CONTINUE, line.t, self._last.slis, None, self._last.reason)
            return self._last
        for name, watch in self._watches.items():
            watch.poll(line.t, line.t - self._t, self._weight, line.counts.get(name, {}))
        self._t = line.t
        self._last = self._decide(line.t)
        if self._last.decision in {Decision.ABORT, Decision.PROMOTE}:
            self._final = self._last
        return self._last

    def finish(self) -> Judgement:
        """What is to be said of the canary if nothing more comes."""
        last = self._last
        decision, reason = last.decision, last.reason
        if decision is Decision.CONTINUE:
            decision = Decision.INCONCLUSIVE
            reason = f"the recording ends after {max(last.t, 0):g} of {self._header.window:g} s"
        early = decision is Decision.ABORT or (decision is Decision.PROMOTE and last.t < self._header.window)
        return Judgement(self._header.id, decision, last.t if early else None, last.cause, reason, last.slis)

    def _decide(self, t: float) -> Assessment:
        if self._critical and sum(watch.share * watch.evidence for watch in self._critical.values()) >= self._needed:
            return self._abort(t)
        if t >= self._header.window:
            return self._end(t)
        if self._header.early and self._safe(t):
            return self._assess(
                t, Decision.PROMOTE, None, f"no SLI can be worse by what must be detected, after {t:g} s"
            )
        held = [f"{name} since {watch.outage.since:g} s" for name, watch in self._watches.items() if watch.outage.since]
        reason = f"held: the baseline itself is far worse than before ({', '.join(held)})" if held else "watching"
        return self._assess(t, Decision.CONTINUE, None, reason)

    def _safe(self, t: float) -> bool:
        watches = self._critical.values()
        return bool(watches) and all(not watch.doubt(t) and watch.safe() for watch in watches)

    def _abort(self, t: float) -> Assessment:
        name = max(self._critical, key=lambda name: self._critical[name].share * self._critical[name].evidence)
        watch = self._critical[name]
        watch.decided_at = t
        said = self._assess(t, Decision.ABORT, watch.cause, "")
        return Assessment(said.decision, t, said.slis, said.cause, f"{name}: {_why(watch, said.slis[name])}")

    def _end(self, t: float) -> Assessment:
        doubts = [f"{name}: {doubt}" for name, watch in self._critical.items() if (doubt := watch.doubt(t))]
        if not self._critical:
            doubts = ["no SLI is critical, so nothing decides"]
        if doubts:
            return self._assess(t, Decision.INCONCLUSIVE, None, "; ".join(doubts))
        return self._assess(t, Decision.PROMOTE, None, f"no regression in {t:g} s, and each SLI would have shown one")

    def _assess(self, t: float, decision: Decision, cause: str | None, reason: str) -> Assessment:
        slis = {name: SliAssessment(watch, self._of(watch, decision, t)) for name, watch in self._watches.items()}
        return Assessment(decision, t, slis, cause, reason)

    def _of(self, watch: _Watch, decision: Decision, t: float) -> Decision:
        if watch.decided_at is not None:
            return Decision.ABORT
        if decision is Decision.CONTINUE or decision is Decision.ABORT:
            return Decision.CONTINUE
        return Decision.INCONCLUSIVE if watch.doubt(t) else Decision.PROMOTE


def _why(watch: _Watch, seen: SliAssessment) -> str:
    said: Mapping[str, Callable[[], str]] = {
        "worse": lambda: f"the canary is {_times(seen.ratio)} the baseline",
        "limit": lambda: "the canary is above its limit",
        "starved": lambda: "the canary gets too little of its traffic",
        "silent": lambda: "no request reaches the canary",
    }
    return f"{said[watch.cause]()} (evidence {seen.evidence:.3g})"


def _times(ratio: Interval | None) -> str:
    if ratio is None or ratio[0] is None:
        return "worse than"
    estimate = f"{ratio[1]:.2g}x" if ratio[1] is not None else "above"
    return f"{estimate} (at least {ratio[0]:.2g}x)"
