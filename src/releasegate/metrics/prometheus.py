"""Counts from Prometheus, or anything that answers its HTTP API: Thanos, Mimir, VictoriaMetrics.

Increments come from raw samples, differenced for each series: `rate()` and `increase()` extrapolate, and what they
give is no count. Every query names the moment that it asks about.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from releasegate.errors import MetricsError
from releasegate.metrics.port import Labels
from releasegate.policy.selector import Selector

LOOK_BACK = "1h"
"""How far back a series is known though it has no sample now: a pod that went away may come back."""
Ask: TypeAlias = Callable[[str, float], Any]
"""Sends an instant query for a moment (Unix seconds) and gives the API's `data.result`; `MetricsError` without one."""
Answer: TypeAlias = Mapping[Labels, Sequence[tuple[float, float]]]
"""Each series' moments (Unix seconds) and values."""


class UnreachableError(MetricsError):
    """Nobody answers at all, so that the poll's further queries need not wait for the same."""


class PrometheusReader:
    """A `Reader` of one server, which `ask` reaches."""

    def __init__(self, ask: Ask) -> None:
        self._ask_server = ask
        self._answers: dict[str, Answer] = {}
        self._at: float | None = None
        self._unreachable: UnreachableError | None = None

    def series(
        self, selector: Selector, track: str, since: float | None, at: float
    ) -> Mapping[Labels, Sequence[float]]:
        """See `Reader`."""
        del track
        if since is None:
            found = self._ask(f"last_over_time({selector}[{LOOK_BACK}])", at)
        else:
            found = self.samples(selector, since, at)
        return {labels: [value for _, value in samples] for labels, samples in found.items()}

    def samples(self, selector: Selector, since: float, at: float) -> Answer:
        """The raw samples after `since` and up to `at`."""
        # A sample at `since` itself, which some servers give and others do not, is the mark and adds nothing.
        return self._ask(f"{selector}[{max(round((at - since) * 1000), 1)}ms]", at)

    def levels(self, selector: Selector, track: str, at: float) -> Sequence[float]:
        """See `Reader`."""
        del track
        return [value for ((_, value),) in self._ask(str(selector), at).values()]

    def label_names(self, name: str, at: float) -> frozenset[str] | None:
        """See `Reader`."""
        found = self._ask(f"last_over_time({name}[{LOOK_BACK}])", at)
        return frozenset(label for labels in found for label, _ in labels) if found else None

    def query(self, text: str, at: float) -> Answer:
        """Each series' samples in the answer to any instant query at the moment `at`."""
        return self._ask(text, at)

    def _ask(self, query: str, at: float) -> Answer:
        """Each series' samples in the answer to an instant query at the moment `at`; the same one is asked once."""
        if self._at != at:
            self._answers, self._at, self._unreachable = {}, at, None
        if self._unreachable is not None:
            raise self._unreachable
        if query not in self._answers:
            try:
                self._answers[query] = {_labels(row): _samples(row) for row in self._ask_server(query, at)}
            except UnreachableError as error:
                self._unreachable = error
                raise
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                raise MetricsError("the answer is not Prometheus'", remedy="does the policy name its API?") from error
        return self._answers[query]


def _labels(row: Mapping[str, Any]) -> Labels:
    return frozenset((label, value) for label, value in row["metric"].items() if label != "__name__")


def _samples(row: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Moment (Unix seconds) and value; an instant query's row has one."""
    samples = row["values"] if "values" in row else [row["value"]]
    return [(float(moment), float(value)) for moment, value in samples]
