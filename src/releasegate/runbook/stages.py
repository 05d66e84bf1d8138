"""What each stage of a rollout does. A stage that was recorded as finished is not done again."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, TextIO, TypeVar

from releasegate.canary.judge import Decision, Judgement
from releasegate.errors import (
    FenceError,
    ForgeError,
    InconclusiveError,
    MetricsError,
    OutsideError,
    RepositoryError,
    VerificationError,
)
from releasegate.forge.port import Tag
from releasegate.ledger.event import Event
from releasegate.ledger.state import Rollout, fold
from releasegate.policy.model import Run
from releasegate.runbook import tags
from releasegate.runbook.check import show as show_verdicts
from releasegate.runbook.ci import Tests, in_staging, names_of
from releasegate.runbook.claim import command, once, placed
from releasegate.runbook.deployments import STAGING, retire, show, shown
from releasegate.runbook.flow import await_return, measure
from releasegate.runbook.health import require
from releasegate.runbook.journal import Draft
from releasegate.runbook.judged import judged, worst
from releasegate.runbook.publish import see_live
from releasegate.runbook.raising import Raising, check_fence, fence
from releasegate.runbook.smoke import smoke
from releasegate.runbook.trial import Trial
from releasegate.runbook.watch import recorder, unwritable
from releasegate.runbook.world import Fetched, Tell, World
from releasegate.verdict import Outcome as GateOutcome
from releasegate.verdict import Subject

if TYPE_CHECKING:
    from releasegate.runbook.rollout import Result

T = TypeVar("T")
RECORDING = "recording.jsonl"
"""The recording's name among the documents."""


class HeldError(InconclusiveError):
    """Too little was seen to decide: the canary stays at its weight, where the policy says so."""


