"""Blue-green while the ledger does not answer: users go to the colour without traffic once, and stay there."""

import pytest
from test_blue_green import BlueGreen, told

from releasegate.errors import ForgeError, OutsideError
from releasegate.runbook.journal import Draft
from releasegate.runbook.outbox import Outbox
from releasegate.runbook.rollback import Request, Rollback
from worlds import LIVE, next_candidate


class Away:
    """A forge that answers nothing."""

    def __getattr__(self, name):
        def refuse(*_, **__):
            raise ForgeError("the forge does not answer")

        return refuse


@pytest.fixture
def service(tmp_path):
    service = BlueGreen(tmp_path / "documents")
    service.roll_out()
    assert service.weights() == [0, 100]
    return service


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


def world_of(service, outbox, *, away, **changes):
    world = service.world(**changes)
    world.journal._outbox = outbox
    if away:
        world.journal._forge = Away()
    return world


def roll_back(service, outbox, *, only=False, away=True, **changes):
    world = world_of(service, outbox, away=away, **changes)
    return Rollback(world, Request(reason="errors", traffic_only=only), lambda _: None).run()


def let_another_command_write(service, outbox):
    world = world_of(service, outbox, away=False)
    world.journal.append(Draft("smoke.ticked", world.subject(), {}))
    assert outbox.waiting() == []


def facts(outbox, key):
    return [(one.kind, one.data[key]) for one in outbox.waiting() if key in one.data]


@pytest.mark.parametrize("order", [(False, False, True), (True, True, False)])
def test_run_again_it_stays_on_the_colour_that_it_went_to(service, outbox, order):
    for only in order:
        result = roll_back(service, outbox, only=only)
        assert (result.traffic_is_back, result.exit_code, service.weights()) == (True, 4, [100, 0]), told(result)
        said = "; LOOK: the ledger does not tell which colour is live; users are on blue"
        assert told(result)["flip"][1].endswith(said)
    assert {colour for _, colour in facts(outbox, "track") + facts(outbox, "live")} == {"blue"}
    let_another_command_write(service, outbox)
    state = service.state()
    assert (state.colours.live, state.live, state.rollback) == ("blue", LIVE, None)


def test_what_waits_tells_where_users_are(service, outbox):
    roll_back(service, outbox)
    assert facts(outbox, "track") == [("rollback.started", "blue")]
    assert facts(outbox, "live") == [("tracks.swapped", "blue")]
    let_another_command_write(service, outbox)
    result, _ = service.roll_out(next_candidate(service.world()))
    assert (result.exit_code, result.headline, service.weights()) == (0, "v1.2.0 is live for everybody", [0, 100])
    assert service.state().live == "v1.2.0-rc.1"


@pytest.mark.parametrize(("written", "only"), [(True, True), (True, False), (False, True)])
def test_run_again_when_the_ledger_is_back_it_marks_what_was_left(service, outbox, written, only):
    """Whether another command wrote the ledger first or not."""
    roll_back(service, outbox, only=only)
    if written:
        let_another_command_write(service, outbox)
    for _ in range(2):
        result = roll_back(service, outbox, away=False)
        assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE), told(result)
        state = service.state()
        assert (service.weights(), state.colours.live, state.live) == ([100, 0], "blue", LIVE)
        assert (state.release("v1.1.0").bad, state.release(LIVE).bad) == ("errors", None)


class Lost:
    """A forge that makes the commit, and whose answer is lost."""

    def __init__(self, forge):
        self.forge = forge

    def __getattr__(self, name):
        return getattr(self.forge, name)

    def commit(self, *commit, **words):
        self.forge.commit(*commit, **words)
        raise OutsideError("no answer")

    def replace(self, *file, **words):
        self.forge.replace(*file, **words)
        raise OutsideError("no answer")


def test_a_flip_whose_answer_is_lost_is_repeated_the_same_way(service, outbox):
    result = roll_back(service, outbox, only=True, forge=Lost(service.forge))
    assert (result.traffic_is_back, result.exit_code, service.weights()) == (False, 4, [100, 0])
    again = roll_back(service, outbox, only=True)
    assert (again.traffic_is_back, service.weights()) == (True, [100, 0])
