"""Rollback as a person on call meets it."""

import pytest

from fakes import MemoryForge
from releasegate.errors import ForgeError
from releasegate.ledger.state import fold
from releasegate.policy.load import load_section
from releasegate.policy.smoke import Smoke
from releasegate.runbook.journal import Draft
from releasegate.runbook.outbox import Outbox
from releasegate.runbook.outside import Page
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from releasegate.runbook.smoke import looked_at
from service import Service, told
from worlds import BAD, LIVE, POLICY, kinds, next_candidate


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path / "documents")


def roll_back(service, world=None, **request):
    world = world or service.world()
    return service.roll_back(world, **request), world


def test_right_after_a_rollout_it_goes_to_the_release_before(service):
    service.roll_out()
    result, world = roll_back(service)
    assert (result.exit_code, result.headline) == (0, "traffic is back, and every step held"), told(result)
    assert (result.leaving, result.to) == ("v1.1.0-rc.1", LIVE)
    assert service.shop.deployed["baseline"] == LIVE
    state = fold(world.journal.events(), world.subject())
    assert (state.live, state.rollback, state.release("v1.1.0").bad) == (LIVE, None, "people complain")


def test_run_again_it_goes_no_further_back(service):
    service.roll_out()
    roll_back(service)
    ran = list(service.shop.ran)
    result, world = roll_back(service)
    assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE)
    assert service.shop.ran == ran
    assert (kinds(world).count("rollback.started"), kinds(world).count("rollback.finished")) == (1, 1)
    assert fold(world.journal.events(), world.subject()).release(LIVE).bad is None


def test_a_bug_in_one_step_keeps_no_other_from_being_taken(service):
    service.roll_out()

    def broken(_):
        raise ValueError("token=secret")

    result, world = roll_back(service, service.world(fetch=broken))
    state, text = told(result)["smoke"]
    assert (state, text.startswith("a bug in releasegate (ValueError at test_rollback.py:")) == ("failed", True)
    assert "secret" not in text
    assert (result.traffic_is_back, result.exit_code) == (True, 4)
    assert [told(result)[step][0] for step in ("follow-up", "record")] == ["done", "done"]
    assert kinds(world)[-1] == "rollback.finished"


def test_a_file_of_smoke_checks_that_is_broken_is_a_failed_step(service):
    service.roll_out()
    result, _ = roll_back(service, service.world(smoke=lambda: load_section(Smoke, b"checks: [", "smoke.yaml", {})))
    assert (result.exit_code, result.traffic_is_back) == (4, True)
    state, text = told(result)["smoke"]
    assert (state, text.startswith("smoke.yaml:2:1: not YAML")) == ("failed", True)
    assert told(result)["follow-up"][0] == "done"


def test_to_a_release_that_is_named(service):
    service.roll_out()
    service.roll_out(next_candidate(service.world()))
    result, _ = roll_back(service, to=LIVE)
    assert (result.exit_code, result.leaving, result.to) == (0, "v1.2.0-rc.1", LIVE)
    assert service.shop.deployed["baseline"] == LIVE


def test_in_the_middle_of_a_canary_nothing_is_deployed(service):
    service.roll_out(order=Order(until="canary"))
    result, world = roll_back(service)
    assert (result.exit_code, service.traffic.weight) == (0, 0)
    assert told(result)["deploy"] == ("done", "not needed: the bad release never reached the baseline")
    assert list(told(result)) == ["flip", "live", "return", "mark", "deploy", "flags", "smoke", "follow-up", "record"]
    ends = ["rollback.started", "release.marked-bad", "flag.changed", "traffic.lowered", "rollback.finished"]
    assert kinds(world)[-5:] == ends


def test_a_release_that_settles_half_is_replaced(service):
    red = lambda _: Page(500, "")  # noqa: E731
    result, _ = service.roll_out(fetch=red)
    assert (result.exit_code, result.failed.id, result.rollback.traffic_is_back) == (1, "settle", True)
    assert service.shop.deployed["baseline"] == LIVE
    assert result.rollback.headline == "traffic is back; smoke failed"
    assert result.rollback.exit_code == 1


def test_no_good_release_is_said_after_the_traffic_is_back(tmp_path):
    service = Service(tmp_path)
    result, _ = roll_back(service)
    assert result.traffic_is_back
    assert told(result)["deploy"] == (
        "failed", "no last known good release is known; name one: releasegate rollback --to TAG",
    )  # fmt: skip
    assert result.exit_code == 4


def test_a_dry_run_shows_the_diff_and_changes_nothing(service):
    service.roll_out(order=Order(until="canary"))
    world = service.world()
    events = len(world.journal.events())
    procedure = Rollback(world, Request(reason=""), lambda _: None)
    assert procedure.preview() == {
        "flip": "5% -> 0%\n",
        "flags": "--- a/config/feature-flags.yaml\n+++ b/config/feature-flags.yaml\n@@ -1,4 +1,4 @@\n"
        " # who sees what\n checkout-v2:\n-  enabled: true\n+  enabled: false\n   percentage: 0\n",
    }
    assert procedure.target() == ("v1.1.0-rc.1", LIVE)
    assert (len(world.journal.events()), service.traffic.weight) == (events, 0.05)


INTEGRITY = POLICY.replace(b"rollback: {", b"rollback: {integrity: [[count, rows]], ")


