"""What the events of one service in one environment add up to. A fold over events, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from releasegate.ledger.colours import COLOURS, Colours, other
from releasegate.ledger.event import Event

PASSED = ("pass", "warn")
WORK = (
    "rollout.started", "stage.finished", "step.claimed", "step.finished", "step.failed", "traffic.raised",
    "canary.started", "canary.checkpoint", "canary.decided", "rollback.started",
)  # fmt: skip
"""The kinds of event by which a procedure goes on."""


@dataclass(frozen=True, slots=True)
class Release:
    """A candidate, and what became of it."""

    candidate: str
    """The candidate's tag."""
    commit: str
    tag: str | None = None
    """The release's own tag, once it has one."""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """Stage of gates to its newest verdict."""
    settled: datetime | None = None
    """When it became the baseline, the last time."""
    bad: str | None = None
    """Why nobody should go back to it."""

    @property
    def name(self) -> str:
        """The release's tag, or the candidate's where it has none."""
        return self.tag or self.candidate

    @property
    def passed(self) -> bool:
        """Whether its evidence was judged, and no newest verdict is worse than `warn`."""
        return bool(self.verdicts) and all(verdict in PASSED for verdict in self.verdicts.values())


@dataclass(frozen=True, slots=True)
class Split:
    """The split that was last asked for."""

    weight: float
    """The canary's share, 0 to 1."""
    revision: str
    event: Event


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout that is not finished."""

    id: str
    """The id of the event that began it: what the fence compares."""
    tag: str
    commit: str
    started: Event
    stages: tuple[str, ...] = ()
    """The stages that are done, in their order."""
    raised: Event | None = None
    """The first `traffic.raised`."""
    canary: Event | None = None
    """`canary.started`, once the split was seen to flow."""
    decision: Event | None = None
    """`canary.decided`, newest."""
    recorded: tuple[str, ...] = ()
    """The lines of the recording that `canary.checkpoint` kept."""
    ended: Event | None = None
    """What ended it early."""
    earlier: tuple["Rollout", ...] = ()
    """Those of the same candidate that ended early after users had it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A step that only one run may do."""

    run: str
    until: datetime
    """When the claim passes on."""
    finished: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What is so, as far as the ledger tells."""

    releases: tuple[Release, ...] = ()
    """Every candidate; those that settled stand in the order in which they (last) did, after those that did not."""
    rollout: Rollout | None = None
    """The unfinished rollout."""
    aborted: Rollout | None = None
    """The rollout that ended without a rollback after it may have reached users: what a rollback still has to leave."""
    ended: Mapping[str, tuple[Rollout, ...]] = field(default_factory=dict)
    """Candidate to its rollouts that ended early after users had it, oldest first."""
    rollback: Event | None = None
    """`rollback.started` of an unfinished rollback."""
    rolled_back: Event | None = None
    """`rollback.started` of the newest rollback, finished or not, until a rollout begins."""
    retreat: Event | None = None
    """The newest rollback or abort."""
    split: Split | None = None
    live: str | None = None
    """The candidate's tag of the release that is the baseline."""
    kill_switch: Event | None = None
    """The newest `kill-switch.on` or `kill-switch.off`."""
    claims: Mapping[str, Claim] = field(default_factory=dict)
    """Step to the newest claim on it."""
    run: str = ""
    """The run of the program that last did something for a rollout or rollback."""
    ticks: Mapping[str, Event] = field(default_factory=dict)
    """Manual check to who looked at it last, since the newest rollout or rollback began."""
    colours: Colours = field(default_factory=Colours)
    """Blue-green: which colour is live, and what each of them holds."""

    def release(self, tag: str) -> Release | None:
        """The release with this tag, be it the release's or the candidate's."""
        return next((release for release in reversed(self.releases) if tag in (release.tag, release.candidate)), None)

    def last_known_good(self, leaving: str | None = None) -> Release | None:
        """The newest release older than `leaving` that passed, settled and is not marked bad.

        With None the release that is live may be the answer.
        """
        settled = [release for release in self.releases if release.settled is not None]
        left = self.release(leaving) if leaving is not None else None
        if left is not None and left in settled:
            settled = settled[: settled.index(left)]
        return next((release for release in reversed(settled) if release.passed and release.bad is None), None)

    def fence(self, rollout: str) -> str | None:
        """Why the rollout with this id may not raise traffic, or None if it may."""
        if self.rollback is not None:
            return f"a rollback is running since {self.rollback.time:%H:%M:%S} UTC ({self.rollback.actor.name})"
        if self.rollout is None or self.rollout.id != rollout:
            return "this rollout is over" if self.retreat is None else f"newer: {self.retreat.kind} {self.retreat.id}"
        decision = self.rollout.decision
        if decision is not None and decision.data.get("decision") == "abort":
            return f"the canary was aborted at {decision.time:%H:%M:%S} UTC"
        return None


