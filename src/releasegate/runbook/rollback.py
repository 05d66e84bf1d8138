"""Rollback: traffic first, documents after.

In this order: flip the traffic, see it go live and return, mark the release bad, deploy the last known good one where
flipping is not enough, take its migrations back or leave them, look at the data, switch the new features off, run the
smoke checks, open the follow-up issue with the document.
A step that fails does not keep the next from being taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from releasegate.errors import OutsideError, ReleasegateError
from releasegate.ledger.event import Event
from releasegate.ledger.state import State as Ledger
from releasegate.ledger.state import fold
from releasegate.migrations.kind import Migration
from releasegate.runbook.aim import Aim, aim, aim_or_join, joined, refuse_unknown
from releasegate.runbook.colours import colour_back, facing, facing_guess
from releasegate.runbook.deployments import taken_back
from releasegate.runbook.features import features_off, off_of
from releasegate.runbook.flags import plan as planned
from releasegate.runbook.flow import await_return
from releasegate.runbook.follow_up import follow_up
from releasegate.runbook.health import READY, require
from releasegate.runbook.integrity import Integrity
from releasegate.runbook.journal import Draft
from releasegate.runbook.migrations import Wish, find, intent, take_back, wanted
from releasegate.runbook.proposal import withdrawn
from releasegate.runbook.publish import see_live
from releasegate.runbook.ready import obstacle, stays
from releasegate.runbook.redeploy import redeploy
from releasegate.runbook.rolled_back import Result
from releasegate.runbook.smoke import smoke
from releasegate.runbook.step import Outcome, State, Step, take
from releasegate.runbook.tagged import folding
from releasegate.runbook.world import Began, Tell, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody, or a judge, asks for."""

    reason: str
    leaving: str | None = None
    """The candidate that is being left; None for the one that the ledger knows of."""
    to: str | None = None
    """A release's tag; None for the last known good one."""
    traffic_only: bool = False
    force: bool = False
    """Flip also to a baseline that does not answer its health check."""
    wish: Wish = field(default_factory=Wish)
    """What to do with the migrations between the two releases."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the reason rests on: a judgement's SLIs."""


