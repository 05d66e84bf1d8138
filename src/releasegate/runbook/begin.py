"""What keeps a rollout from beginning, and its first event."""

from collections.abc import Mapping, Sequence
from datetime import date

from releasegate.errors import NotNowError, RepositoryError
from releasegate.forge.port import Tag
from releasegate.ledger.event import Actor, Event
from releasegate.ledger.state import Rollout, State, fold
from releasegate.policy.zones import day
from releasegate.runbook import tags
from releasegate.runbook.journal import Draft
from releasegate.runbook.world import World

LOOK = "look at `releasegate status`"
ANEW = (
    "mend the cause, and tag the next candidate; where the commit is healthy, under a newer version: "
    "releasegate tag rc VERSION"
)


def candidate_of(world: World, name: str | None, *, recorded: bool = False) -> Tag | None:
    """The candidate that is meant: the one called `name`, else that of the unfinished rollout (or of its rollback).

    None if none runs. `recorded`: what runs is told as the ledger has it, whatever became of its tag meanwhile.

    `RepositoryError` where it is no candidate, its tag is gone, or its tag was moved.
    """
    state = fold(world.journal.events(), world.subject())
    begun = state.rollback.data.get("from") if state.rollback else None
    name = name or (state.rollout.tag if state.rollout else begun)
    if name is None:
        return None
    found = _recorded(state, name) if recorded else None
    found = found or tags.find(world.forge, name)
    if found is None:
        raise RepositoryError(f"there is no tag `{name}`", remedy="is it spelled right, and pushed?")
    tags.release_name(world.policy, found)
    known = state.release(name)
    if known is not None and known.commit != found.commit:
        raise NotNowError(
            f"the tag `{name}` was moved: recorded on {known.commit[:12]}, now on {found.commit[:12]}",
            remedy="put it back, and tag the new commit as the next candidate",
        )
    return found


def _recorded(state: State, name: str) -> Tag | None:
    """The tag of what runs, rollout or rollback, as it was when that began; None where something else is meant."""
    begun, known = state.rollback, state.release(name)
    if state.rollout is not None and state.rollout.tag == name:
        return Tag(name, state.rollout.commit, "", annotated=True, time=state.rollout.started.time)
    if begun is not None and begun.data.get("from") == name and known is not None:
        return Tag(name, known.commit, "", annotated=True, time=begun.time)
    return None


def begin(world: World, tag: Tag) -> Rollout:
    """The unfinished rollout of `tag`, or a new one; `NotNowError` says what stands in the way."""
    subject = world.subject(tag.name, tag.commit)
    revision: str | None = None

    def choose(events: Sequence[Event]) -> Sequence[Draft]:
        nonlocal revision
        state = fold(events, world.subject())
        if state.rollout is not None and state.rollout.tag == tag.name:
            return []
        _refuse(world, state, events, tag)
        if world.live not in {None, state.colours.live}:
            raise NotNowError(f"{state.colours.live} has become the live track meanwhile", remedy="run it again")
        revision = revision or _idle_split(world)
        return [Draft("rollout.started", subject, {"from": state.live, "revision": revision})]

    world.journal.decide(choose)
    rollout = fold(world.journal.events(), world.subject()).rollout
    if rollout is None or rollout.tag != tag.name:
        raise NotNowError(f"the rollout of {tag.name} was taken over meanwhile", remedy=LOOK)
    return rollout


def unfinished(world: World, tag: Tag) -> Rollout | None:
    """The unfinished rollout of `tag`, or None; `NotNowError` where another one runs. Records nothing."""
    events = world.journal.events()
    state = fold(events, world.subject())
    if state.rollout is not None and state.rollout.tag != tag.name:
        _refuse(world, state, events, tag)
    return state.rollout


def may_begin(world: World, tag: Tag) -> None:
    """`NotNowError` unless the rollout of `tag` goes on, or may begin, in a world that faces what is live.

    Records nothing.
    """
    events = world.journal.events()
    state = fold(events, world.subject())
    if state.rollout is None or state.rollout.tag != tag.name:
        _refuse(world, state, events, tag)
        _idle_split(world)


def _refuse(world: World, state: State, events: Sequence[Event], tag: Tag) -> None:
    """`NotNowError` if a new rollout of `tag` may not begin, as far as the ledger and the policy tell.

    `RepositoryError` where the release's tag could never be made.
    """
    if state.rollout is not None:
        raise NotNowError(
            f"{state.rollout.tag} is being rolled out since {state.rollout.started.time:%Y-%m-%d %H:%M} UTC",
            remedy=f"finish it (releasegate rollout {state.rollout.tag}) or take it back (releasegate rollback)",
        )
    if state.rollback is not None:
        raise NotNowError("a rollback is not finished", remedy="finish it: releasegate rollback")
    known = state.release(tag.name)
    if known is not None and known.bad is not None:
        raise NotNowError(f"{tag.name} is marked bad: {known.bad}", remedy=ANEW)
    live = state.release(state.live) if state.live else None
    if live is not None and live.commit != tag.commit and world.forge.is_ancestor(tag.commit, live.commit):
        raise NotNowError(
            f"{tag.name} is older than {live.name}, which is live",
            remedy=f"to go back: releasegate rollback --to {tag.name}",
        )
    tags.released(world.forge, world.policy, tag)
    _refuse_in_freeze(world, events, tag)


def _refuse_in_freeze(world: World, events: Sequence[Event], tag: Tag) -> None:
    today = day(world.clock.now(), world.policy.timezone)
    for freeze in world.policy.freeze:
        if not date.fromisoformat(freeze.from_) <= today <= date.fromisoformat(freeze.to):
            continue
        actor = world.forge.actor()
        scope: Mapping[str, str] = world.subject(tag.name, tag.commit)
        for event in events:
            if event.kind == "freeze.overridden" and event.about(scope) and _by_another(event, actor):
                return
        raise NotNowError(
            f"frozen until {freeze.to}: {freeze.why}",
            remedy=f"another verified person may allow it: releasegate rollout {tag.name} --override-freeze",
        )


def _by_another(event: Event, actor: Actor) -> bool:
    """Whether a verified person other than `actor`, who is one too, stands behind the event: its own, or a reviewer."""
    reviewers = event.data.get("reviewers")
    people = {event.actor.name, *(reviewers if isinstance(reviewers, list) else ())}
    return event.actor.verified and actor.verified and bool(people - {actor.name})


def _idle_split(world: World) -> str:
    split = world.traffic.split()
    if split.weight != 0:
        raise NotNowError(
            f"the split is {split.weight:.0%} before this rollout began ({split.description})",
            remedy="finish or take back what is running: releasegate rollback",
        )
    return split.revision
