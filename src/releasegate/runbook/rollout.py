"""Rollout: a candidate from its evidence to all users, or back.

The stages are `gates production canary watch complete settle release`; the candidate's tag was made before. The split
is raised only behind the fence: no newer rollback in the ledger, and the split as this rollout last saw or wrote it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from releasegate.canary.judge import Decision, Judgement
from releasegate.canary.recording import Line
from releasegate.errors import FenceError, InconclusiveError, VerificationError
from releasegate.forge.port import Tag
from releasegate.ledger.event import Event
from releasegate.ledger.state import fold
from releasegate.metrics.port import Poll
from releasegate.runbook import tags
from releasegate.runbook.flow import await_return
from releasegate.runbook.journal import Draft
from releasegate.runbook.publish import go_live
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollback import Result as RollbackResult
from releasegate.runbook.smoke import smoke
from releasegate.runbook.step import Outcome, State, Step, take
from releasegate.runbook.watch import header_of, watch
from releasegate.runbook.world import Began, Tell, World
from releasegate.verdict import Outcome as GateOutcome
from releasegate.verdict import Subject, Verdict

RECORDING = "recording.jsonl"
"""The recording's name among the documents."""
HISTORY = 6
"""Polls of the baseline before the split is changed."""


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

    @property
    def failed(self) -> Outcome | None:
        """The stage at which it ended, if it did not get through."""
        return next((stage for stage in self.stages if stage.state is State.FAILED), None)

    @property
    def exit_code(self) -> int:
        """The release's own: 0 promoted, 1 failed or aborted, 3 inconclusive, 4 something outside did not answer."""
        return self.failed.exit_code if self.failed else 0

    @property
    def headline(self) -> str:
        """One line for a tired person."""
        name = self.candidate.name
        if self.failed is None:
            return f"{self.release.name if self.release else name} is live for everybody"
        if self.rollback is None:
            return f"{name} stopped at `{self.failed.title}`: {self.failed.text}"
        back = "was taken back" if self.rollback.traffic_is_back else "could NOT be taken back"
        return f"{name} {back}: {self.failed.text}"


