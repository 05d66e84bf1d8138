"""Whole answers of the judge's parts on a few polls, reckoned here a second time by their formulas."""

from math import exp, inf, log, sqrt

import pytest
from canaries import header, judged, steady

from releasegate.canary.backtest import Stretch, planned
from releasegate.canary.dispersion import Dispersion
from releasegate.canary.gauge import CAUTION, FLOOR, GaugeMonitor
from releasegate.canary.judge import Decision, Judge
from releasegate.canary.mean import MeanMonitor, Spread
from releasegate.canary.mixture import LATE as LATE_OF_A_RATIO
from releasegate.canary.monitor import Detectable, Moment
from releasegate.canary.power import Plan
from releasegate.canary.ratio import FACTORS as FACTORS_OF_A_RATIO
from releasegate.canary.ratio import RatioMonitor, slopes
from releasegate.canary.recording import DETECT, Line, Recording
from releasegate.canary.rules import Minute, minutes
from releasegate.canary.sequence import radius
from releasegate.canary.sli import Kind, SliSpec
from releasegate.canary.slower import carried
from releasegate.canary.throughput import FACTORS, LATE, ThroughputMonitor

POLL = Moment(weight=0.05, seconds=15.0, elapsed=1 / 120, warming=False)


def both(end=120, **slis):
    """Lines that hold several SLIs, each with its counts of the baseline and of the canary."""
    for number in range(-60, end + 1):
        tracks = ("baseline",) if number <= 0 else ("baseline", "canary")
        yield Line(15.0 * number, {name: dict(zip(tracks, counts, strict=False)) for name, counts in slis.items()})


@pytest.mark.parametrize("critical", [True, False])
def test_at_the_end_each_sli_says_for_itself_whether_enough_was_seen(critical):
    slis = {"errors": SliSpec(Kind.RATIO), "rare": SliSpec(Kind.RATIO, critical=critical)}
    judgement = judged(header(slis), both(errors=((14, 2850), (1, 150)), rare=((0, 2850), (0, 150))))
    assert judgement.decision is (Decision.INCONCLUSIVE if critical else Decision.PROMOTE)
    assert {name: sli.decision for name, sli in judgement.slis.items()} == {
        "errors": Decision.PROMOTE, "rare": Decision.INCONCLUSIVE,
    }  # fmt: skip


def test_what_is_said_of_an_abort_holds_the_moment_and_the_weight():
    judge = Judge(header())
    said = [judge.observe(line) for line in steady("errors", (14, 2850), (40, 150), end=2)]
    assert (said[-1].decision, said[-1].t, said[-1].weight, said[-1].cause) == (Decision.ABORT, 15.0, 0.05, "worse")


def test_early_promotes_where_the_upper_bound_falls_below_what_was_asked_of_that_kind():
    judge = Judge(header(early=True, weight=0.5, detect={**DETECT, Kind.RATIO: 1.5}))
    seen = []
    for line in steady("errors", (15, 1500), (17, 1500)):
        said = judge.observe(line)
        seen += [said.slis["errors"]] if line.t > 0 else []
        if said.decision is not Decision.CONTINUE:
            break
    assert (said.decision, said.t < 1800) == (Decision.PROMOTE, True)
    *before, last = [sli.ratio[2] or inf for sli in seen]
    assert last < 1.5 <= min(before)
    assert any(sli.detectable.ratio <= 1.5 for sli in seen[:-1])  # it is not what could be shown that it waited for


def test_without_an_upper_bound_nothing_is_promoted_early():
    judge = Judge(header({"cost": SliSpec(Kind.MEAN)}, early=True, window=1.8e6, detect={**DETECT, Kind.MEAN: 1e9}))
    said = [judge.observe(line) for line in both(1, cost=((1.0, 1.0), (1.0, 1.0)))]
    assert said[-1].decision is Decision.CONTINUE
    assert said[-1].slis["cost"].ratio == (0.0, 1.0, None)


def test_a_mean_is_an_outage_at_twice_the_history_and_three_standard_errors():
    monitor = MeanMonitor(1.0, None)
    # One event varies by 4 times its mean: three standard errors of 144 events are just as much as the mean.
    assert monitor.outage((50.0, 100.0), (288.0, 144.0))
    assert not monitor.outage((50.0, 100.0), (287.0, 144.0))
    assert monitor.outage((0.5, 1.0), (288.0, 144.0))
    # Of a single event they are 12 times as much.
    assert monitor.outage((1.0, 2.0), (13.0, 1.0))
    assert not monitor.outage((1.0, 2.0), (12.9, 1.0))


@pytest.mark.parametrize(
    ("baseline", "limit", "level"),
    [(10.0, 100.0, 100.0), (10.0, 200.0, 200.0), (1000.0, 100.0, 1000.0), (0.2, None, 0.2), (0.0, None, 1e-9)],
)
def test_a_level_that_does_not_wander_is_known_to_a_part_of_itself_or_of_its_limit(baseline, limit, level):
    monitor = GaugeMonitor(1.0, limit, compare=True)
    for _ in range(20):
        monitor.calibrate(baseline, 15.0)
    while not monitor._blocks:
        monitor.update(baseline, baseline, POLL)
    polls, memory = monitor._sums[2], 9  # of a level that never changes: its polls were assumed to be alike to 0.8
    usual = monitor._usual.polls - 1  # the block is judged before its last poll is learned from
    error = FLOOR * level * (1 + CAUTION * sqrt(memory / (2 * usual))) * sqrt(memory / polls)
    shown = monitor.detectable({"worse": 5.0}).level
    assert shown - baseline == pytest.approx(radius(polls / 120) * error, rel=1e-6)


