"""What of a canary is measured, how it is judged, and for how long."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

from releasegate.errors import PolicyError
from releasegate.policy.metrics import Metrics
from releasegate.policy.presets import PRESETS
from releasegate.policy.section import Duration, Fault, Level, Section, Share
from releasegate.policy.selector import parse_selector

PresetName = Literal[
    "envoy", "istio", "ingress-nginx", "traefik", "haproxy", "opentelemetry-http", "opentelemetry-genai",
    "prometheus-client",
]  # fmt: skip

STARVED_BELOW = 0.5


def selector_faults(section: "Section", *names: str, named: bool = True) -> Iterator[Fault]:
    """What is wrong with the selectors that the fields `names` hold."""
    for name in names:
        text = getattr(section, name)
        try:
            if text is not None:
                parse_selector(text, named=named)
        except PolicyError as error:
            yield name, error.what, error.remedy or "correct the selector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks(Section):
    """One selector for each track, merged into every query: `{track="canary"}`."""

    baseline: str
    canary: str

    def faults(self) -> Iterator[Fault]:
        """Both are selectors without a name."""
        yield from selector_faults(self, "baseline", "canary", named=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio(Section):
    """Bad (or good) events among all of them: two counters."""

    ONE_OF: ClassVar = ("bad", "good")
    bad: str | None = None
    good: str | None = None
    total: str

    def faults(self) -> Iterator[Fault]:
        """All are selectors."""
        yield from selector_faults(self, "bad", "good", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Section):
    """A sum over a count: two counters."""

    sum: str
    count: str

    def faults(self) -> Iterator[Fault]:
        """Both are selectors."""
        yield from selector_faults(self, "sum", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyLimit(Section):
    """At least `share` of the requests take at most `le`, in the histogram's own unit."""

    le: float
    share: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Sli(Section):
    """One measured aspect of the service, by the name of a series and how it is judged."""

    ONE_OF: ClassVar = ("ratio", "histogram", "throughput", "mean", "gauge")
    ratio: Ratio | None = None
    histogram: str | None = None
    """The histogram's base name: `http_request_duration_seconds`."""
    throughput: str | None = None
    mean: Mean | None = None
    gauge: str | None = None
    limit: Level | LatencyLimit | None = None
    tolerate: float = 1.0
    """How many times worse than the baseline is accepted."""
    critical: bool = True
    """Whether it decides; otherwise it only warns."""
    starved_below: Share = STARVED_BELOW
    """`throughput`: the part of its weight that the canary must at least get."""
    tracks: Tracks | None = None
    """Where this SLI's series tell their tracks apart in another way than the others."""
    compare: bool = False
    """`gauge`: whether the canary is also compared with the baseline."""

    @property
    def kind(self) -> str:
        """`ratio`, `histogram`, `throughput`, `mean` or `gauge`."""
        return next(kind for kind in self.ONE_OF if getattr(self, kind) is not None)

    def faults(self) -> Iterator[Fault]:
        """A limit has the shape that its kind asks for, and a tolerance is no improvement."""
        yield from selector_faults(self, "histogram", "throughput", "gauge")
        if self.kind == "histogram":
            if self.limit is not None and not isinstance(self.limit, LatencyLimit):
                yield "limit", "a histogram's limit says which share is how fast", "write limit: {le: 1, share: 95%}"
        elif isinstance(self.limit, LatencyLimit):
            yield "limit", f"a {self.kind} has one number as its limit", "write limit: 5% or limit: 100"
        elif self.kind == "ratio" and self.limit is not None and not 0 < self.limit < 1:
            yield "limit", "a ratio's limit lies between 0 and 100%", "write limit: 5%"
        elif self.kind == "throughput" and self.limit is not None:
            yield "limit", "a throughput has no limit", "use starved-below"
        if self.kind == "gauge" and self.limit is None and not self.compare:
            yield "gauge", "a gauge with nothing to judge", "give it a limit, or compare: true"
        if not self.tolerate >= 1:
            yield "tolerate", "below 1 would ask the canary to be better than the baseline", "write 1.2 for 20% worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetUse(Section):
    """A well-known exporter's metrics, and the value that its label has on each track."""

    name: PresetName
    baseline: str | None = None
    """With `canary`: the value of the preset's label; both are left out where `tracks` tells the tracks apart."""
    canary: str | None = None

    def tracks(self) -> Tracks | None:
        """The selectors of both tracks; None where the preset's label tells nothing."""
        if self.baseline is None or self.canary is None:
            return None
        baseline, canary = PRESETS[self.name].selectors(self.baseline, self.canary)
        return Tracks(baseline=baseline, canary=canary)

    def faults(self) -> Iterator[Fault]:
        """One value alone tells nothing apart."""
        if (self.baseline is None) != (self.canary is None):
            missing = "baseline" if self.baseline is None else "canary"
            yield "name", f"the preset has no `{missing}`", "give both, or neither and `tracks`"

    def slis(self) -> dict[str, Sli]:
        """`errors`, `rate` and, where there is a histogram, `duration`."""
        preset = PRESETS[self.name]
        slis = {"errors": Sli(ratio=Ratio(bad=preset.bad, total=preset.total)), "rate": Sli(throughput=preset.total)}
        if preset.histogram is not None:
            slis["duration"] = Sli(histogram=preset.histogram)
        return slis


