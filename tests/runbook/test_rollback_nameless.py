"""A rollback that began while nobody could read the ledger names no release; the next one finds which it was."""

import pytest

from fakes import MemoryForge
from releasegate.errors import ForgeError
from releasegate.ledger.state import fold
from releasegate.runbook.journal import Draft
from releasegate.runbook.outbox import Outbox
from releasegate.runbook.rollout import Order
from service import Service, told
from worlds import LIVE, kinds


class Away(MemoryForge):
    def commit(self, *_, **__):
        raise ForgeError("github.com does not answer")

    read = history = open_issue = resolve = branch_head = tags = commit


@pytest.mark.parametrize("until", ["canary", None])
def test_another_command_that_records_it_first_changes_nothing_about_what_is_left(tmp_path, until):
    service = Service(tmp_path / "documents")
    service.roll_out(order=Order(until=until))
    away, outbox = service.world(forge=Away(service.clock)), Outbox(tmp_path / "outbox")
    away.journal._outbox = outbox
    first = service.roll_back(away)
    assert (first.traffic_is_back, first.leaving, service.traffic.weight) == (True, None, 0)
    another = service.world()
    another.journal._outbox = outbox
    another.journal.append(Draft("flag.changed", another.subject(), {}))
    assert (kinds(another).count("rollback.started"), outbox.waiting()) == (1, [])
    for _ in range(2):
        world = service.world()
        result = service.roll_back(world)
        assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE), told(result)
        state = fold(world.journal.events(), world.subject())
        assert (state.live, state.release(LIVE).bad, state.release("v1.1.0-rc.1").bad) == (
            LIVE,
            None,
            "people complain",
        )
    assert service.shop.deployed.get("baseline", LIVE) == LIVE
    assert kinds(world).count("rollback.started") == 2