@pytest.mark.parametrize(
    ("answers", "code", "text"),
    [
        (["42", "42"], 0, "1 integrity checks hold, and print what they did before"),
        (["42", "41"], 1, "the data is not what it was: count: '42' before, '41' now"),
    ],
)
def test_data_that_changed_is_told(service, answers, code, text):
    service.roll_out(order=Order(until="canary"))
    left = list(answers)

    def shell(command, values):
        return left.pop(0) if command[0] == "count" else service.shop(command, values)

    result, _ = roll_back(service, service.world(policy=INTEGRITY, shell=shell))
    assert (result.exit_code, result.traffic_is_back, told(result)["integrity"][1]) == (code, True, text)


@pytest.mark.parametrize("only", [True, False])
def test_a_cancelled_rollback_closes_the_fence_and_is_finished_by_the_same_command(service, only):
    service.roll_out(order=Order(until="canary"))
    flip = service.traffic.set_weight

    def cancelled(weight, **options):
        flip(weight, **options)
        service.traffic.set_weight = flip
        raise KeyboardInterrupt

    service.traffic.set_weight = cancelled
    with pytest.raises(KeyboardInterrupt):
        roll_back(service, traffic_only=only)
    assert service.traffic.weight == 0
    assert kinds(service.world())[-2:] == (
        ["traffic.lowered", "rollout.aborted"] if only else ["rollback.started", "release.marked-bad"]
    )
    result, _ = roll_back(service)
    assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE)
    assert kinds(service.world())[-1] == "rollback.finished"


def test_a_rollback_between_the_fence_and_the_raise_wins(service):
    """The rollback sees nothing to lower, and the raise comes after it: the raise takes itself back."""
    service.roll_out(order=Order(until="production"))
    raised = service.traffic.set_weight

    def interfered(weight, **options):
        if weight and not kinds(service.world()).count("rollback.started"):
            roll_back(service)
        return raised(weight, **options)

    service.traffic.set_weight = interfered
    result, world = service.roll_out()
    assert (result.exit_code, result.failed.id, service.traffic.weight) == (3, "canary", 0)
    assert kinds(world).count("traffic.raised") == 0


@pytest.mark.parametrize("only", [True, False])
def test_a_forge_that_refuses_everything_does_not_stop_the_traffic(tmp_path, only):
    """As with a router for the traffic; the events wait, and the next command brings them along."""
    service = Service(tmp_path / "documents")
    service.roll_out(order=Order(until="canary"))

    class Away(MemoryForge):
        def commit(self, *_, **__):
            raise ForgeError("github.com does not answer")

        read = history = open_issue = resolve = commit

    world = service.world()
    outbox = Outbox(tmp_path / "outbox")
    away = service.world(forge=Away(service.clock))
    away.journal._outbox, away.journal._forge = outbox, away.forge
    result, _ = roll_back(service, away, traffic_only=only)
    assert (result.exit_code, result.traffic_is_back, service.traffic.weight) == (4, True, 0)
    kept = [one.kind for one in outbox.waiting()]
    assert kept == ["traffic.lowered", "rollout.aborted"] if only else kept[:1] == ["rollback.started"]
    world.journal._outbox = outbox
    roll_back(service, world)
    assert not outbox.waiting()
    assert fold(world.journal.events(), world.subject()).rollout is None


def test_the_document_holds_what_a_person_has_to_look_at(service):
    text = b'manual: [the till prints]\nchecks: {page: {url: "http://127.0.0.1:1/"}}'
    service.options["smoke"] = lambda: load_section(Smoke, text, "smoke.yaml", {})
    service.roll_out(errors=BAD)
    document = (service.folder / "rollback-v1.1.0-rc.1.md").read_text()
    assert "- [ ] 1. the till prints (`releasegate rollback --tick 1` records who and when)" in document
    world = service.world()
    world.journal.append(Draft("smoke.ticked", world.subject(), {"number": 1, "check": "the till prints"}))
    when = f"{world.clock.now():%H:%M:%S}"
    service.roll_back()
    document = (service.folder / "rollback-v1.1.0-rc.1.md").read_text()
    assert f"- [x] 1. the till prints (Ada, 2026-11-23 {when} UTC)" in document
    service.roll_out(next_candidate(service.world()))
    assert looked_at(service.world()) == {"the till prints": None}


def test_a_command_that_fails_once_is_tried_by_the_next_rollback(service):
    service.roll_out()
    service.shop.broken.add("deploy")
    result, _ = roll_back(service)
    assert (result.exit_code, told(result)["deploy"]) == (4, ("failed", "deploy exited 1: no"))
    service.shop.broken.clear()
    result, _ = roll_back(service)
    assert (result.exit_code, service.shop.deployed["baseline"]) == (0, LIVE)


@pytest.mark.parametrize("step", ["set_weight", "follow-up"])
def test_an_interruption_does_not_end_it_before_the_traffic_is_back(service, step):
    service.roll_out(order=Order(until="canary"))
    world, flip = service.world(), service.traffic.set_weight
    hit = []

    def interrupted(*arguments, **options):
        if not hit:
            hit.append(True)
            raise KeyboardInterrupt
        return flip(*arguments, **options)

    if step == "set_weight":
        service.traffic.set_weight = interrupted
    else:
        world.forge.open_issue = interrupted
    with pytest.raises(KeyboardInterrupt):
        roll_back(service, world)
    assert (hit, service.traffic.weight) == ([True], 0)


def test_a_raise_that_was_proposed_meanwhile_is_closed_once_the_fence_is(service):
    service.roll_out()
    world = service.world(overtake=lambda: f"closed #7 after {kinds(world)[-1]}")
    result, _ = roll_back(service, world)
    text = f"v1.1.0-rc.1 is marked bad; last known good: {LIVE}; closed #7 after release.marked-bad"
    assert told(result)["mark"] == ("done", text)