@dataclass(frozen=True, slots=True, kw_only=True)
class Detect(Section):
    """The regression that a canary must have been able to catch before it is promoted, as a ratio to the baseline."""

    ratio: float = 5.0
    histogram: float = 2.0
    throughput: float = 2.0
    mean: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary(Section):
    """How long and how closely the canary is watched, and what decides."""

    weight: Share = 0.05
    steps: tuple[Share, ...] = ()
    """Shares of the traffic, rising: `[5%, 25%, 50%, 100%]`, judged as one canary.

    The first is `weight`; each gets an equal part of the window. 100% is what follows on a good decision.
    """
    window: Duration = 1800.0
    interval: Duration = 15.0
    settle: Duration = 300.0
    """The longest wait until the split is seen to flow."""
    warm_up: Duration = 0.0
    """Judged only for limits and silence."""
    false_abort: Share = 0.01
    max_window: Duration | None = None
    """Up to where the window is extended while too little was seen; None means that it is not."""
    on_inconclusive: Literal["hold", "rollback"] = "hold"
    hold_for: Duration = 3600.0
    detect: Detect = Detect()
    early: bool = False
    """Promote before the window's end where every critical SLI's upper bound is under `detect`."""
    metrics: Metrics
    preset: PresetUse | None = None
    """Brings `tracks` and SLIs; those that are given beside it are added, or replace the preset's by name."""
    tracks: Tracks | None = None
    slis: Mapping[str, Sli] = field(default_factory=dict)

    def completed(self) -> Self:
        """With what the preset and the steps bring."""
        made = replace(self, weight=self.steps[0]) if self.steps else self
        if self.preset is None:
            return made
        tracks = self.preset.tracks() if self.tracks is None else self.tracks
        return replace(made, tracks=tracks, slis={**self.preset.slis(), **self.slis})

    @property
    def ramp(self) -> tuple[float, ...]:
        """The weights that are judged, one after the other."""
        return tuple(step for step in self.steps if step < 1) or (self.weight,)

    def faults(self) -> Iterator[Fault]:
        """Times fit each other, and names do not clash with a recording's own keys."""
        if not 0 < self.weight < 1:
            yield "weight", "the canary's weight lies between 0 and 100%", "write weight: 5%"
        if list(self.steps) != sorted(set(self.steps)):
            yield "steps", "each step is above the one before it", "write steps: [5%, 25%, 50%]"
        if not 0 < self.false_abort < 1:
            yield "false_abort", "the chance of a false abort lies between 0 and 100%", "write false-abort: 1%"
        if not 0 < self.interval <= self.window:
            yield "interval", "the interval is above 0 and at most the window", "write interval: 15s"
        if not self.warm_up < self.window:
            yield "warm_up", "the warm-up is shorter than the window", "write warm-up: 2m"
        if self.max_window is not None and self.max_window < self.window:
            yield "max_window", "the longest window is shorter than the window", "write max-window: 2h"
        if not self.slis:
            yield "slis", "a canary without an SLI judges nothing", "name at least one, or a preset"
        if {"t", "weight"} & self.slis.keys():
            yield "slis", "`t` and `weight` are no SLI names", "choose another name"
        if self.metrics.scrape is None and self.tracks is None:
            yield "metrics", "Prometheus holds both tracks, and nothing tells them apart", "add `tracks`"
