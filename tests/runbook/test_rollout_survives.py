"""A rollout whose process, Prometheus or forge goes away: finished, held or taken back, and never promoted blind."""

from dataclasses import replace
from datetime import timedelta

import pytest

from releasegate.errors import ForgeError, NotNowError
from releasegate.ledger.state import fold
from releasegate.runbook.begin import candidate_of
from releasegate.runbook.outside import Page
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order, Rollout
from releasegate.runbook.world import Began, Remark
from service import Service
from worlds import BAD, GOOD, POLICY, STEPS, Flow, kinds


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path / "documents")


def die_in_the_watch(service, memory, *, after=4):
    """A run whose process ends after some polls, as if it had been killed: it takes nothing back."""

    class KilledError(BaseException):
        pass

    class Dying(Flow):
        def advance(self, at):
            polls.append(at)
            if len(polls) > after:
                raise KilledError
            return super().advance(at)

    polls = []
    traffic = service.world().traffic
    with pytest.raises(KilledError):
        service.roll_out(counts=lambda: Dying(traffic, service.options["errors"], memory=memory))


@pytest.mark.parametrize("errors", [{"baseline": 0.01, "canary": 0.01}, {"baseline": 0.01, "canary": 0.0125}])
@pytest.mark.parametrize("policy", [POLICY, STEPS])
def test_a_watch_that_died_is_judged_as_it_would_have_been(tmp_path, errors, policy):
    whole = Service(tmp_path / "whole", policy=policy, errors=errors)
    undisturbed, _ = whole.roll_out()
    service, memory = Service(tmp_path / "died", policy=policy, errors=errors), {}
    die_in_the_watch(service, memory)
    service.clock.sleep(7)
    traffic = service.world().traffic
    order = Order(resume_or_rollback=True)
    result, _ = service.roll_out(order=order, counts=lambda: Flow(traffic, errors, memory=memory))
    assert result.exit_code == undisturbed.exit_code == 0
    assert result.judgement.document() == undisturbed.judgement.document()


@pytest.mark.parametrize("seconds", [4, 12, 25])
def test_a_prometheus_that_takes_longer_than_the_interval_keeps_no_step_and_is_not_fallen_behind(tmp_path, seconds):
    late = []

    class Slow(Flow):
        def advance(self, at):
            late.append(service.clock.now().timestamp() - at)
            service.clock.sleep(seconds)
            return super().advance(at)

    service = Service(tmp_path, policy=STEPS.replace(b"window: 60s", b"window: 300s"))
    result, world = service.roll_out(counts=lambda: Slow(service.traffic, GOOD))
    raised = [event.data["weight"] for event in world.journal.events() if event.kind == "traffic.raised"]
    assert (result.exit_code, raised) == (0, [0.05, 0.25, 0.5, 1.0]), result.failed
    assert max(late) <= 2 * seconds


def test_a_watch_that_died_and_cannot_be_rebuilt_is_taken_back(service):
    service.options |= {"history": None, "errors": BAD}
    die_in_the_watch(service, {}, after=9)
    result, world = service.roll_out(order=Order(resume_or_rollback=True))
    assert (result.exit_code, result.failed.text) == (
        3,
        "the process that watched ended, metrics pages remember nothing, and no checkpoint is in the ledger yet",
    )
    assert (result.rollback.traffic_is_back, world.traffic.split().weight) == (True, 0)


def test_traffic_that_a_dying_run_took_back_unrecorded_is_taken_back_to_the_end(service):
    """A cancelled job flips the traffic, and is killed before it could say so."""
    service.options |= {"errors": GOOD}
    die_in_the_watch(service, {})
    service.traffic.set_weight(0.0, reason="cancelled")
    result, world = service.roll_out(order=Order(resume_or_rollback=True))
    assert (result.exit_code, result.rollback.exit_code, world.traffic.split().weight) == (3, 0, 0)
    state = fold(world.journal.events(), world.subject())
    assert (state.rollout, state.rollback, state.release("v1.1.0-rc.1").bad is None) == (None, None, False)


def test_resume_leaves_to_another_what_it_has_begun_to_take_back(service):
    class Meanwhile(Flow):
        def advance(self, at):
            if "done" not in self.memory:
                other = service.world()
                Rollback(other, Request(reason="people complain", traffic_only=True), lambda _: None).run()
                self.memory["done"] = True
            return super().advance(at)

    service.options |= {"errors": GOOD}
    memory = {}
    die_in_the_watch(service, memory)
    flow = Meanwhile(service.world().traffic, GOOD, memory=memory)
    result, world = service.roll_out(order=Order(resume_or_rollback=True), counts=lambda: flow)
    assert (result.exit_code, result.rollback, world.traffic.split().weight) == (3, None, 0)
    assert kinds(world).count("rollback.started") == 0


