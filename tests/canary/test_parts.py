"""The judge's parts on numbers that are small enough to follow by hand."""

from math import exp, log, sqrt

import pytest

from releasegate.canary.dispersion import Dispersion, quantile_of_mean
from releasegate.canary.gauge import Wander
from releasegate.canary.limit import FACTORS, Above
from releasegate.canary.mean import Spread, stakes
from releasegate.canary.mixture import CAP, Mixture, log_mean, smallest
from releasegate.canary.outage import together
from releasegate.canary.slower import Curve, carried, factors_of, no_slower


def learned(polls):
    dispersion = Dispersion()
    for counts, total in polls:
        dispersion.add(counts, total)
    return dispersion


def test_dispersion_compares_each_poll_with_the_one_before():
    assert learned([]).value == 3.0
    assert learned([((4.0,), 100.0)]).value == 3.0
    # (6 x 100 - 4 x 100)^2 / (100 x 100) = 4 from 10 events, and 30 of 10 that are assumed
    assert learned([((4.0,), 100.0), ((6.0,), 100.0)]).value == pytest.approx(34 / 20)
    # (6 x 100 - 4 x 300)^2 / (100 x 300) = 12: what was expected is asked of the totals, not of the counts
    both = learned([((4.0,), 100.0), ((6.0,), 300.0)])
    assert (both.value, both.pairs, both.clump) == (pytest.approx(42 / 20), 1, pytest.approx((42 / 20 + 1) / 2))
    assert learned([((4.0,), 100.0), ((9.0,), 0.0), ((6.0,), 300.0)]).value == both.value


def test_dispersion_of_buckets_that_add_up():
    # each bucket's difference is 2 of 20; shares that add up to 1 vary less, by the sum of their squares
    polls = [((4.0, 16.0), 20.0), ((6.0, 14.0), 20.0)]
    squares = 30 + 4 + 4
    events = 10 + 40 - (10**2 + 30**2) / 40
    assert learned(polls).value == pytest.approx(max(1.0, squares / events))


@pytest.mark.parametrize(
    ("swing", "polls", "value"),
    [
        (8, 240, 1.0),
        (15, 240, 1.0),  # 1.125, and independent events show 1.168 one time in fifteen
        (16, 240, (30 + 239 * 16**2) / (10 + 239 * 200)),
        (15, 20, (30 + 19 * 15**2) / (10 + 19 * 200)),  # of so few polls it is not known whether they are independent
    ],
)
def test_a_dispersion_that_independent_events_would_show_too_is_taken_for_one(swing, polls, value):
    counts = [((100.0 + swing * (-1) ** poll / 2,), 10000.0) for poll in range(polls)]
    assert learned(counts).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("count", "dispersion", "mean"), [(10, 1, 14.21), (1, 1, 2.30), (100, 1, 113.9), (20, 2, 28.4)]
)
def test_the_mean_that_gives_as_many_nine_times_in_ten(count, dispersion, mean):
    assert quantile_of_mean(count, dispersion) == pytest.approx(mean, rel=0.01)
    assert quantile_of_mean(0, dispersion) == 0.0


def test_a_mixture_bets_each_alternatives_capital_and_releases_what_begins_late():
    process = Mixture(2, 0.5)
    assert process.value == 1.0
    process.bet([log(2), log(4)], 0.25)  # 0.25 each, and 0.125 of the reserve begins
    assert process.value == pytest.approx(0.375 + (0.25 + 0.0625) * 2 + (0.25 + 0.0625) * 4)
    process.bet([0.0, 0.0], 5.0)
    assert process.value == pytest.approx(0.375 + 0.3125 * 6)
    process.bet([900.0, 0.0], 0.1)
    assert process.value == pytest.approx((0.3125 * 2 + 0.1875) * exp(600) + 0.3125 * 4 + 0.1875)
    process.bet([900.0, 900.0], 0.1)
    assert process.value == CAP


def test_the_log_of_a_mixture_and_the_root_of_what_rises():
    assert log_mean([log(2), log(4)]) == pytest.approx(log(3 * 0.92))
    assert smallest(lambda x: x - 37.5) == pytest.approx(37.5, rel=1e-3)
    assert smallest(lambda x: x + 1) == pytest.approx(0.0, abs=1e-300)
    assert smallest(lambda x: -1 / (1 + x)) == float("inf")


