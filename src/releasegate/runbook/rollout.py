"""Rollout: a candidate from its evidence to all users, or back.

Its state is what the ledger's events add up to, so that the same command goes on where a dead process, another job or
an approval left it. The split is raised only behind the fence: no newer rollback in the ledger, and the split as this
rollout last saw or wrote it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from releasegate.canary.judge import Judgement
from releasegate.errors import FenceError, ForgeError, InconclusiveError, MetricsError, ReleasegateError
from releasegate.forge.port import Tag
from releasegate.ledger.event import STAGES
from releasegate.ledger.state import fold
from releasegate.runbook import tags
from releasegate.runbook.begin import begin, unfinished
from releasegate.runbook.colours import facing_live
from releasegate.runbook.evidence import make_room
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rolled_back import Result as RollbackResult
from releasegate.runbook.stages import HeldError, Stages
from releasegate.runbook.step import Outcome, State, Step, take
from releasegate.runbook.world import Began, Tell, World
from releasegate.verdict import Verdict

RAISED = STAGES.index("canary")
"""From this stage on the canary may have traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How far to go, and what to do where the evidence is not enough."""

    until: str | None = None
    """Stop after this stage."""
    resume_or_rollback: bool = False
    """Go on with a canary that has traffic, and take it back unless it can be promoted now; begin nothing."""
    accept: str | None = None
    """Why an inconclusive canary is promoted all the same."""


@dataclass(slots=True)
class Result:
    """What became of a rollout, filled in stage by stage."""

    candidate: Tag
    started: datetime
    stages: list[Outcome] = field(default_factory=list)
    verdicts: tuple[Verdict, ...] = ()
    judgement: Judgement | None = None
    rollback: RollbackResult | None = None
    release: Tag | None = None
    settled: bool = False
    """Whether it is live for everybody although its last stage failed."""

    @property
    def failed(self) -> Outcome | None:
        """The stage at which it ended, if it did not get through."""
        return next((stage for stage in self.stages if stage.state is State.FAILED), None)

    @property
    def exit_code(self) -> int:
        """0 promoted or as far as asked, 1 failed or aborted, 3 inconclusive, 4 something outside did not answer."""
        return self.failed.exit_code if self.failed else 0

    @property
    def headline(self) -> str:
        """One line for a tired person."""
        name = self.candidate.name
        if self.failed is None:
            if self.release is not None:
                return f"{self.release.name} is live for everybody"
            if not self.stages:
                return f"there is nothing to resume: no canary of {name} has traffic"
            return f"{name} is as far as was asked: {self.stages[-1].title}"
        if self.settled:
            return f"{name} is live for everybody, without its release tag: {self.failed.text}"
        if self.rollback is None:
            return f"{name} stopped at `{self.failed.title}`: {self.failed.text}"
        back = "was taken back" if self.rollback.traffic_is_back else "could NOT be taken back"
        return f"{name} {back}: {self.failed.text}"


class Rollout:
    """One rollout of a tagged candidate, or the rest of one."""

    def __init__(self, world: World, candidate: Tag, tell: Tell, order: Order = Order()) -> None:
        self._world = facing_live(world)
        self._tag = candidate
        self._tell = tell
        self._order = order
        self._held = False
        self.result = Result(candidate, world.clock.now())

    def run(self) -> Result:
        """Take the stages that are left, in order. The first that fails ends it; a canary with traffic is then taken
        back, unless the policy holds it. An interruption takes the traffic back as well, and is passed on.

        `NotNowError` if it may not begin.
        """
        if self._is_over():
            return self.result
        begun = (unfinished if self._order.resume_or_rollback else begin)(self._world, self._tag)
        if begun is None:
            return self.result
        make_room(self._world.documents, begun)
        stages = Stages(self._world, begun, self._tag, self._tell, self._order.accept, self.result)
        raised = stages.rollout.raised is not None
        astray = self._astray() if self._order.resume_or_rollback and raised else None
        if astray is not None:
            self._give_back(astray)
        if self._order.resume_or_rollback and (astray or not raised):
            return self.result
        try:
            for number, step in enumerate(self._steps(stages)):
                raised = raised or number >= RAISED
                if not self._took(step):
                    self._end(stages, raised=raised)
                    break
                if step.id == self._order.until:
                    break
        except KeyboardInterrupt:
            if raised and not self._is_live():
                self._take_back("interrupted", traffic_only=True)
            raise
        return self.result

    def _is_over(self) -> bool:
        """Whether it is live already, or was being taken back when a run died: then the rest of that is done."""
        self.result.release, unfinished = self._settled(), self._unfinished_rollback()
        if unfinished is not None:
            self._give_back(unfinished)
        return self.result.release is not None or unfinished is not None

    def _astray(self) -> str | None:
        """Why the candidate's tag no longer says what the ledger says, so that it may not be promoted."""
        try:
            found = tags.find(self._world.forge, self._tag.name)
        except ForgeError:
            return None  # the stages ask the forge as well, and wait or end as the policy says
        if found is not None and found.commit == self._tag.commit:
            return None
        gone = "is gone" if found is None else f"is on {found.commit[:12]} now"
        return f"the tag `{self._tag.name}`, recorded on {self._tag.commit[:12]}, {gone}"

    def _give_back(self, reason: str) -> None:
        """Take it back without another stage."""
        now = self._world.clock.now()
        self.result.stages.append(Outcome("watch", "take it back", State.FAILED, reason, now, now, 1))
        self._take_back(reason)

    def _end(self, stages: Stages, *, raised: bool) -> None:
        """After a stage that failed: take back what has traffic, unless it is held; give up what is known to be bad.

        What the ledger has as settled is healthy and stays: the next run makes the release's tag.
        """
        if self._is_live():
            self.result.settled = True
            return
        alone = self._order.resume_or_rollback and stages.goes_on()  # nobody is at work who recorded it
        if raised and (alone or not self._held):
            self._take_back(self.result.stages[-1].text)
        elif not raised and self.result.exit_code == 1:
            stages.give_up(self.result.stages[-1].text)

    def plan(self) -> Sequence[Step]:
        """What would be done, stage by stage; begins nothing."""
        stages = Stages(self._world, None, self._tag, self._tell, self._order.accept, self.result)
        return self._steps(stages)

    def _took(self, step: Step) -> bool:
        """Take one stage, and say whether the next may follow."""
        self._tell(Began(step.id, step.title))
        outcome = take(step, self._world.clock)
        self._tell(outcome)
        self.result.stages.append(outcome)
        return outcome.state is not State.FAILED

    def _steps(self, stages: Stages) -> Sequence[Step]:
        canary, blue_green = self._world.canary, self._world.policy.blue_green
        track, now = self._world.track("canary"), self._world.track("baseline")
        share, seconds = f"{1.0 if blue_green else canary.ramp[0]:.0%}", f"{canary.window:.0f} s"
        settle = "deploy it to the baseline too, check it, set the split to 0, tag the release"
        if blue_green:
            settle = f"check it, make {track} the live track and {now} the idle one, tag the release"
        told = {
            "tag": ("candidate", f"{self._tag.name} on {self._tag.commit[:12]}", stages.tag),
            "gates": ("gates", "judge the evidence", stages.gates),
            "staging": ("staging", "deploy to staging, and run its tests there", stages.staging),
            "staging-gates": ("gates of staging", "judge what the tests in staging left", stages.staging_gates),
            "production": ("deploy the canary", f"deploy to the {track} track, without traffic", stages.production),
            "canary": (f"{share} to the canary", f"send {share} of the traffic to it", stages.canary),
            "watch": ("watch the canary", f"judge it for {seconds}", stages.watch),
            "complete": ("100% to the canary", "send all traffic to it", stages.complete),
            "settle": ("settle", settle, stages.settle),
        }
        return [Step(name, *told[name][:2], self._holding(told[name][2]), stages.already(name)) for name in STAGES]

    def _holding(self, act: Callable[[], str]) -> Callable[[], str]:
        """Remember where what failed is no reason to take the canary back."""

        def run() -> str:
            try:
                return act()
            except ReleasegateError as error:
                self._held = self._holds(error)
                raise

        return run

    def _holds(self, error: ReleasegateError) -> bool:
        """A fence that closed means that others are at work; what is not known yet waits where the policy says so."""
        if isinstance(error, FenceError):
            return True
        waits = isinstance(error, HeldError | MetricsError | ForgeError)
        return waits and self._world.canary.on_inconclusive == "hold" and not self._order.resume_or_rollback

    def _settled(self) -> Tag | None:
        """The release's tag where this candidate is live already; it is made where the run that should have died."""
        try:
            known = tags.settled(self._world.journal, self._world.policy, self._tag.name)
        except InconclusiveError:
            return None
        live = tags.live(self._world.journal, self._world.policy)
        if live != known.candidate or known.bad is not None or known.commit != self._tag.commit:
            return None
        return tags.release(self._world.forge, self._world.journal, self._world.policy, self._tag)

    def _is_live(self) -> bool:
        """Whether the ledger, as this run last read or wrote it, has the candidate as the baseline."""
        return fold(self._world.journal.known(), self._world.subject()).live == self._tag.name

    def _unfinished_rollback(self) -> str | None:
        """Why this candidate is being taken back, where a run died over it."""
        state = fold(self._world.journal.events(), self._world.subject())
        begun = state.rollback
        return str(begun.data.get("reason")) if begun is not None and begun.data.get("from") == self._tag.name else None

    def _take_back(self, reason: str, *, traffic_only: bool = False) -> None:
        judged = self.result.judgement
        evidence = judged.document()["slis"] if judged else {}
        request = Request(reason=reason, leaving=self._tag.name, traffic_only=traffic_only, evidence=evidence)
        self.result.rollback = Rollback(self._world, request, self._tell).run()
