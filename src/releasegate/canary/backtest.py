"""A service's own past as canaries of the release that it already ran: healthy by construction.

Part of what was served is called the canary, at the weight that is planned. Whole pods are taken where the service has
several, since errors of one pod belong together. What is above the planned weight, or comes from a service of one pod,
goes back to the baseline clump by clump, never error by error: thinned errors come less in clumps than real ones do,
and any rule would look better on them than it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import floor, log
from statistics import median
from typing import Any, TypeAlias

from releasegate.canary.dispersion import Dispersion
from releasegate.canary.judge import Decision, Judge
from releasegate.canary.power import Plan
from releasegate.canary.recording import Header, Line, Recording
from releasegate.canary.rules import Rule

Draw: TypeAlias = Callable[[], float]
"""Gives an even random number from 0 up to 1."""
WHOLE = 1.5
"""How many times the planned weight whole pods may have before a part of them goes back to the baseline."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a service counted over some time, poll by poll and pod by pod."""

    times: Sequence[float]
    """Seconds since the moment at which the canary is said to begin; those up to 0 are history."""
    pods: Mapping[str, Sequence[tuple[float, float]]]
    """Pod to `(bad, total)` a poll; one poll for each of `times`."""

    def sums(self) -> list[tuple[float, float]]:
        """`(bad, total)` a poll of the whole service."""
        return [_sum(polls) for polls in zip(*self.pods.values(), strict=True)]


@dataclass(frozen=True, slots=True)
class Release:
    """One stretch of the past, judged as a canary."""

    start: float
    """Unix seconds."""
    errors: float
    """The share of errors on the pseudo-canary."""
    decision: Decision
    decided_at: float | None
    rules: tuple[float | None, ...]
    """When each rule would have aborted it, in seconds; None if it would not."""
    weight: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """What rules, and the judge, would have made of healthy releases."""

    rules: tuple[Rule, ...]
    releases: tuple[Release, ...]
    plan: Plan
    """The canary that is planned, with the traffic, errors and clumps that the past had."""
    days: float
    """How much of the past was there."""
    pods: int
    notes: tuple[str, ...] = field(default=())

    def aborted_by(self, index: int) -> int:
        """How many releases the rule at `index` would have aborted."""
        return sum(release.rules[index] is not None for release in self.releases)

    def decided(self, decision: Decision) -> int:
        """How many releases the judge gave this decision."""
        return sum(release.decision is decision for release in self.releases)

    def document(self, catch: float) -> dict[str, Any]:
        """As `--format json` prints it; `catch` is the regression that is wished for."""
        plan = self.plan
        return {
            "schema": "releasegate/backtest/1",
            "days": self.days,
            "releases": len(self.releases),
            "pods": self.pods,
            "requests": plan.rate,
            "errors": plan.errors,
            "dispersion": plan.dispersion,
            "weight": plan.weight,
            "window": plan.window,
            "rules": [{"rule": rule.text, "aborted": self.aborted_by(at)} for at, rule in enumerate(self.rules)],
            "releasegate": {
                "aborted": self.decided(Decision.ABORT),
                "inconclusive": self.decided(Decision.INCONCLUSIVE),
            },
            "detectable": plan.detectable(),
            "catch": {"ratio": catch, "weight": plan.weight_for(catch), "window": plan.window_for(catch)},
            "notes": list(self.notes),
            "each": [
                {
                    "start": release.start,
                    "weight": release.weight,
                    "errors": release.errors,
                    "decision": release.decision.value,
                    "decided_at": release.decided_at,
                    "rules": list(release.rules),
                }
                for release in self.releases
            ],
        }


