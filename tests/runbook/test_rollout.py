"""Rollout as a person on call meets it: what ends it, what it goes on with, what keeps it from beginning."""

import json
from datetime import timedelta

import pytest

from releasegate.errors import NotNowError, UnendedError
from releasegate.ledger.event import STAGES, Actor
from releasegate.ledger.state import fold
from releasegate.runbook.begin import candidate_of, may_begin
from releasegate.runbook.journal import Draft
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order, Rollout
from releasegate.runbook.tags import candidate, find
from releasegate.verdict import Outcome
from service import BEGUN, Service
from worlds import BAD, LIVE, POLICY, STEPS, Flow, kinds, next_candidate, passing, verdict


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path / "documents")


def states(result):
    return [(stage.id, stage.state.value) for stage in result.stages]


def test_a_good_release_takes_every_stage(service):
    result, world = service.roll_out()
    assert (result.exit_code, result.headline) == (0, "v1.1.0 is live for everybody"), result.failed
    assert states(result) == [(stage, "done") for stage in STAGES]
    assert service.shop.ran == [
        ["ci", "v1.1.0-rc.1"], ["deploy", "staging", "v1.1.0-rc.1"], ["e2e", "v1.1.0-rc.1"],
        ["deploy", "canary", "v1.1.0-rc.1"], ["deploy", "baseline", "v1.1.0-rc.1"],
    ]  # fmt: skip
    assert world.traffic.split().weight == 0
    assert kinds(world, BEGUN) == [
        "rollout.started", "gates.judged", "gates.judged", "traffic.raised", "canary.started", "canary.decided",
        "traffic.raised", "rollout.completed", "traffic.lowered", "rollout.settled", "release.tagged",
    ]  # fmt: skip
    assert result.stages[6].text.endswith("measured: 5.0% (4.8% to 5.2%) of 60000 requests")


def test_a_bad_release_is_taken_back(service):
    result, world = service.roll_out(errors=BAD)
    assert (result.exit_code, result.failed.id, result.rollback.traffic_is_back) == (1, "watch", True)
    assert result.headline.startswith("v1.1.0-rc.1 was taken back: errors: the canary is ")
    state = fold(world.journal.events(), world.subject())
    assert (state.rollout, state.rollback, state.release(service.tag.name).bad) == (None, None, result.failed.text)
    assert service.shop.deployed == {"staging": "v1.1.0-rc.1", "canary": "v1.1.0-rc.1"}


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_may_be_a_job_of_its_own(service, stage):
    first, _ = service.roll_out(order=Order(until=stage))
    assert (first.exit_code, states(first)[-1]) == (0, (stage, "done"))
    tag = candidate_of(service.world(), None) or service.tag
    second, world = service.roll_out(tag)
    assert (second.exit_code, second.headline) == (0, "v1.1.0 is live for everybody")
    done = STAGES.index(stage) + 1
    again = ["already"] * done + ["done"] * (len(STAGES) - done)
    assert [state for _, state in states(second)] == ([] if stage == "settle" else again)
    assert len(service.shop.ran) == 5
    assert kinds(world).count("rollout.started") == 1


def test_run_again_when_it_is_live_it_changes_nothing(service):
    _, world = service.roll_out()
    events = len(world.journal.events())
    result, world = service.roll_out()
    assert (result.exit_code, result.headline, result.stages) == (0, "v1.1.0 is live for everybody", [])
    assert len(world.journal.events()) == events


def refused(service, tag=None, **changes):
    world = service.world(**changes)
    events = len(world.journal.events())
    with pytest.raises(NotNowError) as error:
        Rollout(world, tag or service.tag, lambda _: None).run()
    assert len(world.journal.events()) == events
    with pytest.raises(NotNowError, match=r".") as same:
        may_begin(world, tag or service.tag)
    assert str(same.value) == str(error.value)
    return str(error.value)


