"""Blue-green, judged against the time before the flip: how often a healthy release is taken back, and how fast a sick one.

    python benchmarks/blue_green.py [--runs 200]

Errors 0.5%, latency log-normal around 0.1 s, half an hour before and half an hour after, a poll every 15 s. A row says
what changed with the hour, for everybody; the judge cannot know that, which is what `TOLERATE` is for.
"""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from math import erf, log, sqrt
from statistics import median

import numpy as np

from releasegate.canary.judge import Decision, Judge, Judgement
from releasegate.canary.recording import Header, Line
from releasegate.canary.sli import Kind, SliSpec
from releasegate.metrics.port import Poll
from releasegate.runbook.before import Before, header_after

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.5, 5.0)
WINDOW, INTERVAL = 1800.0, 15.0
POLLS = int(WINDOW / INTERVAL)
SLIS = {
    "errors": SliSpec(Kind.RATIO),
    "duration": SliSpec(Kind.HISTOGRAM, bounds=BOUNDS),
    "rate": SliSpec(Kind.THROUGHPUT),
}


@dataclass(frozen=True)
class Hour:
    """What is different after the flip, in multiples of before; `sick` is meant to be found."""

    name: str
    rate: float = 1.0
    errors: float = 1.0
    slower: float = 1.0
    sick: bool = False


HOURS = (
    Hour("nothing changes"),
    Hour("a quarter more traffic, errors 10% more likely, 5% slower", 1.25, 1.1, 1.05),
    Hour("half of the traffic more, errors 25% more likely, 15% slower", 1.5, 1.25, 1.15),
    Hour("errors 50% more likely", errors=1.5),
    Hour("sick: errors twice as likely", errors=2.0, sick=True),
    Hour("sick: errors five times as likely", errors=5.0, sick=True),
    Hour("sick: twice as slow", slower=2.0, sick=True),
    Hour("sick: a tenth of the requests", rate=0.1, sick=True),
)


def counts(random: np.random.Generator, rate: float, hour: Hour) -> dict:
    """One poll of one track."""
    requests = int(random.poisson(rate * hour.rate * INTERVAL))
    edges = [0.5 * (1 + erf(log(bound / (0.1 * hour.slower)) / 0.7 / sqrt(2))) for bound in BOUNDS]
    buckets = random.multinomial(requests, np.diff([0.0, *edges, 1.0]))
    bad = int(random.binomial(requests, min(0.005 * hour.errors, 1.0)))
    return {"errors": (bad, requests), "duration": tuple(map(float, buckets)), "rate": requests}


class After:
    """What is counted after the flip: the baseline has nothing."""

    def __init__(self, random: np.random.Generator, rate: float, hour: Hour) -> None:
        self.random, self.rate, self.hour = random, rate, hour

    def bounds(self, at: float) -> dict:
        del at
        return {}

    def advance(self, at: float) -> Poll:
        del at
        seen = counts(self.random, self.rate, self.hour)
        zeros = {"errors": (0, 0), "duration": (0.0,) * 11, "rate": 0}
        return Poll({name: {"baseline": zeros[name], "canary": seen[name]} for name in seen})


def judge(seed: int, rate: float, hour: Hour) -> Judgement:
    """One release."""
    random = np.random.default_rng(seed)
    started = datetime(2026, 1, 1, tzinfo=UTC)
    header = header_after(
        Header(id="b", started=started, interval=INTERVAL, window=WINDOW, weight=0.5, slis=SLIS)
    )  # fmt: skip
    past = [
        Line(-INTERVAL * back, {name: {"baseline": seen} for name, seen in counts(random, rate, HOURS[0]).items()})
        for back in range(POLLS, -1, -1)
    ]
    source, judging = Before(After(random, rate, hour), header), Judge(header)
    source.begin(started.timestamp(), past)
    for line in past:
        judging.observe(line)
    for number in range(1, POLLS + 1):
        t = number * INTERVAL
        if judging.observe(Line(t, source.advance(started.timestamp() + t).counts)).decision is Decision.ABORT:
            break
    return judging.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    print(f"| after the flip ({runs} releases each) | requests/s | taken back | median time to it | promoted |")
    print("|---|---|---|---|---|")
    for hour in HOURS:
        for rate in (20.0, 200.0, 2000.0):
            found = [judge(seed, rate, hour) for seed in range(runs)]
            aborted = [each.decided_at or 0.0 for each in found if each.decision is Decision.ABORT]
            promoted = sum(each.decision is Decision.PROMOTE for each in found) / runs
            took = f"{median(aborted):.0f} s" if aborted else "-"
            print(f"| {hour.name} | {rate:g} | {len(aborted) / runs:.1%} | {took} | {promoted:.1%} |", flush=True)


if __name__ == "__main__":
    main()