class Rollout:
    """One rollout of a tagged candidate."""

    def __init__(self, world: World, candidate: Tag, tell: Tell) -> None:
        self._world = world
        self._tag = candidate
        self._tell = tell
        self._id = ""
        self._revision = ""
        self._source = world.counts()
        self._history: list[tuple[float, Poll]] = []
        self.result = Result(candidate, world.clock.now())

    def run(self) -> Result:
        """Take the stages in order. The first that fails ends it; a canary with traffic is then taken back.

        An interruption takes the traffic back as well, and is passed on.
        """
        raised = False
        try:
            for step in self._plan():
                raised = raised or step.id == "canary"
                self._tell(Began(step.id, step.title))
                outcome = take(step, self._world.clock)
                self._tell(outcome)
                self.result.stages.append(outcome)
                if outcome.state is State.FAILED:
                    if raised and self._goes_back(outcome):
                        self._take_back(outcome.text)
                    break
        except KeyboardInterrupt:
            if raised:
                self._take_back("interrupted", traffic_only=True)
            raise
        return self.result

    def _plan(self) -> tuple[Step, ...]:
        share = f"{self._world.canary.weight:.0%}"
        return (
            Step("gates", "gates", "judge the evidence", self._gates),
            Step("production", "deploy the canary", "deploy the candidate to the canary track", self._production),
            Step("canary", f"{share} to the canary", f"send {share} of the traffic to it", self._canary),
            Step("watch", "watch the canary", "judge it until the window ends", self._watch),
            Step("complete", "100% to the canary", "send all traffic to it", self._complete),
            Step("settle", "settle", "deploy it to the baseline too, and set the split to 0", self._settle),
            Step("release", "release tag", "tag the release", self._release),
        )

    def _gates(self) -> str:
        split = self._world.traffic.split()
        if split.weight != 0:
            raise FenceError(
                f"the split is {split.weight:.0%} before this rollout began ({split.description})",
                remedy="finish or take back what is running: releasegate rollback",
            )
        verdicts = tuple(self._world.gates(Subject(self._tag.name, self._tag.commit)))
        self.result.verdicts = verdicts
        worst = _worst(verdicts)
        names = {verdict.gate: verdict.verdict.value for verdict in verdicts}
        evidence = [{"path": e.path, "sha256": e.sha256} for verdict in verdicts for e in verdict.evidence]
        judged: dict[str, object] = {"verdict": worst.value, "stage": "gates", "gates": names, "evidence": evidence}
        remembered = {verdict.gate: verdict.remember for verdict in verdicts if verdict.remember is not None}
        self._record("gates.judged", {**judged, "remembered": remembered} if remembered else judged)
        told = "; ".join(f"{verdict.gate} {verdict.verdict}: {verdict.summary}" for verdict in verdicts)
        if worst is GateOutcome.FAIL:
            raise VerificationError(told)
        if worst is GateOutcome.INCONCLUSIVE:
            raise InconclusiveError(told or "no gate in the policy")
        return told

    def _production(self) -> str:
        head = self._record("rollout.started", {"from": fold(self._events(), self._world.subject()).live})
        rollout = fold(self._events(), self._world.subject()).rollout
        self._id = rollout.id if rollout else ""
        self._revision = self._world.traffic.split().revision
        return f"{self._deploy('canary')} (recorded in {head[:12]})"

    def _canary(self) -> str:
        self._look_back()
        return self._raise(self._world.canary.weight)

    def _look_back(self) -> None:
        """Poll the baseline alone for a while, so that the judge knows how even its counts are."""
        clock, interval = self._world.clock, self._world.canary.interval
        self._source.advance(clock.now().timestamp())
        for _ in range(HISTORY):
            clock.sleep(interval)
            at = clock.now().timestamp()
            self._history.append((at, self._source.advance(at)))

    def _past(self, start: float) -> list[Line]:
        """What was seen of the baseline before the moment `start`."""
        baseline = [
            (
                at,
                {
                    name: {"baseline": counts["baseline"]}
                    for name, counts in poll.counts.items()
                    if "baseline" in counts
                },
            )
            for at, poll in self._history
        ]
        return [Line(at - start, counts) for at, counts in baseline]

    def _watch(self) -> str:
        world = self._world
        recording = world.documents / RECORDING
        now = world.clock.now()
        name = f"{world.policy.service}-{self._tag.name}"
        header = header_of(world.policy, name, now, self._source.bounds(now.timestamp()))
        with recording.open("w", encoding="utf-8") as file:
            judgement = watch(
                self._source, header, world.clock,
                record=lambda line: print(line, file=file, flush=True),
                observe=self._tell, history=self._past, settle=world.canary.settle,
            )  # fmt: skip
        self.result.judgement = judgement
        kept = {"path": recording.name, "sha256": sha256(recording.read_bytes()).hexdigest()}
        fields = {"decision": judgement.decision.value, "cause": judgement.cause, "reason": judgement.reason}
        self._record("canary.decided", {**fields, "recording": kept})
        if judgement.decision is Decision.ABORT:
            raise VerificationError(judgement.reason)
        if judgement.decision is not Decision.PROMOTE:
            raise InconclusiveError(judgement.reason)
        return judgement.reason

    def _complete(self) -> str:
        text = self._raise(1.0)
        self._record("rollout.completed", {})
        return text

    def _settle(self) -> str:
        deployed = self._deploy("baseline")
        split = self._world.traffic.set_weight(0.0, reason=f"{self._tag.name} is the baseline now")
        self._live(split.revision)
        await_return(self._world.canary, self._world.counts(), self._world.clock)
        checked = (
            smoke(self._world.smoke, self._world.fetch, self._world.clock) if self._world.smoke else "no smoke checks"
        )
        lowered = Draft("traffic.lowered", self._subject(), {"weight": 0.0, "revision": split.revision})
        self._world.journal.append(lowered, Draft("rollout.settled", self._subject()))
        return f"{deployed}; the split is 0; {checked}"

    def _release(self) -> str:
        self.result.release = tags.release(self._world.forge, self._world.journal, self._world.policy, self._tag)
        return f"{self.result.release.name} on {self._tag.commit[:12]}"

    def _raise(self, weight: float) -> str:
        newer = fold(self._events(), self._world.subject()).fence(self._id)
        if newer:
            raise FenceError(f"traffic is not raised: {newer}", remedy="look at `releasegate ledger show`")
        reason = f"{self._tag.name}: {weight:.0%} of the traffic"
        split = self._world.traffic.set_weight(weight, reason=reason, expected=self._revision)
        self._revision = split.revision
        self._record("traffic.raised", {"weight": weight, "revision": split.revision})
        return f"{split.description}; {self._live(split.revision)}"

    def _live(self, revision: str) -> str:
        world = self._world
        return go_live(
            world.policy.flags, revision,
            deadline=world.canary.settle, shell=world.shell, fetch=world.fetch, clock=world.clock,
        )  # fmt: skip

    def _deploy(self, track: str) -> str:
        run = self._world.policy.deploy.production
        if run is None:
            return "nothing to deploy (policy: deploy.production)"
        self._world.shell(run.command, self._world.place(self._tag.name, self._tag.commit, track))
        return f"{self._tag.name} is deployed to the {track}"

    def _goes_back(self, outcome: Outcome) -> bool:
        """An inconclusive canary is held where the policy says so; everything else is taken back."""
        held = outcome.id == "watch" and outcome.exit_code == InconclusiveError.exit_code
        return not (held and self._world.canary.on_inconclusive == "hold")

    def _take_back(self, reason: str, *, traffic_only: bool = False) -> None:
        judged = self.result.judgement
        evidence = judged.document()["slis"] if judged else {}
        request = Request(reason=reason, leaving=self._tag.name, traffic_only=traffic_only, evidence=evidence)
        self.result.rollback = Rollback(self._world, request, self._tell).run()

    def _events(self) -> Sequence[Event]:
        return self._world.journal.events()

    def _subject(self) -> Mapping[str, str]:
        return self._world.subject(self._tag.name, self._tag.commit)

    def _record(self, kind: str, data: dict[str, object]) -> str:
        return self._world.journal.append(Draft(kind, self._subject(), data))


def _worst(verdicts: tuple[Verdict, ...]) -> GateOutcome:
    order = (GateOutcome.FAIL, GateOutcome.INCONCLUSIVE, GateOutcome.WARN, GateOutcome.PASS)
    present = {verdict.verdict for verdict in verdicts}
    return next((outcome for outcome in order if outcome in present), GateOutcome.INCONCLUSIVE)
