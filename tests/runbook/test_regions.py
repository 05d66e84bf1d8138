"""Regions are policies with environments of their own, rolled out in order: one candidate and one ledger, unmixed."""

import pytest

from releasegate.errors import NotNowError
from releasegate.ledger.state import fold
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order, Rollout
from service import Service
from worlds import BAD, LIVE, POLICY, MemoryTraffic, Shop, next_candidate

EU, US = (POLICY.replace(b"environment: test", b"environment: production-" + name) for name in (b"eu", b"us"))


class Region(Service):
    """One region of a service: traffic and deploys of its own, the repository and its ledger shared."""

    def __init__(self, folder, policy, first=None):
        if first is None:
            super().__init__(folder, policy=policy)
            return
        self.folder, self.options, self.runs = folder, {"policy": policy}, 0
        self.clock, self.forge, self.tag = first.clock, first.forge, first.tag
        self.shop, self.traffic = Shop(), MemoryTraffic()

    def state(self):
        world = self.world()
        return fold(world.journal.events(), world.subject())


@pytest.fixture
def regions(tmp_path):
    first = Region(tmp_path / "eu", EU)
    return first, Region(tmp_path / "us", US, first)


def test_one_candidate_through_two_regions_in_order(regions):
    eu, us = regions
    for region, live in ((eu, ["v1.1.0-rc.1", None]), (us, ["v1.1.0-rc.1", "v1.1.0-rc.1"])):
        result, _ = region.roll_out()
        assert (result.exit_code, result.headline) == (0, "v1.1.0 is live for everybody"), result.failed
        assert region.shop.deployed["baseline"] == "v1.1.0-rc.1"
        assert [each.state().live for each in regions] == live
    assert [tag.commit for tag in eu.forge.tags("v1.1.0")] == [eu.tag.commit]


def test_a_region_that_goes_back_leaves_the_others_alone(regions):
    eu, us = regions
    assert eu.roll_out()[0].exit_code == 0
    result, _ = us.roll_out(errors=BAD)
    assert (result.exit_code, result.rollback.traffic_is_back, us.traffic.weight) == (1, True, 0)
    assert (eu.state().live, eu.state().release("v1.1.0").bad) == ("v1.1.0-rc.1", None)
    assert us.state().release(us.tag.name).bad is not None
    back = Rollback(eu.world(), Request(reason="as in the US"), lambda _: None).run()
    assert (back.exit_code, back.to, eu.state().live) == (0, LIVE, LIVE)


def test_both_may_run_at_once_and_neither_fence_stops_the_other(regions):
    eu, us = regions
    assert eu.roll_out(order=Order(until="canary"))[0].exit_code == 0
    assert us.roll_out(order=Order(until="canary"))[0].exit_code == 0
    with pytest.raises(NotNowError, match=r"v1\.1\.0-rc\.1 is being rolled out since"):
        Rollout(eu.world(), next_candidate(eu.world()), lambda _: None).run()
    assert Rollback(eu.world(), Request(reason="slow"), lambda _: None).run().exit_code == 0
    assert (eu.traffic.weight, us.traffic.weight) == (0, 0.05)
    assert us.roll_out()[0].exit_code == 0