def pseudo_canary(stretch: Stretch, header: Header, draw: Draw) -> Recording:
    """The stretch as a canary of what was already running."""
    chosen, share = _choose(stretch.pods, header.weight, draw)
    whole = 0 < share < 1 and share <= header.weight * WHOLE
    part = 1.0 if whole else header.weight / (share or 1.0)
    clump = clumps(stretch)
    lines = []
    for at, t in enumerate(stretch.times):
        everything = _sum(polls[at] for polls in stretch.pods.values())
        if t <= 0:
            lines.append(Line(t, {"errors": {"baseline": everything}}))
            continue
        canary = _take(_sum(stretch.pods[pod][at] for pod in chosen), part, clump, draw)
        rest = (everything[0] - canary[0], everything[1] - canary[1])
        lines.append(Line(t, {"errors": {"baseline": rest, "canary": canary}}))
    return Recording(replace(header, weight=share if whole else header.weight), tuple(lines))


def judge_release(start: float, recording: Recording, rules: Sequence[Rule]) -> Release:
    """What the judge and each rule say of a pseudo-canary that began at `start` (Unix seconds)."""
    judge = Judge(recording.header)
    bad = total = 0.0
    for line in recording.lines:
        judge.observe(line)
        if line.t > 0:
            counts = line.counts["errors"]["canary"]
            bad, total = (bad + counts[0], total + counts[1]) if isinstance(counts, tuple) else (bad, total)
    said = judge.finish()
    times = tuple(rule.aborts_at(recording) for rule in rules)
    errors = bad / total if total else 0.0
    return Release(start, errors, said.decision, said.decided_at, times, recording.header.weight)


def clumps(stretch: Stretch) -> float:
    """The mean size of clumps that the errors of a stretch come in."""
    return _dispersion(stretch).clump


def planned(stretches: Sequence[Stretch], header: Header) -> Plan | None:
    """The planned canary with the median traffic, errors and clumps of the stretches; None without any error."""
    totals = [_sum(stretch.sums()) for stretch in stretches]
    seconds = [len(stretch.times) * header.interval for stretch in stretches]
    shares = [bad / total for bad, total in totals if total]
    bad, total = _sum(totals)
    # An incident, or a night, must not stand for the service; where errors are rare, most stretches have none.
    errors = (median(shares) if shares else 0.0) or bad / max(total, 1)
    if not 0 < errors < 1:
        return None
    rate = median(total / passed for (_, total), passed in zip(totals, seconds, strict=True))
    dispersion = median(_dispersion(stretch).value for stretch in stretches)
    return Plan(
        rate, errors, weight=header.weight, window=header.window, interval=header.interval,
        false_abort=header.false_abort, dispersion=dispersion,
    )  # fmt: skip


def _dispersion(stretch: Stretch) -> Dispersion:
    learned = Dispersion()
    for bad, total in stretch.sums():
        learned.add((bad,), total)
    return learned


def _choose(pods: Mapping[str, Sequence[tuple[float, float]]], weight: float, draw: Draw) -> tuple[list[str], float]:
    """Pods at random whose share of the requests comes closest to `weight`, at least one of those that served."""
    served = {pod: sum(total for _, total in polls) for pod, polls in sorted(pods.items())}
    everything = sum(served.values())
    order = [pod for _, pod in sorted((draw(), pod) for pod, total in served.items() if total)]
    chosen, share = order[:1], served[order[0]] / everything if order else 0.0
    for pod in order[1:]:
        more = share + served[pod] / everything
        if abs(more - weight) >= abs(share - weight):
            break
        chosen, share = [*chosen, pod], more
    return chosen, share


def _take(counts: tuple[float, float], part: float, clump: float, draw: Draw) -> tuple[float, float]:
    """`part` of one poll's counts, whose errors stay together in clumps of geometric size."""
    if part >= 1:
        return counts
    bad, total = counts
    taken, left = 0.0, bad
    while left > 0:
        size = min(left, 1.0 if clump <= 1 else 1.0 + floor(log(1 - draw()) / log(1 - 1 / clump)))
        taken += size if draw() < part else 0.0
        left -= size
    return taken, min(total, max(taken, floor(total * part + draw())))


def _sum(counts: Iterable[tuple[float, float]]) -> tuple[float, float]:
    bad = total = 0.0
    for one, other in counts:
        bad, total = bad + one, total + other
    return min(bad, total), total