def test_resume_begins_nothing(service):
    service.roll_out(order=Order(until="production"))
    result, world = service.roll_out(order=Order(resume_or_rollback=True))
    assert (result.stages, result.exit_code, world.traffic.split().weight) == ([], 0, 0)


@pytest.mark.parametrize("ended", [False, True])
def test_resume_of_a_candidate_that_is_not_rolled_out_changes_nothing(service, ended):
    if ended:
        service.roll_out(order=Order(until="production"))
        service.roll_back(reason="not now", traffic_only=True)
    before = kinds(service.world())
    result, world = service.roll_out(order=Order(resume_or_rollback=True))
    assert (result.headline, result.stages, result.exit_code) == (
        "there is nothing to resume: no canary of v1.1.0-rc.1 has traffic", [], 0,
    )  # fmt: skip
    assert kinds(world) == before


def test_resume_names_the_rollout_that_runs_where_another_candidate_is_meant(service):
    service.roll_out(order=Order(until="production"))
    before = kinds(service.world())
    with pytest.raises(NotNowError, match=r"^v1\.1\.0-rc\.1 is being rolled out since"):
        service.roll_out(replace(service.tag, name="v1.2.0-rc.1"), order=Order(resume_or_rollback=True))
    assert kinds(service.world()) == before


THIN = {"errors": {"baseline": 0.0001, "canary": 0.0}}


def thin(service):
    """Counts of which too few are errors to decide anything."""
    service.options["errors"] = THIN["errors"]


def test_an_inconclusive_canary_is_held_then_accepted(service):
    thin(service)
    result, world = service.roll_out()
    assert (result.exit_code, result.failed.id, result.rollback) == (3, "watch", None)
    assert world.traffic.split().weight == 0.05
    result, world = service.roll_out(order=Order(accept="seen by hand"))
    assert (result.exit_code, kinds(world).count("canary.accepted")) == (0, 1)
    assert kinds(world).count("canary.decided") == 1


def test_an_inconclusive_canary_is_taken_back_after_hold_for(service):
    thin(service)
    service.roll_out()
    service.clock.sleep(3601)
    result, world = service.roll_out()
    assert (result.exit_code, result.rollback.traffic_is_back, world.traffic.split().weight) == (3, True, 0)
    assert result.failed.text.startswith("held for 3600 s, and still: ")


def test_an_inconclusive_canary_is_taken_back_where_the_policy_says_so(service):
    thin(service)
    service.options["policy"] = POLICY.replace(b"  settle", b"  on-inconclusive: rollback\n  settle")
    result, world = service.roll_out()
    assert (result.exit_code, result.rollback.traffic_is_back, world.traffic.split().weight) == (3, True, 0)


@pytest.mark.parametrize("minutes", [1, 5, 20])
@pytest.mark.parametrize(("errors", "code"), [({"baseline": 0.01, "canary": 0.01}, 0), (BAD, 1)])
def test_a_prometheus_that_is_away_is_waited_for(service, minutes, errors, code):
    away = None

    def gone(_):
        nonlocal away
        away = away or service.clock.moment + timedelta(minutes=minutes)
        return service.clock.moment < away

    traffic = service.world().traffic
    result, world = service.roll_out(counts=lambda: Flow(traffic, errors, gone))
    assert result.exit_code == code, result.failed
    assert service.clock.moment >= away
    assert world.traffic.split().weight == 0


def test_a_prometheus_that_stays_away_never_promotes(service):
    traffic, told = service.world().traffic, []
    world = service.world(counts=lambda: Flow(traffic, BAD, lambda _: True))
    result = Rollout(world, service.tag, told.append).run()
    assert (result.exit_code, result.failed.id, result.rollback) == (4, "watch", None)
    assert world.traffic.split().weight == 0.05
    # Whoever looks on hears of it at once.
    assert told[told.index(Began("watch", "watch the canary")) + 1] == Remark(
        "errors/canary: Prometheus does not answer"
    )


def test_a_forge_that_is_away_after_the_watch_is_waited_for(service):
    gone = []

    def refuse():
        if any(event.kind == "canary.started" for event in world.journal.known()) and len(gone) < 30:
            gone.append(service.clock.moment)
            raise ForgeError("github.com does not answer")

    world = service.world()
    service.forge.before_commit = refuse
    result = Rollout(world, service.tag, lambda _: None).run()
    assert (result.exit_code, len(gone)) == (0, 30), result.failed


