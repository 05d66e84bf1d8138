"""Effects that happen once: claimed in the ledger before they are done, and not repeated where that could do harm.

Compare-and-swap needs none of this. A deploy command, a migration or a message does: two jobs may come to the same
step at once, and a job may die between the effect and its record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from releasegate.errors import OutsideError, UnendedError, UnknownError, VerificationError
from releasegate.ledger.event import Event
from releasegate.ledger.state import State, fold
from releasegate.policy.model import Run
from releasegate.policy.section import Command
from releasegate.runbook.journal import Draft
from releasegate.runbook.outside import COMMAND_TIMEOUT
from releasegate.runbook.world import World

LEASE = COMMAND_TIMEOUT + 60
"""Seconds after which a claim passes on, whatever became of its run."""
PAUSE = 2.0
"""Seconds between two looks at a claim that another run holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something that is done outside and is no compare-and-swap."""

    step: str
    """Its id, the same in every run."""
    subject: Mapping[str, str]
    act: Callable[[], str]
    """Do it, and say so in one line; `OutsideError` or `VerificationError` if it is known to have failed."""
    is_done: Callable[[], bool] | None = None
    """Asks the receiver whether it happened; None where nobody can be asked."""
    repeat: bool = False
    """Whether doing it twice does no harm."""
    fence: Callable[[State], None] = lambda _: None
    """Raises where it may no longer be begun, of what the ledger has when it is claimed."""


def placed(world: World, tag: str, commit: str, track: str, step: str) -> Mapping[str, str]:
    """What fills the `{placeholders}` of one run of a command.

    Each procedure has ids of its own: a rollback deploys anew what an earlier rollout had deployed.
    """
    named = world.place(tag, commit, track)
    return {**named, "id": f"{named['id']}-{step.partition('/')[0][-8:].lower()}"}


def command(world: World, run: Run, tag: str, commit: str, track: str, step: str) -> Effect:
    """One run of a command of the policy, for one release and track."""
    place = placed(world, tag, commit, track, step)

    def act() -> str:
        world.shell(run.what, place)
        by = run.workflow or (run.command or ("",))[0].rpartition("/")[2]
        return f"{tag} is there ({by})"

    def is_done(asked: Command) -> Callable[[], bool]:
        def ask() -> bool:
            try:
                world.shell(asked, place)
            except OutsideError:
                return False
            return True

        return ask

    found_again = run.workflow is not None  # by the id in its run's name
    asking = is_done(run.done) if run.done is not None else None
    return Effect(
        step=step, subject=world.subject(tag, commit), act=act, is_done=asking, repeat=run.repeat or found_again
    )


def once(world: World, effect: Effect) -> str:
    """Do it unless it was done, and say what was done. While another run holds the claim, wait for it.

    Where a run died in the middle, or the effect did not come to its end, the receiver is asked. `UnknownError` if
    none can be asked and it must not be repeated.
    """
    turn = _turn(world, effect, anew=False)
    if turn == "unknown":
        if effect.is_done is not None and effect.is_done():
            _record(world, effect, "step.finished")
            return "done before this run, as its receiver says"
        if effect.is_done is None and not effect.repeat:
            raise _unknown(effect, "the run that began it ended before it could tell")
        turn = _turn(world, effect, anew=True)
    if turn == "finished":
        return "done before this run"
    try:
        text = effect.act()
    except UnendedError as error:  # it may go on: the claim stays, so that the next run does not begin it beside this
        if effect.is_done is None and not effect.repeat:
            raise _unknown(effect, error.what) from error
        raise
    except (OutsideError, VerificationError) as error:
        _record(world, effect, "step.failed", reason=error.what)
        raise
    _record(world, effect, "step.finished")
    return text


def _unknown(effect: Effect, why: str) -> UnknownError:
    return UnknownError(
        f"{effect.step.rpartition('/')[2]}: unknown: {why}",
        remedy="look whether it did; the policy can say how to ask (`done`) or that `repeat: true` is safe",
    )


def await_end(world: World, step: str) -> None:
    """Wait while another run that lives is at `step`."""
    while True:
        claim = fold(world.journal.events(), world.subject()).claims.get(step)
        over = claim is None or claim.finished or claim.until <= world.clock.now() or world.ended(claim.run)
        if over or (claim is not None and claim.run == world.journal.run):
            return
        world.clock.sleep(PAUSE)


def _turn(world: World, effect: Effect, *, anew: bool) -> str:
    """`mine` once it is claimed, `finished` if it was done, `unknown` if a run died over it (and not `anew`)."""
    turn = "held"

    def choose(events: Sequence[Event]) -> Sequence[Draft]:
        nonlocal turn
        state = fold(events, world.subject())
        claim = state.claims.get(effect.step)
        if claim is not None and claim.finished:
            turn = "finished"
        elif claim is None:
            turn = "mine"
        elif claim.run == world.journal.run or claim.until <= world.clock.now() or world.ended(claim.run):
            turn = "mine" if anew else "unknown"
        else:
            turn = "held"
        if turn == "mine":
            effect.fence(state)
        return [Draft("step.claimed", effect.subject, {"step": effect.step, "lease": LEASE})] if turn == "mine" else []

    world.journal.decide(choose)
    while turn == "held":
        world.clock.sleep(PAUSE)
        world.journal.decide(choose)
    return turn


def _record(world: World, effect: Effect, kind: str, **facts: str) -> None:
    world.journal.append(Draft(kind, effect.subject, {"step": effect.step, **facts}))
