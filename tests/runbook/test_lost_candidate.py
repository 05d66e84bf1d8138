"""`rollout --resume-or-rollback` where the candidate's tag was deleted or moved meanwhile: the canary is taken back."""

import pytest

from releasegate.ledger.state import fold
from releasegate.runbook.begin import candidate_of
from releasegate.runbook.journal import Draft
from releasegate.runbook.rollout import Order
from service import Service
from worlds import LIVE


@pytest.fixture
def canary(tmp_path):
    """A service whose canary has its share, and whose job died."""
    service = Service(tmp_path / "documents")
    service.roll_out(order=Order(until="canary"))
    assert service.traffic.weight == 0.05
    return service


def resume(service):
    tag = candidate_of(service.world(), None, recorded=True)
    return service.roll_out(tag, order=Order(resume_or_rollback=True))


@pytest.mark.parametrize("moved", [False, True])
def test_a_canary_whose_tag_was_taken_away_is_taken_back(canary, moved):
    gone = canary.forge.made_tags.pop(canary.tag.name)
    became = "is gone"
    if moved:
        canary.forge.create_tag(canary.tag.name, canary.forge.tags(LIVE)[0].commit, "Moved")
        became = f"is on {canary.forge.tags(LIVE)[0].commit[:12]} now"
    result, world = resume(canary)
    told = f"the tag `v1.1.0-rc.1`, recorded on {gone.commit[:12]}, {became}"
    assert (result.exit_code, result.headline) == (1, f"v1.1.0-rc.1 was taken back: {told}")
    state = fold(world.journal.events())
    assert (canary.traffic.weight, state.rollout, state.rollback) == (0.0, None, None)
    assert [one.text for one in result.rollback.outcomes if one.exit_code] == []


def test_a_rollback_that_died_is_finished_without_the_tag(canary):
    subject = canary.world().subject(canary.tag.name, canary.tag.commit)
    facts = {"from": canary.tag.name, "reason": "errors"}
    canary.world().journal.append(Draft("rollback.started", subject, facts))
    canary.forge.made_tags.pop(canary.tag.name)
    result, world = resume(canary)
    assert (result.exit_code, result.headline) == (1, "v1.1.0-rc.1 was taken back: errors")
    assert (canary.traffic.weight, fold(world.journal.events()).rollback) == (0.0, None)
