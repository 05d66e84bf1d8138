"""How often the trend gate cries wolf, and how often it finds a regression of 10%, on real series of runs.

    RELEASEGATE_DATA=… python benchmarks/lighthouse_trend.py [--splits 1000] [--seed 1]

A/A: a page's runs are shuffled and split into a history and up to five new runs, which are judged one after the other
as they come in; any alarm is false, and a run counts once, however many metrics alarm. Regressions: five of a page's
last ten runs, times 1.10, come in one after the other on top of its history; found is what alarms by the fifth.
"""

import argparse
import json
import os
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, pstdev

from releasegate.gates.lighthouse.trend import FEWEST, Point, read_history, trend

LCP = "largest-contentful-paint"
NEW = 5
TRIALS = 100


def pages() -> Mapping[str, Sequence[Point]]:
    """The series with enough distinct runs for a history and at least four new ones."""
    path = Path(os.environ["RELEASEGATE_DATA"]) / "lighthouse" / "trend_series.jsonl"
    lines: dict[str, list[bytes]] = defaultdict(list)
    for line in path.read_bytes().splitlines():
        lines[json.loads(line)["repo"]].append(line)
    series: dict[tuple[object, ...], dict[object, Point]] = defaultdict(dict)
    for repository, own in lines.items():
        for point in read_history(b"\n".join(own), str(path)):
            series[repository, *point.series].setdefault(point.fetched, point)
    ordered = {key: sorted(runs.values(), key=lambda point: str(point.fetched)) for key, runs in series.items()}
    return {f"{key[1]} (Lighthouse {key[3]})": runs for key, runs in ordered.items() if len(runs) >= FEWEST + 4}


def outcome(history: Sequence[Point], runs: Sequence[Point]) -> str:
    """What the gate says, as one word."""
    findings = trend(history, runs)
    if any(finding.level == "error" and not finding.unusable for finding in findings):
        return "alarm"
    return "inconclusive" if any(finding.unusable for finding in findings) else "pass"


def again(run: Point, number: int, factor: float = 1.0) -> Point:
    """The run as a new one, with every metric times `factor`."""
    later = run.fetched.replace(year=run.fetched.year + 1, microsecond=number) if run.fetched else None
    return replace(run, fetched=later, metrics={name: value * factor for name, value in run.metrics.items()})


def same(runs: Sequence[Point], random_: random.Random) -> list[str]:
    """The outcomes of one A/A split, one a new run."""
    shuffled = random_.sample(runs, len(runs))
    new = min(NEW, len(runs) - FEWEST)
    history, coming = shuffled[:-new], shuffled[-new:]
    return [outcome(history, coming[:count]) for count in range(1, new + 1)]


def found(runs: Sequence[Point], random_: random.Random) -> bool:
    """Whether a regression of 10% alarms within five runs."""
    coming = [
        again(run, number, 1.1) for number, run in enumerate(random_.sample(list(runs[-10:]), min(NEW, len(runs))))
    ]
    return any(outcome(runs, coming[:count]) == "alarm" for count in range(1, len(coming) + 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random_ = random.Random(options.seed)
    series = pages()
    total: list[str] = []
    splits = alarmed = 0
    print(f"{'page':48} {'runs':>4} {'CV(LCP)':>8} {'alarms/run':>10} {'inconcl.':>8} {'found x1.10':>11}")
    for page, runs in series.items():
        values = [point.metrics[LCP] for point in runs if LCP in point.metrics]
        variation = pstdev(values) / fmean(values)
        answers = [same(runs, random_) for _ in range(options.splits // len(series) + 1)]
        said = [answer for split in answers for answer in split]
        splits, alarmed = splits + len(answers), alarmed + sum("alarm" in split for split in answers)
        total += said
        hits = sum(found(runs, random_) for _ in range(TRIALS))
        alarms, doubts = said.count("alarm") / len(said), said.count("inconclusive") / len(said)
        print(f"{page[:48]:48} {len(runs):4} {variation:8.1%} {alarms:10.2%} {doubts:8.1%} {hits:7}/{TRIALS}")
    print(f"\nall: {splits} splits, {len(total)} runs: {total.count('alarm') / len(total):.2%} of the runs alarmed,")
    print(f"{alarmed / splits:.2%} of the splits (up to {NEW} looks each)")


if __name__ == "__main__":
    main()
