"""Rollback: traffic first, documents after.

In this order: flip the traffic, see it go live and return, mark the release bad, deploy the last known good one where
flipping is not enough, switch the new features off, run the smoke checks, open the follow-up issue with the document.
A step that fails does not keep the next from being taken.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from releasegate.errors import (
    OutsideError,
    ReleasegateError,
    UsageError,
    VerificationError,
)
from releasegate.ledger.event import Event
from releasegate.ledger.state import State as Ledger
from releasegate.ledger.state import fold
from releasegate.render.rollback import Account, document
from releasegate.runbook.claim import await_end, command, once
from releasegate.runbook.flags import off_of, switch_off
from releasegate.runbook.flags import plan as planned
from releasegate.runbook.flow import await_return
from releasegate.runbook.health import fault_of
from releasegate.runbook.journal import Draft
from releasegate.runbook.publish import see_live
from releasegate.runbook.smoke import smoke
from releasegate.runbook.step import Outcome, State, Step, row, take
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
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the reason rests on: a judgement's SLIs."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a rollback."""

    leaving: str | None
    to: str | None
    outcomes: tuple[Outcome, ...]

    @property
    def traffic_is_back(self) -> bool:
        """Whether the split was set to 0, which is what users feel."""
        return self.outcomes[0].state is not State.FAILED

    @property
    def exit_code(self) -> int:
        """0 if every step held, 1 where only a check is red, 4 where something outside did not answer."""
        codes = {outcome.exit_code for outcome in self.outcomes if outcome.state is State.FAILED}
        return 0 if not codes else 1 if codes == {1} else 4

    @property
    def headline(self) -> str:
        """One line for a tired person."""
        failed = [outcome.title.removesuffix(" checks") for outcome in self.outcomes if outcome.state is State.FAILED]
        if not self.traffic_is_back:
            return "TRAFFIC IS NOT BACK: set the split to 0 by hand, now"
        return f"traffic is back; {', '.join(failed)} failed" if failed else "traffic is back, and every step held"