@pytest.mark.parametrize(("step", "wider"), [(0.5, 2.0), (0.0, 1.0)])
def test_a_canary_that_wanders_more_is_known_less_well(step, wider):
    monitor = GaugeMonitor(1.0, 100.0, compare=True)
    for number in range(40):
        monitor.calibrate(10.0 + step * (number % 2), 15.0)
    for number in range(40):
        monitor._trial.add(10.0 + 2 * step * (number % 2))
    usual, canary = monitor._errors(10)
    assert canary / usual == pytest.approx(wider)


@pytest.mark.parametrize(("most", "level"), [(0.5, 0.0625), (40.0, None)])
def test_the_share_that_would_have_starved(most, level):
    monitor = ThroughputMonitor(0.5)
    monitor.update(1.0, 0.0, POLL)
    share = 0.5 * 0.05
    up, down = log(FACTORS[0]), log((1 - FACTORS[0] * share) / (1 - share))
    # As much evidence as so many requests of the canary take away from the mildest alternative, the last to go.
    start = (-up * most - down) / 3.0
    line = log((1 - LATE) / len(FACTORS)) - start
    half = 1.2816 * sqrt(3.0) / 2
    expected = level or (sqrt(half**2 + most) - half) ** 2
    shown = monitor.detectable({"starved": line})
    assert (shown.ratio, shown.level) == pytest.approx((share / expected, expected))


def test_a_share_needs_requests_of_the_baseline():
    monitor = ThroughputMonitor(0.5)
    monitor.update(0.0, 5.0, POLL)
    assert monitor.interval() is None
    assert monitor.detectable({"starved": 1.0}) == Detectable(None, None)
    monitor.update(1.0, 0.0, POLL)
    assert monitor.interval()[1] == pytest.approx(5 / (0.05 * 6))


def test_more_than_all_requests_cannot_be_bad():
    # Such canaries would need 1.4 bad requests in one.
    assert Plan(0.03, 0.005).detectable() is None
    assert Plan(0.05, 0.005).detectable() == pytest.approx(168.27, abs=0.01)
    assert Plan(200.0, 0.005).weight_for(2.0) == pytest.approx(0.01727, abs=0.00001)


def test_a_minute_begins_after_the_split_and_a_poll_without_a_pair_counts_nothing():
    lines = (
        Line(0.0, {"errors": {"baseline": (9.0, 9.0), "canary": (9.0, 9.0)}}),
        Line(0.5, {"errors": {"baseline": (1.0, 10.0), "canary": (2.0, 3.0)}}),
        Line(60.0, {"errors": {"canary": (1.0, 4.0)}}),
        Line(75.0, {"errors": {"baseline": (1.0, 10.0)}}),
    )
    assert minutes(Recording(header(), lines)) == [(1, Minute(3.0, 7.0, 1.0, 10.0)), (2, Minute(0.0, 0.0, 1.0, 10.0))]


def test_a_plan_of_the_past_is_made_for_the_canary_that_is_planned():
    past = [Stretch((10, 20, 30, 40), {"a": [(3.0, 300.0)] * 4})]
    plan = planned(past, header(window=40.0, interval=10.0, false_abort=0.05))
    assert (plan.window, plan.interval, plan.false_abort, plan.weight) == (40.0, 10.0, 0.05, 0.05)
    assert (plan.rate, plan.errors) == (30.0, 0.01)
    rare = [Stretch((10,), {"a": [counts]}) for counts in ((0.0, 0.5), (0.0, 0.25), (0.25, 0.25))]
    assert planned(rare, header(interval=10.0)).errors == 0.25  # of all requests, since most stretches had none


def test_while_there_is_only_history_nothing_was_seen_yet():
    said = [Judge(header()).observe(line) for line in steady("errors", (14, 2850), (1, 150), end=0)]
    assert {(each.decision, each.reason, each.slis["errors"].cause) for each in said} == {
        (Decision.CONTINUE, "nothing was seen yet", "worse")
    }


@pytest.mark.parametrize(("last", "decision"), [(90, Decision.PROMOTE), (89, Decision.INCONCLUSIVE)])
def test_a_quarter_of_the_window_without_counts_is_just_not_too_long(last, decision):
    lines = [
        *steady("errors", (14, 2850), (1, 150), end=last),
        *(Line(15.0 * poll, {}) for poll in range(last + 1, 121)),
    ]
    judgement = judged(header(), lines)
    assert judgement.decision is decision
    if decision is Decision.INCONCLUSIVE:
        assert judgement.reason == "errors: no counts of both tracks since 1335 s"


def test_one_request_and_one_error_are_enough_to_be_compared():
    monitor = RatioMonitor(1.0, None)
    monitor.update((0.0, 1.0), (1.0, 1.0), POLL)
    # Of one request of each track it was the canary's that failed: how likely that is, for clumps of 2.
    worse = [slopes(1.0, 2.0, factor)[0] for factor in FACTORS_OF_A_RATIO]
    kept = LATE_OF_A_RATIO * (1 - 1 / 120)
    grown = sum(exp(term) for term in worse) / len(worse) * (1 - LATE_OF_A_RATIO + LATE_OF_A_RATIO / 120)
    assert monitor.parts[0].process.value == pytest.approx(kept + grown)
    low, estimate, high = monitor.interval()
    assert (low, estimate, high) == (0.0, None, None)
    learned = Dispersion()
    learned.add((1.0,), 1.0)
    learned.add((0.0,), 1.0)
    assert learned.pairs == 1


def test_costs_of_nothing_say_nothing_of_how_they_vary():
    spread = Spread()
    before = spread.value
    spread.add(0.0, 5.0)
    spread.add(0.0, 5.0)
    assert spread.value == before


def test_a_bucket_without_requests_goes_to_the_last():
    assert carried([0.5, 0.5, 0.0], [0.5, 0.25, 0.25]) == [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]]
