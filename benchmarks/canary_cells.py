"""The canaries of the table in docs/canary.md: what each is like, how often it is run, and what must be reached."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from canary_traffic import ALL_KINDS, BOUNDS, World

from releasegate.canary.sli import Kind, SliSpec

RATES = (20.0, 200.0, 2000.0)
ALPHA = 0.01
HEALTHY, SICK = 2000, 400
PARTS = ("healthy", "sick", "kinds")
LATENCY = {"duration": SliSpec(Kind.HISTOGRAM, bounds=BOUNDS)}
SILENCE = {"errors": SliSpec(Kind.RATIO), "rate": SliSpec(Kind.THROUGHPUT)}


@dataclass(frozen=True)
class Cell:
    """One cell of the table: so many canaries of one world."""

    part: str
    row: str
    world: World
    runs: int
    ideal: float | None = None
    """Seconds that the fastest possible test with the same promise takes."""
    most: float | None = None
    """How many times `ideal` the median time to abort, less one interval, may be; None where it is only shown."""

    @property
    def peers(self) -> bool:
        """Whether the peers' rules, which look at the rate of errors, have something to look at."""
        return "errors" in self.world.slis

    @property
    def key(self) -> tuple[str, str, float]:
        return self.part, self.row, self.world.rate


def cells() -> list[Cell]:
    """All of them, in the order of the table."""
    return sorted([*healthy(), *sick(), *kinds()], key=lambda cell: PARTS.index(cell.part))


def ideal_errors(world: World) -> float:
    """Wald's bound: the log of 1/alpha over the information a second in the split of the errors between the tracks."""
    w, k = world.weight, world.times
    theta = w * k / (w * k + 1 - w)
    gain = theta * math.log(theta / w) + (1 - theta) * math.log((1 - theta) / (1 - w))
    rate = world.rate * world.errors * (w * k + 1 - w)
    return math.log(1 / ALPHA) / (rate * gain) * (2 * world.clump - 1)


def ideal_latency(world: World) -> float:
    """The same from the two tracks' buckets."""

    def shares(slower: float) -> np.ndarray:
        edges = [0.5 * (1 + math.erf(math.log(b / (0.1 * slower)) / 0.7 / math.sqrt(2))) for b in BOUNDS]
        return np.diff([0.0, *edges, 1.0])

    usual, slow, w = shares(1.0), shares(world.slower), world.weight
    both = w * slow + (1 - w) * usual
    gain = sum(
        part * float(np.sum(p[p > 0] * np.log(p[p > 0] / both[p > 0]))) for part, p in ((w, slow), (1 - w, usual))
    )
    return math.log(1 / ALPHA) / (world.rate * gain)


def healthy() -> Iterator[Cell]:
    limited = {"errors": SliSpec(Kind.RATIO, limit=0.05)}
    for rate in RATES:
        calm = World(rate=rate)
        yield Cell("healthy", "Poisson", calm, HEALTHY)
        yield Cell("healthy", "clumps, mean 3", replace(calm, clump=3), HEALTHY)
        yield Cell("healthy", "clumps, mean 10", replace(calm, clump=10), HEALTHY)
        yield Cell("healthy", "daily wave of 60%", replace(calm, wave=0.6), HEALTHY)
        yield Cell("healthy", "shared outage, 20x for 10 min", replace(calm, outage=20), HEALTHY)
        yield Cell("healthy", "weight 5, 10, then 25%", replace(calm, steps={600: 0.1, 1200: 0.25}), HEALTHY)
        yield Cell("healthy", "weight 25%", replace(calm, weight=0.25), HEALTHY)
        yield Cell("healthy", "20 restarts, 5% missed polls", replace(calm, restarts=20, missed=0.05), HEALTHY)
        yield Cell("healthy", "limit 5%", replace(calm, slis=limited), HEALTHY)
        yield Cell("healthy", "limit 5%, clumps, mean 10", replace(calm, slis=limited, clump=10), HEALTHY)


def sick() -> Iterator[Cell]:
    for clump, times, rate in product((1, 3, 10), (1.5, 2, 3, 5, 10, 40), RATES):
        world = World(rate=rate, times=times, clump=clump)
        ideal = ideal_errors(world)
        if ideal < 720 and (clump == 1 or rate * 0.05 * 0.005 * times * 1800 / clump >= 10):
            name = "Poisson" if clump == 1 else f"clumps, mean {clump}"
            yield Cell("sick", f"errors x{times:g}, {name}", world, SICK, ideal, 1.4 if clump == 1 else 2.0)


def kinds() -> Iterator[Cell]:
    for rate in RATES:
        yield Cell("healthy", "five kinds, cost log-normal", World(rate=rate, slis=ALL_KINDS), HEALTHY)
        pareto = World(rate=rate, slis=ALL_KINDS, tail="pareto")
        yield Cell("healthy", "five kinds, cost Pareto", pareto, HEALTHY)
        for slower in (1.2, 1.5, 2, 3):
            world = World(rate=rate, slis=LATENCY, slower=slower)
            yield Cell("kinds", f"latency x{slower:g}", world, SICK, ideal_latency(world), 2.5)
        for begin in (0, 900):
            silent = World(rate=rate, slis=SILENCE, silent_from=begin)
            yield Cell("kinds", f"silent from {begin} s", silent, SICK)
        bad = World(rate=rate, slis=ALL_KINDS, times=5)
        ideal = ideal_errors(bad) * math.log(5 / ALPHA) / math.log(1 / ALPHA)
        yield Cell("kinds", "errors x5 among five SLIs", bad, SICK, ideal)
    cost = {"cost": SliSpec(Kind.MEAN, tolerate=1.2)}
    for tail in ("lognormal", "pareto"):
        dear = World(slis=cost, dearer=2, tasks=100, tail=tail)
        yield Cell("kinds", f"cost x2, {tail}, 5 tasks/s", dear, SICK)
