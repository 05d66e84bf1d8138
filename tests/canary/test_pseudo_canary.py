"""A stretch of the past as a canary: which part of it is the canary's."""

import random
from datetime import UTC, datetime

import pytest

from releasegate.canary.backtest import Stretch, clumps, judge_release, planned, pseudo_canary
from releasegate.canary.judge import Decision
from releasegate.canary.recording import Header
from releasegate.canary.rules import parse_rule
from releasegate.canary.sli import Kind, SliSpec

HEADER = Header("x", datetime(2026, 1, 1, tzinfo=UTC), 15, 1800, 0.05, {"errors": SliSpec(Kind.RATIO)})
TIMES = tuple(range(-3600, 1801, 15))


def stretch(pods, rate=3000, clump=1, seed=5):
    """Pods that each serve an even part of `rate` requests a poll, of which about 1% fail in clumps."""
    rng = random.Random(seed)

    def polls():
        for _ in TIMES:
            begun = sum(rng.random() < 0.01 / clump for _ in range(rate // pods))
            yield float(min(begun * clump, rate // pods)), float(rate // pods)

    return Stretch(TIMES, {f"pod-{n}": list(polls()) for n in range(pods)})


def sums(recording, track):
    counts = [line.counts["errors"][track] for line in recording.lines if line.t > 0]
    return sum(bad for bad, _ in counts), sum(total for _, total in counts)


def test_whole_pods_are_the_canary_where_there_are_many():
    past = stretch(40)
    recording = pseudo_canary(past, HEADER, random.Random(1).random)
    assert recording.header.weight == pytest.approx(0.05)
    canary = [line.counts["errors"]["canary"] for line in recording.lines if line.t > 0]
    first = TIMES.index(15)
    pods = [polls[first:] for polls in past.pods.values()]
    pairs = [
        [(a[0] + b[0], a[1] + b[1]) for a, b in zip(one, other, strict=True)]
        for n, one in enumerate(pods)
        for other in pods[n + 1 :]
    ]
    assert canary in pairs
    everything = tuple(map(sum, zip(*past.sums()[first:], strict=True)))
    assert everything == tuple(
        a + b for a, b in zip(sums(recording, "canary"), sums(recording, "baseline"), strict=True)
    )


@pytest.mark.parametrize("pods", [1, 3])
def test_too_few_pods_give_back_what_is_above_the_weight(pods):
    recording = pseudo_canary(stretch(pods), HEADER, random.Random(1).random)
    (bad, total), (_, rest) = sums(recording, "canary"), sums(recording, "baseline")
    assert recording.header.weight == 0.05
    assert total / (total + rest) == pytest.approx(0.05, abs=0.002)
    assert bad / total == pytest.approx(0.01, abs=0.003)


def test_clumps_stay_together():
    past = stretch(1, rate=300, clump=6)
    assert clumps(past) == pytest.approx(3.5, rel=0.2)
    recording = pseudo_canary(past, HEADER, random.Random(1).random)
    seen = [line.counts["errors"]["canary"][0] for line in recording.lines if line.t > 0]
    # Of independent errors, thinned to 5%, hardly a poll in a hundred would have two.
    assert sum(bad >= 2 for bad in seen) > 0.4 * sum(bad > 0 for bad in seen)


def test_the_judge_and_the_rules_see_the_same_canary():
    rules = (parse_rule("errors > 0.1%"), parse_rule("errors > 90%"))
    recording = pseudo_canary(stretch(1), HEADER, random.Random(1).random)
    release = judge_release(1e9, recording, rules)
    assert (release.decision, release.decided_at, release.rules) == (Decision.PROMOTE, None, (60.0, None))
    bad, total = sums(recording, "canary")
    assert (release.start, release.errors) == (1e9, bad / total)


def test_the_plan_has_the_traffic_of_the_past():
    plan = planned([stretch(1), stretch(2)], HEADER)
    assert (plan.rate, plan.errors) == (pytest.approx(200, rel=0.01), pytest.approx(0.01, rel=0.1))
    assert (plan.weight, plan.window, plan.dispersion) == (0.05, 1800, pytest.approx(1, abs=0.3))
    flawless = Stretch(TIMES, {"pod": [(0.0, 100.0)] * len(TIMES)})
    assert planned([flawless], HEADER) is None
