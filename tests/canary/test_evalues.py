"""The null expectation of each exact e-value is at most 1, enumerated where counts are small."""

from itertools import product
from math import comb, exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releasegate.canary import limit, mean, ratio, throughput
from releasegate.canary.mixture import Mixture
from releasegate.canary.slower import Curve, carried, draw


def binomial(successes, trials, p):
    return comb(trials, successes) * p**successes * (1 - p) ** (trials - successes)


def clumped(most, mean, clump):
    """The distribution of a Poisson number of clumps, each of geometric size with mean `clump` (Panjer's recursion)."""
    clumps = mean / clump
    size = [0.0] + [(1 - 1 / clump) ** (k - 1) / clump for k in range(1, most + 1)]
    chances = [exp(-clumps)]
    for n in range(1, most + 1):
        chances.append(clumps / n * sum(k * size[k] * chances[n - k] for k in range(1, n + 1)))
    return chances


@pytest.mark.parametrize("tolerate", [1.0, 1.5])
@pytest.mark.parametrize(("baseline", "canary"), [(12, 1), (9, 3), (4, 8)])
@pytest.mark.parametrize("level", [0.02, 0.3, 0.6])
@pytest.mark.parametrize("factor", [1.1, 2.0, 32.0])
def test_worse_for_independent_events(tolerate, baseline, canary, level, factor):
    up, down = ratio.slopes(tolerate * canary / baseline, 1.0, factor)
    for worse in (1.0, tolerate):
        expectation = sum(
            binomial(a, canary, level * worse) * binomial(b, baseline, level) * exp(a * up + b * down)
            for a, b in product(range(canary + 1), range(baseline + 1))
        )
        assert expectation <= 1 + 1e-12


@pytest.mark.parametrize("clump", [1.5, 4.0])
@pytest.mark.parametrize("factor", [1.2, 5.0, 40.0])
def test_worse_for_clumps_is_exact_where_their_mean_is_known(clump, factor):
    odds = 0.25
    up, down = ratio.slopes(odds, clump, factor)
    canary, baseline = clumped(500, odds * 6.0, clump), clumped(500, 6.0, clump)
    of_canary = sum(chance * exp(count * up) for count, chance in enumerate(canary))
    of_baseline = sum(chance * exp(count * down) for count, chance in enumerate(baseline))
    # the factor of the canary has a heavy tail, of which the sum leaves out a little
    assert 0.9 < of_canary * of_baseline <= 1 + 1e-9


@pytest.mark.parametrize("level", [0.05, 0.04, 0.001])
@pytest.mark.parametrize("factor", limit.FACTORS)
def test_above_a_limit(level, factor):
    up, each = limit.slopes(0.05, 1.0, factor)
    assert sum(binomial(bad, 20, level) * exp(bad * up + 20 * each) for bad in range(21)) <= 1 + 1e-12


@pytest.mark.parametrize("factor", throughput.FACTORS)
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_starved(factor, share):
    requests = 30
    up, down = throughput.slopes(0.1, factor)
    expectation = sum(
        binomial(canary, requests, share) * exp(canary * up + (requests - canary) * down)
        for canary in range(requests + 1)
    )
    assert expectation <= 1 + 1e-12


@pytest.mark.parametrize("late", [0.0, 0.08, 0.5])
def test_a_mixture_over_alternatives_and_beginnings_after_three_polls(late):
    # every poll: a bad event of the canary or none, each alternative's factor with a mean of 1
    chance, alternatives = 0.2, (1.5, 3.0)
    expectation = 0.0
    for polls in product((True, False), repeat=3):
        process, probability = Mixture(len(alternatives), late), 1.0
        for bad in polls:
            process.bet([log(a if bad else (1 - chance * a) / (1 - chance)) for a in alternatives], 1 / 4)
            probability *= chance if bad else 1 - chance
        expectation += probability * process.value
    assert expectation == pytest.approx(1.0)


@pytest.mark.parametrize("costs", [((0.0, 0.99), (100.0, 0.01)), ((1.0, 1.0),), ((0.5, 0.9), (5.5, 0.1))])
@pytest.mark.parametrize("events", [1.0, 4.0, 500.0])
def test_a_bet_on_a_mean_however_heavy_its_tail(costs, events):
    assert sum(cost * chance for cost, chance in costs) == pytest.approx(1.0)
    for stake in mean.stakes(events, spread=16.0):
        assert 0 < stake < 1  # so that no factor is negative
        assert sum(chance * (1 + stake * (cost - 1)) for cost, chance in costs) == pytest.approx(1.0)


@pytest.mark.parametrize("dispersion", [1.0, 2.5, 10.0])
def test_starved_stays_an_e_value_with_any_dispersion(dispersion):
    up, down = throughput.slopes(0.1, 0.3)
    expectation = sum(
        binomial(canary, 30, 0.1) * exp((canary * up + (30 - canary) * down) / dispersion) for canary in range(31)
    )
    assert expectation <= 1 + 1e-12


@pytest.mark.parametrize("clump", [2.0, 5.0])
@pytest.mark.parametrize("factor", limit.FACTORS)
def test_above_a_limit_for_clumps_of_known_mean(clump, factor):
    up, each = limit.slopes(0.05, clump, factor)
    chances = clumped(400, 100 * 0.05, clump)  # of 100 requests
    assert sum(chance * exp(bad * up + 100 * each) for bad, chance in enumerate(chances)) <= 1 + 1e-9


shares = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4).map(lambda parts: [part / sum(parts) for part in parts])


@settings(max_examples=150, deadline=None)
@given(
    learned=shares, truth=shares, tolerate=st.sampled_from([1.0, 1.3, 2.0]), counts=st.sampled_from([(5, 1), (6, 2)])
)
def test_slower_whatever_the_distribution_and_whatever_was_learned(learned, truth, tolerate, counts):
    bounds = (0.1, 0.3, 1.0)
    baseline, canary = counts
    rows = carried(learned, Curve(learned, bounds).slowed(tolerate) if tolerate > 1 else learned)
    slowest = [sum(p * row[index] for p, row in zip(truth, rows, strict=True)) for index in range(4)]
    for alternative in draw(learned, bounds, tolerate, 0.2):
        for worst in (truth, slowest):
            of_canary = sum(p * exp(log) for p, log in zip(worst, alternative.logs, strict=True))
            of_baseline = sum(
                p * (1 + canary / baseline * gain) for p, gain in zip(truth, alternative.gains, strict=True)
            )
            # requests are independent, so that the expectation of the product is the product of the expectations
            assert of_canary**canary * of_baseline**baseline <= 1 + 1e-9
            assert list(alternative.logs) == sorted(alternative.logs)
