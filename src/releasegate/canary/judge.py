"""The judge: from counts to a decision, the same live and from a recording.

It is a pure fold: what it says after a poll depends on the header and the lines up to it, and on nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import log
from types import MappingProxyType
from typing import Any

from releasegate.canary.mixture import CAP
from releasegate.canary.monitor import Detectable, Interval, snapshot, two_digits
from releasegate.canary.recording import Header, Line
from releasegate.canary.standing import Standing


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

    def __init__(self, standing: Standing, decision: Decision) -> None:
        self._monitor = snapshot(standing.monitor)
        self._lines, self._shown = standing.lines, standing.shown
        self.decision = decision
        self.decided_at = standing.decided_at
        """When it alone would have aborted, in seconds; None if it would not."""
        self.evidence = standing.evidence
        """The e-value against this SLI."""
        self.line = standing.line
        """The log evidence at which this SLI alone aborts."""
        self.cause = standing.cause
        """What an abort by it says: `worse`, `limit`, `starved` or `silent`."""
        self._incident = standing.outage.incident
        self._polls, self._missed, self._weights = standing.polls, standing.missed, standing.weights
        self._warm_up, self._carried = standing.warm_up, standing.carried

    @property
    def log_evidence(self) -> float:
        """The natural logarithm of the e-value."""
        return log(max(self.evidence, 1 / CAP))

    @cached_property
    def ratio(self) -> Interval | None:
        """A 95% confidence sequence of canary over baseline: lower bound, estimate, upper bound."""
        return self._monitor.interval()

    @cached_property
    def detectable(self) -> Detectable:
        """The smallest regression that would have been caught nine times in ten so far."""
        return self._shown or self._monitor.detectable(self._lines)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know of this SLI: a sentence each."""
        said = [*self._monitor.notes()]
        if self._incident is not None:
            when = f"an incident {-self._incident:g} s before the canary"
            said.append(f"{when} counts as part of how bursty the baseline is")
        if self._missed:
            said.append(
                f"{self._missed} of {self._polls} polls lacked a track; the next one that had both holds it all"
            )
        if len(self._weights) > 1:
            steps = ", ".join(f"{100 * weight:.3g}%" for weight in self._weights)
            said.append(f"the canary's weight was {steps}: each poll is judged by its own")
        if self._carried:
            said.append(f"its first {self._carried:g} s are what an earlier run of the same candidate saw")
        if self._warm_up:
            said.append(f"in its first {self._warm_up:g} s the canary warmed up and was not compared")
        return tuple(said)

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
    weight: float = 0.0
    """The canary's share of the traffic up to this poll."""


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


class Judge:
    """Judges one canary, poll by poll."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._standings = {name: Standing(spec, header) for name, spec in header.slis.items()}
        self._critical = {name: standing for name, standing in self._standings.items() if standing.spec.critical}
        total = sum(standing.share for standing in self._critical.values())
        for standing in self._standings.values():
            standing.set_lines(total if standing.spec.critical else standing.share, header.false_abort)
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
                self._standings[name].history(line.t, counts)
            self._last = Assessment(Decision.CONTINUE, line.t, self._last.slis, None, self._last.reason)
            return self._last
        for name, standing in self._standings.items():
            standing.poll(line.t, line.t - self._t, self._weight, line.counts.get(name, {}))
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
            reason = f"the recording ends after {max(last.t, 0):g} of {self._header.end:g} s"
        early = decision is Decision.ABORT or (decision is Decision.PROMOTE and last.t < self._header.end)
        return Judgement(self._header.id, decision, last.t if early else None, last.cause, reason, last.slis)

    def _decide(self, t: float) -> Assessment:
        if (
            self._critical
            and sum(standing.share * standing.evidence for standing in self._critical.values()) >= self._needed
        ):
            return self._abort(t)
        if t >= self._header.end:
            return self._end(t)
        if self._header.early and t > self._header.carried and self._safe(t):
            doubts = {name: standing.doubt(t) for name, standing in self._standings.items()}
            reason = f"no SLI can be worse by what must be detected, after {t:g} s"
            return self._assess(t, Decision.PROMOTE, None, "; ".join([reason, *self._warnings()]), doubts)
        held = [
            f"{name} since {standing.outage.since:g} s"
            for name, standing in self._standings.items()
            if standing.outage.since
        ]
        reason = f"held: the baseline itself is far worse than before ({', '.join(held)})" if held else "watching"
        return self._assess(t, Decision.CONTINUE, None, reason)

    def _safe(self, t: float) -> bool:
        standings = self._critical.values()
        return bool(standings) and all(not standing.doubt(t) and standing.safe() for standing in standings)

    def _abort(self, t: float) -> Assessment:
        name = max(self._critical, key=lambda name: self._critical[name].share * self._critical[name].evidence)
        standing = self._critical[name]
        standing.decided_at = t
        said = self._assess(t, Decision.ABORT, standing.cause, "")
        reason = f"{name}: {_why(standing, said.slis[name])}"
        return Assessment(said.decision, t, said.slis, said.cause, reason, said.weight)

    def _end(self, t: float) -> Assessment:
        doubts = {name: standing.doubt(t) for name, standing in self._standings.items()}
        said = [f"{name}: {doubts[name]}" for name in self._critical if doubts[name]]
        if not self._critical:
            said = ["no SLI is critical, so nothing decides"]
        if said:
            return self._assess(t, Decision.INCONCLUSIVE, None, "; ".join([*said, *self._warnings()]), doubts)
        reason = f"no regression in {t:g} s, and each SLI would have shown one"
        return self._assess(t, Decision.PROMOTE, None, "; ".join([reason, *self._warnings()]), doubts)

    def _warnings(self) -> list[str]:
        """What is said of SLIs that are not critical, and would have aborted."""
        return [
            f"warning: {name}, which is not critical, would have aborted after {standing.decided_at:g} s"
            for name, standing in self._standings.items()
            if not standing.spec.critical and standing.decided_at is not None
        ]

    def _assess(
        self,
        t: float,
        decision: Decision,
        cause: str | None,
        reason: str,
        doubts: Mapping[str, str | None] = MappingProxyType({}),
    ) -> Assessment:
        """What is said; `doubts` are why an SLI does not allow to promote, where that was asked."""
        slis = {}
        for name, standing in self._standings.items():
            alone = Decision.CONTINUE
            if standing.decided_at is not None:
                alone = Decision.ABORT
            elif decision in {Decision.PROMOTE, Decision.INCONCLUSIVE}:
                alone = Decision.INCONCLUSIVE if doubts.get(name) else Decision.PROMOTE
            slis[name] = SliAssessment(standing, alone)
        return Assessment(decision, t, slis, cause, reason, self._weight)


def _why(standing: Standing, seen: SliAssessment) -> str:
    said: Mapping[str, Callable[[], str]] = {
        "worse": lambda: f"the canary is {_times(seen.ratio)} the baseline",
        "limit": lambda: "the canary is above its limit",
        "starved": lambda: "the canary gets too little of its traffic",
        "silent": lambda: "no request reaches the canary",
    }
    return f"{said[standing.cause]()} (evidence {seen.evidence:.3g})"


def _times(ratio: Interval | None) -> str:
    if ratio is None or ratio[0] is None:
        return "worse than"
    estimate = f"{two_digits(ratio[1])}x" if ratio[1] is not None else "above"
    return f"{estimate} (at least {two_digits(ratio[0])}x)"
