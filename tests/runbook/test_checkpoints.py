"""Metrics pages remember nothing: what was counted is kept in the ledger, and another process goes on from there."""

import json
from itertools import pairwise

import pytest

from releasegate.errors import ForgeError
from releasegate.ledger.state import fold
from releasegate.runbook.rollout import Order, Rollout
from service import Service
from worlds import BAD, POLICY, STEPS, Flow

LONG = POLICY.replace(b"window: 60s", b"window: 1200s")
HEALTHY = {"baseline": 0.01, "canary": 0.01}


class DiesError(BaseException):
    """As a process that is killed: nothing is taken back."""


class Dying(Flow):
    """Counts whose process ends at a moment."""

    until = float("inf")

    def advance(self, at):
        if at > self.until:
            raise DiesError
        return super().advance(at)


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path / "documents", policy=LONG, history=None)


def die(service, seconds, errors=HEALTHY):
    """A rollout whose process ends so many seconds after it began."""
    traffic = service.world().traffic
    dying = type("Dying", (Dying,), {"until": service.clock.moment.timestamp() + seconds})
    with pytest.raises(DiesError):
        service.roll_out(counts=lambda: dying(traffic, errors))


def resume(service, errors=HEALTHY, **options):
    return service.roll_out(order=Order(resume_or_rollback=True), errors=errors, **options)


def checkpoints(world):
    return [event for event in world.journal.events() if event.kind == "canary.checkpoint"]


def recorded(service):
    return [json.loads(line) for line in (service.folder / "recording.jsonl").read_text().splitlines()]


def test_every_five_minutes_what_is_new_is_kept(service):
    result, world = service.roll_out()
    found = checkpoints(world)
    assert (result.exit_code, len(found)) == (0, 4)
    assert [(b.time - a.time).total_seconds() for a, b in pairwise(found)] == [300.0] * 3
    lines = [line for event in found for line in event.data["lines"]]
    assert lines == (service.folder / "recording.jsonl").read_text().splitlines()[: len(lines)]


@pytest.mark.parametrize("away", [30, 400])
def test_a_good_canary_whose_process_died_goes_on_and_is_promoted(service, away):
    die(service, 700)
    service.clock.sleep(away)
    result, world = resume(service)
    assert (result.exit_code, result.headline) == (0, "v1.1.0 is live for everybody"), result.failed
    assert result.stages[6].text.endswith(f"; {30 + away} s were not seen, since the process that watched ended")
    _, *polls = recorded(service)
    times = [poll["t"] for poll in polls if poll["t"] > 0]
    assert times == [10.0 * number for number in range(1, 121)]
    missed = [poll["t"] for poll in polls if poll["t"] > 0 and "errors" not in poll]
    assert missed == [10.0 * number for number in range(int(missed[0] / 10), int(missed[-1] / 10) + 1)]
    assert (missed[0], missed[-1]) == (620, 640 + away)
    seen = result.judgement.document()["slis"]["errors"]
    assert seen["decision"] == "promote"
    assert f"{len(missed)} of 120 polls lacked a track" in " ".join(result.judgement.slis["errors"].notes)
    assert fold(world.journal.events(), world.subject()).live == "v1.1.0-rc.1"


def test_a_canary_that_turns_bad_after_its_process_died_is_taken_back(service):
    die(service, 700)
    result, world = resume(service, BAD)
    assert (result.exit_code, result.rollback.traffic_is_back) == (1, True)
    assert result.headline.startswith("v1.1.0-rc.1 was taken back: errors: the canary is ")
    assert world.traffic.split().weight == 0


def test_where_too_long_was_not_seen_it_is_not_promoted(service):
    die(service, 700)
    service.clock.sleep(3600)
    result, world = resume(service)
    assert (result.exit_code, result.rollback.traffic_is_back, world.traffic.split().weight) == (3, True, 0)
    assert result.failed.text.startswith("errors: no counts of both tracks since ")


def test_the_steps_go_on_where_they_were(tmp_path):
    policy = STEPS.replace(b"window: 60s", b"window: 1200s")
    service = Service(tmp_path / "documents", policy=policy, history=None)
    die(service, 700)
    assert service.traffic.weight == 0.25
    result, world = resume(service)
    assert result.exit_code == 0, result.failed
    raised = [event.data["weight"] for event in world.journal.events() if event.kind == "traffic.raised"]
    assert raised == [0.05, 0.25, 0.5, 1.0]


def test_a_canary_that_is_held_is_judged_again_with_what_was_counted_before(service):
    thin = {"baseline": 0.00001, "canary": 0.0}
    result, _ = service.roll_out(errors=thin)
    assert (result.exit_code, result.rollback) == (3, None)
    service.clock.sleep(60)
    result, world = service.roll_out(errors=thin)
    assert (result.exit_code, result.rollback) == (3, None), result.failed
    _, *polls = recorded(service)
    assert next(poll["t"] for poll in polls if "canary" in poll.get("errors", {}) and poll["t"] > 0) == 10.0
    assert [poll["t"] for poll in polls if poll["t"] > 1200] == [1210.0 + 10 * number for number in range(7)]
    assert world.traffic.split().weight == 0.05


def test_a_ledger_that_cannot_be_written_does_not_end_the_watch_and_loses_nothing(service):
    world = service.world()
    begun = []

    def refuse():
        started = any(event.kind == "canary.started" for event in world.journal.known())
        if started and 0 < len(begun) < 3:
            begun.append(1)
            raise ForgeError("github.com does not answer")
        if started:
            begun.append(1)

    service.forge.before_commit = refuse
    result = Rollout(world, service.tag, lambda _: None).run()
    assert result.exit_code == 0, result.failed
    lines = [line for event in checkpoints(world) for line in event.data["lines"]]
    assert lines == (service.folder / "recording.jsonl").read_text().splitlines()[: len(lines)]
    assert len(lines) == 99


@pytest.mark.parametrize("unwritten", [False, True])
def test_a_forge_that_does_not_answer_at_a_step_loses_nothing_of_what_was_seen(tmp_path, unwritten):
    policy = STEPS.replace(b"window: 60s", b"window: 1200s")
    service = Service(tmp_path / "documents", policy=policy, history=None)
    change, failed = service.traffic.set_weight, []

    def away():
        raise ForgeError("github.com does not answer")

    def set_weight(weight, **options):
        if weight == 0.25 and not failed:
            failed.append(service.clock.now())
            service.forge.before_commit = away if unwritten else lambda: None
            away()
        service.forge.before_commit = lambda: None
        return change(weight, **options)

    service.traffic.set_weight = set_weight
    result, world = service.roll_out()
    assert (result.exit_code, len(failed)) == (0, 1), result.failed
    assert result.stages[6].text.endswith("; 10 s were not seen, since something outside did not answer")
    assert sum(event.kind == "canary.started" for event in world.journal.events()) == 1
    _, *polls = recorded(service)
    assert [poll["t"] for poll in polls if poll["t"] > 0] == [10.0 * number for number in range(1, 121)]
    assert sum("errors" not in poll for poll in polls if poll["t"] > 0) == 1
    raised = [event.data["weight"] for event in world.journal.events() if event.kind == "traffic.raised"]
    assert raised == [0.05, 0.25, 0.5, 1.0]
