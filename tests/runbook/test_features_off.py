"""The features that a rollback switches off go live as the flip does, and `flags restore` knows what was taken away."""

import pytest

from releasegate.runbook.flags import last_removed
from releasegate.runbook.outside import Page
from releasegate.traffic.flag import FlagTraffic
from service import Service, told
from worlds import FLAG_FILE, FLAGS, POLICY

BANNER = b"banner: {enabled: true, percentage: 50}   # spring sale\n"
LIVE = b'flags: {publish: {command: [publish, "{blob}"]}, live: {url: "http://shop/flags", contains: "{blob}"}}\n'
OFF = POLICY.replace(b"off: [checkout-v2]", b"off: [banner]")


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path / "documents", policy=OFF + LIVE)
    head = service.forge.branch_head("main")
    service.forge.commit("main", {FLAG_FILE: FLAGS + BANNER}, "a banner", parent=head)
    service.roll_out(fetch=shown_by(service))
    service.shop.ran.clear()
    return service


def shown_by(service):
    """The page of a shop that shows what was published last, whatever is on the branch."""
    published = lambda: next((argv[1] for argv in reversed(service.shop.ran) if argv[0] == "publish"), "")  # noqa: E731
    return lambda _: Page(200, published())


def blob(service):
    return service.forge.read(FLAG_FILE, "main").blob


def test_they_are_published_seen_live_and_kept(service):
    result = service.roll_back(service.world(fetch=shown_by(service)))
    head = service.forge.branch_head("main")[:12]
    assert told(result)["flags"] == ("done", f"banner switched off in {head}; live after 0.0 s")
    assert [argv for argv in service.shop.ran if argv[0] == "publish"][-1] == ["publish", blob(service)]
    removed = last_removed(service.world().journal.events(), "banner", FLAG_FILE)
    assert (removed.before, removed.after) == (BANNER.decode()[:39], "banner: {enabled: false, percentage: 0}")


def test_one_that_is_not_live_is_a_failed_step_and_is_published_by_the_next_run(service):
    frozen = service.world(fetch=lambda _: Page(200, "an old page"))
    state, text = told(service.roll_back(frozen))["flags"]
    head = service.forge.branch_head("main")[:12]
    said = f"banner switched off in {head}; committed, NOT LIVE after 60 s"
    assert (state, text.startswith(said)) == ("failed", True), text
    assert "banner: {enabled: false" in service.forge.read(FLAG_FILE, "main").content.decode()
    service.shop.ran.clear()
    again = told(service.roll_back(service.world(fetch=shown_by(service))))
    assert again["flags"] == ("done", "banner: off already; live after 0.0 s")
    assert ["publish", blob(service)] in service.shop.ran


def test_what_the_flip_made_live_is_not_published_twice(tmp_path):
    service = Service(tmp_path / "documents", policy=POLICY + LIVE)
    split = FlagTraffic(service.forge, branch="main", path=FLAG_FILE, flag="checkout-v2", warn=lambda _: None)
    own = {"traffic": split, "fetch": shown_by(service)}
    service.roll_out(**own)
    service.shop.ran.clear()
    result = service.roll_back(service.world(**own))
    assert [argv for argv in service.shop.ran if argv[0] == "publish"] == [["publish", blob(service)]]
    assert told(result)["flags"] == ("done", "checkout-v2: off already")