def test_two_rollouts_at_once_are_refused(service):
    service.roll_out(order=Order(until="gates"))
    other = next_candidate(service.world())
    assert refused(service, other) == (
        "v1.1.0-rc.1 is being rolled out since 2026-11-23 10:00 UTC; finish it (releasegate rollout v1.1.0-rc.1) "
        "or take it back (releasegate rollback)"
    )


def test_a_commit_older_than_what_is_live_is_refused(service):
    old = service.tag
    assert service.roll_out(next_candidate(service.world(), "2.0.0"))[0].exit_code == 0
    assert refused(service, old) == (
        "v1.1.0-rc.1 is older than v2.0.0, which is live; to go back: releasegate rollback --to v1.1.0-rc.1"
    )


def test_a_split_that_is_not_zero_is_refused(service):
    service.world().traffic.set_weight(0.1, reason="by hand")
    assert refused(service).startswith("the split is 10% before this rollout began (10% in memory)")


def test_a_release_that_is_marked_bad_is_refused(service):
    service.roll_out(errors=BAD)
    said = refused(service)
    assert said.startswith("v1.1.0-rc.1 is marked bad: errors: the canary is ")
    assert said.endswith("where the commit is healthy, under a newer version: releasegate tag rc VERSION")
    world = service.world()
    again = candidate(world.forge, world.journal, world.policy, service.tag.commit, version="1.1.1")
    result, _ = service.roll_out(find(world.forge, again.tag))
    assert (again.commit, result.headline) == (service.tag.commit, "v1.1.1 is live for everybody")


def test_a_moved_tag_is_refused(service):
    tag, head = service.forge.made_tags.pop(service.tag.name), service.forge.resolve(LIVE)
    service.forge.create_tag(tag.name, head, "moved")
    with pytest.raises(NotNowError) as error:
        candidate_of(service.world(), tag.name)
    assert str(error.value) == (
        f"the tag `v1.1.0-rc.1` was moved: recorded on {tag.commit[:12]}, now on {head[:12]}; "
        "put it back, and tag the new commit as the next candidate"
    )


FROZEN = POLICY + b"freeze: [{from: 2026-11-20, to: 2026-11-23, why: the fair}]\n"


def test_a_freeze_refuses_a_rollout_until_a_second_verified_person_allows_it(service):
    service.options["policy"] = FROZEN
    expected = (
        "frozen until 2026-11-23: the fair; another verified person may allow it: "
        "releasegate rollout v1.1.0-rc.1 --override-freeze"
    )
    ada, grace, typed = Actor("Ada", verified=True), Actor("Grace", verified=True), Actor("Grace", verified=False)
    for who in (typed, ada):
        service.forge._actor = who
        world = service.world()
        subject = world.subject(service.tag.name, service.tag.commit)
        world.journal.append(Draft("freeze.overridden", subject, {"reason": "it is urgent"}))
        assert refused(service) == expected
    service.forge._actor = grace
    assert service.roll_out()[0].exit_code == 0


def test_a_freeze_refuses_no_rollback(service):
    service.roll_out(order=Order(until="canary"))
    service.options["policy"] = FROZEN
    result = service.roll_back()
    assert (result.exit_code, service.traffic.weight) == (0, 0.0)


def test_the_day_after_the_freeze_is_free(service):
    service.options["policy"] = FROZEN
    service.clock.moment += timedelta(days=1)
    assert service.roll_out()[0].exit_code == 0


@pytest.mark.parametrize(("outcome", "code", "over"), [(Outcome.FAIL, 1, True), (Outcome.INCONCLUSIVE, 3, False)])
def test_evidence_that_is_not_good_ends_it_before_any_traffic(service, outcome, code, over):
    def red(subject, _artifacts, mine):
        found = [verdict("zap", outcome, "2 High", subject), passing(subject)[1]]
        return [one for one in found if mine(one.gate)]

    result, world = service.roll_out(gates=red)
    assert (result.exit_code, result.headline, result.rollback) == (
        code, f"v1.1.0-rc.1 stopped at `gates`: zap {outcome}: 2 High", None,
    )  # fmt: skip
    assert (fold(world.journal.events(), world.subject()).rollout is None) is over
    assert world.traffic.split().weight == 0
    assert service.roll_out()[0].exit_code == 0


