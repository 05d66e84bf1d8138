"""A long past, which the server adds up itself: raw samples of it would be too many."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from releasegate.errors import MetricsError
from releasegate.metrics.port import Labels
from releasegate.metrics.prometheus import PrometheusReader
from releasegate.metrics.promql import increments
from releasegate.policy.selector import Selector

POD_LABELS = ("pod", "kubernetes_pod_name", "pod_name", "instance", "host")
"""What tells one instance of a service from another, the most telling one first."""
MOST_SAMPLES = 5_000_000
"""Samples that one query may make the server read: a tenth of what a Prometheus allows by default."""
HOUR = 3600.0


class Archive:
    """What a Prometheus remembers of a service, hour by hour and poll by poll."""

    def __init__(self, reader: PrometheusReader, total: Selector, interval: float) -> None:
        self._reader = reader
        self._total = total
        self._interval = interval
        self._hours: Mapping[float, float] = {}
        self.pod_label: str | None = None
        """The label that tells instances apart; None where none does."""

    def open(self, begin: float, end: float) -> Mapping[float, float]:
        """The whole hours (Unix seconds) up to which the counter of all requests had series, and how many."""
        names = self._reader.label_names(self._total.name, end)
        if names is None:
            raise MetricsError(
                f"no series is called {self._total.name}", remedy="is the name right, and is it scraped?"
            )
        self.pod_label = next((label for label in POD_LABELS if label in names), None)
        last = end // HOUR * HOUR
        found = self._reader.query(f"count({self._total})[{max(int((last - begin) // HOUR), 1)}h:1h]", last)
        self._hours = {moment: number for samples in found.values() for moment, number in samples}
        if not self._hours:
            raise MetricsError(
                f"no series matches {self._total}", remedy="write the counter of all requests, as Prometheus has it"
            )
        return self._hours

    def check(self, selector: Selector, end: float) -> None:
        """`MetricsError` where the metric of the selector is not there, or does not have a label that it asks for."""
        names = self._reader.label_names(selector.name, end)
        if names is None:
            raise MetricsError(f"no series is called {selector.name}", remedy="is the name right, and is it scraped?")
        for matcher in selector.matchers:
            if matcher.label not in names:
                raise MetricsError(
                    f"no series of {selector.name} has the label {matcher.label}",
                    remedy=f"they have {', '.join(sorted(names))}",
                )

    def counts(self, selector: Selector, begin: float, end: float) -> Mapping[str, Mapping[float, float]]:
        """Pod to moment to what it counted since the moment before, from `begin` (not included) to `end`.

        Both are whole multiples of the interval.
        """
        by = (self.pod_label,) if self.pod_label else ()
        query = increments(selector, self._interval, by)
        found: dict[str, dict[float, float]] = {}
        for first, last in pairwise(self._cuts(begin, end)):
            # Moments that are whole multiples of the step are the same to every server.
            span = f"{round((last - first) * 1000)}ms:{round(self._interval * 1000)}ms"
            for labels, samples in self._reader.query(f"({query})[{span}]", last).items():
                counted = {moment: count for moment, count in samples if moment > first + self._interval / 2}
                found.setdefault(self._pod(labels), {}).update(counted)
        return found

    def _pod(self, labels: Labels) -> str:
        return next((value for label, value in labels if label == self.pod_label), "")

    def _cuts(self, begin: float, end: float) -> Iterator[float]:
        """Moments between which one query reads at most `MOST_SAMPLES`, supposing a sample an interval."""
        series = max(self._hours.values(), default=1.0)
        steps = max(int(MOST_SAMPLES / series - HOUR / self._interval), 1)
        while begin < end:
            yield begin
            begin += steps * self._interval
        yield end