class Rollback:
    """One rollback; `plan` names its steps, `run` takes them."""

    def __init__(self, world: World, request: Request, tell: Tell) -> None:
        self._world = world
        self._request = request
        self._tell = tell
        self._outcomes: list[Outcome] = []
        self._aim = Aim(request.leaving, request.to)
        self._blob = ""
        self._stays: str | None = None
        self._deployed = ""
        self._guessed = False
        self._refused = False
        self._fold = folding(world)
        self.migrations: tuple[Migration, ...] = ()
        """Those between the two releases, once the plan was made or the step was taken."""
        self._integrity = Integrity(world.policy.rollback.integrity, world.shell)

    @property
    def world(self) -> World:
        """The world that it acts in; with blue-green, turned to the colour that users go back to."""
        return self._world

    @property
    def aim(self) -> Aim:
        """What is left and what for, as far as it was found out."""
        return self._aim

    def plan(self) -> tuple[Step, ...]:
        """The steps in their order. Reads nothing and changes nothing."""
        policy = self._world.policy
        flip = Step("flip", "flip the traffic", "set the canary's weight to 0", self._flip)
        if self._request.traffic_only:
            return (flip,)
        steps = []
        if policy.traffic is not None:
            plan = "make the change live, and wait until it is"
            steps += [flip, Step("live", "see the change live", plan, self._live)]
        if policy.traffic is not None and policy.canary is not None:
            steps.append(Step("return", "see the traffic return", "wait until the canary serves nothing", self._return))
        plan = "record it, and find the last known good release"
        steps.append(Step("mark", "mark the release bad", plan, self._mark))
        if policy.rollback.integrity:
            plan = "run the integrity checks, to compare with"
            steps.append(Step("look", "look at the data", plan, self._integrity.look))
        if policy.deploy.production is not None:
            plan = "deploy the last known good release to the baseline where the bad one is there"
            steps.append(Step("deploy", "deploy the last known good", plan, self._deploy))
        if policy.rollback.migrations is not None:
            plan = intent(policy.rollback.migrations, self._request.wish)
            steps.append(Step("migrations", "migrations", plan, self._take_back))
        if policy.rollback.integrity:
            steps.append(Step("integrity", "data integrity", "run the integrity checks again", self._integrity.compare))
        if policy.rollback.flags.off:
            names = ", ".join(policy.rollback.flags.off)
            steps.append(Step("flags", "switch features off", f"switch off {names}", self._switch_off))
        checks = self._world.smoke
        if checks is not None:
            ask = lambda: smoke(self._world, checks())  # noqa: E731
            steps.append(Step("smoke", "smoke checks", "ask every page of the smoke checks", ask))
        steps.append(Step("follow-up", "follow-up issue", "open an issue for the cause", self._follow_up))
        return tuple(steps)

    def preview(self) -> Mapping[str, str]:
        """Step to the diff of every file that it would change, as far as that is known now. Changes nothing."""
        self.target()
        policy, world = self._world.policy, self._world
        diffs = {"flip": world.traffic.preview(0.0)}
        off = policy.rollback.flags.off
        found = world.forge.read(policy.flags.file, policy.release.branch) if off else None
        if found is not None and not self._request.traffic_only:
            diffs["flags"] = planned(found.content, policy.flags.file, [off_of(name) for name in off]).diff
        if policy.rollback.migrations is not None and not self._request.traffic_only:
            diffs["migrations"] = self._told()
        return diffs

    def refuse_unknown(self) -> None:
        """`UsageError` where the ledger, as far as it answers, holds no release to go back to of the name asked for.

        For whoever looks before the flip; where there is one, `run` looks after it, and keeps nobody waiting.
        """
        state = self._state() if self._request.to is not None else Ledger()
        if state.releases:
            refuse_unknown(state, self._request.to)

    def target(self) -> tuple[str | None, str | None]:
        """What would be left and what for, as far as the ledger tells. Changes nothing."""
        self._take_aim(self._state())
        return self._aim.leaving, self._aim.to

    def _take_aim(self, state: Ledger) -> None:
        """Find out what is left and what for; with blue-green, turn to the colour that holds it.

        Where the ledger does not tell it is guessed of what has the traffic: once, since that changes by the flip.
        """
        self._aim = aim_or_join(state, self._request.leaving, self._request.to)
        if self._world.policy.traffic is None:  # there is one track, and the bad release is on it
            self._aim = replace(self._aim, on_baseline=True)
        if self._world.turned is None:
            return
        colour = colour_back(state, self._aim)
        if colour is not None:
            self._world, self._guessed = facing(self._world, colour), False
        elif not self._guessed:
            self._world, self._guessed = facing_guess(self._world), True

    def run(self) -> Result:
        """Take every step, whatever became of those before it, and record the whole.

        An interruption is passed on, but not before the traffic is back, and the fence is closed. `UsageError` before
        anything is done where nothing is flipped and the release that was named is not known.
        """
        if self._world.policy.traffic is None:
            self.refuse_unknown()
        try:
            for step in self.plan():
                self._take(step)
                if self._refused:
                    break  # the traffic alone is back
        except KeyboardInterrupt:
            taken = {outcome.id for outcome in self._outcomes}
            for step in self.plan():
                if step.id in {"flip", "mark"} - taken:
                    self._take(step)
            if self._request.traffic_only:
                self._finish()
            raise
        self._finish()
        return self._result()

    def _result(self) -> Result:
        flips = self._world.policy.traffic is not None
        return Result(self._aim.leaving, self._aim.to, tuple(self._outcomes), self._stays, self.migrations, flips)

    def _take(self, step: Step) -> None:
        self._tell(Began(step.id, step.title))
        outcome = take(step, self._world.clock)
        self._tell(outcome)
        self._outcomes.append(outcome)

    def _flip(self) -> str:
        if self._world.turned is not None:
            self._take_aim(self._state())
        state = fold(self._world.journal.known(), self._world.subject())
        found, worse = obstacle(self._world, self._aim, state, quick=self._request.traffic_only)
        if found is not None and worse and not self._request.force:
            found = self._mend(found)
        split = self._world.traffic.set_weight(0.0, reason=self._request.reason)
        self._blob = split.revision
        guess = f"LOOK: the ledger does not tell which colour is live; users are on {self._world.live}"
        parts = [split.description, withdrawn(self._world.withdraw), f"LOOK: {found}" if found else ""]
        parts += [guess] * self._guessed
        return "; ".join(part for part in parts if part)

    def _mend(self, found: str) -> str:
        """Make where users go back to fit for them, and say how; `OutsideError` where they have to stay."""
        self._stays = found
        if self._request.traffic_only or self._world.policy.deploy.production is None:
            raise stays(found, traffic_only=self._request.traffic_only)
        did = "beginning"
        try:
            self._begin()
            did = "deploying"
            did = self._deployed = redeploy(self._world, replace(self._aim, on_baseline=True), self._state(), anew=True)
            require(self._world, "baseline", within=READY)
        except ReleasegateError as error:
            self._stays = f"{found}; {did}: {error.what}"
            raise stays(self._stays, traffic_only=False) from error
        self._stays = None
        return f"{found}, so {did} first"

    def _live(self) -> str:
        self._refuse_if_it_stays()
        return see_live(self._world, self._blob)

    def _refuse_if_it_stays(self) -> None:
        if self._stays is not None:
            raise OutsideError("there is nothing to see: traffic stays where it is", remedy="see the first step")

    def _return(self) -> str:
        self._refuse_if_it_stays()
        return await_return(self._world.canary, self._world.counts(), self._world.clock)

    def _mark(self) -> str:
        """Record it, and look at the split once more: a raise may have come between."""
        self._begin()
        if self._stays is None:
            split = self._world.traffic.set_weight(0.0, reason=self._request.reason)
            if split.revision != self._blob:
                self._blob = split.revision
                self._live()
        left = self._fold(self._world.journal.known()).release(self._aim.leaving or "")
        bad = self._aim.leaving if left is not None and left.bad is not None else "nothing"
        closed = withdrawn(self._world.overtake)  # one more may have been opened before the fence was closed
        marked = f"{bad} is marked bad; last known good: {self._aim.to or 'none is known'}"
        return f"{marked}; {closed}" if closed else marked

    def _begin(self) -> None:
        """Record that it began, which closes the fence.

        The same rollback that another run has begun, or finished, is joined: it goes no further back than that one,
        and marks what that one could not name.
        """
        reason, asked = self._request.reason, (self._request.leaving, self._request.to)

        def choose(events: Sequence[Event]) -> Sequence[Draft]:
            state = self._fold(events)
            self._take_aim(state)
            again = joined(state, *asked) is not None
            named = state.rolled_back is None or state.rolled_back.data.get("from") is not None
            if again and named:
                return []
            leaving, to = self._aim.leaving, self._aim.to
            left = state.release(leaving) if leaving else None
            track = {} if self._world.live is None else {"track": self._world.live}
            about = self._world.subject(left.candidate, left.commit) if left else self._world.subject()
            started = Draft("rollback.started", about, {**self._fields(), **self._aim.fields, **track})
            if left is None or (to and left == state.release(to)):  # what is gone back to is not bad
                return [] if again else [started]
            bad = Draft("release.marked-bad", about, {"reason": reason})
            if again and self._world.turned is not None:
                return [bad] if left.bad is None else []
            return [started, bad]  # anew, with its name, where the one that is joined could name nothing

        def answered(events: Sequence[Event]) -> Sequence[Draft]:
            state, to = self._fold(events), self._request.to
            self._refused = to is not None and state.release(to) is None
            refuse_unknown(state, to)
            return choose(events)

        try:
            self._world.journal.decide(answered)
        except ReleasegateError:
            if self._refused:
                raise
            self._aim = aim(self._state(), *asked)
            self._world.journal.record(*choose(self._world.journal.known()))

    def _deploy(self) -> str:
        if self._deployed:
            return f"{self._deployed}, before the flip"
        needed = self._aim.on_baseline or self._stays is not None
        return redeploy(self._world, replace(self._aim, on_baseline=needed), self._state())

    def _show(self) -> str:
        deployed = any(one.id == "deploy" and one.state is not State.FAILED for one in self._outcomes)
        return taken_back(self._world, self._aim, self._state(), self._request.reason, deployed=deployed)

    def _told(self) -> str:
        """The migrations between the two releases, for the plan."""
        try:
            self.migrations = find(self._world, self._aim, self._state())
        except ReleasegateError as error:
            return str(error)
        return "\n".join(one.told for one in self.migrations) or "none between the two releases"

    def _take_back(self) -> str:
        """Whatever else failed before may mean that the bad release still runs, on the schema that it needs."""
        state, rules = self._state(), self._world.policy.rollback.migrations
        if rules is not None and self._aim.to is None and not wanted(rules, self._request.wish):
            return "left in place; which they are cannot be told: no release to go back to is known"
        self.migrations = find(self._world, self._aim, state)
        failed = [outcome.title for outcome in self._outcomes if outcome.state is State.FAILED]
        unsafe = f"`{failed[0]}` failed, so that the release that needs them may still run" if failed else ""
        return take_back(self._world, self._aim, state, self._request.wish, self.migrations, unsafe)

    def _switch_off(self) -> str:
        return features_off(self._world, self._request.reason, live=self._blob)

    def _follow_up(self) -> str:
        shown = self._show()
        told = follow_up(
            self._world, self._aim, self._request.reason,
            evidence=self._request.evidence, outcomes=self._outcomes, migrations=self.migrations,
        )  # fmt: skip
        return f"{told}{shown}"

    def _finish(self) -> None:
        """Record the end; a ledger that cannot be written does not undo a rollback, but is told."""
        steps = [{"step": outcome.id, "state": outcome.state.value} for outcome in self._outcomes]
        facts = self._fields()
        finished = Draft("rollback.finished", self._subject(), {**facts, "steps": steps})
        aborted = Draft("rollout.aborted", self._subject(), {"reason": facts["reason"], **self._swap()})

        def record() -> str:
            if not self._result().traffic_is_back:
                if self._guessed and self._request.traffic_only:
                    self._begin()  # the next run goes the same way: nobody knows how far this one came
                return "it stays unfinished, so that nothing is rolled out and the same command goes on"
            drafts = [*self._moved(), aborted if self._request.traffic_only or self._refused else finished]
            return f"recorded in {self._world.journal.record(*drafts, unless=self._is_over)[:12]}"

        outcome = take(Step("record", "record it", "append to the ledger", record), self._world.clock)
        self._tell(outcome)
        self._outcomes.append(outcome)

    def _moved(self) -> list[Draft]:
        """How the ledger tells that users are back: the split is 0, and with blue-green another colour may be live."""
        lowered = Draft("traffic.lowered", self._subject(), {"weight": 0.0, "revision": self._blob})
        swap = self._swap()
        if not swap:
            return [lowered] if self._world.policy.traffic is not None else []
        good = self._state().release(self._aim.to or "")
        facts = {"live": swap["track"], "release": good.candidate if good else None, "revision": self._blob}
        return [lowered, Draft("tracks.swapped", self._subject(), facts)]

    def _swap(self) -> Mapping[str, str]:
        """The colour that is live from now on, where it was the other one, or nobody knows."""
        colour = self._world.live
        if colour is None or (not self._guessed and colour == self._state().colours.live):
            return {}
        return {"track": colour}

    def _is_over(self, events: Sequence[Event]) -> bool:
        """Whether the end of this rollback is in the ledger.

        While its beginning waits to be written, the end that is there is an older one's.
        """
        if self._world.journal.waiting():
            return False
        state = fold(events, self._world.subject())
        lowered = state.split is not None and (state.split.weight, state.split.revision) == (0.0, self._blob)
        lowered = lowered or self._world.policy.traffic is None
        return lowered and state.rollback is None and state.rollout is None and state.retreat is not None

    def _fields(self) -> dict[str, Any]:
        return {"from": self._aim.leaving, "to": self._aim.to, "reason": self._request.reason}

    def _subject(self) -> Mapping[str, str]:
        known = self._state().release(self._aim.leaving) if self._aim.leaving else None
        return self._world.subject(known.candidate, known.commit) if known else self._world.subject()

    def _state(self) -> Ledger:
        """What the ledger says, or said when it last answered: taking back waits for nobody."""
        try:
            events = self._world.journal.events()
        except ReleasegateError:
            events = self._world.journal.known()
        return self._fold(events)