def test_an_unknown_deploy_is_asked_for_or_not_repeated(service):
    class Killed(BaseException):
        pass

    def dies(command, values):
        service.shop(command, values)
        if list(command[:2]) == ["deploy", "{track}"]:
            raise Killed

    for policy, code in ((POLICY, 0), (POLICY.replace(b', done: [deployed, "{track}", "{tag}"]', b""), 3)):
        fresh = Service(service.folder, policy=policy)
        service.shop = fresh.shop
        with pytest.raises(Killed):
            fresh.roll_out(shell=dies)
        result, _ = fresh.roll_out()
        assert (result.exit_code, fresh.shop.ran.count(["deploy", "canary", "v1.1.0-rc.1"])) == (code, 1)
    assert result.failed.text == (
        "deploy-canary: unknown: the run that began it ended before it could tell; look whether it did; "
        "the policy can say how to ask (`done`) or that `repeat: true` is safe"
    )


def test_an_interruption_takes_the_traffic_back_and_nothing_else(service):
    class Interrupted(Flow):
        def advance(self, _):
            raise KeyboardInterrupt

    world = service.world()
    with pytest.raises(KeyboardInterrupt):
        Rollout(service.world(counts=lambda: Interrupted(world.traffic, BAD)), service.tag, lambda _: None).run()
    assert world.traffic.split().weight == 0
    assert fold(world.journal.events(), world.subject()).rollout is None
    assert service.roll_out()[0].exit_code == 0


def test_while_another_run_deploys_this_one_waits(service):
    order = []

    def deploys(command, values):
        if command[0] == "deploy" and "{track}" in command and not order:
            order.append("first")
            second = service.world(ended=lambda _: False, clock=Watched(service.clock, order))
            with pytest.raises(WaitedError):
                Rollout(second, service.tag, lambda _: None).run()
        return service.shop(command, values)

    assert service.roll_out(shell=deploys)[0].exit_code == 0
    assert order == ["first", "waited"]


class Watched:
    """A clock whose first wait ends the run."""

    def __init__(self, clock, order):
        self.clock, self.order = clock, order

    def now(self):
        return self.clock.now()

    def sleep(self, _):
        self.order.append("waited")
        raise WaitedError


class WaitedError(BaseException):
    pass


def test_a_run_that_died_after_the_abort_takes_back(service):
    class KilledError(BaseException):
        pass

    def dies():
        if any(event.kind == "canary.decided" for event in world.journal.known()):
            raise KilledError

    service.options["errors"] = BAD
    world = service.world()
    service.forge.before_commit = dies
    with pytest.raises(KilledError):
        Rollout(world, service.tag, lambda _: None).run()
    service.forge.before_commit = lambda: None
    result, world = service.roll_out()
    assert (result.exit_code, result.rollback.traffic_is_back, world.traffic.split().weight) == (1, True, 0)


def test_a_rollback_that_died_is_finished_by_the_same_command(service):
    world = service.world()
    service.roll_out(order=Order(until="canary"))
    Rollback(world, Request(reason="people complain", leaving=service.tag.name), lambda _: None)._mark()
    assert candidate_of(service.world(), None) == service.tag
    result, world = service.roll_out()
    assert (result.exit_code, result.rollback.exit_code) == (1, 0)
    assert result.headline == "v1.1.0-rc.1 was taken back: people complain"
    assert (kinds(world).count("rollback.started"), kinds(world).count("rollback.finished")) == (1, 1)


HEALTH = POLICY.replace(
    b"traffic: {", b'traffic: {health: {baseline: "http://127.0.0.1:1/old", canary: "http://127.0.0.1:1/new"}, '
)


@pytest.mark.parametrize(
    ("down", "stage", "text"),
    [
        ("new", "canary", "the canary does not answer its health check: status 503; it gets no traffic"),
        ("old", "settle", "the baseline does not answer its health check: status 503; it gets no traffic"),
    ],
)
def test_what_does_not_answer_gets_no_traffic(service, down, stage, text):
    def fetch(url):
        return Page(503 if url.endswith(down) else 200, "")

    result, world = service.roll_out(policy=HEALTH, fetch=fetch)
    assert (result.exit_code, result.failed.id) == (4, stage)
    assert result.failed.text == f"{text}; look why it is not up"
    back, told = (True, 0.0), "0% in memory"
    if down == "old":  # where users would go nobody answers, also after the release before was deployed there again
        fault = text.removesuffix("; it gets no traffic")
        back, told = (
            (False, 1.0),
            f"traffic STAYS where it is: {fault}; v1.0.0 is there (deploy): {text}; mend it and run this again; ",
        )
        told = f"{told}`--force` flips although it is so"
    assert (result.rollback.traffic_is_back, world.traffic.split().weight) == back
    assert result.rollback.outcomes[0].text == told
