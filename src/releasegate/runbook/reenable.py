"""The kill switch, off: the agents run again once guardrails are better, the cause is known, two people agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from releasegate.errors import FenceError, InconclusiveError, InputError
from releasegate.flags.document import Edit, FlagFile, Removed
from releasegate.forge.host import Host
from releasegate.ledger.switch import APPROVED, JUDGED, OFF, STAGING, Standing
from releasegate.notify.port import Message
from releasegate.render.review import moment
from releasegate.runbook.flags import Committed, Plan, commit_changes, facts
from releasegate.runbook.journal import Draft
from releasegate.runbook.judged import judged, worst
from releasegate.runbook.kill_switch import Reach, Result
from releasegate.runbook.step import Outcome, State, Step, take
from releasegate.verdict import Outcome as Grade
from releasegate.verdict import Subject, Verdict

Judge = Callable[[Subject], Sequence[Verdict]]


@dataclass(frozen=True, slots=True)
class Status:
    """The kill switch as it stands, for a person who wants it off."""

    standing: Standing
    flag: str
    """What the flag file says now."""
    missing: tuple[str, ...]
    """What keeps the agents from running again; empty where nothing does, or where the switch is off."""


def status(reach: Reach) -> Status:
    """Read the ledger, the flag file and the guardrail document."""
    found = reach.standing()
    path = reach.policy.flags.file
    file = reach.forge.read(path, reach.branch)
    says = "there is no flag file" if file is None else _says(FlagFile.parse(file.content, path), reach.switch.flag)
    return Status(found, says, tuple(missing(reach, found)) if found.since else ())


def _says(file: FlagFile, name: str) -> str:
    return file.state(name).text if name in file.names() else "the flag is not there"


def missing(reach: Reach, found: Standing) -> list[str]:
    """What has to happen before the agents run again, a line each."""
    document, now = reach.switch.guardrails, reach.guardrails()
    lines = []
    if now is None:
        lines.append(f"{document} is not on {reach.branch}: write the guardrails down")
    elif found.newest is not None and now == found.newest.data.get("guardrails"):
        lines.append(f"{document} was not changed since the switch went on")
    elif not _validated(reach, found, now):
        lines.append(f"{document} was not validated in staging as it is now: `releasegate kill-switch validate`")
    if not found.cause:
        lines.append("the root cause is not recorded: `releasegate kill-switch off --root-cause TEXT`")
    agreed = found.approvers(now or "")
    if len(agreed) < 2:
        so_far = f"so far {', '.join(agreed)}" if agreed else "so far nobody"
        lines.append(f"two verified people have to run `releasegate kill-switch off` on these guardrails ({so_far})")
    return lines


def _validated(reach: Reach, found: Standing, now: str) -> bool:
    """Whether a verdict on staging passed for a commit that holds the guardrails as they are now.

    Only verdicts after the switch went on count: those before it rest on what let the incident happen.
    """
    since = found.since
    later = [e for e in found.validated if since is not None and e.id > since.id and e.subject.get("commit")]
    return any(reach.guardrails(event.subject["commit"]) == now for event in later)


def validate(reach: Reach, commit: str, judge: Judge, *, record: bool = True) -> tuple[Grade, str]:
    """Judge the policy's gates on the evidence of staging for `commit`, and record the verdict with the guardrails."""
    blob = reach.guardrails(commit)
    if blob is None:
        raise InputError(f"there is no {reach.switch.guardrails} in {commit[:12]}", remedy="name the commit: --commit")
    verdicts = judge(Subject(None, commit))
    if not verdicts:
        raise InconclusiveError("the policy names no gate, and nothing was judged", remedy="add `gates:` to the policy")
    data = {**judged(verdicts, STAGING), "guardrails": blob}
    if record:
        reach.journal.append(Draft(JUDGED, {**reach.scope, "commit": commit}, data))
    return worst(verdicts), "\n".join(f"{v.gate}: {v.verdict.value}: {v.summary}" for v in verdicts)


