"""Deploy the last known good release to the baseline, where the bad one may have reached it."""

from contextlib import suppress
from dataclasses import replace

from releasegate.errors import OutsideError, ReleasegateError
from releasegate.ledger.state import State
from releasegate.runbook.aim import Aim
from releasegate.runbook.claim import Effect, await_end, command, once
from releasegate.runbook.world import World


def redeploy(world: World, aim: Aim, state: State, *, anew: bool = False) -> str:
    """Deploy it once for this rollback, and say so in one line; `OutsideError` where none is known or it fails.

    With blue-green it is there already in most cases; `anew` deploys it all the same.
    """
    if not aim.on_baseline:
        return "not needed: the bad release never reached the baseline"
    if world.live is not None and not anew and is_there(world, aim, state):
        return f"not needed: {world.live} still holds {aim.to}"
    good = state.release(aim.to) if aim.to else None
    if good is None:
        raise OutsideError("no last known good release is known", remedy="name one: releasegate rollback --to TAG")
    with suppress(ReleasegateError):  # what that run deploys must not come after this
        await_end(world, aim.rival)
    run = world.policy.deploy.production
    if run is None:
        raise OutsideError("nothing in the policy deploys it", remedy=f"deploy {good.name} by hand (deploy.production)")
    step = f"{state.rolled_back.id if state.rolled_back else f'{world.clock.now():%d%H%M%S}'}/deploy"
    step = step if world.live is None else f"{step}-{world.live}"
    return _once(world, command(world, replace(run, repeat=True), good.name, good.commit, "baseline", step))


def is_there(world: World, aim: Aim, state: State) -> bool:
    """Blue-green: whether the colour that is gone back to holds that release, as far as the ledger tells."""
    colour, good = str(world.live), state.release(aim.to) if aim.to else None
    held = state.colours.holds.get(colour, state.live if colour == state.colours.live else None)
    return good is not None and held in {good.candidate, good.tag}


def _once(world: World, effect: Effect) -> str:
    """As `once`, but whatever ails the ledger stops no deploy."""
    ends: list[str | ReleasegateError] = []

    def act() -> str:
        try:
            text = effect.act()
        except ReleasegateError as error:
            ends.append(error)
            raise
        ends.append(text)
        return text

    try:
        return once(world, replace(effect, act=act))
    except ReleasegateError as error:
        if not ends:
            return f"{effect.act()} (WITHOUT a claim: {error})"
        if isinstance(ends[0], str):
            return f"{ends[0]} (NOT recorded: {error})"
        raise ends[0] from None
