"""The split that really flows, measured from the counts of both tracks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from releasegate.canary.recording import Counts
from releasegate.errors import OutsideError
from releasegate.metrics.port import CountSource, Poll
from releasegate.policy.canary import STARVED_BELOW, Canary
from releasegate.runbook.clock import Clock

Z = 1.96
"""Standard errors to each side of a 95% interval."""
TRACE = 0.01
"""The share of requests on a track that should get none which is no news: probes, and users on their way."""


@dataclass(slots=True)
class Served:
    """How many requests each track served while the canary was asked to get the share `asked`."""

    asked: float
    baseline: float = 0.0
    canary: float = 0.0

    @property
    def total(self) -> float:
        """Requests of both tracks."""
        return self.baseline + self.canary

    def add(self, requests: Mapping[str, float]) -> None:
        """Count what one poll saw."""
        self.baseline += requests["baseline"]
        self.canary += requests["canary"]

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares the canary's lies (Wilson's 95% interval of a binomial); all of them for no request."""
        if self.total <= 0:
            return 0.0, 1.0
        share, part = self.canary / self.total, Z * Z / self.total
        middle, width = share + part / 2, Z * sqrt((share * (1 - share) + part / 4) / self.total)
        return max(0.0, (middle - width) / (1 + part)), min(1.0, (middle + width) / (1 + part))

    def astray(self, starved_below: float) -> bool:
        """Whether the canary certainly gets another share than was asked for.

        Users who stay where they are make every share a little wrong: each track may get down to `starved_below` times
        its share, and up to as many times more.
        """
        other = 1 - self.asked
        least = max(starved_below * self.asked, 1 - max(other / starved_below, TRACE))
        most = min(max(self.asked / starved_below, TRACE), 1 - starved_below * other)
        low, high = self.interval
        return high < least or low > most

    def told(self, starved_below: float) -> str:
        """The share in one clause, and whether it is not the one that was asked for."""
        if self.total <= 0:
            return "not measured: no request was counted"
        low, high = self.interval
        share = f"{self.canary / self.total:.1%} ({low:.1%} to {high:.1%}) of {self.total:.0f} requests"
        wrong = f", LOOK: {self.asked:.0%} was asked for" if self.astray(starved_below) else ""
        return f"{share}{wrong}"


def starved_below(canary: Canary) -> float:
    """The part of its share that a track must at least get, as the policy has it for the canary's requests."""
    return next((sli.starved_below for sli in canary.slis.values() if sli.kind == "throughput"), STARVED_BELOW)


def requests_of(canary: Canary, poll: Poll) -> Mapping[str, float] | None:
    """How many requests each track served in `poll`, by the first SLI that tells; None if none does."""
    for name, sli in canary.slis.items():
        tracks = poll.counts.get(name, {})
        if sli.kind in {"ratio", "histogram", "throughput"} and {"baseline", "canary"} <= tracks.keys():
            return {track: _requests(sli.kind, tracks[track]) for track in ("baseline", "canary")}
    return None


def _requests(kind: str, counts: Counts) -> float:
    if isinstance(counts, Sequence):
        return counts[1] if kind == "ratio" else sum(counts)
    return counts


def measure(canary: Canary, source: CountSource, clock: Clock, asked: float) -> str:
    """Poll until an interval passed whose share fits what was asked, at most `settle` seconds; tell that of the last.

    It is told and no more: whether the canary gets enough to be judged is for the judge to say.
    """
    least, seen = starved_below(canary), Served(asked)
    for _, requests in _intervals(canary, source, clock):
        seen = Served(asked, **requests)
        if not seen.astray(least):
            break
    return f"measured: {seen.told(least)}" if seen.total else seen.told(least)


def await_return(canary: Canary, source: CountSource, clock: Clock) -> str:
    """Poll until a whole interval passed in which the canary served nothing; `OutsideError` after `settle` seconds."""
    seen = Served(0.0)
    for waited, requests in _intervals(canary, source, clock):
        seen = Served(0.0, **requests)
        if seen.canary == 0:
            return f"no request reached the canary any more, {waited:.0f} s after the change"
    still = f"the canary still serves {seen.canary / seen.total:.1%} of the traffic" if seen.total else ""
    raise OutsideError(
        f"traffic was not seen to return within {canary.settle:.0f} s: {still or 'no count could be read'}",
        remedy="check that the flag change is published, then `releasegate rollback` again",
    )


def _intervals(canary: Canary, source: CountSource, clock: Clock) -> Iterator[tuple[float, Mapping[str, float]]]:
    """The requests of each interval from now on, and the seconds up to its end, until `settle` seconds are over.

    An interval in which neither track served anything proves nothing and is left out.
    """
    started = clock.now()
    source.advance(started.timestamp())
    while (waited := (clock.now() - started).total_seconds()) < canary.settle:
        clock.sleep(canary.interval)
        requests = requests_of(canary, source.advance(clock.now().timestamp()))
        if requests is not None and sum(requests.values()) > 0:
            yield waited + canary.interval, requests