def fold(events: Iterable[Event], scope: Mapping[str, str] | None = None) -> State:
    """The state after `events`, of which only those count whose subject holds all of `scope`."""
    state = State()
    for event in events:
        if event.about(scope or {}):
            state = _after(state, event)
    return state


def _after(state: State, event: Event) -> State:
    """One event on."""
    step = STEPS.get(event.kind)
    if step is None:
        return state
    colours = state.colours.after(event, state.live)
    return replace(step(state, event), colours=colours, run=event.run if event.kind in WORK else state.run)


def _candidate(state: State, event: Event) -> State:
    return _update(state, event)


def _judged(state: State, event: Event) -> State:
    tag = event.subject.get("tag", "")
    known = state.release(tag)
    verdicts = {**(known.verdicts if known else {}), _text(event, "stage", "gates"): _text(event, "verdict")}
    return _update(state, event, verdicts=verdicts)


def _rollout_started(state: State, event: Event) -> State:
    tag, commit = event.subject.get("tag", ""), event.subject.get("commit", "")
    rollout = Rollout(event.id, tag, commit, event, earlier=state.ended.get(tag, ()))
    return replace(_update(state, event), rollout=rollout, aborted=None, rolled_back=None, ticks={})


def _stage_finished(state: State, event: Event) -> State:
    if state.rollout is None:
        return state
    return replace(state, rollout=replace(state.rollout, stages=(*state.rollout.stages, _text(event, "stage"))))


def _traffic(state: State, event: Event) -> State:
    weight = event.data.get("weight")
    share = float(weight) if isinstance(weight, int | float) else 0.0
    state = replace(state, split=Split(share, _text(event, "revision"), event))
    if state.rollout is None or state.rollout.raised is not None or event.kind != "traffic.raised":
        return state
    return replace(state, rollout=replace(state.rollout, raised=event))


def _swapped(state: State, event: Event) -> State:
    """The split is 0 again, as the baseline is another track now; so is what is live, as told or as deployed there."""
    colour = _text(event, "live")
    held = "" if colour == state.colours.live else state.colours.holds.get(colour, "")
    release = state.release(_text(event, "release")) or state.release(held)
    split = Split(0.0, _text(event, "revision"), event)
    return replace(state, split=split, live=release.candidate if release else state.live)


def _canary_started(state: State, event: Event) -> State:
    return state if state.rollout is None else replace(state, rollout=replace(state.rollout, canary=event))


def _checkpoint(state: State, event: Event) -> State:
    lines = event.data.get("lines")
    if state.rollout is None or not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return state
    return replace(state, rollout=replace(state.rollout, recorded=(*state.rollout.recorded, *lines)))


def _canary_decided(state: State, event: Event) -> State:
    if event.data.get("decision") == "abort":
        state = replace(state, retreat=event)
    return state if state.rollout is None else replace(state, rollout=replace(state.rollout, decision=event))


def _settled(state: State, event: Event) -> State:
    tag = event.subject.get("tag", "")
    state = _update(state, event, settled=event.time)
    last = next(release for release in state.releases if release.candidate == tag)
    others = tuple(release for release in state.releases if release.candidate != tag)
    return replace(state, releases=(*others, last), rollout=None, aborted=None, live=tag)


def _aborted(state: State, event: Event) -> State:
    left = state.rollout
    if left is None and "track" in event.data:  # with blue-green the traffic alone was taken back from what was live
        left = _left(state, event)
    reached = left is not None and (
        left.raised is not None or "production" in left.stages or f"{left.id}/deploy-baseline" in state.claims
    )
    ended = _ended(state, event)
    return replace(state, rollout=None, aborted=left if reached else state.aborted, ended=ended, retreat=event)


