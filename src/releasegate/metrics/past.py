"""What a Prometheus remembers: polls of a time that is over, from one query for each series selector."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from releasegate.canary.recording import Line
from releasegate.errors import MetricsError
from releasegate.metrics.port import Labels
from releasegate.metrics.prometheus import SINCE, Answer, PrometheusReader, spacing_of
from releasegate.metrics.source import Source, lag_of, prometheus_of
from releasegate.policy.canary import Canary
from releasegate.policy.selector import Selector

HOUR = 3600.0
MOST_POLLS = 240
STALE = 300.0
"""Seconds after which a gauge's last sample is no longer its value, as in Prometheus."""


def history(canary: Canary, start: float) -> list[Line]:
    """The baseline's polls in the hour before `start` (Unix seconds, `t` 0), at most 240 of them.

    Empty where counts come from a source that remembers nothing, or from a Prometheus that does not answer.
    """
    reader = prometheus_of(canary)
    if reader is None:
        return []
    try:
        lag, _ = lag_of(canary, reader, start)
    except MetricsError:
        return []
    interval = canary.interval
    number = min(int(HOUR / interval), MOST_POLLS)
    past = PastReader(reader, start - number * interval - lag, start - lag, interval)
    source = Source(canary, past, lag)
    lines: list[Line] = []
    known: set[str] = set()
    for back in range(number, -1, -1):
        counts = source.advance(start - back * interval).counts
        baseline = {name: {"baseline": tracks["baseline"]} for name, tracks in counts.items() if "baseline" in tracks}
        # Where its memory begins later than the second poll, the first count is of nobody knows how long.
        counted = baseline if back >= number - 1 else {name: baseline[name] for name in baseline if name in known}
        known |= baseline.keys()
        if counted:
            lines.append(Line(-back * interval, counted))
    return lines


class PastReader:
    """A `Reader` of the baseline's samples between two moments (Unix seconds), each selector fetched once."""

    def __init__(self, reader: PrometheusReader, begin: float, end: float, interval: float) -> None:
        self._reader = reader
        self._begin = begin
        self._end = end
        self._interval = interval
        self._added_up: dict[Selector, Answer | None] = {}
        self._fetched: dict[Selector, Answer | MetricsError] = {}
        self._names: dict[str, frozenset[str] | None] = {}

    def series(
        self, selector: Selector, track: str, since: float | None, at: float
    ) -> Mapping[Labels, Sequence[float]]:
        """See `Reader`; the canary is not read."""
        if track != "baseline":
            raise MetricsError("only the baseline has a history")
        added_up = self._increments(selector)
        if added_up is not None:
            return increments_between(added_up, since, at)
        found = {}
        for labels, samples in self._fetch(selector).items():
            last = _up_to(samples, at)
            first = max(last - 1, 0) if since is None else _up_to(samples, since)
            if last > first:
                found[labels] = [value for _, value in samples[first:last]]
        return found

    def spacing(self, selector: Selector, at: float) -> float | None:
        """See `Reader`."""
        del at
        return spacing_of(self._fetch(selector))

    def levels(self, selector: Selector, track: str, at: float) -> Sequence[float]:
        """See `Reader`."""
        if track != "baseline":
            raise MetricsError("only the baseline has a history")
        newest = [samples[last - 1] for samples in self._fetch(selector).values() if (last := _up_to(samples, at))]
        return [value for moment, value in newest if moment > at - STALE]

    def label_names(self, name: str, at: float) -> frozenset[str] | None:
        """See `Reader`."""
        del at
        if name not in self._names:
            self._names[name] = self._reader.label_names(name, self._end)
        return self._names[name]

    def _increments(self, selector: Selector) -> Answer | None:
        """What was counted from poll to poll, where there are so many series that the server has to add it up."""
        if selector not in self._added_up:
            heavy = self._reader.is_heavy(selector, self._end)
            self._added_up[selector] = (
                self._reader.polls(selector, self._begin, self._end, self._interval) if heavy else None
            )
        return self._added_up[selector]

    def _fetch(self, selector: Selector) -> Answer:
        if selector not in self._fetched:
            try:
                self._fetched[selector] = self._reader.samples(selector, self._begin - STALE, self._end)
            except MetricsError as error:
                self._fetched[selector] = error
        found = self._fetched[selector]
        if isinstance(found, MetricsError):
            raise found
        return found


def _up_to(samples: Sequence[tuple[float, float]], at: float) -> int:
    """How many samples are not after `at`."""
    return bisect_right(samples, round(at * 1000), key=lambda sample: round(sample[0] * 1000))


def increments_between(increments: Answer, since: float | None, at: float) -> Mapping[Labels, Sequence[float]]:
    """Increments as series of their own, which count in full because nobody knew them before; of 0 as a first mark."""
    here = (SINCE, "" if since is None else f"{since:.3f}")
    found = {}
    for labels, polls in increments.items():
        first = len(polls) if since is None else _up_to(polls, since)
        found[labels | {here}] = [sum(count for _, count in polls[first : _up_to(polls, at)])]
    return found
