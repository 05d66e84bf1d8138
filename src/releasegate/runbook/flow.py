"""The split that really flows, measured from the counts of both tracks."""

from collections.abc import Mapping, Sequence

from releasegate.canary.recording import Counts
from releasegate.errors import OutsideError
from releasegate.metrics.port import CountSource, Poll
from releasegate.policy.canary import Canary
from releasegate.runbook.clock import Clock


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


def await_return(canary: Canary, source: CountSource, clock: Clock) -> str:
    """Poll until a whole interval passed in which the canary served nothing; `OutsideError` after `settle` seconds.

    An interval in which neither track served anything proves nothing and does not count.
    """
    started = clock.now()
    source.advance(started.timestamp())
    share: float | None = None
    while (waited := (clock.now() - started).total_seconds()) < canary.settle:
        clock.sleep(canary.interval)
        requests = requests_of(canary, source.advance(clock.now().timestamp()))
        if requests is None or not sum(requests.values()):
            continue
        share = requests["canary"] / sum(requests.values())
        if share == 0:
            return f"no request reached the canary any more, {waited + canary.interval:.0f} s after the change"
    seen = "no count could be read" if share is None else f"the canary still serves {share:.1%} of the traffic"
    raise OutsideError(
        f"traffic was not seen to return within {canary.settle:.0f} s: {seen}",
        remedy="check that the flag change is published, then `releasegate rollback` again",
    )
