"""Blue-green: after the flip nobody is on the baseline, so the time before it stands for it.

Poll for poll the canary is held against what the live colour served before, from the beginning of its last window on.
A comparison with an earlier time is a weaker one than side by side: whatever changes with the hour is blamed on the
release. So less than `TOLERATE` times worse is not called worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from releasegate.canary.outage import together
from releasegate.canary.recording import Counts, Header, Line
from releasegate.canary.sli import Kind
from releasegate.metrics.port import CountSource, Poll

WEIGHT = 2 / 3
"""The share of all counts that the judge takes the canary's to be: there is room for twice the traffic of before, and
half of it (the default of `starved-below`) is called starved."""
TOLERATE = 1.5
"""How many times worse than the time before it a release may be at least."""
DETECT_REQUESTS = 4.0
"""Which loss of requests must at least have been able to show: where the traffic grows, half of it cannot."""


def header_after(header: Header) -> Header:
    """How a canary is judged that has all traffic."""
    slis = {name: replace(spec, tolerate=max(spec.tolerate, TOLERATE)) for name, spec in header.slis.items()}
    requests = max(header.detect[Kind.THROUGHPUT], DETECT_REQUESTS)
    return replace(header, weight=WEIGHT, slis=slis, detect={**header.detect, Kind.THROUGHPUT: requests})


class Before:
    """A `CountSource` that gives the counts of before as those of the baseline, once the flip was seen to flow."""

    def __init__(self, source: CountSource, header: Header) -> None:
        self._source, self._header = source, header
        self._start = self._span = 0.0
        self._lines: Sequence[Line] | None = None
        self._seen: dict[str, float] = {}
        self._from: float | None = 0.0

    def begin(self, start: float, lines: Sequence[Line], *, resumed: bool = False) -> None:
        """The flip flows since `start` (Unix seconds); `lines` are the baseline's history, with `t <= 0`.

        Where another process began it, the next poll only sets the marks.
        """
        self._from = None if resumed else 0.0
        last = lines[-1].t if lines else 0.0
        kept = [line for line in lines if line.t > last - self._header.window]
        first = kept[0].t - self._header.interval if kept else 0.0
        self._start, self._span = start, last - first
        self._lines = [replace(line, t=line.t - first) for line in kept]

    def bounds(self, at: float) -> Mapping[str, tuple[float, ...]]:
        """See `CountSource`."""
        return self._source.bounds(at)

    def advance(self, at: float) -> Poll:
        """See `CountSource`."""
        poll = self._source.advance(at)
        if self._lines is None or at <= self._start:
            return poll
        if self._from is None:
            self._from = at - self._start
        counts = {name: self._compared(name, tracks, at) for name, tracks in poll.counts.items()}
        return replace(poll, counts=counts)

    def _compared(self, name: str, tracks: Mapping[str, Counts], at: float) -> Mapping[str, Counts]:
        """Both tracks up to `at`; a poll that failed leaves both to the next one."""
        if "canary" not in tracks:
            return {}
        until, canary = at - self._start, tracks["canary"]
        since, self._seen[name] = self._seen.get(name, self._from or 0.0), until
        found = self._earlier(name, since, until)
        if self._header.slis[name].kind is Kind.GAUGE:
            return {"baseline": found[-1], "canary": canary} if found else tracks
        none: Counts = tuple(0.0 for _ in canary) if isinstance(canary, tuple) else 0.0
        return {"baseline": reduce(together, found, none), "canary": canary}

    def _earlier(self, name: str, since: float, until: float) -> list[Counts]:
        """What was counted before in as long a time; from the beginning again where the history is shorter."""
        if self._span <= 0:
            return []
        return [
            line.counts[name]["baseline"]
            for turn in range(int(since // self._span), int(until // self._span) + 1)
            for line in self._lines or ()
            if name in line.counts and round(since, 3) < round(line.t + turn * self._span, 3) <= round(until, 3)
        ]
