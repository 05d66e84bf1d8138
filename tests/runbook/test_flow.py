"""The split that really flows, held against the one that was asked for."""

import pytest

from fakes import FakeClock
from releasegate.ledger.event import STAGES
from releasegate.metrics.port import Poll
from releasegate.policy.load import load_policy
from releasegate.runbook.flow import Served, measure, starved_below
from service import Service
from worlds import GOOD, POLICY, STEPS, Flow, MemoryTraffic

CANARY = load_policy(POLICY, "releasegate.yaml", {}).canary


@pytest.mark.parametrize(
    ("asked", "baseline", "canary", "text"),
    [
        (0.05, 950, 50, "5.0% (3.8% to 6.5%) of 1000 requests"),
        (0.05, 970, 30, "3.0% (2.1% to 4.3%) of 1000 requests"),
        (0.05, 990, 10, "1.0% (0.5% to 1.8%) of 1000 requests, LOOK: 5% was asked for"),
        (0.05, 99, 1, "1.0% (0.2% to 5.4%) of 100 requests"),
        (0.05, 850, 150, "15.0% (12.9% to 17.3%) of 1000 requests, LOOK: 5% was asked for"),
        (0.5, 400, 600, "60.0% (56.9% to 63.0%) of 1000 requests"),
        (0.5, 200, 800, "80.0% (77.4% to 82.4%) of 1000 requests, LOOK: 50% was asked for"),
        (1.0, 5, 995, "99.5% (98.8% to 99.8%) of 1000 requests"),
        (1.0, 50, 950, "95.0% (93.5% to 96.2%) of 1000 requests, LOOK: 100% was asked for"),
        (0.0, 950, 50, "5.0% (3.8% to 6.5%) of 1000 requests, LOOK: 0% was asked for"),
        (1.0, 0, 0, "not measured: no request was counted"),
    ],
)
def test_a_share_is_astray_where_its_whole_interval_is(asked, baseline, canary, text):
    assert Served(asked, baseline, canary).told(0.5) == text


def test_the_margin_is_the_policys():
    assert starved_below(CANARY) == 0.5
    policy = POLICY.replace(b"  slis:\n", b"  slis:\n    rate: {throughput: requests_total, starved-below: 90%}\n")
    assert starved_below(load_policy(policy, "releasegate.yaml", {}).canary) == 0.9
    assert Served(0.05, 960, 40).told(0.9) == "4.0% (3.0% to 5.4%) of 1000 requests"
    assert Served(0.05, 9600, 400).told(0.9) == "4.0% (3.6% to 4.4%) of 10000 requests, LOOK: 5% was asked for"


class Stuck(Flow):
    """Counts of a service of which some users never get what was asked for."""

    share = 0.3

    def __init__(self, traffic):
        stuck = MemoryTraffic()
        stuck.weight = min(self.share, traffic.weight)
        super().__init__(stuck, GOOD)


def test_it_is_told_after_each_change_and_ends_nothing(tmp_path):
    service = Service(tmp_path, policy=STEPS)
    result, _ = service.roll_out(counts=lambda: Stuck(service.traffic))
    text = {stage.id: stage.text for stage in result.stages}
    assert (result.exit_code, list(text)) == (0, list(STAGES)), result.failed
    assert text["watch"].endswith(
        "; measured: 5.0% (4.7% to 5.3%) of 20000 requests, then 5.0% (4.7% to 5.3%) of 20000 requests, LOOK: 25% was "
        "asked for, then 5.0% (4.7% to 5.3%) of 20000 requests, LOOK: 50% was asked for"
    )
    assert text["complete"].endswith("; measured: 30.0% (29.1% to 30.9%) of 10000 requests, LOOK: 100% was asked for")
    assert "; the split is 0; no request reached the canary any more, 10 s after the change; " in text["settle"]


def test_it_is_waited_for_until_everybody_has_the_change():
    clock, traffic = FakeClock(), MemoryTraffic()

    class Late(Flow):
        def advance(self, at):
            traffic.weight = 1.0 if len(clock.slept) > 2 else 0.05
            return super().advance(at)

    assert measure(CANARY, Late(traffic, GOOD), clock, 1.0) == "measured: 100.0% (100.0% to 100.0%) of 10000 requests"
    assert clock.slept == [10, 10, 10]


def test_where_nothing_is_counted_it_is_not_measured():
    clock = FakeClock()

    class Silent(Flow):
        def advance(self, _):
            return Poll({}, {"errors/canary": "Prometheus does not answer"})

    text = measure(CANARY, Silent(MemoryTraffic(), GOOD), clock, 1.0)
    assert (text, sum(clock.slept)) == ("not measured: no request was counted", 60)
