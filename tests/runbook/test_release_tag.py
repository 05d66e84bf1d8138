"""The release's tag is made after the release is live: a tag that cannot be made takes nothing back."""

import pytest

from releasegate.errors import ForgeError, RepositoryError
from releasegate.ledger.state import fold
from releasegate.runbook.rollout import Order
from service import BEGUN, Service
from worlds import LIVE, kinds

AWAY = "GitHub does not answer"


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path / "documents")


def test_a_rollout_does_not_begin_where_the_releases_tag_is_on_another_commit(service):
    old = service.forge.tags(LIVE)[0]
    service.forge.create_tag("v1.1.0", old.commit, "By hand")
    with pytest.raises(RepositoryError, match=rf"the tag `v1\.1\.0` is on {old.commit[:12]} already"):
        service.roll_out()
    assert kinds(service.world(), BEGUN) == []


@pytest.mark.parametrize("resume", [False, True])
def test_a_live_release_stays_where_its_tag_cannot_be_made_and_the_next_run_makes_it(service, resume):
    service.roll_out(order=Order(until="complete"))
    make = service.forge.create_tag

    def refuse(*_, **__):
        raise ForgeError(AWAY)

    service.forge.create_tag = refuse
    result, world = service.roll_out(order=Order(resume_or_rollback=resume))
    assert (result.exit_code, result.rollback) == (4, None)
    assert result.headline == f"v1.1.0-rc.1 is live for everybody, without its release tag: {AWAY}"
    assert kinds(world)[-1] == "rollout.settled"
    release = fold(world.journal.events()).release("v1.1.0-rc.1")
    assert (release.bad, service.shop.deployed["baseline"]) == (None, "v1.1.0-rc.1")

    service.forge.create_tag = make
    result, world = service.roll_out()
    assert (result.exit_code, result.headline) == (0, "v1.1.0 is live for everybody")
    assert kinds(world)[-1] == "release.tagged"


def test_an_interruption_while_the_tag_is_made_takes_nothing_back(service):
    service.roll_out(order=Order(until="complete"))

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    service.forge.create_tag = interrupted
    with pytest.raises(KeyboardInterrupt):
        service.roll_out()
    assert kinds(service.world())[-1] == "rollout.settled"


def test_a_tag_that_somebody_made_by_hand_meanwhile_is_named_and_once_it_is_gone_the_next_run_ends_it(service):
    service.roll_out(order=Order(until="complete"))
    old = service.forge.tags(LIVE)[0]
    service.forge.create_tag("v1.1.0", old.commit, "By hand")
    result, _ = service.roll_out()
    fault = (
        f"the tag `v1.1.0` is on {old.commit[:12]} already, and a tag is never moved; if it is there by mistake, "
        "delete it (git push origin --delete v1.1.0) and run this again; else release the commit under a new version"
    )
    assert (result.exit_code, result.rollback) == (4, None)
    assert result.headline == f"v1.1.0-rc.1 is live for everybody, without its release tag: {fault}"
    with pytest.raises(RepositoryError) as error:
        service.roll_out()
    assert str(error.value) == fault
    del service.forge.made_tags["v1.1.0"]
    result, world = service.roll_out()
    assert (result.exit_code, result.headline) == (0, "v1.1.0 is live for everybody")
    assert (kinds(world)[-1], kinds(world).count("rollout.settled")) == ("release.tagged", 2)
