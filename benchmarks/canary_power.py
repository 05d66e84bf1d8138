"""How often the judge aborts a healthy canary, and how fast it finds a bad one, beside the rules of its peers.

    python benchmarks/canary_power.py run PART… [--share 1.0]     parts: healthy, sick, kinds; results are kept as JSON
    python benchmarks/canary_power.py table                       the table of docs/canary.md, from what was kept

Everything comes from fixed seeds. A full run takes about an hour of one core.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import canary_peers as peers
import numpy as np
from canary_traffic import ALL_KINDS, BOUNDS, World, simulate

from releasegate.canary.judge import Decision, Judge
from releasegate.canary.recording import Recording
from releasegate.canary.sli import Kind, SliSpec

RESULTS = Path(__file__).with_name("canary_power.jsonl")
RATES = (20.0, 200.0, 2000.0)
ALPHA = 0.01
HEALTHY, SICK, KAYENTA = 2000, 400, 400
RULES = {
    "Argo, errors > 1% each minute, failureLimit 3": lambda recording: peers.argo(recording, 0.01, 3),
    "Flagger, errors > 1% each minute, threshold 5": lambda recording: peers.flagger(recording, 0.01, 5),
}
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
    peers: bool = False


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
        yield Cell("healthy", "Poisson", calm, HEALTHY, peers=True)
        yield Cell("healthy", "clumps, mean 3", replace(calm, clump=3), HEALTHY, peers=True)
        yield Cell("healthy", "clumps, mean 10", replace(calm, clump=10), HEALTHY, peers=True)
        yield Cell("healthy", "daily wave of 60%", replace(calm, wave=0.6), HEALTHY, peers=True)
        yield Cell("healthy", "shared outage, 20x for 10 min", replace(calm, outage=20), HEALTHY, peers=True)
        yield Cell("healthy", "weight 5, 10, then 25%", replace(calm, steps={600: 0.1, 1200: 0.25}), HEALTHY)
        yield Cell("healthy", "weight 25%", replace(calm, weight=0.25), HEALTHY)
        yield Cell("healthy", "20 restarts, 5% missed polls", replace(calm, restarts=20, missed=0.05), HEALTHY)
        yield Cell("healthy", "limit 5%", replace(calm, slis=limited), HEALTHY)
        yield Cell("healthy", "limit 5%, clumps, mean 10", replace(calm, slis=limited, clump=10), HEALTHY)


def sick() -> Iterator[Cell]:
    for rate in RATES:
        for clump in (1, 3, 10):
            for times in (1.5, 2, 3, 5, 10, 40):
                world = World(rate=rate, times=times, clump=clump)
                ideal = ideal_errors(world)
                if ideal < 720 and (clump == 1 or rate * 0.05 * 0.005 * times * 1800 / clump >= 10):
                    name = "Poisson" if clump == 1 else f"clumps, mean {clump}"
                    yield Cell("sick", f"errors x{times:g}, {name}", world, SICK, ideal, peers=clump == 1)


def kinds() -> Iterator[Cell]:
    for rate in RATES:
        yield Cell("kinds", "healthy, five kinds, cost log-normal", World(rate=rate, slis=ALL_KINDS), HEALTHY)
        pareto = World(rate=rate, slis=ALL_KINDS, tail="pareto")
        yield Cell("kinds", "healthy, five kinds, cost Pareto", pareto, HEALTHY)
        for slower in (1.2, 1.5, 2, 3):
            world = World(rate=rate, slis=LATENCY, slower=slower)
            yield Cell("kinds", f"latency x{slower:g}", world, SICK, ideal_latency(world))
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


def judge(recording: Recording) -> tuple[Decision, float]:
    """The decision, and when: the end of the window where there is no abort."""
    judge = Judge(recording.header)
    for line in recording.lines:
        if judge.observe(line).decision in {Decision.ABORT, Decision.PROMOTE}:
            break
    judgement = judge.finish()
    return judgement.decision, math.inf if judgement.decided_at is None else judgement.decided_at


def run(cell: Cell, number: int, share: float) -> dict[str, object]:
    """Simulate a cell; `number` is its seed."""
    began, runs = time.process_time(), max(20, round(cell.runs * share))
    decisions, times = {decision.value: 0 for decision in Decision}, []
    rules: dict[str, list[float]] = {}
    for index in range(runs):
        recording = simulate(cell.world, np.random.default_rng([number, index]))
        decision, at = judge(recording)
        decisions[decision.value] += 1
        times.append(at if decision is Decision.ABORT else math.inf)
        if cell.peers:
            for name, rule in RULES.items():
                rules.setdefault(name, []).append(rule(recording))
            if index < KAYENTA * share:
                rules.setdefault("Kayenta, every 5 minutes", []).append(peers.kayenta(recording))
    return {
        "part": cell.part,
        "row": cell.row,
        "rate": cell.world.rate,
        "interval": cell.world.interval,
        "runs": runs,
        "ideal": cell.ideal,
        **decisions,
        "median": finite(float(np.median(times))),
        "peers": {
            name: {"aborted": float(np.mean(np.isfinite(at))), "median": finite(float(np.median(at)))}
            for name, at in rules.items()
        },
        "seconds": round(time.process_time() - began, 1),
    }


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def upper_bound(successes: int, runs: int) -> float:
    """The upper end of the two-sided 95% interval of a share (Clopper and Pearson), by bisection."""
    low, high = successes / runs, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        logs = (
            math.lgamma(runs + 1) - math.lgamma(k + 1) - math.lgamma(runs - k + 1)
            + k * math.log(middle) + (runs - k) * math.log1p(-middle)
            for k in range(successes + 1)
        )  # fmt: skip
        low, high = (middle, high) if sum(map(math.exp, logs)) > 0.025 else (low, middle)
    return high


def table(results: list[dict]) -> str:
    """Everything that was kept, as Markdown."""
    lines = [
        "| canary | requests/s | aborted, % (upper 95% bound) | inconclusive, % | median, s | (median - 15 s) / B | peers |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        aborted, runs, median = result["abort"], result["runs"], result["median"]
        share = f"{100 * aborted / runs:.2f}"
        if result["ideal"] is None and 2 * aborted < runs:
            share += f" ({100 * upper_bound(aborted, runs):.2f})"
        held = f"{100 * result['inconclusive'] / runs:.1f}" if result["inconclusive"] else ""
        ratio = ""
        if result["ideal"] and median is not None:
            ratio = f"{max(0.0, median - result['interval']) / result['ideal']:.2f} (B {result['ideal']:.3g} s)"
        rules = "; ".join(
            f"{name.split(',')[0]} {100 * seen['aborted']:.1f}%"
            + (f", {seen['median']:.0f} s" if seen["median"] else "")
            for name, seen in result["peers"].items()
        )
        shown = f"{median:.0f}" if median is not None else ""
        lines.append(f"| {result['row']} | {result['rate']:g} | {share} | {held} | {shown} | {ratio} | {rules} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument(
        "parts", nargs="*", help="healthy, sick, kinds; or a part and a row's beginning, as sick:latency"
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the runs")
    options = parser.parse_args()
    kept = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    results = {(result["part"], result["row"], result["rate"]): result for result in kept}
    if options.what == "run":
        for number, cell in enumerate([*healthy(), *sick(), *kinds()]):
            if any(f"{cell.part}:{cell.row}".startswith(part) for part in options.parts or [""]):
                result = run(cell, number, options.share)
                results[cell.part, cell.row, cell.world.rate] = result
                print(json.dumps(result), flush=True)
                RESULTS.write_text("".join(json.dumps(result) + "\n" for result in results.values()))
    order = [(cell.part, cell.row, cell.world.rate) for cell in [*healthy(), *sick(), *kinds()]]
    sys.stdout.write(table([results[key] for key in order if key in results]) + "\n")


if __name__ == "__main__":
    main()