def _ended(state: State, event: Event) -> Mapping[str, tuple[Rollout, ...]]:
    """Keep what users had of the candidate, for the case that it is rolled out again."""
    over = state.rollout
    if over is None or over.canary is None:
        return state.ended
    return {**state.ended, over.tag: (*over.earlier, replace(over, ended=event, earlier=()))}


def _left(state: State, event: Event) -> Rollout:
    """What the traffic alone was taken back from; what the other colour holds where nobody could tell."""
    tag, commit, track = event.subject.get("tag", ""), event.subject.get("commit", ""), _text(event, "track")
    held = state.release(state.colours.holds.get(other(track), "")) if not tag and track in COLOURS else None
    tag, commit = (held.candidate, held.commit) if held else (tag, commit)
    return Rollout(event.id, tag, commit, event, raised=event)


def _tagged(state: State, event: Event) -> State:
    return _update(state, event, tag=_text(event, "release") or None)


def _marked_bad(state: State, event: Event) -> State:
    known = state.release(event.subject.get("tag", ""))
    candidate = known.candidate if known else event.subject.get("tag", "")
    return _update(state, event, candidate=candidate, bad=_text(event, "reason", "marked bad"))


def _rollback_started(state: State, event: Event) -> State:
    """Where it could not name what it leaves, since nobody could read the ledger, that is what runs here."""
    left = state.rollout or state.aborted if event.data.get("from") is None else None
    state = replace(state, ended=_ended(state, event), ticks={})
    return replace(state, rollout=None, aborted=left, rollback=event, rolled_back=event, retreat=event)


def _rollback_finished(state: State, event: Event) -> State:
    known = state.release(_text(event, "to"))
    return replace(state, rollback=None, live=known.candidate if known else state.live)


def _ticked(state: State, event: Event) -> State:
    return replace(state, ticks={**state.ticks, _text(event, "check"): event})


def _kill_switch(state: State, event: Event) -> State:
    return replace(state, kill_switch=event)


def _claimed(state: State, event: Event) -> State:
    lease = event.data.get("lease")
    seconds = float(lease) if isinstance(lease, int | float) else 0.0
    claim = Claim(event.run, event.time + timedelta(seconds=min(max(seconds, 0.0), 86400.0)))
    return replace(state, claims={**state.claims, _text(event, "step"): claim})


def _step_finished(state: State, event: Event) -> State:
    step = _text(event, "step")
    claim = state.claims.get(step, Claim(event.run, event.time))
    return replace(state, claims={**state.claims, step: replace(claim, finished=True)})


def _step_failed(state: State, event: Event) -> State:
    step = _text(event, "step")
    return replace(state, claims={name: claim for name, claim in state.claims.items() if name != step})


STEPS = {
    "release.candidate": _candidate,
    "gates.judged": _judged,
    "rollout.started": _rollout_started,
    "stage.finished": _stage_finished,
    "traffic.raised": _traffic,
    "traffic.lowered": _traffic,
    "tracks.swapped": _swapped,
    "canary.started": _canary_started,
    "canary.checkpoint": _checkpoint,
    "canary.decided": _canary_decided,
    "rollout.settled": _settled,
    "rollout.aborted": _aborted,
    "release.tagged": _tagged,
    "release.marked-bad": _marked_bad,
    "rollback.started": _rollback_started,
    "rollback.finished": _rollback_finished,
    "smoke.ticked": _ticked,
    "kill-switch.on": _kill_switch,
    "kill-switch.off": _kill_switch,
    "step.claimed": _claimed,
    "step.finished": _step_finished,
    "step.failed": _step_failed,
}
"""Kind to what it changes. Kinds that are not here are kept in the ledger and change nothing."""


def _update(state: State, event: Event, *, candidate: str | None = None, **changes: Any) -> State:
    """Change the release that `event` is about, or begin one."""
    tag = candidate if candidate is not None else event.subject.get("tag", "")
    known = next((release for release in state.releases if release.candidate == tag), None)
    release = replace(known or Release(tag, event.subject.get("commit", "")), **changes)
    if known is None:
        return replace(state, releases=(release, *state.releases))
    return replace(state, releases=tuple(release if one is known else one for one in state.releases))


def _text(event: Event, key: str, default: str = "") -> str:
    value = event.data.get(key)
    return value if isinstance(value, str) else default
