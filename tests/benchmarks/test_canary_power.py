"""The benchmark's simulated canaries, a few of them, and the table that the docs show."""

from dataclasses import replace

import canary_power as power
import numpy as np
import pytest
from canary_cells import LATENCY, cells, ideal_errors, ideal_latency
from canary_traffic import ALL_KINDS, World, simulate

from releasegate.canary.judge import Decision, Judge
from releasegate.canary.power import Plan
from releasegate.canary.sli import Kind, SliSpec


def outcomes(world, runs):
    return [power.judge(simulate(world, np.random.default_rng([99, index]))) for index in range(runs)]


def aborted(world, runs):
    return sum(decision is Decision.ABORT for decision, _ in outcomes(world, runs))


HEALTHY = {
    "independent": World(),
    "clumps": World(clump=10),
    "wave": World(wave=0.6),
    "outage": World(outage=20),
    "weights": World(steps={600: 0.1, 1200: 0.25}),
    "restarts": World(restarts=20, missed=0.05),
    "five kinds": World(slis=ALL_KINDS),
}


@pytest.mark.parametrize("world", HEALTHY.values(), ids=HEALTHY)
def test_healthy_canaries_are_not_aborted(world):
    assert aborted(world, 10) == 0


@pytest.mark.soak
@pytest.mark.parametrize("world", HEALTHY.values(), ids=HEALTHY)
def test_at_most_one_healthy_canary_in_a_hundred_is_aborted(world):
    assert aborted(world, 600) <= 6


@pytest.mark.soak
@pytest.mark.parametrize(
    ("world", "most"),
    [
        (World(rate=20, times=5), 1.4),
        (World(rate=200, times=3), 1.4),
        (World(rate=2000, times=1.5), 1.4),
        (World(rate=200, times=5, clump=3), 2.0),
        (World(rate=2000, times=2, clump=10), 2.0),
    ],
)
def test_sick_canaries_are_found_nearly_as_fast_as_can_be(world, most):
    median = float(np.median([at for _, at in outcomes(world, 61)]))
    assert (median - world.interval) / ideal_errors(world) <= most


@pytest.mark.soak
@pytest.mark.parametrize("slower", [1.2, 1.5, 2.0])
def test_slow_canaries_are_found(slower):
    world = World(rate=20, slis=LATENCY, slower=slower)
    median = float(np.median([at for _, at in outcomes(world, 41)]))
    assert (median - world.interval) / ideal_latency(world) <= 2.5


def test_what_the_judge_says_it_would_have_caught_it_catches():
    times = Plan(200.0, 0.005, weight=0.05).detectable()
    caught = aborted(World(rate=200, times=times), 100)
    assert 84 <= caught <= 98


def thinned(recording, share, rng):
    """The recording with so much of the canary's requests."""
    lines = []
    for line in recording.lines:
        tracks = dict(line.counts["rate"])
        if "canary" in tracks:
            tracks["canary"] = float(rng.binomial(int(tracks["canary"]), share))
        lines.append(replace(line, counts={"rate": tracks}))
    return replace(recording, lines=tuple(lines))


def caught(world, change, times):
    """Of a hundred canaries that are so many times worse, how many the judge aborts."""
    decisions = []
    for index in range(100):
        rng = np.random.default_rng([2, index])
        if change == "starved":
            recording = thinned(simulate(world, rng), 0.5 / times, rng)
        else:
            recording = simulate(replace(world, **{change: times}), rng)
        decisions.append(power.judge(recording)[0])
    return decisions.count(Decision.ABORT)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("world", "change"),
    [
        (World(), "times"),
        (World(clump=3), "times"),
        (World(rate=20, slis=LATENCY), "slower"),
        (World(slis={"cost": SliSpec(Kind.MEAN)}), "dearer"),
        (World(slis={"cost": SliSpec(Kind.MEAN)}, tail="pareto"), "dearer"),
        (World(rate=2, slis={"rate": SliSpec(Kind.THROUGHPUT)}), "starved"),
    ],
    ids=["independent", "clumps", "latency", "cost", "cost, Pareto", "starved"],
)
def test_what_it_says_of_a_healthy_canary_is_caught_nine_times_in_ten_and_hardly_less_is_not(world, change):
    said = []
    for index in range(15):
        recording = simulate(world, np.random.default_rng([1, index]))
        judge = Judge(recording.header)
        for line in recording.lines:
            judge.observe(line)
        (sli,) = judge.finish().slis.values()
        said.append(sli.detectable.ratio)
    times = float(np.median(said))
    assert caught(world, change, times) >= 84
    assert caught(world, change, 1 + 0.7 * (times - 1)) <= 84


@pytest.mark.soak
@pytest.mark.parametrize(
    "world", [World(slis=ALL_KINDS), World(slis=ALL_KINDS, rate=20, clump=3)], ids=["independent", "clumps"]
)
def test_a_confidence_sequence_misses_the_truth_for_at_most_one_canary_in_twenty(world):
    runs, missed = 200, dict.fromkeys(world.slis, 0)
    for index in range(runs):
        recording = simulate(world, np.random.default_rng([7, index]))
        judge = Judge(recording.header)
        said = [judge.observe(line) for line in recording.lines]
        for name in world.slis:
            seen = [one.slis[name].ratio for one in said[-120::10] + said[-1:]]
            missed[name] += any(ratio and ((ratio[0] or 0) > 1 or (ratio[2] or 1) < 1) for ratio in seen)
    assert {name: count for name, count in missed.items() if count > 0.05 * runs + 5} == {}


def test_the_table_of_the_docs_is_the_one_that_was_measured():
    results = power.load()
    assert results
    text = power.DOCS.read_text()
    assert text == power.documented(text, results)


def test_what_was_measured_is_as_good_as_it_must_be_and_of_this_judge():
    kept = {(result["part"], result["row"], result["rate"]): result for result in power.load()}
    assert {cell.key: cell.runs for cell in cells()} == {key: result["runs"] for key, result in kept.items()}
    measured = [(cell, kept[cell.key]) for cell in cells()]
    assert [cell.key for cell, result in measured if not power.reached(cell, result)] == []
    assert [
        cell.key for cell, result in measured if {*result["peers"]} != ({*power.PEERS} if cell.peers else set())
    ] == []
    for cell, result in measured:
        again = [power.judge(power.canary(cell, index)) for index in range(power.SAMPLE)]
        assert [[decision.value, power.finite(at)] for decision, at in again] == result["sample"], cell.key
