"""Blue-green: which of its two sides a procedure sees as the baseline.

Every procedure speaks of a baseline, which users go back to, and of a canary, which is on trial. With blue-green these
are the colour that is live and the one that is idle, and they change places when a release is through: so the world is
turned once at the beginning, and nothing after it knows of colours.
"""

from releasegate.errors import ReleasegateError
from releasegate.ledger.colours import COLOURS, other
from releasegate.ledger.state import State, fold
from releasegate.policy.model import Policy
from releasegate.runbook.aim import Aim
from releasegate.runbook.journal import Journal
from releasegate.runbook.world import World


def live_colour(state: State) -> str:
    """The colour that is live, or that an unfinished rollback makes so."""
    begun = state.rollback.data.get("track") if state.rollback is not None else None
    return begun if isinstance(begun, str) else state.colours.live


def colour_of(journal: Journal, policy: Policy) -> str | None:
    """The colour that is live as far as the ledger tells; None where it does not answer."""
    try:
        events = journal.events()
    except ReleasegateError:
        return None
    return live_colour(fold(events, {"service": policy.service, "environment": policy.environment}))


def facing(world: World, colour: str) -> World:
    """The world with `colour` as its baseline; as it is where tracks do not take turns."""
    if world.turned is None or world.live == colour:
        return world
    return world.turned()


def facing_live(world: World) -> World:
    """The world as a rollout sees it: its baseline is what the ledger has as live."""
    if world.turned is None:
        return world
    return facing(world, live_colour(fold(world.journal.events(), world.subject())))


def colour_back(state: State, aim: Aim) -> str | None:
    """The colour that a rollback sends users back to; None where the ledger does not tell what is left.

    What is live already is left for the other colour. What is still on trial is left for the one that is live.
    """
    left = state.release(aim.leaving) if aim.leaving else None
    if aim.track is not None:
        return aim.track
    if left is None and state.rollout is None and state.live is None:
        return None
    live = state.colours.live
    return other(live) if left is not None and left.candidate == state.live else live


def facing_guess(world: World) -> World:
    """The world as a rollback sees it where the ledger tells nothing: users go to the colour that has no traffic.

    After a flip that is the colour that they were taken from. So the colour that a rollback went back to before, which
    still waits to be recorded, stays.
    """
    waiting = [one for one in world.journal.waiting() if one.kind in {"rollback.started", "rollout.aborted"}]
    mine = [one.data.get("track") for one in waiting if world.subject().items() <= one.subject.items()]
    gone_to = [colour for colour in mine if colour in COLOURS]
    if gone_to:
        return facing(world, gone_to[-1])
    return world if world.turned is None or world.traffic.split().weight > 0 else world.turned()