class Off:
    """Lets the agents run again. Raising: everything is fenced, and nothing is done without what is missing."""

    def __init__(self, reach: Reach, cause: str, value: str | None) -> None:
        self._reach, self._cause, self._value = reach, cause, value
        self._blob = ""

    def run(self) -> Result:
        """Approve, and, once nothing is missing, put the flag back; `InconclusiveError` says what is missing."""
        self.approve()
        found = self._reach.standing()
        if lines := missing(self._reach, found):
            told = "; ".join(lines)
            raise InconclusiveError(
                f"the agents stay stopped: {told}",
                remedy="what you said is recorded; run it again then",
            )
        done = self._put_back(found)
        self._blob = done.blob
        clock = self._reach.clock
        text = f"committed {(done.commit or '')[:12]}" if done.commit else "the flag was back already"
        first = Outcome("flag", "put the flag back", State.DONE, text, clock.now(), clock.now())
        return Result((first, *(take(step, clock) for step in self._after(found, done))), done.commit, "")

    def approve(self) -> None:
        """Record that whoever runs this approves, with the root cause they give; the same approval only once."""
        reach, actor = self._reach, self._reach.forge.actor()
        said = {"cause": self._cause, "reviewers": list(reach.reviewers())}

        def draft(_: Any) -> Sequence[Draft]:
            found = reach.standing()
            if found.since is None:
                raise InputError(
                    "the ledger knows of no kill switch that is on",
                    remedy="record it with `releasegate kill-switch on`, or set the flag with `releasegate flags set`",
                )
            blob = reach.guardrails()
            known = [e for e in found.approvals if e.actor == actor and e.data.get("guardrails") == blob]
            new = set(said["reviewers"]) - {name for event in known for name in event.data.get("reviewers", [])}
            if known and not new and (not self._cause or self._cause == found.cause):
                return ()
            return (Draft(APPROVED, reach.scope, {**said, "guardrails": blob}),)

        reach.journal.decide(draft)

    def _put_back(self, decided: Standing) -> Committed:
        reach, name = self._reach, self._reach.switch.flag
        assert decided.newest is not None  # noqa: S101  the switch is on
        decisive, known = decided.newest.id, decided.removed

        def fence(_: Plan) -> None:
            newest = reach.standing().newest
            if newest is None or newest.id != decisive:
                raise FenceError("the kill switch was used meanwhile", remedy="see `releasegate kill-switch status`")

        def change(file: FlagFile) -> Edit:
            if self._value is not None:
                return file.set(name, self._value)
            if known is None:
                raise InputError(f"what `{name}` was before is not known", remedy="say what it becomes: --value VALUE")
            return file.restore(Removed(name, str(known["before"]), str(known["after"])))

        heading = f"Let the agents run again: {name}"
        return commit_changes(
            reach.flags, reach.policy.flags.file, reach.branch, [change], heading, reason=decided.cause, fence=fence
        )

    def _after(self, found: Standing, done: Committed) -> tuple[Step, ...]:
        reach = self._reach
        agreed = found.approvers(reach.guardrails() or "")
        changed = facts(done, reach.branch)

        def record() -> str:
            data = {**(changed[0] if changed else {}), "cause": found.cause, "approvers": list(agreed)}
            return f"recorded in {reach.journal.record(Draft(OFF, reach.scope, data))[:12]}"

        policy, hosts = reach.policy, [reach.host] if reach.host else []
        mark = found.newest.id if found.newest else done.blob
        key = f"kill-switch-off:{policy.service}:{policy.environment}:{mark}"
        heading = f"{policy.service} ({policy.environment}): the agents run again ({reach.switch.flag})"

        def body() -> str:
            cause = " ".join(found.cause.split())
            when = moment(reach.clock.now(), policy.timezone)
            return f"- When: {when}\n- Approved by: {', '.join(agreed)}\n- Root cause: {cause}"

        def tell() -> str:
            return reach.messages.send([Message(key, to, heading, body()) for to in reach.switch.notify])

        def show(host: Host) -> str:
            review = reach.forge.open_issue(reach.key(mark), f"Review: {heading}", body())
            return host.comment(review, key, f"The agents run again.\n\n{body()}")

        return (
            Step("live", "see it live", "publish the flag file and wait", lambda: reach.live(self._blob)),
            Step("record", "record it", "append to the ledger", record),
            Step("tell", "tell those in charge", "tell them", tell),
            *(Step("review", "tell it in the review", "comment on it", partial(show, one)) for one in hosts),
        )