def test_a_deploy_that_failed_is_tried_again_by_the_next_run(service):
    service.shop.broken.add("deploy")
    result, world = service.roll_out()
    assert (result.exit_code, result.failed.id, result.failed.text) == (4, "staging", "deploy exited 1: no")
    assert (kinds(world)[-1], result.rollback) == ("step.failed", None)
    service.shop.broken.clear()
    assert service.roll_out()[0].exit_code == 0


@pytest.mark.parametrize(("safe", "begun"), [(b"", 1), (b", repeat: true", 2), (b", done: [deployed]", 1)])
def test_a_deploy_that_took_too_long_is_begun_again_only_where_that_is_safe(tmp_path, safe, begun):
    service = Service(tmp_path, policy=POLICY.replace(b', done: [deployed, "{track}", "{tag}"]', safe))
    deploys = []

    def slow(command, values):
        if tuple(command)[:2] == ("deploy", "{track}") and values["track"] == "canary":
            deploys.append(command)
            if len(deploys) == 1:
                raise UnendedError("deploy did not end within 1800 s")
        return "" if command[0] == "deployed" else service.shop(command, values)

    result, _ = service.roll_out(shell=slow)
    told = "deploy did not end within 1800 s" if safe else (
        "deploy-canary: unknown: deploy did not end within 1800 s; look whether it did; the policy can say how to ask"
        " (`done`) or that `repeat: true` is safe"
    )  # fmt: skip
    assert (result.exit_code, result.failed.id, result.failed.text) == (4 if safe else 3, "production", told)
    again, _ = service.roll_out(shell=slow)
    assert (again.exit_code, len(deploys)) == (0 if safe else 3, begun)
    if not safe:
        assert again.failed.text.startswith("deploy-canary: unknown: the run that began it ended before it could tell")


def test_a_rollback_in_another_job_stops_the_rollout(service):
    service.roll_out(order=Order(until="canary"))

    def interfere(_):
        world = service.world()
        if fold(world.journal.events(), world.subject()).rolled_back is None:
            Rollback(world, Request(reason="people complain"), lambda _: None).run()
        return []

    result, world = service.roll_out(history=interfere)
    assert (result.exit_code, result.failed.id, result.rollback) == (3, "watch", None)
    assert result.failed.text.startswith("traffic is not raised: ")
    assert world.traffic.split().weight == 0
    assert kinds(world).count("rollback.finished") == 1


def test_weights_that_somebody_else_changed_stop_it_where_it_is(service):
    service.roll_out(order=Order(until="watch"))
    service.world().traffic.set_weight(0.2, reason="by hand")
    result, world = service.roll_out()
    assert (result.exit_code, result.failed.id, result.rollback) == (3, "complete", None)
    assert "it was changed by somebody else" in result.failed.text
    assert world.traffic.split().weight == 0.2


def test_a_split_that_never_flows_is_taken_back(service):
    service.options["counts"] = lambda: Flow(Still(), BAD)
    result, world = service.roll_out()
    assert (result.exit_code, result.failed.id) == (3, "watch")
    assert result.failed.text.startswith("no request was counted on the canary within 60 s of the change")
    assert (result.rollback.traffic_is_back, world.traffic.split().weight) == (True, 0)


class Still:
    """Traffic that never flows."""

    def split(self):
        return type("Split", (), {"weight": 0.0})()


def test_steps_are_judged_as_one_canary(service):
    service.options["policy"] = STEPS
    result, world = service.roll_out()
    raised = [event for event in world.journal.events() if event.kind == "traffic.raised"]
    assert result.exit_code == 0
    assert [event.data["weight"] for event in raised] == [0.05, 0.25, 0.5, 1.0]
    lines = (service.folder / "recording.jsonl").read_text().splitlines()
    assert [json.loads(line)["weight"] for line in lines[1:] if "weight" in line] == [0.05, 0.25, 0.5]
    assert result.judgement.decision.value == "promote"
