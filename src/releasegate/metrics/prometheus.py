"""Counts from Prometheus, or anything that answers its HTTP API: Thanos, Mimir, VictoriaMetrics.

Increments come from raw samples, differenced for each series: `rate()` and `increase()` extrapolate, and what they
give is no count. Every query names the moment that it asks about.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from types import MappingProxyType
from typing import Any, TypeAlias

from releasegate.errors import MetricsError
from releasegate.metrics.native import BUCKET, as_buckets, native_of
from releasegate.metrics.port import Labels
from releasegate.metrics.promql import increments, known, raw, scraped
from releasegate.policy.selector import Matcher, Selector

MANY = 5000
"""Series above which the server adds up the increments itself, because raw samples of so many would be slow."""
RAREST = 120.0
"""Seconds between two scrapes, at most: what comes less often is pushed when there is something to tell."""
Ask: TypeAlias = Callable[[str, float], Any]
"""Sends an instant query for a moment (Unix seconds) and gives the API's `data.result`; `MetricsError` without one."""
Answer: TypeAlias = Mapping[Labels, Sequence[tuple[float, float]]]
"""Each series' moments (Unix seconds) and values."""


NAME = "__name__"
SINCE = "__since__"
"""The label of a sum of increments, which tells it from the one before."""
NO_COVERS: Mapping[Selector, Selector] = MappingProxyType({})


class UnreachableError(MetricsError):
    """Nobody answers at all, so that the poll's further queries need not wait for the same."""


class PrometheusReader:
    """A `Reader` of one server, which `ask` reaches."""

    def __init__(self, ask: Ask, covers: Mapping[Selector, Selector] = NO_COVERS) -> None:
        self._ask_server = ask
        self._covers = covers
        self._heavy: set[Selector] = set()
        """Covers of more than `MANY` series."""
        self._native: set[str] = set()
        """Histograms that the server has no classic buckets of."""
        self._answers: dict[str, Answer] = {}
        self._at: float | None = None
        self._unreachable: UnreachableError | None = None

    def series(
        self, selector: Selector, track: str, since: float | None, at: float
    ) -> Mapping[Labels, Sequence[float]]:
        """See `Reader`."""
        del track
        cover = self._covers.get(selector, selector)
        if since is not None and cover in self._heavy:
            return self._added_up(selector, since, at)
        # Some servers leave out the name of a metric whose newest sample is asked for: then one query, one metric.
        first = selector if since is None and not cover.name else cover
        answer = self._found(first, None if since is None else at - since, at)
        if since is None and len(answer) > MANY and cover.name not in self._native:
            self._heavy.add(cover)
        return {labels: [value for _, value in samples] for labels, samples in _only(answer, selector).items()}

    def _found(self, selector: Selector, seconds: float | None, at: float) -> Answer:
        """The samples of the last `seconds`, or the newest ones; of a histogram without buckets its native form."""
        if selector.name not in self._native:
            answer = self._ask(known(selector) if seconds is None else raw(selector, seconds), at)
            if answer or not selector.name.endswith(BUCKET):
                return answer
        native = native_of(selector)
        answer = self._ask(str(native) if seconds is None else raw(native, seconds), at)
        if any(label == "le" for labels in answer for label, _ in labels):
            self._native.add(selector.name)
            return answer
        return {}

    def _added_up(self, selector: Selector, since: float, at: float) -> Mapping[Labels, Sequence[float]]:
        """The increments after `since` as series of their own, which count in full because nobody knew them before.

        Empty where no series had a sample since then: they were not scraped, or are gone.
        """
        if not self._ask(scraped(selector, at - since), at):
            return {}
        answer = self._ask(increments(selector, at - since, _kept(selector)), at)
        here = (SINCE, f"{since:.3f}")
        return {labels | {here}: [value for _, value in samples] for labels, samples in answer.items()}

    def samples(self, selector: Selector, since: float, at: float) -> Answer:
        """The raw samples after `since` and up to `at`."""
        # A sample at `since` itself, which some servers give and others do not, is the mark and adds nothing.
        return _nameless(self._found(selector, at - since, at))

    def spacing(self, selector: Selector, at: float) -> float | None:
        """See `Reader`; by the last quarter of an hour, of very many series by that of the largest alone."""
        if self.is_heavy(selector, at):
            largest = next(iter(self._ask(f"topk(1, {selector})", at)), frozenset())
            matchers = (Matcher(label, "=", value) for label, value in sorted(largest) if label != NAME)
            selector = Selector(selector.name, tuple(matchers))
        return spacing_of(self.samples(selector, at - 900, at))

    def is_heavy(self, selector: Selector, at: float) -> bool:
        """Whether a selector has so many series that raw samples of them would be slow."""
        return any(count > MANY for samples in self._ask(f"count({selector})", at).values() for _, count in samples)

    def polls(self, selector: Selector, begin: float, end: float, interval: float) -> Answer:
        """What was counted in each interval from `begin` to `end`, by the moments at which the intervals ended.

        A subquery's moments are whole multiples of its step; everything is shifted so that the polls' are.
        """
        shift = -end % interval
        query = increments(selector, interval, _kept(selector), shift)
        span = f"{round((end - begin) * 1000)}ms:{round(interval * 1000)}ms"
        answer = self._ask(f"({query})[{span}]", end + shift)
        return {labels: [(at - shift, count) for at, count in samples] for labels, samples in answer.items()}

    def levels(self, selector: Selector, track: str, at: float) -> Sequence[float]:
        """See `Reader`."""
        del track
        cover = self._covers.get(selector, selector)
        return [value for ((_, value),) in _only(self._ask(str(cover), at), selector).values()]

    def label_names(self, name: str, at: float) -> frozenset[str] | None:
        """See `Reader`."""
        found = self._found(Selector(name), None, at)
        return frozenset(label for labels in _nameless(found) for label, _ in labels) if found else None

    def query(self, text: str, at: float) -> Answer:
        """Each series' samples in the answer to any instant query at the moment `at`."""
        return _nameless(self._ask(text, at))

    def _ask(self, query: str, at: float) -> Answer:
        """Each series' samples in the answer to an instant query at the moment `at`; the same one is asked once."""
        if self._at != at:
            self._answers, self._at, self._unreachable = {}, at, None
        if self._unreachable is not None:
            raise self._unreachable
        if query not in self._answers:
            try:
                rows = self._ask_server(query, at)
                self._answers[query] = {labels: samples for row in rows for labels, samples in _series(row)}
            except UnreachableError as error:
                self._unreachable = error
                raise
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                raise MetricsError("the answer is not Prometheus'", remedy="does the policy name its API?") from error
        return self._answers[query]


