"""What a rollback leaves, and what it never marks bad."""

from contextlib import nullcontext

import pytest

from releasegate.errors import ForgeError, UsageError
from releasegate.ledger.chain import verify
from releasegate.ledger.state import fold
from releasegate.runbook.aim import nothing_unfinished
from releasegate.runbook.outbox import Outbox
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from service import Service
from worlds import LIVE, kinds


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path / "documents")


def roll_back(service, **request):
    world = service.world()
    return service.roll_back(world, **request), fold(world.journal.events(), world.subject())


def test_after_the_traffic_alone_the_live_release_stays(service):
    service.roll_out(order=Order(until="canary"))
    roll_back(service, traffic_only=True)
    result, state = roll_back(service)
    assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE)
    assert (state.live, state.release(LIVE).bad, state.release("v1.1.0-rc.1").bad) == (LIVE, None, "people complain")
    assert "baseline" not in service.shop.deployed
    again, state = roll_back(service)
    assert (again.leaving, again.to, state.release(LIVE).bad) == ("v1.1.0-rc.1", LIVE, None)


def test_after_an_interrupted_rollout_the_baseline_is_put_back(service):
    def interrupted(command, values):
        text = service.shop(command, values)
        if command[0] == "deploy" and values["track"] == "baseline":
            raise KeyboardInterrupt
        return text

    with pytest.raises(KeyboardInterrupt):
        service.roll_out(shell=interrupted)
    assert (service.shop.deployed["baseline"], service.traffic.weight) == ("v1.1.0-rc.1", 0)
    assert kinds(service.world())[-1] == "rollout.aborted"
    result, state = roll_back(service)
    assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE)
    assert (service.shop.deployed["baseline"], state.live, state.release(LIVE).bad) == (LIVE, LIVE, None)


def test_a_file_in_the_outbox_that_nobody_can_read_is_told_and_stops_nothing(service, tmp_path):
    service.roll_out()
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "x.json").write_text("{")
    world = service.world()
    world.journal.events()
    told = []
    world.journal._outbox = Outbox(tmp_path / "outbox", told.append)
    result = Rollback(world, Request(reason="people complain"), lambda _: None).run()
    assert (service.shop.deployed["baseline"], service.traffic.weight, result.exit_code) == (LIVE, 0, 0)
    assert [line.partition("; ")[2] for line in told] == ["look at it, and move it away"]


FORGED = [
    ("traffic.raised", '{"weight": 1e999}'), ("step.claimed", f'{{"step": "x", "lease": 1{"0" * 400}}}'),
    ("rollback.started", '{"from": 1'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "data"), FORGED)
def test_a_forged_event_stops_no_rollback_and_is_found_by_verify(service, kind, data):
    """What stands in the ledger after it is read as well: the release that is live, and the one to go back to."""
    branch = service.world().journal.branch
    content = f'{{"id": "7{"Z" * 25}", "time": "9999-12-31T23:59:59Z", "kind": "{kind}", "data": {data}}}'
    files = {"events/9999/12/31/x.json": content.encode()}
    service.roll_out()
    service.forge.commit(branch, files, "forged", parent=service.forge.history(branch)[-1].sha)
    world = service.world()
    result = Rollback(world, Request(reason="people complain"), lambda _: None).run()
    assert (result.traffic_is_back, result.to, result.exit_code) == (True, LIVE, 4)
    assert (service.shop.deployed["baseline"], service.traffic.weight) == (LIVE, 0)
    [finding] = [one for one in verify(service.forge.history(branch), []).findings if one.check == "event"]
    assert finding.where.endswith("events/9999/12/31/x.json")


@pytest.mark.parametrize("name", ["v1.1.0", "v1.1.0-rc.1"])
def test_what_is_gone_back_to_is_never_marked_bad(service, name):
    service.roll_out()
    result, state = roll_back(service, to=name)
    assert (result.exit_code, service.shop.deployed["baseline"]) == (0, "v1.1.0")
    assert (state.live, state.release(name).bad) == ("v1.1.0-rc.1", None)
    [mark] = [outcome for outcome in result.outcomes if outcome.id == "mark"]
    assert mark.text == "nothing is marked bad; last known good: v1.1.0"


def test_the_same_release_by_its_other_tag_is_the_same_rollback(service):
    service.roll_out()
    first, _ = roll_back(service, to=LIVE)
    again, state = roll_back(service, to=state_of(service).release(LIVE).candidate)
    assert (again.leaving, again.to) == (first.leaving, first.to)
    assert [release.candidate for release in state.releases if release.bad] == ["v1.1.0-rc.1"]


def state_of(service):
    world = service.world()
    return fold(world.journal.events(), world.subject())


UNKNOWN = f"--to: there is no release `v9.9.9`; the newest are: {LIVE}, v1.1.0"


def test_a_release_that_nobody_knows_is_refused_before_anything_is_done_where_somebody_looks(service):
    service.roll_out()
    before = kinds(service.world())
    for to, refused in (("v9.9.9", True), (LIVE, False), (None, False)):
        procedure = Rollback(service.world(), Request(reason="people complain", to=to), lambda _: None)
        with pytest.raises(UsageError) if refused else nullcontext() as caught:
            procedure.refuse_unknown()
        assert not refused or str(caught.value) == UNKNOWN
    assert kinds(service.world()) == before


def test_the_ledger_is_not_read_before_the_flip_for_a_name_and_one_that_nobody_knows_marks_nothing(service):
    service.roll_out(order=Order(until="canary"))
    world = service.world()
    split, events = [], world.journal.events

    def noted():
        split.append(service.traffic.weight)
        return events()

    world.journal.events = noted
    result = Rollback(world, Request(reason="people complain", to="v9.9.9"), lambda _: None).run()
    told = {outcome.id: (outcome.state.value, outcome.text) for outcome in result.outcomes}
    assert (result.exit_code, service.traffic.weight, result.traffic_is_back) == (4, 0.0, True)
    assert told["mark"] == ("failed", f"--to: there is no release `v9.9.9`; the newest are: v1.1.0-rc.1, {LIVE}")
    assert set(split) == {0.0}
    assert list(told) == ["flip", "live", "return", "mark", "record"]
    state = state_of(service)
    assert (state.release("v1.1.0-rc.1").bad, state.live, state.rollout) == (None, LIVE, None)
    result, state = roll_back(service, to=LIVE)
    assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE)
    assert (state.release("v1.1.0-rc.1").bad, state.live) == ("people complain", LIVE)


def test_a_ledger_that_does_not_answer_refuses_no_name(service):
    service.roll_out(order=Order(until="canary"))

    def away():
        raise ForgeError("the forge does not answer")

    world = service.world()
    world.journal.events = away
    procedure = Rollback(world, Request(reason="people complain", to="v9.9.9"), lambda _: None)
    procedure.refuse_unknown()
    result = procedure.run()
    assert (result.exit_code, result.traffic_is_back, service.traffic.weight) == (4, True, 0.0)
    assert nothing_unfinished(world) is False
