"""A backtest on a few polls that can be followed by hand: which counts are the canary's, and the whole document."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from releasegate.canary.backtest import Backtest, Release, Stretch, judge_release, planned, pseudo_canary
from releasegate.canary.judge import Decision
from releasegate.canary.power import Plan
from releasegate.canary.recording import Header, Line, Recording
from releasegate.canary.rules import parse_rule
from releasegate.canary.sli import Kind, SliSpec

TIMES = (-15, 0, 1, 15, 30)


def header(weight):
    return Header("x", datetime(2026, 1, 1, tzinfo=UTC), 15, 30, weight, {"errors": SliSpec(Kind.RATIO)})


def drawn(*numbers):
    return iter(numbers).__next__


def lines(recording):
    return [(line.t, dict(line.counts["errors"])) for line in recording.lines]


EVEN = Stretch(TIMES, {"a": [(1, 10)] * 5, "b": [(0, 20)] * 5, "c": [(2, 70)] * 5})
HISTORY = [(-15, {"baseline": (3.0, 100.0)}), (0, {"baseline": (3.0, 100.0)})]


def test_a_pod_whose_share_is_the_weight_is_the_canary():
    # The pods are drawn in the order b, a, c: b has 20% of the requests, and any other would lead away from 20%.
    recording = pseudo_canary(EVEN, header(0.2), drawn(0.5, 0.1, 0.9))
    assert recording.header == header(0.2)
    rest = {"baseline": (3.0, 80.0), "canary": (0.0, 20.0)}
    assert lines(recording) == [*HISTORY, (1, rest), (15, rest), (30, rest)]


def test_pods_are_added_while_that_comes_closer_to_the_weight():
    # b, then a: 30%, of which a weight of 21% is not two thirds, so that both stay whole.
    recording = pseudo_canary(EVEN, header(0.29), drawn(0.5, 0.1, 0.9))
    rest = {"baseline": (2.0, 70.0), "canary": (1.0, 30.0)}
    assert (recording.header.weight, lines(recording)[2:]) == (pytest.approx(0.3), [(t, rest) for t in (1, 15, 30)])


def test_a_second_pod_that_is_as_far_beyond_the_weight_as_the_first_is_below_is_not_taken():
    recording = pseudo_canary(EVEN, header(0.15), drawn(0.1, 0.5, 0.9))  # a has 10%, a and b have 30%
    assert recording.header.weight == pytest.approx(0.1)
    halfway = Stretch((15,), {"a": [(0, 1)], "b": [(0, 2)], "c": [(0, 5)]})  # a: an eighth, with b: three of them
    assert pseudo_canary(halfway, header(0.25), drawn(0.1, 0.5, 0.9)).header.weight == 0.125


def test_one_and_a_half_times_the_weight_stays_whole_and_what_is_above_gives_back_a_part():
    whole = Stretch((15,), {"a": [(0, 3)], "b": [(0, 13)]})  # 3/16 of a planned 1/8
    assert pseudo_canary(whole, header(0.125), drawn(0.1, 0.5)).header.weight == 0.1875
    above = Stretch((15,), {"a": [(4, 16)], "b": [(0, 48)]})  # a quarter of the requests, of which half is planned
    # Clumps of 1, 2 and 1 errors, of which the second is drawn below a half; of 16 requests half and 0.3 of one.
    recording = pseudo_canary(above, header(0.125), drawn(0.1, 0.9, 0.0, 0.5, 0.6, 0.49, 0.0, 0.7, 0.3))
    assert (recording.header.weight, lines(recording)) == (
        0.125, [(15, {"baseline": (2.0, 56.0), "canary": (2.0, 8)})],
    )  # fmt: skip


def test_the_requests_that_are_taken_are_at_least_the_errors_and_at_most_all():
    failing = Stretch((15,), {"a": [(2, 2)], "b": [(0, 6)]})
    recording = pseudo_canary(failing, header(0.125), drawn(0.1, 0.9, 0.6, 0.1, 0.0))
    assert lines(recording) == [(15, {"baseline": (0.0, 6.0), "canary": (2.0, 2.0)})]


def test_a_pod_without_requests_is_never_the_canary():
    # All requests are those of b, which gives a tenth back so that there is a baseline.
    recording = pseudo_canary(Stretch((15,), {"a": [(0, 0)], "b": [(0, 4)]}), header(0.9), drawn(0.1, 0.0))
    assert (recording.header, lines(recording)) == (header(0.9), [(15, {"baseline": (0.0, 1.0), "canary": (0.0, 3)})])
    nobody = pseudo_canary(Stretch((15,), {"a": [(0, 0)]}), header(0.9), drawn(0.0))
    assert (nobody.header, lines(nobody)) == (header(0.9), [(15, {"baseline": (0.0, 0.0), "canary": (0.0, 0)})])


def test_more_errors_than_requests_are_read_as_all_of_them():
    assert Stretch((15,), {"a": [(3, 2)], "b": [(1, 4)]}).sums() == [(4.0, 6.0)]
    with pytest.raises(ValueError, match="shorter"):
        Stretch((15,), {"a": [(3, 2)], "b": []}).sums()


def recorded(weight, *polls):
    made = [Line(t, {"errors": {"baseline": (0.0, 100.0), "canary": counts}}) for t, counts in polls]
    return Recording(header(weight), tuple(made))


def test_a_release_is_what_its_canary_showed():
    rules = (parse_rule("errors > 50%"), parse_rule("errors > 90%"))
    release = judge_release(1e9, recorded(0.2, (-1, (9.0, 9.0)), (1, (20.0, 100.0)), (15, (40.0, 100.0))), rules)
    assert release == Release(1e9, 0.3, Decision.ABORT, 15, (None, None), 0.2)
    quiet = judge_release(0.0, recorded(0.1, (15, (0.0, 0.0)), (30, (0.0, 0.0))), ())
    assert quiet == Release(0.0, 0.0, Decision.INCONCLUSIVE, None, (), 0.1)


def steady(bad, total, polls=4):
    return Stretch(tuple(range(15, 15 * polls + 1, 15)), {"a": [(bad, total)] * polls})


def test_the_plan_is_that_of_the_middle_stretch():
    plan = planned([steady(3, 300), steady(6, 150), steady(9, 9000), steady(0, 0)], header(0.2))
    # Shares of errors 1%, 4% and 0.1%; requests a second 20, 10, 600 and 0.
    assert replace(plan, dispersion=1.0) == Plan(15.0, 0.01, weight=0.2, window=30, interval=15, false_abort=0.01)
    assert plan.dispersion == pytest.approx(29 / 28)


def test_where_most_stretches_have_no_error_their_average_counts():
    plan = planned([steady(0, 300), steady(0, 300), steady(3, 300)], header(0.2))
    assert plan.errors == pytest.approx(1 / 300)
    assert planned([steady(0, 300), steady(0, 0)], header(0.2)) is None
    assert planned([steady(300, 300)], header(0.2)) is None


def test_the_document():
    plan = Plan(200.0, 0.005, weight=0.05, dispersion=1.5)
    releases = (
        Release(100.0, 0.25, Decision.ABORT, 30.0, (60.0, None), 0.05),
        Release(200.0, 0.125, Decision.PROMOTE, None, (45.0, 90.0), 0.06),
        Release(300.0, 0.0, Decision.INCONCLUSIVE, None, (None, None), 0.05),
        Release(400.0, 0.0, Decision.INCONCLUSIVE, None, (15.0, None), 0.05),
    )
    rules = (parse_rule("errors > 1%"), parse_rule("errors > 5%, 3 failures"))
    backtest = Backtest(rules, releases, plan, 13.5, 4, ("shorter than asked",))
    assert backtest.document(2.0) == {
        "schema": "releasegate/backtest/1",
        "days": 13.5,
        "releases": 4,
        "pods": 4,
        "requests": 200.0,
        "errors": 0.005,
        "dispersion": 1.5,
        "weight": 0.05,
        "window": 1800.0,
        "rules": [{"rule": "errors > 1%", "aborted": 3}, {"rule": "errors > 5%, 3 failures", "aborted": 1}],
        "releasegate": {"aborted": 1, "inconclusive": 2},
        "detectable": plan.detectable(),
        "catch": {"ratio": 2.0, "weight": plan.weight_for(2.0), "window": plan.window_for(2.0)},
        "notes": ["shorter than asked"],
        "each": [
            {
                "start": release.start,
                "weight": release.weight,
                "errors": release.errors,
                "decision": release.decision.value,
                "decided_at": release.decided_at,
                "rules": list(release.rules),
            }
            for release in releases
        ],
    }
    assert None not in {plan.detectable(), plan.weight_for(2.0), plan.window_for(2.0)}
    assert Backtest(rules, (), plan, 1, 1).document(2.0)["notes"] == []