def spacing_of(answer: Answer) -> float | None:
    """The usual seconds between two samples of a series, at most `RAREST`; None where no series has two."""
    moments = ([moment for moment, _ in samples] for samples in answer.values())
    gaps = [after - before for series in moments for before, after in pairwise(series)]
    return min(median(gaps), RAREST) if gaps else None


def _kept(selector: Selector) -> tuple[str, ...]:
    """The labels that a sum of increments keeps apart."""
    return ("le",) if selector.name.endswith(BUCKET) else ()


def _only(answer: Answer, selector: Selector) -> Answer:
    """What `selector` asks for, in the answer for its cover."""
    found = {}
    for labels, samples in answer.items():
        by_name = dict(labels)
        name = by_name.pop(NAME, selector.name)
        if name == selector.name and selector.accepts(by_name):
            found[frozenset(by_name.items())] = samples
    return found


def _series(row: Mapping[str, Any]) -> Iterator[tuple[Labels, list[tuple[float, float]]]]:
    """The series of a row: one, or of a native histogram one for each bucket."""
    labels = frozenset(row["metric"].items())
    histograms = row.get("histograms") or ([row["histogram"]] if "histogram" in row else [])
    if not histograms:
        yield labels, _samples(row)
        return
    named = frozenset((label, value + BUCKET if label == NAME else value) for label, value in labels)
    for le, samples in as_buckets(histograms).items():
        yield named | {("le", le)}, samples


def _nameless(answer: Answer) -> Answer:
    return {frozenset(label for label in labels if label[0] != NAME): samples for labels, samples in answer.items()}


def _samples(row: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Moment (Unix seconds) and value; an instant query's row has one."""
    samples = row["values"] if "values" in row else [row["value"]]
    return [(float(moment), float(value)) for moment, value in samples]
