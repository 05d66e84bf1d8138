"""Few events, or costs below one: they are counts like any other, and the judge's parts answer by them."""

from math import inf

import pytest
from canaries import header, judged

from releasegate.canary.gauge import GaugeMonitor
from releasegate.canary.histogram import HistogramMonitor
from releasegate.canary.judge import Decision
from releasegate.canary.limit import Above
from releasegate.canary.mean import MeanMonitor, Spread
from releasegate.canary.monitor import Moment
from releasegate.canary.ratio import lay_out
from releasegate.canary.recording import DETECT, Line
from releasegate.canary.sli import Kind, Limit, SliSpec

POLL = Moment(weight=0.05, seconds=15.0, elapsed=1 / 120, warming=False)
BOUNDS = (0.1, 0.5, 1.0)


def first_outage(before, shape):
    """How many requests that are spread as `shape` are the first to be called an outage; None below 500."""
    monitor = HistogramMonitor(BOUNDS, 1.0, None)
    counts = ((n, tuple(n * share for share in shape)) for n in range(1, 500))
    return next((n for n, recent in counts if monitor.outage(before, recent)), None)


@pytest.mark.parametrize(
    ("before", "shape", "first"),
    [
        ((20.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), None),
        ((60.0, 10.0, 5.0, 5.0), (0.0, 0.0, 0.0, 1.0), 54),
        ((60.0, 10.0, 5.0, 5.0), (0.2, 0.2, 0.3, 0.3), 274),
        ((200.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), 73),
        ((200.0, 50.0, 20.0, 5.0), (0.0, 0.0, 0.0, 1.0), 21),
        ((700.0, 200.0, 90.0, 10.0), (0.2, 0.2, 0.3, 0.3), 51),
        ((700.0, 200.0, 90.0, 10.0), (1.0, 0.0, 0.0, 0.0), None),
    ],
)
def test_how_many_slow_requests_are_an_outage(before, shape, first):
    assert first_outage(before, shape) == first


def test_without_a_limit_the_level_is_the_bound_below_which_nineteen_in_twenty_are():
    monitor = HistogramMonitor(BOUNDS, 1.0, None)
    levels = [monitor._level(shares, 100.0, {}) for shares in ((0.96, 0.02, 0.01, 0.01), (0.5, 0.45, 0.04, 0.01))]
    assert levels == [0.1, 0.5]
    assert monitor._level((0.1, 0.1, 0.1, 0.7), 100.0, {}) == 1.0  # above all bounds, the largest stands for it


def test_no_lower_bound_is_zero_and_no_upper_bound_is_none():
    monitor = HistogramMonitor(BOUNDS, 1.0, None)
    monitor.update((0.0, 0.0, 0.0, 20.0), (1.0, 0.0, 0.0, 0.0), POLL)
    low, estimate, _ = monitor.interval()
    assert (low, estimate < 0.1) == (0.0, True)
    monitor = HistogramMonitor(BOUNDS, 1.0, None)
    monitor.update((20.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), POLL)
    assert monitor.interval()[2] is None


def test_single_events_say_how_costs_vary():
    spread = Spread()
    spread.add(0.25, 1.0)
    spread.add(0.75, 1.0)
    # Two means that are half of their average away from it: (0.5 / 0.5)^2 / 2, beside what is assumed.
    assert spread.value == pytest.approx((2 * 16 + 0.5) / 3)


def test_a_single_event_that_costs_little_is_judged():
    monitor = MeanMonitor(1.0, 0.01)
    monitor.update((0.5, 1.0), (5.0, 1.0), POLL)
    worse, above = (part.process.value for part in monitor.parts)
    assert worse != 1.0
    assert above > 1.0
    shown = monitor.detectable({"worse": -4.0, "limit": -4.0})  # one event shows anything only where nothing is asked
    assert (shown.ratio, shown.level) == pytest.approx((0.02, 0.01), rel=0.01)
    assert monitor.interval()[1] == pytest.approx(10.0)


def test_a_level_below_one_is_compared_and_one_of_nothing_is_not():
    for level, compared in ((0.001, True), (0.0, False), (-1.0, False)):
        monitor = GaugeMonitor(1.0, None, compare=True)
        assert monitor.interval() is None
        for _ in range(40):
            monitor.update(level, level, POLL)
        assert (monitor.interval() is not None) is compared


def test_a_single_event_can_be_above_a_limit():
    above = Above(0.05)
    assert above.detectable(0.0, 1.0, 4.6) == inf
    assert above.detectable(1.0, 1.0, 4.6) > 10 * above.detectable(100.0, 1.0, 4.6)


def test_too_few_errors_for_anything_are_left_to_the_boldest_alternative():
    assert lay_out(1e-6, 1.0, 0.05, 1.0) == (32.0,)


def test_a_latency_limit_that_would_have_shown_makes_up_for_a_factor_that_would_not():
    assert HistogramMonitor(BOUNDS, 1.0, Limit(0.5, 0.9)).ceiling == pytest.approx(0.1)
    slow = {"baseline": (40.0, 3.0, 0.0, 0.0), "canary": (40.0, 3.0, 0.0, 0.0)}
    said = {}
    for limit in (None, Limit(0.5, 0.9)):
        slis = {"duration": SliSpec(Kind.HISTOGRAM, bounds=BOUNDS, limit=limit)}
        lines = [Line(15.0 * number, {"duration": slow}) for number in range(1, 21)]
        said[limit is not None] = judged(header(slis, window=300.0, detect={**DETECT, Kind.HISTOGRAM: 1.001}), lines)
    assert {limited: judgement.decision for limited, judgement in said.items()} == {
        False: Decision.INCONCLUSIVE, True: Decision.PROMOTE,
    }  # fmt: skip