class Stages:
    """The stages of one rollout; `rollout` is None for a plan."""

    def __init__(
        self, world: World, rollout: Rollout | None, tag: Tag, tell: Tell, accept: str | None, result: "Result"
    ) -> None:
        self._world = world
        self._rollout = rollout
        self._tag = tag
        self._accept = accept
        self._result = result
        self._trial = Trial(world, tell)
        self._raising = Raising(world, tag, rollout.id if rollout else "")

    @property
    def rollout(self) -> Rollout:
        """The rollout as the ledger has it now, aborted or not; `FenceError` once it is over."""
        found = fold(self._world.journal.events(), self._world.subject()).rollout
        if found is None or self._rollout is None or found.id != self._rollout.id:
            fence(self._world, self._rollout.id if self._rollout else "")
            raise FenceError("this rollout is over", remedy="look at `releasegate status`")
        return found

    def goes_on(self) -> bool:
        """Whether the ledger knows of nothing that ended this rollout, or took it back."""
        state = fold(self._world.journal.events(), self._world.subject())
        return self._rollout is not None and state.fence(self._rollout.id) is None

    def already(self, stage: str) -> Callable[[], str | None]:
        """Whether the ledger has the stage as finished."""

        def look() -> str | None:
            known = fold(self._world.journal.events(), self._world.subject()).rollout
            mine = known is not None and known.tag == self._tag.name
            return "done before this run" if mine and known is not None and stage in known.stages else None

        return look

    def tag(self) -> str:
        """The candidate is tagged; so says the tag."""
        return self._finish("tag", f"{self._tag.name} on {self._tag.commit[:12]}")

    def gates(self) -> str:
        """Fetch the evidence of the commit, and judge it."""
        policy = self._world.policy

        def mine(gate: str) -> bool:
            return not in_staging(policy, gate)

        ran, artifacts = self._tested("ci", policy.release.ci, "canary", mine)
        ran = ran or self._run("ci", policy.release.ci, "canary")
        told = self._judge("gates", mine, artifacts, needed=True)
        return self._finish("gates", f"{ran}; {told}" if ran else told)

    def staging(self) -> str:
        """Deploy to staging, and run the tests there."""
        policy = self._world.policy
        deployed = "nothing to deploy (policy: deploy.staging)"
        if policy.deploy.staging is not None:
            deployed = self._shown(STAGING, lambda: self._run("staging", policy.deploy.staging, "staging"))
        tests = self._tests("staging-tests", policy.staging_tests, "staging")
        tested = tests.run() if tests else self._run("staging-tests", policy.staging_tests, "staging")
        return self._finish("staging", f"{deployed}; {tested}" if tested else deployed)

    def staging_gates(self) -> str:
        """Judge what the tests in staging left behind."""
        policy = self._world.policy
        if policy.staging_tests is None:
            return self._finish("staging-gates", "no tests in staging (policy: staging-tests)")
        mine = partial(in_staging, policy)
        ran, artifacts = self._tested("staging-tests", policy.staging_tests, "staging", mine)
        told = self._judge("staging-gates", mine, artifacts, needed=False)
        return self._finish("staging-gates", f"{ran}; {told}" if ran else told)

    def production(self) -> str:
        """Deploy to the canary track, which has no traffic yet."""
        text = self._shown(self._world.policy.environment, lambda: self._deploy("canary"), last=False)
        colour = None if self._world.live is None else self._world.track("canary")
        return self._finish("production", text, colour=colour)

    def canary(self) -> str:
        """Give the canary its first share; with blue-green that is all of it, and what users see is looked at."""
        if self.rollout.raised is None:
            self._trial.look_back()
        if not self._world.policy.blue_green:
            return self._finish("canary", self._raising.to(self._world.canary.ramp[0]))
        return self._finish("canary", f"{self._raising.to(1.0)}; {self._checked()}")

    def watch(self) -> str:
        """Judge the canary until it is decided."""
        rollout, clock, canary = self.rollout, self._world.clock, self._world.canary
        held = rollout.decision
        if held is not None and held.data.get("decision") == Decision.ABORT:
            raise VerificationError(str(held.data.get("reason")))
        if held is not None and clock.now().timestamp() > held.time.timestamp() + canary.hold_for:
            raise InconclusiveError(f"held for {canary.hold_for:.0f} s, and still: {held.data.get('reason')}")
        self._raising.keep()
        judgement = self._patiently(lambda: self._watch(self.rollout))
        self._result.judgement = judgement
        path = self._world.documents / RECORDING
        kept = {"path": path.name, "sha256": sha256(path.read_bytes()).hexdigest()}
        facts = {"decision": judgement.decision.value, "cause": judgement.cause, "reason": judgement.reason}
        decided = Draft("canary.decided", self._subject(), {**facts, "recording": kept})
        text = f"{judgement.reason}; {self._trial.share}{self._trial.lost}"
        if judgement.decision is Decision.PROMOTE:
            return self._patiently(lambda: self._finish("watch", text, decided))
        if judgement.decision is Decision.ABORT or held is None:
            with suppress(OutsideError):  # it waits in the outbox, and the reason is the judge's
                self._world.journal.record(decided)
        if judgement.decision is Decision.ABORT:
            raise VerificationError(judgement.reason)
        if self._accept is None:
            raise HeldError(judgement.reason)
        accepted = Draft("canary.accepted", self._subject(), {"reason": self._accept})
        return self._finish("watch", f"inconclusive, accepted: {self._accept}; {text}", accepted)

    def complete(self) -> str:
        """Give the canary everything, and see that it gets it."""
        world = self._world
        text = self._patiently(lambda: self._raising.to(1.0))
        text = f"{text}; {measure(world.canary, world.counts(), world.clock, 1.0)}"
        return self._finish("complete", text, Draft("rollout.completed", self._subject()))

    def settle(self) -> str:
        """Make it the baseline, and leave a clean house: the split at 0, the release tagged."""
        world = self._world
        fence(world, self.rollout.id)
        if world.policy.blue_green:
            return self._swap()
        deployed = self._deploy("baseline")
        require(world, "baseline")
        split = world.traffic.set_weight(0.0, reason=f"{self._tag.name} is the baseline now")
        see_live(world, split.revision)
        returned = await_return(world.canary, world.counts(), world.clock)
        checked = self._checked()
        lowered = Draft("traffic.lowered", self._subject(), {"weight": 0.0, "revision": split.revision})
        return self._settled(f"{deployed}; the split is 0; {returned}; {checked}{self._show_settled()}", lowered)

    def _swap(self) -> str:
        """Blue-green: nothing is deployed; the two tracks change places in the ledger."""
        colour, checked, split = self._world.track("canary"), self._checked(), self._world.traffic.split()
        if split.weight != 1.0:
            raise FenceError(f"{colour} has not all of the traffic ({split.description})", remedy="look who changed it")
        facts = {"live": colour, "release": self._tag.name, "revision": split.revision}
        text = f"{colour} is live, {self._world.live} keeps the release before; {checked}{self._show_settled()}"
        return self._settled(text, Draft("tracks.swapped", self._subject(), facts))

    def _settled(self, text: str, draft: Draft) -> str:
        """Record that it is the baseline, and give it the release's tag."""
        self._finish("settle", text, draft, last=Draft("rollout.settled", self._subject()))
        world = self._world
        try:
            self._result.release = tags.release(world.forge, world.journal, world.policy, self._tag)
        except RepositoryError as error:  # somebody made it by hand meanwhile; the release is live all the same
            raise OutsideError(error.what, where=error.where, remedy=error.remedy) from error
        return f"{text}; {self._result.release.name} on {self._tag.commit[:12]}"

    def _checked(self) -> str:
        """The smoke checks; `VerificationError` where one is red."""
        return smoke(self._world, self._world.smoke()) if self._world.smoke else "no smoke checks"

    def give_up(self, reason: str) -> None:
        """Record that this rollout is over before it had any traffic."""
        self._world.journal.record(Draft("rollout.aborted", self._subject(), {"reason": reason}))

    def _watch(self, rollout: Rollout) -> Judgement:
        """The trial; a canary that is held is judged up to the present."""
        world, canary = self._world, self._world.canary
        longest = canary.max_window
        if rollout.decision is not None and rollout.raised is not None:
            held = world.clock.now().timestamp() - rollout.raised.time.timestamp()
            longest = max(longest or canary.window, held)
        with self._recording() as file:
            return self._trial.run(
                rollout, record=recorder(file),
                ramp=(lambda _: None) if world.policy.blue_green else self._raising.ramp,
                look=self._raising.look, max_window=longest,
            )  # fmt: skip

    def _recording(self) -> TextIO:
        path = self._world.documents / RECORDING
        try:
            return path.open("w", encoding="utf-8")
        except OSError as error:
            raise unwritable(str(path), error) from error

    def _deploy(self, track: str) -> str:
        done = self._run(f"deploy-{self._world.track(track)}", self._world.policy.deploy.production, track)
        return done or "nothing to deploy (policy: deploy.production)"

    def _shown(self, environment: str, act: Callable[[], str], *, last: bool = True) -> str:
        step = f"{self.rollout.id}/{STAGING if environment == STAGING else 'production'}"
        return shown(self._world, environment, self._tag.name, self._tag.commit, step, act, last=last)

    def _show_settled(self) -> str:
        """Show that this release is what users have, and that the one before is not."""
        world, tag, rollout = self._world, self._tag, self.rollout
        step, text = f"{rollout.id}/production", f"{tag.name} is live for everybody"
        note = show(world, world.policy.environment, tag.name, tag.commit, step, "success", text)
        before = fold(world.journal.events(), world.subject()).release(rollout.started.data.get("from") or "")
        if before is None or before.commit == tag.commit:
            return note
        return note or retire(world, before.commit, f"{tag.name} took its place")

    def _run(self, name: str, run: Run | None, track: str) -> str:
        """Run a command of the policy once; nothing is said where there is none."""
        if run is None:
            return ""
        rollout = self.rollout.id
        effect = command(self._world, run, self._tag.name, self._tag.commit, track, f"{rollout}/{name}")
        return f"{name}: {once(self._world, replace(effect, fence=lambda state: check_fence(state, rollout)))}"

    def _tests(self, name: str, run: Run | None, track: str) -> Tests | None:
        """The run of a workflow that tests the candidate; None where the policy has a command, or nothing."""
        world, host = self._world, self._world.host
        if run is None or run.workflow is None or host is None:
            return None
        rollout = self.rollout.id
        step = f"{rollout}/{name}"
        return Tests(
            world=world, host=host, workflow=run.workflow, tag=self._tag, step=step,
            values=placed(world, self._tag.name, self._tag.commit, track, step),
            by_commit=name == "ci", fence=lambda state: check_fence(state, rollout),
        )  # fmt: skip

    def _tested(
        self, name: str, run: Run | None, track: str, mine: Callable[[str], bool]
    ) -> tuple[str, Mapping[str, Fetched]]:
        """What became of the workflow that tests the candidate, and its artifacts for the gates that are `mine`."""
        tests = self._tests(name, run, track)
        return tests.result(names_of(self._world.policy.gates, mine)) if tests else ("", {})

    def _judge(self, stage: str, mine: Callable[[str], bool], artifacts: Mapping[str, Fetched], *, needed: bool) -> str:
        """Judge the gates of one stage; nothing to judge is a verdict of its own only where it is `needed`."""
        about = Subject(self._tag.name, self._tag.commit)
        verdicts = self._world.gates(about, artifacts, mine)
        self._result.verdicts = (*self._result.verdicts, *verdicts)
        if not verdicts and not needed:
            return "no gates of tests in the policy"
        facts = judged(verdicts, stage)
        remembered = {verdict.gate: verdict.remember for verdict in verdicts if verdict.remember is not None}
        self._world.journal.append(
            Draft("gates.judged", self._subject(), {**facts, "remembered": remembered} if remembered else facts)
        )
        told = "; ".join(f"{verdict.gate} {verdict.verdict}: {verdict.summary}" for verdict in verdicts)
        told += show_verdicts(self._world, self._tag.commit, stage, verdicts)
        outcome = worst(verdicts)
        if outcome is GateOutcome.FAIL:
            raise VerificationError(told)
        if outcome is GateOutcome.INCONCLUSIVE:
            raise InconclusiveError(told or "no gate in the policy")
        return told

    def _patiently(self, act: Callable[[], T]) -> T:
        """Do it; where Prometheus or the forge does not answer, again until `hold-for` is over, if the policy holds."""
        world = self._world
        end = world.clock.now().timestamp() + (world.canary.hold_for if world.canary.on_inconclusive == "hold" else 0.0)
        while True:
            try:
                return act()
            except (MetricsError, ForgeError):
                if world.clock.now().timestamp() + world.canary.interval > end:
                    raise
            world.clock.sleep(world.canary.interval)

    def _finish(
        self, stage: str, text: str, *drafts: Draft, last: Draft | None = None, colour: str | None = None
    ) -> str:
        """Record the stage as finished, with what else became of it, in one commit and behind the fence."""
        facts = {"stage": stage, "text": text, **({} if colour is None else {"track": colour})}
        finished = Draft("stage.finished", self._subject(), facts)
        rollout = self.rollout.id

        def choose(events: Sequence[Event]) -> Sequence[Draft]:
            check_fence(fold(events, self._world.subject()), rollout)
            return [*drafts, finished, *([last] if last else [])]

        self._world.journal.decide(choose)
        return text

    def _subject(self) -> Mapping[str, str]:
        return self._world.subject(self._tag.name, self._tag.commit)
