"""More traffic for the canary, behind the fence; and everything back at once where the fence closed meanwhile."""

from collections.abc import Sequence
from contextlib import suppress

from releasegate.errors import FenceError, OutsideError
from releasegate.forge.port import Tag
from releasegate.ledger.event import Event
from releasegate.ledger.state import State, fold
from releasegate.runbook.health import require
from releasegate.runbook.journal import Draft
from releasegate.runbook.publish import see_live
from releasegate.runbook.world import World
from releasegate.traffic.port import Split

LOOK = 10.0
"""Seconds between two looks at the ledger while a canary is watched."""


def fence(world: World, rollout: str) -> State:
    """The state, if the rollout with this id may still raise traffic; `FenceError` if not."""
    state = fold(world.journal.events(), world.subject())
    check_fence(state, rollout)
    return state


def check_fence(state: State, rollout: str) -> None:
    """`FenceError` unless the rollout with this id may still go forward."""
    newer = state.fence(rollout)
    if newer:
        raise FenceError(f"traffic is not raised: {newer}", remedy="look at `releasegate status`")


class Raising:
    """The raises of one rollout."""

    def __init__(self, world: World, tag: Tag, rollout: str) -> None:
        self._world = world
        self._tag = tag
        self._rollout = rollout
        self._start: float | None = None
        self._told: float | None = None
        self._looked = self._polled = world.clock.now().timestamp()

    def to(self, weight: float) -> str:
        """Ask for `weight`, record it, and wait until it is live.

        The fence is looked at before the change and once more with its record: a rollback that came between has seen
        nothing to lower, so this lowers it.
        """
        world = self._world
        require(world, "canary")
        split = self._set(weight, fence(world, self._rollout))
        self._record(split, weight)
        live = see_live(world, split.revision)
        return f"{split.description}; {live}"

    def ramp(self, moment: float) -> float | None:
        """The weight from the poll at `moment` (Unix seconds) on, if it is a new one; raised if that is due now.

        The first call is for the moment at which the split was seen to flow. What the ledger has of the past counts
        for the past: a poll that is made up for is judged by the weight that there was.
        """
        canary, now = self._world.canary, self._world.clock.now().timestamp()
        took, self._polled = now - self._polled, now
        self._start = moment if self._start is None else self._start
        part = canary.window / len(canary.ramp)
        due = canary.ramp[min(int((moment - self._start) / part), len(canary.ramp) - 1)]
        asked = weight_at(self._world, self._tag.name, moment + canary.interval / 2, self._rollout)
        if due > asked and now - moment <= canary.interval + took:  # its source may take longer than an interval
            self.to(due)
            asked = due
        new = None if asked == self._told else asked
        self._told = asked
        return new

    def look(self) -> None:
        """Look whether a rollback has come, or somebody changed the split; `FenceError` if so.

        Weights that a router lost when it was reloaded are set again. What does not answer is asked later.
        """
        now = self._world.clock.now().timestamp()
        if abs(now - self._looked) < LOOK:
            return
        self._looked = now
        self.keep()

    def keep(self) -> None:
        """As `look`, now."""
        with suppress(OutsideError):
            weight, revision = self._last(fence(self._world, self._rollout))
            found = self._world.traffic.split()
            if found.weight > weight:
                raise FenceError(f"somebody else raised the split ({found.description})", remedy="look who did")
            if found.weight < weight:
                reason = f"{self._tag.name}: {weight:.0%} of the traffic, again"
                split = self._world.traffic.set_weight(weight, reason=reason, expected=revision)
                self._record(split, weight)

    def _set(self, weight: float, state: State) -> Split:
        """The split with `weight`: as it is if it is so, else changed behind the revision that was last seen."""
        split = self._world.traffic.split()
        if split.weight == weight:
            return split
        asked, revision = self._last(state)
        if asked >= weight:
            raise FenceError(
                f"traffic is not raised: the split was changed by somebody else ({split.description})",
                remedy="look who did, then `releasegate rollback`",
            )
        reason = f"{self._tag.name}: {weight:.0%} of the traffic"
        return self._world.traffic.set_weight(weight, reason=reason, expected=revision)

    def _last(self, state: State) -> tuple[float, str]:
        """The weight and revision that this rollout last wrote, or found when it began."""
        assert state.rollout is not None  # noqa: S101  the fence has looked
        started = state.rollout.started
        if state.split is not None and state.split.event.id > started.id:
            return state.split.weight, state.split.revision
        return 0.0, str(started.data.get("revision", ""))

    def _record(self, split: Split, weight: float) -> None:
        """Record the raise, once, if the fence is still open then; else lower what a rollback could not have seen."""
        subject = self._world.subject(self._tag.name, self._tag.commit)

        def choose(events: Sequence[Event]) -> Sequence[Draft]:
            state = fold(events, self._world.subject())
            check_fence(state, self._rollout)
            if self._last(state) == (weight, split.revision):
                return []
            return [Draft("traffic.raised", subject, {"weight": weight, "revision": split.revision})]

        try:
            self._world.journal.decide(choose)
        except FenceError:
            self._world.traffic.set_weight(0.0, reason=f"{self._tag.name}: a rollback came between")
            raise


def weight_at(world: World, tag: str, moment: float, rollout: str) -> float:
    """The weight that the ledger has as asked for up to `moment` (Unix seconds) by the rollout with this id."""
    weight = world.canary.ramp[0]
    for event in world.journal.known():
        mine = event.kind == "traffic.raised" and event.about(world.subject(tag))
        if mine and event.id > rollout and event.time.timestamp() <= moment:
            weight = float(event.data.get("weight", weight))
    return weight
