"""Prometheus or the forge is away for 1, 5 and 20 minutes: decided, held or taken back, and never promoted blind."""

from datetime import timedelta

import pytest

from fakes import FakeClock, MemoryForge
from releasegate.errors import ForgeError
from releasegate.runbook.outbox import Outbox
from releasegate.runbook.rollout import Rollout
from service import Service
from worlds import BAD, GOOD, POLICY, Flow, kinds

TAKEN_BACK = POLICY.replace(b"  settle", b"  on-inconclusive: rollback\n  settle")
MINUTES = [1, 5, 20]


class Outage:
    """From the first moment that it is asked for on, so many minutes of the clock."""

    def __init__(self, clock, minutes):
        self.clock, self.length, self.until = clock, timedelta(minutes=minutes), None

    def __call__(self, *_):
        self.until = self.until or self.clock.moment + self.length
        return self.clock.moment < self.until


class Seen(Flow):
    """Counts that are away in an outage which begins after some polls; keeps the split that there was in it."""

    def __init__(self, service, outage, errors, after, splits):
        super().__init__(service.traffic, errors)
        self.outage, self.after, self.splits = outage, after, splits

    def advance(self, at):
        self.after -= 1
        if self.after < 0 and self.outage():
            self.splits.add(self.traffic.weight)
            self.away = lambda _: True
        else:
            self.away = lambda _: False
        return super().advance(at)


def ended(result, world, splits):
    """Whatever became of it: not all users were ever sent to a canary that nobody could judge."""
    assert max(splits) == 0.05
    back = result.exit_code != 0
    assert (kinds(world).count("rollout.completed"), world.traffic.split().weight) == (int(not back), 0)
    assert back == (result.rollback is not None and result.rollback.traffic_is_back)
    return result.exit_code, result.failed and result.failed.text


@pytest.mark.parametrize("minutes", MINUTES)
@pytest.mark.parametrize(
    ("errors", "after", "code", "text"),
    [
        (GOOD, 0, 4, "nothing could be counted within 60 s"),
        (BAD, 0, 4, "nothing could be counted within 60 s"),
        (GOOD, 3, 3, "errors: no counts of both tracks since 10 s"),
        (BAD, 2, 3, "errors: no counts of both tracks since 0 s"),
    ],
)
def test_prometheus_is_away_where_the_policy_says_rollback(tmp_path, minutes, errors, after, code, text):
    service, splits = Service(tmp_path, policy=TAKEN_BACK), set()
    flow = Seen(service, Outage(service.clock, minutes), errors, after, splits)
    result, world = service.roll_out(counts=lambda: flow)
    found = ended(result, world, splits)
    assert (found[0], found[1][: len(text)]) == (code, text)


LONG = TAKEN_BACK.replace(b"window: 60s", b"window: 40m")


@pytest.mark.parametrize("errors", [GOOD, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("minutes", MINUTES)
def test_a_prometheus_that_comes_back_within_the_window_has_it_decided(tmp_path, minutes, errors):
    service, splits = Service(tmp_path, policy=LONG), set()
    flow = Seen(service, Outage(service.clock, minutes), errors, 2, splits)
    result, world = service.roll_out(counts=lambda: flow)
    assert ended(result, world, splits)[0] == (0 if errors == GOOD else 1), result.failed
    assert service.clock.moment > flow.outage.until


class Away(MemoryForge):
    """A forge that does not answer in an outage, which begins when the canary flows."""

    outage = None

    def refuse(self):
        if self.outage is not None and self.begins() and self.outage():
            self.splits.add(self.traffic.weight)
            raise ForgeError("github.com does not answer")


def _refusing(name):
    def asked(self, *arguments, **options):
        self.refuse()
        return getattr(MemoryForge, name)(self, *arguments, **options)

    return asked


for each in ("commit", "read", "history", "resolve", "branch_head", "tags", "create_tag", "open_issue"):
    setattr(Away, each, _refusing(each))


@pytest.mark.parametrize("minutes", MINUTES)
@pytest.mark.parametrize(
    ("policy", "errors", "code", "text"),
    [
        (POLICY, GOOD, 0, None),
        (POLICY, BAD, 1, "errors: the canary is 20x"),
        (TAKEN_BACK, GOOD, 4, "github.com does not answer"),
        (TAKEN_BACK, BAD, 1, "errors: the canary is 20x"),
    ],
    ids=["hold, good", "hold, bad", "rollback, good", "rollback, bad"],
)
def test_the_forge_is_away(tmp_path, minutes, policy, errors, code, text):
    clock = FakeClock()
    service = Service(tmp_path / "documents", policy=policy, errors=errors, forge=Away(clock))
    service.clock = clock
    world = service.world()
    forge = world.forge
    forge.traffic, forge.splits, forge.outage = service.traffic, set(), Outage(clock, minutes)
    forge.begins = lambda: any(event.kind == "canary.started" for event in world.journal.known())
    world.journal._outbox = Outbox(tmp_path / "outbox")
    result = Rollout(world, service.tag, lambda _: None).run()
    forge.outage = None
    assert (result.exit_code, (result.failed.text[: len(text)] if result.failed else None)) == (code, text)
    assert (max(forge.splits), service.traffic.weight) == (0.05, 0.0)
    assert kinds(world).count("rollout.completed") == int(code == 0)
    back = service.world()
    back.journal._outbox = world.journal._outbox
    assert code == 0 or (service.roll_back(back, reason=result.failed.text).exit_code, kinds(back)[-1]) == (
        0, "rollback.finished",
    )  # fmt: skip
