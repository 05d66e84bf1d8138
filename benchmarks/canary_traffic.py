"""Simulated canaries, as recordings: what the table of `canary_power.py` is made on. All from fixed seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import erf, log, sqrt

import numpy as np

from releasegate.canary.outage import together
from releasegate.canary.recording import Header, Line, Recording
from releasegate.canary.sli import Kind, SliSpec

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.5, 5.0)
"""With the last one, which is infinite, eleven buckets."""
DAY = 86400.0


@dataclass(frozen=True)
class World:
    """What a simulated canary is like; a rate is requests/s of both tracks together."""

    rate: float = 200.0
    weight: float = 0.05
    errors: float = 0.005
    times: float = 1.0
    """How many times as likely the canary's requests are to fail."""
    clump: float = 1.0
    """The mean of the geometric number of failures in a clump."""
    wave: float = 0.0
    """The amplitude of a daily wave in rate and in errors, of both tracks alike, with a random phase."""
    outage: float = 1.0
    """How many times as many errors both tracks have for ten minutes."""
    restarts: int = 0
    """How often a process of either track restarts: what it counted since the last poll is lost."""
    missed: float = 0.0
    """The share of polls that failed."""
    steps: Mapping[float, float] = field(default_factory=dict)
    """Seconds to the weight from then on."""
    slower: float = 1.0
    """How many times as long the canary's requests take."""
    dearer: float = 1.0
    """How many times as much the canary's tasks cost."""
    tasks: float = 20.0
    """Agent tasks a second, of both tracks together."""
    tail: str = "lognormal"
    """Of the cost of a task: `lognormal` with sigma 1.5, or `pareto` with shape 2.5."""
    silent_from: float = float("inf")
    """Seconds after which no request reaches the canary."""
    slis: Mapping[str, SliSpec] = field(default_factory=lambda: {"errors": SliSpec(Kind.RATIO)})
    interval: float = 15.0
    window: float = 1800.0
    history: float = 3600.0

    def header(self) -> Header:
        return Header("simulated", STARTED, self.interval, self.window, self.weight, self.slis)


ALL_KINDS = {
    "errors": SliSpec(Kind.RATIO),
    "duration": SliSpec(Kind.HISTOGRAM, bounds=BOUNDS),
    "rate": SliSpec(Kind.THROUGHPUT),
    "cost": SliSpec(Kind.MEAN),
    "queue": SliSpec(Kind.GAUGE, limit=100.0, compare=True),
}


def simulate(world: World, rng: np.random.Generator) -> Recording:
    """One canary of this world."""
    times = np.arange(-round(world.history / world.interval), round(world.window / world.interval)) + 1
    times = times * world.interval
    phase = rng.uniform(0, DAY)
    wave = 1 + world.wave * np.sin(2 * np.pi * (times + phase) / DAY)
    level = world.errors * (1 + world.wave * np.sin(2 * np.pi * (times + rng.uniform(0, DAY)) / DAY))
    begin = rng.uniform(0, world.window - 600)
    level = np.where((times > begin) & (times <= begin + 600), level * world.outage, level)
    weights = np.full(len(times), world.weight)
    for second, weight in sorted(world.steps.items()):
        weights[times > second] = weight
    shares = {"baseline": np.where(times > 0, 1 - weights, 1.0), "canary": np.where(times > 0, weights, 0.0)}
    shares["canary"] = np.where(times > world.silent_from, 0.0, shares["canary"])
    tracks = {track: _track(world, rng, track, wave * shares[track], level) for track in shares}
    return Recording(world.header(), tuple(_lines(world, rng, times, weights, tracks)))


def _track(world, rng, track, share, level):
    """The counts of one track for each SLI, one row a poll."""
    canary = track == "canary"
    requests = rng.poisson(world.rate * world.interval * share)
    level = np.minimum(level * (world.times if canary else 1), 1)
    if world.clump > 1:
        clumps = rng.poisson(requests * level / world.clump)
        bad = clumps + rng.negative_binomial(np.maximum(clumps, 1), 1 / world.clump) * (clumps > 0)
        requests = np.maximum(requests, bad)
    else:
        bad = rng.binomial(requests, level)
    lost = np.ones(len(requests))
    lost[rng.integers(0, len(requests), world.restarts)] = rng.uniform(0, 1, world.restarts)
    bad = rng.binomial(bad, lost)
    total = np.maximum(np.ceil(requests * lost), bad)
    rows = {"errors": list(zip(bad.astype(float).tolist(), total.astype(float).tolist(), strict=True))}
    if "duration" in world.slis:
        rows["duration"] = _durations(world, rng, requests, canary)
    if "rate" in world.slis:
        rows["rate"] = requests.astype(float).tolist()
    if "cost" in world.slis:
        rows["cost"] = _costs(world, rng, share, canary)
    if "queue" in world.slis:
        rows["queue"] = _levels(rng, len(requests))
    return rows


def _durations(world, rng, requests, canary):
    slower = world.slower if canary else 1.0
    below = [0.5 * (1 + erf(log(bound / (0.1 * slower)) / 0.7 / sqrt(2))) for bound in BOUNDS]
    shares = np.diff([0.0, *below, 1.0])
    return [tuple(row) for row in rng.multinomial(requests, shares / shares.sum()).astype(float).tolist()]


def _costs(world, rng, share, canary):
    counts = rng.poisson(world.tasks * world.interval * share)
    total = int(counts.sum())
    costs = rng.lognormal(0.0, 1.5, total) if world.tail == "lognormal" else 1 + rng.pareto(2.5, total)
    edges = np.concatenate([[0], np.cumsum(counts)])
    sums = np.diff(np.concatenate([[0.0], np.cumsum(costs)])[edges]) * (world.dearer if canary else 1.0)
    return list(zip(np.maximum(sums, 0.0).tolist(), counts.astype(float).tolist(), strict=True))


def _levels(rng, size):
    noise = rng.normal(0, 1, size)
    levels = np.empty(size)
    levels[0] = noise[0]
    for index in range(1, size):
        levels[index] = 0.9 * levels[index - 1] + np.sqrt(1 - 0.81) * noise[index]
    return np.maximum(0.0, 50 + 10 * levels).tolist()


def _lines(world, rng, times, weights, tracks):
    failed = rng.uniform(size=len(times)) < world.missed
    last, waiting = weights[0], {}
    for index, t in enumerate(times.tolist()):
        weight = None if weights[index] == last else float(weights[index])
        last = weights[index]
        if not world.missed:
            names = ("baseline",) if t <= 0 else ("baseline", "canary")
            yield Line(t, {sli: {track: tracks[track][sli][index] for track in names} for sli in world.slis}, weight)
            continue
        for sli in world.slis:
            for track in ("baseline",) if t <= 0 else ("baseline", "canary"):
                counts, missed = tracks[track][sli][index], waiting.get((sli, track))
                waiting[sli, track] = counts if missed is None else together(missed, counts)
        if failed[index]:
            yield Line(t, {}, weight)
            continue
        found: dict = {sli: {} for sli in world.slis}
        for (sli, track), counts in waiting.items():
            found[sli][track] = counts
        waiting = {}
        yield Line(t, found, weight)
