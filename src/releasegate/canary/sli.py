"""SLIs: what of a service is measured, and how much worse the canary may be."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import inf, isfinite

from releasegate.errors import InputError


class Kind(StrEnum):
    """What the counts of an SLI are."""

    RATIO = "ratio"
    """Bad events among all events."""
    HISTOGRAM = "histogram"
    """Events by bucket, usually of latency."""
    THROUGHPUT = "throughput"
    """How many requests a track was sent."""
    MEAN = "mean"
    """A sum over events, and how many they were; usually of cost."""
    GAUGE = "gauge"
    """A level, averaged over a track's instances."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A histogram's limit: at least `share` of the events are at most `le`."""

    le: float
    """One of the histogram's bounds."""
    share: float
    """Between 0 and 1."""


@dataclass(frozen=True, slots=True)
class SliSpec:
    """One SLI as it is judged. `InputError` on a value that makes no sense for its kind."""

    kind: Kind
    tolerate: float = 1.0
    """How many times worse than the baseline the canary may be; at least 1."""
    limit: float | Limit | None = None
    """The level above which a canary is bad whatever the baseline does."""
    critical: bool = True
    """Whether it decides; an SLI that is not critical only warns."""
    bounds: tuple[float, ...] = ()
    """A histogram's upper bucket bounds, rising, without the last one, which is infinite."""
    starved_below: float = 0.5
    """Throughput: the canary starves where its share is less than this part of its weight."""
    compare: bool = False
    """Gauge: whether the canary is also compared with the baseline."""

    def __post_init__(self) -> None:
        if not 1 <= self.tolerate < inf:
            raise InputError(f"tolerate is {self.tolerate:g}", remedy="give a number from 1 (no worse at all) upwards")
        if not 0 < self.starved_below < 1:
            raise InputError(f"starved_below is {self.starved_below:g}", remedy="give a number between 0 and 1")
        self._check_bounds()
        self._check_limit()

    def _check_bounds(self) -> None:
        if (self.kind is Kind.HISTOGRAM) != bool(self.bounds):
            raise InputError(
                f"{self.kind} with {len(self.bounds)} bounds", remedy="a histogram has bounds, others none"
            )
        if not all(isfinite(bound) for bound in self.bounds) or any(a >= b for a, b in pairwise(self.bounds)):
            raise InputError("bounds do not rise", remedy="give finite upper bounds from small to large, without +Inf")

    def _check_limit(self) -> None:
        limit = self.limit
        if isinstance(limit, Limit):
            if self.kind is not Kind.HISTOGRAM or limit.le not in self.bounds or not 0 < limit.share < 1:
                raise InputError(
                    f"limit {limit.share:g} at most {limit.le:g} does not fit a {self.kind}",
                    remedy="only a histogram takes it; `le` is one of its bounds and `share` lies between 0 and 1",
                )
        elif limit is not None:
            fits = {Kind.RATIO: 0 < limit < 1, Kind.MEAN: 0 < limit < inf, Kind.GAUGE: isfinite(limit)}
            if not fits.get(self.kind, False):
                raise InputError(f"limit {limit:g} does not fit a {self.kind}", remedy="see the table of SLIs")
        elif self.kind is Kind.GAUGE and not self.compare:
            raise InputError("a gauge with nothing to judge", remedy="give it a limit, or compare: true")
