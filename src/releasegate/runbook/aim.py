"""What a rollback leaves, and what for: of what the ledger says, and of what was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from releasegate.errors import ReleasegateError, UsageError
from releasegate.ledger.colours import COLOURS, other
from releasegate.ledger.state import State, fold
from releasegate.runbook.world import World


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a rollback goes."""

    leaving: str | None = None
    """The release, or its candidate, that is left; None where nobody knows one."""
    to: str | None = None
    """The release that is gone back to; None where no good one is known."""
    on_baseline: bool = False
    """Whether the one that is left may be on the baseline."""
    rival: str = ""
    """The step in which the rollout that is left may be putting it there now."""
    track: str | None = None
    """Blue-green: the colour that a rollback which is joined goes back to."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """As `rollback.started` keeps it, for another run to join."""
        return {"from": self.leaving, "to": self.to, "baseline": self.on_baseline, "rival": self.rival}


def aim(state: State, leaving: str | None, to: str | None) -> Aim:
    """Leave what was asked for, else what the ledger knows of, for the release before it that was good."""
    rollout = state.rollout or state.aborted
    leaving = leaving or (rollout.tag if rollout else state.live)
    left = state.release(leaving) if leaving else None
    good = state.release(to) if to else state.last_known_good(leaving)
    rival = f"{rollout.id}/deploy-baseline" if rollout else ""
    on_baseline = rival in state.claims or (left is not None and state.live == left.candidate)
    return Aim(leaving, good.name if good else to, on_baseline, rival)


def joined(state: State, leaving: str | None, to: str | None) -> Aim | None:
    """The same rollback that the ledger holds already, begun or finished; None where it is another one."""
    known = state.rolled_back
    if known is None:
        return None
    asked = {"from": leaving, "to": to}
    if any(tag is not None and not _same(state, tag, known.data.get(key)) for key, tag in asked.items()):
        return None
    left, good, track = known.data.get("from"), known.data.get("to"), known.data.get("track")
    if left is None and track in COLOURS:  # it began while nobody could read the ledger
        held = state.release(state.colours.holds.get(other(track), ""))
        found = aim(state, held.candidate, good) if held else Aim()
        left, good = found.leaving, found.to
    elif left is None:
        return aim(state, None, good)
    return Aim(left, good, bool(known.data.get("baseline")), str(known.data.get("rival")), track)


def aim_or_join(state: State, leaving: str | None, to: str | None) -> Aim:
    """The rollback that the ledger holds already, else a new one."""
    return joined(state, leaving, to) or aim(state, leaving, to)


def refuse_unknown(state: State, to: str | None) -> None:
    """`UsageError` where the ledger holds no release `to`: it may be a typo, and nothing is marked bad for one."""
    if to is not None and state.release(to) is None:
        names = ", ".join(release.name for release in state.releases[-5:]) or "none"
        raise UsageError(f"there is no release `{to}`", where="--to", remedy=f"the newest are: {names}")


def nothing_unfinished(world: World) -> bool:
    """Whether the ledger answers, and every rollout and rollback in it came to its end, or reached no user."""
    try:
        state = fold(world.journal.events(), world.subject())
    except ReleasegateError:
        return False  # it may be unfinished
    return state.rollout is None and state.aborted is None and state.rollback is None


def _same(state: State, one: str, other: str | None) -> bool:
    """Whether two tags, of releases or of their candidates, are of one release."""
    found = state.release(one)
    return one == other or (found is not None and other is not None and found == state.release(other))
