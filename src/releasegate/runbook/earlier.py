"""A candidate that is rolled out again: what earlier runs saw of it is part of the same evidence.

A healthy candidate that is begun ten times would otherwise be aborted ten times as often as was promised.
"""

from dataclasses import replace

from releasegate.canary.recording import Header, Line, Recording, parse
from releasegate.errors import InputError
from releasegate.ledger.state import Rollout
from releasegate.runbook.raising import weight_at
from releasegate.runbook.watch import counted
from releasegate.runbook.world import World


def earlier_of(world: World, rollout: Rollout, header: Header) -> Recording | None:
    """What was recorded of the candidate before this rollout, as one recording whose time leaves out the pauses.

    `header` is how it is judged now. None where there was nothing before, where nothing remembers it, or where it
    was measured by other SLIs. With blue-green each flip has a control group of its own, and is judged alone.
    """
    if world.policy.blue_green:
        return None
    found = _recorded(rollout) if world.history is None else _asked(world, rollout, header)
    return found if found and found.header.slis == header.slis and found.lines and found.lines[-1].t > 0 else None


def _recorded(rollout: Rollout) -> Recording | None:
    """What the newest checkpoints hold, which begin with what was before them."""
    for before in reversed(rollout.earlier):
        try:
            return list(parse(before.recorded, "the checkpoints in the ledger"))[-1]
        except InputError:
            continue  # it ended before its first one
    return None


def _asked(world: World, rollout: Rollout, header: Header) -> Recording:
    """What a source that remembers tells again, each poll at its own moment."""
    lines: list[Line] = []
    begun: list[float] = []
    for before in rollout.earlier:
        seen = lines[-1].t if lines else 0.0
        polls = _seen(world, before, header.interval)
        if polls:
            lines = lines or _history(world, before)
            begun += [seen] if seen > 0 else []
            lines += [replace(line, t=seen + line.t) for line in polls]
    return Recording(replace(header, again=tuple(begun)), tuple(lines))


def _seen(world: World, before: Rollout, interval: float) -> list[Line]:
    """Its polls, up to the last one at which a request reached the canary: then the traffic was taken back."""
    assert before.ended is not None  # noqa: S101  it is over
    start, source = _flows(before), world.counts()
    source.advance(start)
    lines: list[Line] = []
    weight: float | None = None
    for number in range(1, int((before.ended.time.timestamp() - start) / interval) + 1):
        moment = start + number * interval
        asked = weight_at(world, before.tag, moment - interval / 2, before.id)
        lines.append(Line(number * interval, source.advance(moment).counts, None if asked == weight else asked))
        weight = asked
    while lines and not any(counted(tracks.get("canary", 0)) for tracks in lines[-1].counts.values()):
        lines.pop()
    return lines


def _history(world: World, before: Rollout) -> list[Line]:
    history = world.history
    assert history is not None  # noqa: S101  the source remembers
    return [line for line in history(_flows(before)) if line.t <= 0]


def _flows(before: Rollout) -> float:
    """When its split was seen to flow (Unix seconds)."""
    assert before.canary is not None  # noqa: S101  users had it
    return float(before.canary.data["t0"])