class Rollback:
    """One rollback; `plan` names its steps, `run` takes them."""

    def __init__(self, world: World, request: Request, tell: Tell) -> None:
        self._world = world
        self._request = request
        self._tell = tell
        self._outcomes: list[Outcome] = []
        self._leaving = request.leaving
        self._to = request.to
        self._blob = ""
        self._on_baseline = False
        self._seen: list[str] = []
        self._rival = ""
        """The step in which the rollout that is left may be putting it onto the baseline now."""

    def plan(self) -> tuple[Step, ...]:
        """The steps in their order. Reads nothing and changes nothing."""
        policy = self._world.policy
        flip = Step("flip", "flip the traffic", "set the canary's weight to 0", self._flip)
        if self._request.traffic_only:
            return (flip,)
        steps = [
            flip,
            Step("live", "see the change live", "publish the flag file and wait until it is live", self._live),
            Step("return", "see the traffic return", "wait until the canary serves nothing", self._return),
            Step("mark", "mark the release bad", "record it, and find the last known good release", self._mark),
        ]
        if policy.rollback.integrity:
            steps.append(Step("look", "look at the data", "run the integrity checks, to compare with", self._look))
        if policy.deploy.production is not None:
            plan = "deploy the last known good release to the baseline where the bad one is there"
            steps.append(Step("deploy", "deploy the last known good", plan, self._deploy))
        if policy.rollback.integrity:
            steps.append(Step("integrity", "data integrity", "run the integrity checks again", self._integrity))
        if policy.rollback.flags.off:
            names = ", ".join(policy.rollback.flags.off)
            steps.append(Step("flags", "switch features off", f"switch off {names}", self._switch_off))
        if self._world.smoke is not None:
            steps.append(Step("smoke", "smoke checks", "ask every page of the smoke checks", self._smoke))
        return (*steps, Step("follow-up", "follow-up issue", "open an issue for the cause", self._follow_up))

    def preview(self) -> Mapping[str, str]:
        """Step to the diff of every file that it would change, as far as that is known now. Changes nothing."""
        policy, world = self._world.policy, self._world
        diffs = {"flip": world.traffic.preview(0.0)}
        off = policy.rollback.flags.off
        found = world.forge.read(policy.flags.file, policy.release.branch) if off else None
        if found is not None and not self._request.traffic_only:
            diffs["flags"] = planned(found.content, policy.flags.file, [off_of(name) for name in off]).diff
        return diffs

    def target(self) -> tuple[str | None, str | None]:
        """What would be left and what for, as far as the ledger tells. Changes nothing."""
        state = self._state()
        if not self._joins(state):
            self._aim(state)
        return self._leaving, self._to

    def run(self) -> Result:
        """Take every step, whatever became of those before it, and record the whole.

        An interruption is passed on, but not before the traffic is back.
        """
        try:
            for step in self.plan():
                self._take(step)
        except KeyboardInterrupt:
            if not self._outcomes:
                self._take(self.plan()[0])
            raise
        self._finish()
        return Result(self._leaving, self._to, tuple(self._outcomes))

    def _take(self, step: Step) -> None:
        self._tell(Began(step.id, step.title))
        outcome = take(step, self._world.clock)
        self._tell(outcome)
        self._outcomes.append(outcome)

    def _flip(self) -> str:
        split = self._world.traffic.set_weight(0.0, reason=self._request.reason)
        self._blob = split.revision
        fault = fault_of(self._world, "baseline", tries=1)
        return f"{split.description}; LOOK: {fault}" if fault else split.description

    def _live(self) -> str:
        return see_live(self._world, self._blob)

    def _return(self) -> str:
        return await_return(self._world.canary, self._world.counts(), self._world.clock)

    def _mark(self) -> str:
        """Record it, which closes the fence, and look at the split once more: a raise may have come between.

        The same rollback that another run has begun, or finished, is joined: it goes no further back than that one.
        """
        reason = self._request.reason

        def choose(events: Sequence[Event]) -> Sequence[Draft]:
            state = fold(events, self._world.subject())
            if self._joins(state):
                return []
            self._aim(state)
            left = state.release(self._leaving) if self._leaving else None
            started = Draft("rollback.started", self._subject(), {**self._fields(), **self._place()})
            if left is None or (self._to and left == state.release(self._to)):  # what is gone back to is not bad
                return [started]
            bad = Draft("release.marked-bad", self._world.subject(left.candidate, left.commit), {"reason": reason})
            return [started, bad]

        try:
            self._world.journal.decide(choose)
        except ReleasegateError:
            self._aim(self._state())
            self._world.journal.record(*choose(self._world.journal.known()))
        split = self._world.traffic.set_weight(0.0, reason=reason)
        if split.revision != self._blob:
            self._blob = split.revision
            self._live()
        left = fold(self._world.journal.known(), self._world.subject()).release(self._leaving or "")
        marked = left is not None and left.bad is not None
        return f"{self._leaving if marked else 'nothing'} is marked bad; last known good: {self._to or 'none is known'}"

    def _joins(self, state: Ledger) -> bool:
        """Whether the ledger holds this rollback already; then its releases are this one's."""
        known = state.rolled_back
        if known is None:
            return False
        begun = {key: known.data.get(key) for key in ("from", "to")}
        asked = {"from": self._request.leaving, "to": self._request.to}
        if any(tag is not None and not _same(state, tag, begun[key]) for key, tag in asked.items()):
            return False
        self._leaving, self._to = begun["from"], begun["to"]
        self._on_baseline = bool(known.data.get("baseline"))
        self._rival = str(known.data.get("rival"))
        return True

    def _aim(self, state: Ledger) -> None:
        """What is left, and for what: the release before it that was good."""
        rollout = state.rollout or state.aborted
        self._leaving = self._request.leaving or (rollout.tag if rollout else state.live)
        left = state.release(self._leaving) if self._leaving else None
        good = state.release(self._request.to) if self._request.to else state.last_known_good(self._leaving)
        self._to = good.name if good else self._request.to
        self._rival = f"{rollout.id}/deploy-baseline" if rollout else ""
        begun = self._rival in state.claims
        self._on_baseline = begun or (left is not None and state.live == left.candidate)

    def _deploy(self) -> str:
        if not self._on_baseline:
            return "not needed: the bad release never reached the baseline"
        state = self._state()
        good = state.release(self._to) if self._to else None
        if good is None:
            raise OutsideError("no last known good release is known", remedy="name one: releasegate rollback --to TAG")
        with suppress(ReleasegateError):  # what that run deploys must not come after this
            await_end(self._world, self._rival)
        run = self._world.policy.deploy.production
        assert run is not None  # noqa: S101  the plan has no such step without it
        step = f"{state.rolled_back.id if state.rolled_back else f'{self._world.clock.now():%d%H%M%S}'}/deploy"
        effect = command(self._world, replace(run, repeat=True), good.name, good.commit, "baseline", step)
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
            return once(self._world, replace(effect, act=act))
        except ReleasegateError as error:  # whatever ails the ledger stops no deploy
            if not ends:
                return f"{effect.act()} (WITHOUT a claim: {error})"
            if isinstance(ends[0], str):
                return f"{ends[0]} (NOT recorded: {error})"
            raise ends[0] from None

    def _look(self) -> str:
        """What the integrity checks print before anything else is done; a red one is told, and stops nothing."""
        checks = self._world.policy.rollback.integrity
        self._seen = [self._world.shell(check, {}) for check in checks]
        return f"{len(checks)} integrity checks hold"

    def _integrity(self) -> str:
        """Run them again: each has to end well, and to print what it printed before."""
        checks = self._world.policy.rollback.integrity
        after = [self._world.shell(check, {}) for check in checks]
        seen = zip(checks, self._seen, after, strict=False)
        changed = [f"{check[0]}: {old!r} before, {new!r} now" for check, old, new in seen if old != new]
        if changed:
            raise VerificationError(f"the data is not what it was: {'; '.join(changed)}")
        compared = "and print what they did before" if self._seen else "with nothing to compare to"
        return f"{len(checks)} integrity checks hold, {compared}"

    def _switch_off(self) -> str:
        flags = self._world.policy.flags
        branch, names = self._world.policy.release.branch, self._world.policy.rollback.flags.off
        return switch_off(self._world.forge, flags.file, branch, names, self._request.reason)

    def _smoke(self) -> str:
        if self._world.smoke is None:
            return "no smoke checks in the policy"
        return smoke(self._world, self._world.smoke())

    def _follow_up(self) -> str:
        marker = f"rollback:{self._world.policy.service}:{self._world.policy.environment}:{self._leaving}"
        text = self._document()
        path = self._world.documents / f"rollback-{(self._leaving or 'canary').replace('/', '-')}.md"
        path.write_text(text, encoding="utf-8")
        title = f"{self._leaving or 'The canary'} was taken back: find the cause"
        return f"document {path.name}, issue {self._world.forge.open_issue(marker, title, text)}"

    def _document(self) -> str:
        policy = self._world.policy
        manual: tuple[str, ...] = ()
        with suppress(ReleasegateError):  # the step before says what is wrong with the file
            manual = tuple(self._world.smoke().manual) if self._world.smoke else ()
        return document(
            Account(
                service=policy.service,
                environment=policy.environment,
                leaving=self._leaving,
                to=self._to,
                reason=self._request.reason,
                who=self._world.forge.actor().name,
                steps=[row(outcome) for outcome in self._outcomes],
                evidence=self._request.evidence,
                manual=manual,
                timezone=policy.timezone,
            )
        )

    def _finish(self) -> None:
        """Record the end; a ledger that cannot be written does not undo a rollback, but is told."""
        steps = [{"step": outcome.id, "state": outcome.state.value} for outcome in self._outcomes]
        lowered = Draft("traffic.lowered", self._subject(), {"weight": 0.0, "revision": self._blob})
        finished = Draft("rollback.finished", self._subject(), {**self._fields(), "steps": steps})
        aborted = Draft("rollout.aborted", self._subject(), {"reason": self._request.reason})

        def record() -> str:
            drafts = [lowered, aborted] if self._request.traffic_only else [lowered, finished]
            return f"recorded in {self._world.journal.record(*drafts, unless=self._is_over)[:12]}"

        outcome = take(Step("record", "record it", "append to the ledger", record), self._world.clock)
        self._tell(outcome)
        self._outcomes.append(outcome)

    def _is_over(self, events: Sequence[Event]) -> bool:
        """Whether the end of this rollback is in the ledger."""
        state = fold(events, self._world.subject())
        lowered = state.split is not None and (state.split.weight, state.split.revision) == (0.0, self._blob)
        return lowered and state.rollback is None and state.rollout is None and state.retreat is not None

    def _place(self) -> dict[str, Any]:
        return {"baseline": self._on_baseline, "rival": self._rival}

    def _fields(self) -> dict[str, Any]:
        return {"from": self._leaving, "to": self._to, "reason": self._request.reason}

    def _subject(self) -> Mapping[str, str]:
        known = self._state().release(self._leaving) if self._leaving else None
        return self._world.subject(known.candidate, known.commit) if known else self._world.subject()

    def _state(self) -> Ledger:
        """What the ledger says, or said when it last answered: taking back waits for nobody."""
        try:
            events = self._world.journal.events()
        except ReleasegateError:
            events = self._world.journal.known()
        return fold(events, self._world.subject())


def refuse_unknown(world: World, to: str | None) -> None:
    """`UsageError` where the ledger answers and holds no release `to`, before anything is done: it may be a typo."""
    if to is None:
        return
    try:
        state = fold(world.journal.events(), world.subject())
    except ReleasegateError:
        return  # whoever takes back is not kept waiting for the ledger
    if state.release(to) is None:
        names = ", ".join(release.name for release in state.releases[-5:]) or "none"
        raise UsageError(f"there is no release `{to}`", where="--to", remedy=f"the newest are: {names}")


def _same(state: Ledger, one: str, other: str | None) -> bool:
    """Whether two tags, of releases or of their candidates, are of one release."""
    found = state.release(one)
    return one == other or (found is not None and other is not None and found == state.release(other))
