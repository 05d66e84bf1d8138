"""A rollback sends users to a baseline that answers its health check, and leaves them where they are if it does not."""

import threading

import pytest

from releasegate.errors import OutsideError
from releasegate.ledger.state import fold
from releasegate.runbook import health
from releasegate.runbook.outside import Page
from releasegate.runbook.rollout import Order
from service import Service
from service import told as told_of
from worlds import LIVE, POLICY, kinds

PAGES = b'health: {baseline: "http://127.0.0.1:1/old", canary: "http://127.0.0.1:1/new"}, '
HEALTH = POLICY.replace(b"traffic: {", b"traffic: {" + PAGES)
DEAD = "the baseline does not answer its health check: status 503"


class Pages:
    """Health pages of which some are down, and come up when something is deployed there."""

    def __init__(self, shop, *down, mended=True):
        self.shop, self.down, self.mended, self.asked = shop, set(down), mended, []

    def __call__(self, url):
        page = url.rpartition("/")[2]
        self.asked.append(page)
        up = page not in self.down or (self.mended and page == "old" and "baseline" in self.shop.deployed)
        return Page(200 if up else 503, "ok")


@pytest.fixture
def service(tmp_path):
    """A canary that has its first share of the traffic."""
    service = Service(tmp_path / "documents", policy=HEALTH)
    assert service.roll_out(order=Order(until="canary"))[0].exit_code == 0
    return service


def roll_back(service, pages, **request):
    result = service.roll_back(service.world(fetch=pages), **request)
    return result, told_of(result)


def test_a_baseline_that_is_down_gets_the_last_known_good_release_before_it_gets_users(service):
    result, told = roll_back(service, Pages(service.shop, "old"))
    assert (result.exit_code, result.headline) == (0, "traffic is back, and every step held"), told
    first = f"0% in memory; LOOK: {DEAD}, so v1.0.0 is there (deploy) first"
    assert (told["flip"], told["deploy"]) == (("done", first), ("done", "v1.0.0 is there (deploy), before the flip"))
    assert (service.shop.deployed["baseline"], service.traffic.weight) == (LIVE, 0)
    found = kinds(service.world())
    assert found.index("rollback.started") < found.index("traffic.lowered")


def test_one_that_stays_down_keeps_the_users_where_they_are_until_it_is_forced(service):
    pages = Pages(service.shop, "old", mended=False)
    result, told = roll_back(service, pages)
    assert (result.exit_code, result.traffic_is_back, service.traffic.weight) == (4, False, 0.05)
    assert result.headline == f"TRAFFIC STAYS WHERE IT IS: {DEAD}; v1.0.0 is there (deploy): {DEAD}; it gets no traffic"
    assert told["return"][1] == "there is nothing to see: traffic stays where it is; see the first step"
    state = fold(service.world().journal.events(), service.world().subject())
    assert (state.rollback is not None, state.split.weight) == (True, 0.05)
    result, told = roll_back(service, pages, force=True)
    assert (result.traffic_is_back, service.traffic.weight) == (True, 0)
    assert told["flip"] == ("done", f"0% in memory; LOOK: {DEAD}")
    assert fold(service.world().journal.events(), service.world().subject()).rollback is None


def test_run_again_once_it_is_mended_it_goes_through(service):
    pages = Pages(service.shop, "old", mended=False)
    roll_back(service, pages)
    pages.down.clear()
    result, told = roll_back(service, pages)
    assert (result.exit_code, told["flip"], service.traffic.weight) == (0, ("done", "0% in memory"), 0)
    assert kinds(service.world()).count("rollback.started") == 1


def test_the_traffic_alone_stays_too_and_says_what_to_do(service):
    result, told = roll_back(service, Pages(service.shop, "old"), traffic_only=True)
    assert (result.exit_code, service.traffic.weight, service.shop.deployed.get("baseline")) == (4, 0.05, None)
    assert told["flip"] == (
        "failed",
        (
            f"traffic STAYS where it is: {DEAD}; `releasegate rollback` deploys the last known good release there "
            "first, and then flips; mend it and run this again; `--force` flips although it is so"
        ),
    )
    assert fold(service.world().journal.events(), service.world().subject()).rollout is not None


def test_where_the_canary_is_down_as_well_nothing_is_made_worse(service):
    result, told = roll_back(service, Pages(service.shop, "old", "new"), traffic_only=True)
    assert (result.traffic_is_back, service.traffic.weight) == (True, 0)
    assert told["flip"] == ("done", f"0% in memory; LOOK: {DEAD}")


def test_a_page_that_fails_once_stops_nothing(service):
    answers = [Page(503, ""), Page(200, "")]

    def flaky(url):
        return answers.pop(0) if url.endswith("old") and len(answers) > 1 else Page(200, "ok")

    result, told = roll_back(service, flaky, traffic_only=True)
    assert (result.exit_code, told["flip"]) == (0, ("done", "0% in memory"))


@pytest.mark.parametrize(("only", "weight"), [(True, 0), (False, 0.05)])
def test_a_page_that_hangs_is_waited_for_as_long_as_there_is_time(service, monkeypatch, only, weight):
    """Where every second counts it is flipped; where it would be deployed first, silence is taken for death."""
    monkeypatch.setattr(health, "QUICK", 0.05)
    monkeypatch.setattr(health, "PATIENT", 0.05)
    over = threading.Event()

    def hangs(url):
        if url.endswith("old"):
            over.wait()
        return Page(200, "ok")

    service.shop.broken.add("deploy")
    try:
        result, told = roll_back(service, hangs, traffic_only=only)
    finally:
        over.set()
    assert (result.traffic_is_back, service.traffic.weight) == (weight == 0, weight), told
    if not only:
        silent = "the baseline does not answer its health check within 0.05 s"
        assert told["flip"][1].startswith(
            f"traffic STAYS where it is: {silent}; deploying: deploy exited 1: no; mend it"
        )


def test_a_router_that_does_not_answer_leaves_the_rollback_unfinished(service):
    """The ledger does not say that users are back where they are not."""
    flip, pages = service.traffic.set_weight, Pages(service.shop)

    def away(*_, **__):
        raise OutsideError("HAProxy does not answer")

    service.traffic.set_weight = away
    result, told = roll_back(service, pages)
    assert (result.exit_code, told["flip"]) == (4, ("failed", "HAProxy does not answer"))
    assert result.headline == "TRAFFIC IS NOT BACK: set the split to 0 by hand, now"
    state = fold(service.world().journal.events(), service.world().subject())
    assert (state.rollback is not None, state.split.weight, service.traffic.weight) == (True, 0.05, 0.05)
    service.traffic.set_weight = flip
    result, _ = roll_back(service, pages)
    assert (result.exit_code, service.traffic.weight) == (0, 0)
    state = fold(service.world().journal.events(), service.world().subject())
    assert (state.rollback, state.split.weight, state.live) == (None, 0, LIVE)


def test_without_a_page_it_flips_and_asks_nobody(tmp_path):
    service = Service(tmp_path / "documents", policy=POLICY)
    service.roll_out(order=Order(until="canary"))
    pages = Pages(service.shop, "old")
    result, told = roll_back(service, pages, traffic_only=True)
    assert (result.exit_code, told["flip"], pages.asked) == (0, ("done", "0% in memory"), [])
