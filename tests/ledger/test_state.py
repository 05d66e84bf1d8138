"""The fold: what the events of a service add up to."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from releasegate.ledger.event import Actor, Event, ulid
from releasegate.ledger.state import Claim, State, fold

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SCOPE = {"service": "checkout", "environment": "production"}


def event(number, kind, tag=None, scope=None, **data):
    moment = START + timedelta(seconds=number)
    subject = {**(scope or SCOPE), **({"tag": tag, "commit": f"commit of {tag}"} if tag else {})}
    return Event(
        ulid(number, bytes(10)), moment, kind, Actor("Ada", verified=False), f"run {number % 3}", subject, data
    )


def events(*steps):
    return [event(number, kind, tag, **data) for number, (kind, tag, data) in enumerate(steps)]


def released(tag):
    """All the events of a rollout that went well."""
    return (
        ("release.candidate", f"{tag}-rc.1", {}),
        ("gates.judged", f"{tag}-rc.1", {"verdict": "pass"}),
        ("rollout.started", f"{tag}-rc.1", {}),
        ("traffic.raised", f"{tag}-rc.1", {"weight": 0.05, "revision": "r1"}),
        ("canary.decided", f"{tag}-rc.1", {"decision": "promote"}),
        ("rollout.completed", f"{tag}-rc.1", {}),
        ("traffic.lowered", f"{tag}-rc.1", {"weight": 0, "revision": "r2"}),
        ("rollout.settled", f"{tag}-rc.1", {}),
        ("release.tagged", f"{tag}-rc.1", {"release": tag}),
    )


def test_nothing_is_known_at_first():
    assert fold([]) == State()
    assert State().last_known_good() is None
    assert State().fence("x") == "this rollout is over"


def test_a_rollout_that_went_well():
    state = fold(events(*released("v1")), SCOPE)
    assert (state.live, state.rollout, state.rollback, state.retreat) == ("v1-rc.1", None, None, None)
    assert (state.split.weight, state.split.revision) == (0.0, "r2")
    [release] = state.releases
    assert (release.name, release.candidate, release.commit) == ("v1", "v1-rc.1", "commit of v1-rc.1")
    assert (release.passed, release.bad, release.settled) == (True, None, START + timedelta(seconds=7))
    assert state.last_known_good() == state.release("v1") == state.release("v1-rc.1") == release
    assert state.last_known_good("v1") is None


def test_an_unfinished_rollout_and_its_fence():
    recorded = events(
        ("release.candidate", "v2-rc.1", {}),
        ("rollout.started", "v2-rc.1", {"from": None}),
        ("stage.finished", "v2-rc.1", {"stage": "gates"}),
        ("traffic.raised", "v2-rc.1", {"weight": 0.05, "revision": "r1"}),
        ("stage.finished", "v2-rc.1", {"stage": "canary"}),
        ("canary.started", "v2-rc.1", {"t0": 1.0}),
    )
    state = fold(recorded, SCOPE)
    rollout = state.rollout
    assert (rollout.id, rollout.tag, rollout.stages) == (recorded[1].id, "v2-rc.1", ("gates", "canary"))
    assert (rollout.canary, rollout.decision) == (recorded[5], None)
    assert state.split.weight == 0.05
    assert state.fence(rollout.id) is None
    assert state.fence("another") == "this rollout is over"
    aborted = fold([*recorded, event(6, "canary.decided", "v2-rc.1", decision="abort")])
    assert aborted.fence(rollout.id) == "the canary was aborted at 10:00:06 UTC"
    promoted = fold([*recorded, event(6, "canary.decided", "v2-rc.1", decision="promote")])
    assert promoted.fence(rollout.id) is None
    back = [*recorded, event(6, "rollback.started", "v2-rc.1", to="v1")]
    assert fold(back).fence(rollout.id) == "a rollback is running since 10:00:06 UTC (Ada)"
    done = fold([*back, event(7, "rollback.finished", "v2-rc.1", to="v1")])
    assert done.fence(rollout.id) == f"newer: rollback.started {back[-1].id}"
    assert done.rollback is None


def test_a_rollback_goes_to_the_release_before_and_never_to_itself():
    recorded = events(*released("v1"), *released("v2"), *released("v3"))
    assert fold(recorded).last_known_good("v3").name == "v2"
    assert fold(recorded).last_known_good("v3-rc.1").name == "v2"
    assert fold(recorded).last_known_good("v4-rc.1").name == "v3"
    assert fold(recorded).last_known_good().name == "v3"
    bad = [*recorded, event(99, "release.marked-bad", "v3-rc.1", reason="slow")]
    assert fold(bad).last_known_good().name == "v2"
    assert fold(bad).release("v3").bad == "slow"
    worse = [*bad, event(100, "rollback.started", to="v2"), event(101, "rollback.finished", to="v2")]
    assert fold(worse).live == "v2-rc.1"
    assert fold(worse).last_known_good("v2").name == "v1"


def test_the_release_tag_can_be_marked_bad_too():
    recorded = [*events(*released("v1")), event(99, "release.marked-bad", "v1", reason="slow")]
    assert [release.bad for release in fold(recorded).releases] == ["slow"]


def test_red_or_missing_evidence_is_never_good():
    kept = [step for step in released("v2") if step[0] != "gates.judged"]
    assert fold(events(*released("v1"), *kept)).last_known_good().name == "v1"
    for verdict in ("fail", "inconclusive", "", "nonsense"):
        red = [(kind, tag, {**data, "verdict": verdict} if "verdict" in data else data) for kind, tag, data in kept]
        judged = ("gates.judged", "v2-rc.1", {"verdict": verdict})
        assert fold(events(*released("v1"), *red, judged)).last_known_good().name == "v1"
    both = [("gates.judged", "v1-rc.1", {"verdict": "fail", "stage": "staging-gates"})]
    assert fold(events(*released("v1"), *both)).last_known_good() is None
    again = [*both, ("gates.judged", "v1-rc.1", {"verdict": "warn", "stage": "staging-gates"})]
    assert fold(events(*released("v1"), *again)).last_known_good().name == "v1"


def test_another_service_or_environment_is_none_of_ours():
    theirs = [
        event(50 + i, k, t, {"service": "search", "environment": "production"}, **d)
        for i, (k, t, d) in enumerate(released("v9"))
    ]
    staging = [
        event(70 + i, k, t, {**SCOPE, "environment": "staging"}, **d) for i, (k, t, d) in enumerate(released("v8"))
    ]
    ours = events(*released("v1"))
    assert fold([*ours, *theirs, *staging], SCOPE) == fold(ours, SCOPE) == fold(ours)


def test_claims_and_the_kill_switch():
    recorded = events(("step.claimed", None, {"step": "deploy", "lease": 60}), ("kill-switch.on", None, {}))
    state = fold(recorded)
    assert state.claims == {"deploy": Claim("run 0", START + timedelta(seconds=60))}
    assert state.kill_switch.kind == "kill-switch.on"
    done = fold([*recorded, event(2, "step.finished", step="deploy"), event(3, "kill-switch.off")])
    assert done.claims["deploy"].finished
    assert done.kill_switch.kind == "kill-switch.off"


KINDS = st.sampled_from(
    [
        "release.candidate",
        "gates.judged",
        "rollout.started",
        "traffic.raised",
        "traffic.lowered",
        "canary.decided",
        "rollout.completed",
        "rollout.settled",
        "rollout.aborted",
        "release.tagged",
        "release.marked-bad",
        "rollback.started",
        "rollback.finished",
        "stage.finished",
        "step.claimed",
        "future.kind",
    ]
)
TAGS = st.sampled_from(["v1-rc.1", "v2-rc.1", "v2-rc.2", "v3-rc.1"])
DATA = st.fixed_dictionaries(
    {},
    optional={
        "verdict": st.sampled_from(["pass", "warn", "fail", "inconclusive"]),
        "decision": st.sampled_from(["promote", "abort", 5]),
        "weight": st.sampled_from([0, 0.05, 1, "x", None]),
        "to": st.sampled_from(["v1-rc.1", "v2", None]),
        "release": st.sampled_from(["v1", "v2", 3]),
        "lease": st.sampled_from([60, -1, 1e300, 10**300, "x"]),
        "from": st.sampled_from(["v1", None, 5, [1]]),
    },
)
HISTORIES = st.lists(st.tuples(KINDS, TAGS, DATA), max_size=40).map(lambda steps: events(*steps))


@given(HISTORIES)
def test_last_known_good_is_what_a_plain_reading_of_the_events_says(recorded):
    def newest(kind, tag, key, default):
        told = [e.data.get(key) for e in recorded if e.kind == kind and e.subject["tag"] == tag]
        return told[-1] if told else default

    settled = {e.subject["tag"]: place for place, e in enumerate(recorded) if e.kind == "rollout.settled"}
    good = [
        tag
        for tag in settled
        if newest("gates.judged", tag, "verdict", None) in ("pass", "warn")
        and not any(e.kind == "release.marked-bad" and e.subject["tag"] == tag for e in recorded)
    ]
    answer = fold(recorded).last_known_good()
    assert (answer and answer.candidate) == max(good, key=settled.__getitem__, default=None)


@given(HISTORIES)
def test_nobody_raises_after_a_rollback_that_is_newer(recorded):
    state = fold(recorded)
    last = {e.kind: place for place, e in enumerate(recorded)}
    began = last.get("rollout.started", -1)
    ended = max(last.get(kind, -1) for kind in ("rollback.started", "rollout.aborted", "rollout.settled"))
    if began >= 0 and ended > began:
        assert state.fence(recorded[began].id) is not None
    for older in recorded[:began] if began >= 0 else ():
        assert state.fence(older.id) is not None


@given(HISTORIES, st.integers(0, 40))
def test_the_order_of_the_chain_counts_and_nothing_else(recorded, cut):
    renamed = [
        Event(e.id, START + timedelta(days=len(recorded) - i), e.kind, e.actor, e.run, e.subject, e.data)
        for i, e in enumerate(recorded)
    ]
    one, two = fold(recorded), fold(renamed)
    assert [r.candidate for r in one.releases] == [r.candidate for r in two.releases]
    assert one.live == two.live
    assert (one.rollout and one.rollout.id) == (two.rollout and two.rollout.id)
    unknown = event(1, "some.future-kind", "v1-rc.1", weight=1)
    assert fold([*recorded[:cut], unknown, *recorded[cut:]]) == one
