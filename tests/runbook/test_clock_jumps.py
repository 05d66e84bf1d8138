"""The clock jumps: in the middle of a watch it changes nothing, and between two processes it is told."""

from datetime import UTC, datetime, timedelta

import pytest

from releasegate.cli.clock import SystemClock
from releasegate.ledger.state import fold
from releasegate.metrics.port import Poll
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from service import Service
from worlds import BAD, START, Flow

HOUR = 3600.0
HEALTHY = {"baseline": 0.01, "canary": 0.01}


class Machine:
    """A machine's two clocks; `jump` is how far the first is set forwards at a moment of the second."""

    def __init__(self, jump, after):
        self.passed, self.jump, self.after = 0.0, jump, after
        self.slept, self.said = [], []

    def wall(self):
        return START.timestamp() + self.passed + (self.jump if self.passed >= self.after else 0.0)

    def steady(self):
        return 77.0 + self.passed

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.passed += seconds

    def clock(self):
        return SystemClock(self.said.append, wall=self.wall, steady=self.steady, sleep=self.sleep)


def watched(folder, jump, errors):
    """A rollout on a machine whose clock is set by `jump` seconds in the middle of the watch."""
    machine = Machine(jump, after=15.0)
    service = Service(folder, errors=errors)
    result, world = service.roll_out(clock=machine.clock())
    return result, world, machine, (service.folder / "recording.jsonl").read_bytes()


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@pytest.mark.parametrize(("errors", "code"), [(HEALTHY, 0), (BAD, 1)])
def test_a_jump_in_the_middle_of_a_watch_changes_nothing_and_is_told(tmp_path, jump, errors, code):
    undisturbed, _, calm, expected = watched(tmp_path / "calm", 0.0, errors)
    result, world, machine, recording = watched(tmp_path / "jumped", jump, errors)
    assert (result.exit_code, undisturbed.exit_code) == (code, code)
    assert (recording, machine.slept) == (expected, calm.slept)
    times = [event.time for event in world.journal.events()]
    assert times == sorted(times)
    way = "3600 s ahead of" if jump > 0 else "3600 s behind"
    told = f"WARNING: this machine's clock is now {way} the time that passed; what passed is what counts"
    assert (machine.said, calm.said) == ([told], [])


def test_the_real_clock_goes_with_the_machine_s():
    before = datetime.now(UTC)
    clock = SystemClock()
    clock.sleep(-1)
    assert before - timedelta(seconds=1) <= clock.now() <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_rollback_on_a_machine_whose_clock_is_wrong_is_a_rollback(tmp_path, hours):
    service = Service(tmp_path / "documents")
    service.roll_out(order=Order(until="canary"))
    service.clock.moment += timedelta(hours=hours)
    world = service.world()
    result = Rollback(world, Request(reason="slow"), lambda _: None).run()
    assert (result.exit_code, service.traffic.weight) == (0, 0), result.outcomes
    state = fold(world.journal.events(), world.subject())
    assert (state.rollout, state.rollback, state.live) == (None, None, "v1.0.0")


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (1, "no request was counted on the canary within 60 s of the change"),
        (-1, "this machine's clock is 3600 s behind the moment at which the canary got its traffic"),
    ],
)
def test_a_watch_that_is_taken_over_by_a_machine_whose_clock_is_wrong_is_taken_back(tmp_path, hours, said):
    """Ahead, its Prometheus knows nothing of the time to come; behind, the canary began in the future."""
    service = Service(tmp_path / "documents")
    service.roll_out(order=Order(until="canary"))
    service.clock.moment += timedelta(hours=hours)

    class Unknown(Flow):
        def advance(self, at):
            del at
            return Poll({"errors": {"baseline": (0, 0), "canary": (0, 0)}})

    result, world = service.roll_out(
        order=Order(resume_or_rollback=True), counts=lambda: Unknown(service.traffic, HEALTHY)
    )  # fmt: skip
    assert (result.exit_code, result.rollback.traffic_is_back, world.traffic.split().weight) == (3, True, 0)
    assert result.failed.text.startswith(said)