def test_a_limit_says_what_it_would_have_shown():
    above = Above(0.05)
    assert above.detectable(0.0, 1.0, log(100)) == float("inf")
    level = above.detectable(2000.0, 1.0, log(100))
    terms = [(log(factor), -0.05 * (factor - 1)) for factor in FACTORS]
    least = next(n for n in range(2000) if log_mean([n * up + 2000 * each for up, each in terms]) >= log(100))
    assert level == pytest.approx(quantile_of_mean(least, 1.0) / 2000, rel=0.01)
    assert above.detectable(2000.0, 3.0, log(100)) > level


def test_the_spread_of_costs_and_what_is_staked_on_them():
    spread = Spread()
    assert spread.value == 16.0
    spread.add(10.0, 5.0)
    spread.add(0.0, 0.0)
    spread.add(6.0, 2.0)  # means 2 and 3, of all 16/7
    assert spread.value == pytest.approx((32 + 1 / (1 / 5 + 1 / 2) / (16 / 7) ** 2) / 3)
    assert stakes(100.0, 16.0)[2] == pytest.approx(1 / (1 + 4 * 0.16))
    assert stakes(1e9, 16.0)[0] == 0.95


def test_how_a_level_wanders():
    wander = Wander()
    assert (wander.variance, wander.step) == (0.0, 0.0)
    for value in (1.0, 3.0, 2.0, 6.0):
        wander.add(value)
    assert (wander.mean, wander.variance) == (3.0, pytest.approx(14 / 3))
    assert wander.step == pytest.approx((4 + 1 + 16) / 3 / 2)
    unlike = (3.5 / (14 / 3) * 4 + 0.2 * 10) / 14
    assert wander.memory == pytest.approx((2 - unlike) / unlike)


def test_slowed_requests_move_up_along_a_straight_line_of_log_odds():
    shares, bounds = [0.5, 0.3, 0.2], (1.0, 2.0)
    slope = (log(4) - 0.0) / log(2)
    first, second = (1 / (1 + exp(-(slope * log(bound / 1.5)))) for bound in bounds)
    assert Curve(shares, bounds).slowed(1.5) == pytest.approx([first, second - first, 1 - second])
    assert Curve(shares, bounds).slowed(1.0) == pytest.approx(shares)
    assert Curve([0.5, 0.5], (1.0,)).slowed(2.0) == pytest.approx([0.2, 0.8])  # one bound: the odds fall by its square


def test_where_each_buckets_requests_go():
    rows = carried([0.5, 0.3, 0.2], [0.4, 0.3, 0.3])
    assert rows[0] == pytest.approx([0.8, 0.2, 0.0])
    assert rows[1] == pytest.approx([0.0, 2 / 3, 1 / 3])
    assert rows[2] == pytest.approx([0.0, 0.0, 1.0])


def test_the_factors_of_a_request_rise_and_have_room():
    assert factors_of([0.5, 0.5], [0.25, 0.75], 0.2) == pytest.approx([0.25 / 0.45, 0.75 / 0.55])
    assert factors_of([0.9, 0.1, 0.0], [0.0, 0.1, 0.9], 0.2) == pytest.approx([0.05, 1.0, 4.6])
    assert factors_of([0.2, 0.0, 0.8], [0.4, 0.0, 0.6], 0.5)[1:] == pytest.approx([4 / 3, 4 / 3])


def test_no_slower_asks_beyond_every_bound():
    assert no_slower([5.0, 3.0, 2.0], [0.5, 0.3, 0.2])
    assert not no_slower([5.0, 2.0, 3.0], [0.5, 0.3, 0.2])
    assert not no_slower([4.0, 4.0, 2.0], [0.5, 0.3, 0.2])


def test_polls_add_up():
    assert together(None, 3.0) == 3.0
    assert together(2.0, 3.0) == 5.0
    assert together((1.0, 2.0), (3.0, 4.0)) == (4.0, 6.0)
    assert sqrt(together(7.0, 2.0)) == 3.0
