"""Releases that only git's tags tell of: where a policy splits no traffic, no rollout wrote them into the ledger."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache

from releasegate.errors import ReleasegateError
from releasegate.forge.port import Tag
from releasegate.ledger.event import Event
from releasegate.ledger.state import Release, State, fold
from releasegate.policy.model import Policy
from releasegate.runbook.tags import Names
from releasegate.runbook.world import World


def folding(world: World) -> Callable[[Sequence[Event]], State]:
    """What events add up to, with what git's tags tell where nothing splits the traffic; those are asked for once."""
    tags = cache(lambda: world.forge.tags(world.policy.release.tags))

    def known(events: Sequence[Event]) -> State:
        state = fold(events, world.subject())
        if world.policy.traffic is None:
            with suppress(ReleasegateError):  # what the ledger tells is better than nothing
                return tagged(state, world.policy, tags())
        return state

    return known


def tagged(state: State, policy: Policy, tags: Sequence[Tag]) -> State:
    """The state with the releases that `tags` (oldest first) name: the newest that is not bad is live.

    That a release has its tag is all the evidence there is, where the ledger holds no verdict on it. A release that was
    tagged after a rollback had ended is what the next rollback leaves.
    """
    names = Names.of(policy)
    own = [tag for tag in tags if (parsed := names.parse(tag.name)) and parsed[1] is None]
    found = [_release(state, tag) for tag in own]
    if not found:
        return state
    candidates = {release.candidate for release in found}
    merged = replace(state, releases=(*(one for one in state.releases if one.candidate not in candidates), *found))
    begun = state.rolled_back
    if begun is not None and (state.rollback is not None or not _any_newer(merged, own, begun, names)):
        live = merged.release(str(begun.data.get("from" if state.rollback is not None else "to")))
    else:
        merged, live = replace(merged, rolled_back=None), merged.last_known_good()
    return replace(merged, live=live.candidate if live else state.live)


def _any_newer(state: State, tags: Sequence[Tag], begun: Event, names: Names) -> bool:
    """Whether there is a release that the rollback which `begun` did not know.

    The time of a lightweight tag is its commit's, which may be older than the rollback; then its version tells.
    """
    left = names.parse(str(begun.data.get("from")))
    good = [tag for tag in tags if (release := state.release(tag.name)) and release.bad is None]
    return any(tag.time > begun.time or (left and (names.parse(tag.name) or left)[0] > left[0]) for tag in good)


def _release(state: State, tag: Tag) -> Release:
    known = state.release(tag.name) or Release(tag.name, tag.commit)
    verdicts, settled = known.verdicts or {"tag": "pass"}, known.settled or tag.time
    return replace(known, tag=tag.name, commit=tag.commit, verdicts=verdicts, settled=settled)
