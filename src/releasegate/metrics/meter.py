"""One SLI on one track: samples in, increments in the shapes of a recording out."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import TypeAlias

from releasegate.canary.counters import SeriesTracker
from releasegate.canary.recording import Counts
from releasegate.errors import MetricsError
from releasegate.metrics.port import Labels
from releasegate.metrics.prometheus import SINCE
from releasegate.policy.canary import Sli
from releasegate.policy.selector import Selector, parse_selector

Samples: TypeAlias = Mapping[Labels, Sequence[float]]


def selectors_of(sli: Sli) -> tuple[Selector, ...]:
    """The counters that an SLI is made of, in the order of its counts; a histogram's is its `_bucket`."""
    texts: tuple[str | None, ...] = (sli.throughput,)
    if sli.ratio is not None:
        texts = (sli.ratio.bad or sli.ratio.good, sli.ratio.total)
    elif sli.mean is not None:
        texts = (sli.mean.sum, sli.mean.count)
    elif sli.histogram is not None:
        histogram = parse_selector(sli.histogram)
        return (Selector(f"{histogram.name}_bucket", histogram.matchers),)
    return tuple(parse_selector(text) for text in texts if text is not None)


class Meter:
    """Counters that are read together: either all of them advance, or none does."""

    def __init__(self, sli: Sli, bounds: tuple[float, ...]) -> None:
        self.selectors = selectors_of(sli)
        self.since: float | None = None
        """The last moment up to which everything was read."""
        self.heard: float | None = None
        """The last moment at which any series had a new sample."""
        self._sli = sli
        self._edges = (*bounds, inf)
        self._trackers = [SeriesTracker() for _ in (self._edges if sli.histogram else self.selectors)]
        self._owed = [0.0] * len(self._trackers)
        self.turnover = Turnover()

    def advance(self, samples: list[Samples], at: float) -> Counts:
        """The increments since the last call (all 0 in the first one); `MetricsError` changes nothing."""
        if self._sli.histogram:
            samples = self._by_edge(samples[0])
        increments = [
            tracker.advance(dict(given.items())) for tracker, given in zip(self._trackers, samples, strict=True)
        ]
        self.since = at
        return self._shape(increments)

    def _by_edge(self, samples: Samples) -> list[Samples]:
        """The series of each bucket; further buckets that this track has are left to the next larger bound."""
        by_edge: dict[float, dict[Labels, Sequence[float]]] = {edge: {} for edge in self._edges}
        for labels, values in samples.items():
            edge = upper_bound(labels)
            if edge in by_edge:
                by_edge[edge][labels] = values
        missing = [edge for edge, given in by_edge.items() if not given]
        if samples and missing:
            raise MetricsError(
                f"{self.selectors[0]} has no bucket le={missing[0]:g} on this track",
                remedy="give both tracks the same buckets",
            )
        return list(by_edge.values())

    def _shape(self, increments: list[float]) -> Counts:
        """Increments as counts. A page is no snapshot: what does not fit yet is owed to the next poll."""
        if self._sli.histogram:
            return self._pay([upper - lower for lower, upper in pairwise([0.0, *increments])])
        if self._sli.ratio is not None:
            part, total = increments
            bad = part if self._sli.ratio.bad is not None else total - part
            return (self._pay([bad], most=total)[0], whole(total))
        if self._sli.mean is not None:
            cost, count = increments
            return (self._pay([cost], most=inf if count else 0.0)[0], whole(count))
        return whole(increments[0])

    def _pay(self, raw: list[float], *, most: float = inf) -> tuple[float, ...]:
        paid = []
        for position, value in enumerate(raw):
            due = value + self._owed[position]
            paid.append(min(max(due, 0.0), most))
            self._owed[position] = due - paid[-1]
        return tuple(map(whole, paid))


class Turnover:
    """What becomes of a track's series: pods come, start again and go. It changes no count, but is worth a remark."""

    def __init__(self) -> None:
        self._last: dict[Labels, tuple[float, float]] = {}
        """Each series' newest value, and when it was heard of."""
        self._begun = False

    def take(self, samples: Samples, at: float, patience: float) -> Iterator[str]:
        """What is new at the moment `at`; a series that has been silent for more than `patience` seconds is gone."""
        # Of those that are there at the beginning some may have ended before.
        heard = at if self._begun else inf
        for labels, values in samples.items():
            if any(label == SINCE for label, _ in labels):
                continue  # a sum that the server made, which has no past
            if self._begun and labels not in self._last:
                yield "a new series, whose first value counts in full"
            mark, _ = self._last.get(labels, (0.0, 0.0))
            for value in values:
                if value < mark:
                    yield "a counter started again, and its new value counts in full"
                mark = value
            self._last[labels] = (mark, heard)
        self._begun = True
        if any(at - moment > patience for _, moment in self._last.values()):
            yield "a series ended; it counts 0, and goes on from its mark if it comes back"


def upper_bound(labels: Labels) -> float:
    """The `le` of a bucket's series; `MetricsError` where it has none that is a number."""
    text = next((value for label, value in labels if label == "le"), "")
    try:
        return float(text)
    except ValueError:
        raise MetricsError(f'a bucket with le="{text}"', remedy="is it a histogram?") from None


def whole(value: float) -> float:
    """`value` as an int where it is one, so that counts are written as counts."""
    return int(value) if value.is_integer() else value
