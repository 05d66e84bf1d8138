"""The kill switch, on: the flag first, then everything that people need to find the cause.

In this order: commit the value that is safe, see it live, record it, tell those in charge, open the review. A step that
fails does not keep the next from being taken; running it twice commits, tells and opens nothing twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from releasegate.errors import OutsideError, PendingError, ReleasegateError, UnsafeEditError
from releasegate.flags.by_hand import patch_by_hand
from releasegate.flags.document import FlagFile
from releasegate.forge.host import Host
from releasegate.forge.port import Forge
from releasegate.ledger.switch import ON, Standing, standing
from releasegate.notify.port import Message
from releasegate.policy.model import KillSwitch, Policy
from releasegate.render.review import Stop, message, review, title
from releasegate.runbook.clock import Clock
from releasegate.runbook.flags import Committed, commit_changes, facts
from releasegate.runbook.journal import Draft, Journal
from releasegate.runbook.messages import Messages
from releasegate.runbook.outside import Fetch, Shell
from releasegate.runbook.proposal import withdrawn
from releasegate.runbook.publish import deadline_of, go_live
from releasegate.runbook.step import Outcome, State, Step, take
from releasegate.traffic.flag import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Everything that the kill switch touches."""

    policy: Policy
    switch: KillSwitch
    forge: Forge
    host: Host | None = None
    """What the forge's host does beside git; None where it is git alone."""
    flags: Repository
    """Where the flag file is changed: straight on the branch, by pull request or as a patch."""
    journal: Journal
    clock: Clock
    shell: Shell
    fetch: Fetch
    messages: Messages
    withdraw: Callable[[], str]
    """Closes pull requests that would still change the flag, and says so."""
    reviewers: Callable[[], Sequence[str]]
    """Who let this run into its protected environment, as the host tells; nobody on a host that has none."""
    folder: Path
    """Where collected material is kept. It may hold personal data, and goes into no event and no message."""

    @property
    def scope(self) -> Mapping[str, str]:
        """The subject of every event."""
        return {"service": self.policy.service, "environment": self.policy.environment}

    @property
    def branch(self) -> str:
        """The branch of the flag file and of the guardrail document."""
        return self.policy.release.branch

    def standing(self) -> Standing:
        """The kill switch, as the ledger tells."""
        return standing(self.journal.events(), self.scope)

    def key(self, mark: str) -> str:
        """What messages and the review of one use of the switch are found again by; `mark` is its event."""
        return f"kill-switch:{self.policy.service}:{self.policy.environment}:{mark}"

    def guardrails(self, commit: str | None = None) -> str | None:
        """Git's id of the guardrail document at the branch's head, or at `commit`; None where there is none."""
        found = self.forge.read(self.switch.guardrails, commit or self.branch)
        return None if found is None else found.blob

    def live(self, blob: str) -> str:
        """Publish the flag file and wait until it is live; `OutsideError` says that it is not."""
        flags = self.policy.flags
        if flags.publish is None and flags.live is None:
            return "committed; neither published nor checked (policy: flags.publish, flags.live)"
        deadline = deadline_of(self.policy)
        return go_live(flags, blob, deadline=deadline, shell=self.shell, fetch=self.fetch, clock=self.clock)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a use of the kill switch."""

    outcomes: tuple[Outcome, ...]
    commit: str | None
    patch: str
    """What a person has to apply where no edit was safe; empty otherwise."""

    @property
    def exit_code(self) -> int:
        """0 if every step held, else 4."""
        return 4 if any(outcome.state is State.FAILED for outcome in self.outcomes) else 0


class On:
    """Stops the agents."""

    def __init__(self, reach: Reach, reason: str) -> None:
        self._reach, self._reason = reach, reason
        self._done: Committed | None = None
        self._effect = "NOT SET"
        self._patch = ""
        self._mark = ""

    def plan(self) -> tuple[Step, ...]:
        """The steps in their order. Reads nothing and changes nothing."""
        switch = self._reach.switch
        told = ", ".join(switch.notify) or "nobody"
        collected = "".join(f" {name}" for name in switch.collect) or " nothing"
        return (
            Step("flag", "stop the agents", f"set {switch.flag} to {switch.value} for everybody", self._set),
            Step("live", "see it live", "publish the flag file and wait until it is live", self._live),
            Step("record", "record it", "append to the ledger", self._record),
            Step("tell", "tell those in charge", f"tell {told}", self._tell),
            Step("review", "open the review", f"collect{collected}, and open a review item", self._review),
        )

    def run(self) -> Result:
        """Take every step, whatever became of those before it."""
        outcomes = []
        for step in self.plan():
            outcome = take(step, self._reach.clock)
            if step.id == "live":
                self._effect = outcome.text if self._done else self._effect
            outcomes.append(outcome)
        return Result(tuple(outcomes), self._done.commit if self._done else None, self._patch)

    def _set(self) -> str:
        reach, switch = self._reach, self._reach.switch
        name, value, path = switch.flag, switch.value, reach.policy.flags.file
        heading = f"Stop the agents: set {name} to {value}"
        try:
            self._done = commit_changes(
                reach.flags, path, reach.branch, [lambda file: file.set(name, value, taking_back=True)], heading,
                reason=self._reason,
            )  # fmt: skip
        except UnsafeEditError as error:
            found = reach.forge.read(path, reach.branch)
            file = None if found is None else FlagFile.parse(found.content, path)
            self._patch = (patch_by_hand(file, name, value) if file else None) or ""
            raise OutsideError(f"NOT SET: {error}", remedy="apply the patch below by hand and commit it") from error
        except PendingError as error:
            self._patch = error.patch
            raise
        warned = "".join(f"; {warning}" for warning in self._done.plan.warnings)
        done = f"committed {self._done.commit[:12]}" if self._done.commit else f"{name} is {value} already"
        closed = withdrawn(reach.withdraw) if self._done.commit is None else ""
        return f"{done}{warned}{'; ' if closed else ''}{closed}"

    def _live(self) -> str:
        if self._done is None:
            raise OutsideError("the flag is not set")
        return self._reach.live(self._done.blob)

    def _record(self) -> str:
        """What cannot be read of the ledger does not keep this from being recorded: then it waits in the outbox."""
        reach = self._reach
        try:
            newest = reach.standing().newest
        except ReleasegateError:
            newest = None
        done = self._done
        if newest is not None and done is not None and done.commit is None:
            self._mark = newest.id
            return f"on already since {newest.time:%Y-%m-%d %H:%M:%S} UTC ({newest.actor.name})"
        known: dict[str, Any] = {"flag": reach.switch.flag, "reason": self._reason, "value": str(reach.switch.value)}
        if done is None:
            return f"recorded in {reach.journal.record(Draft('kill-switch.failed', reach.scope, known))[:12]}"
        changed = facts(done, reach.branch)
        known |= changed[0] if changed else {"commit": None, "blob": done.blob, "file": done.plan.path}
        known |= {"live": self._effect, "guardrails": self._guardrails()}
        self._mark = done.commit or done.blob
        head = reach.journal.record(Draft(ON, reach.scope, known))
        newest = reach.standing().newest
        self._mark = newest.id if newest else self._mark
        return f"recorded in {head[:12]}"

    def _guardrails(self) -> str | None:
        try:
            return self._reach.guardrails()
        except ReleasegateError:
            return None

    def _stop(self) -> Stop:
        reach = self._reach
        return Stop(
            service=reach.policy.service,
            environment=reach.policy.environment,
            flag=reach.switch.flag,
            value=str(reach.switch.value),
            who=reach.forge.actor().name,
            why=self._reason or "no reason given yet",
            when=reach.clock.now(),
            timezone=reach.policy.timezone,
            effect=self._effect,
            guardrails=reach.switch.guardrails,
        )

    def _key(self) -> str:
        return self._reach.key(self._mark or sha256(self._effect.encode()).hexdigest()[:12])

    def _tell(self) -> str:
        stop = self._stop()
        heading = title(stop) if self._done else f"NOT STOPPED: {stop.flag} could not be set; {stop.service}"
        messages = [Message(self._key(), to, heading, message(stop)) for to in self._reach.switch.notify]
        return self._reach.messages.send(messages)

    def _review(self) -> str:
        stop = self._stop()
        collected, failed = collect(self._reach)
        where = self._reach.forge.open_issue(self._key(), f"Review: {title(stop)}", review(stop, collected))
        if failed:
            raise OutsideError(f"{where}; not collected: {'; '.join(failed)}", remedy="collect it by hand")
        return f"{where}; collected: {', '.join(self._reach.switch.collect) or 'nothing'}"


def collect(reach: Reach) -> tuple[list[str], list[str]]:
    """Run the policy's commands and keep what they print: a line for each that names the bytes, and what failed."""
    kept, failed = [], []
    for name, run in reach.switch.collect.items():
        try:
            content = reach.shell(run.what, {"flag": reach.switch.flag}).encode()
            path = reach.folder / f"{reach.clock.now():%Y%m%dT%H%M%S}-{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            digest = sha256(content).hexdigest()
            kept.append(f"{name}: `{path.name}`, {len(content)} bytes, SHA-256 {digest}, on the machine that ran this")
        except (OutsideError, OSError) as error:
            failed.append(f"{name} ({error.what if isinstance(error, OutsideError) else error.strerror})")
            kept.append(f"{name}: COULD NOT BE COLLECTED")
    return kept, failed
