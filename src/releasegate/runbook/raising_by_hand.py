"""Raises by hand: refused while the newest word of the ledger is that users are taken off what the flag leads to.

So is any value but the safe one for the flag of the kill switch, while that is on.
"""

from collections.abc import Callable, Mapping, Sequence

from releasegate.errors import FenceError, FlagError
from releasegate.flags.document import FlagFile
from releasegate.flags.proof import raises
from releasegate.ledger.event import Event
from releasegate.ledger.state import fold
from releasegate.ledger.switch import Standing, standing
from releasegate.policy.model import KillSwitch, Policy
from releasegate.runbook.flags import Change, Plan
from releasegate.runbook.journal import Journal

OPENS = ("release.candidate", "rollout.started", "rollout.settled")
"""What is newer than a rollback that is over: something else to send users to."""
CLOSES = ("rollback.started", "rollout.aborted")


def fence(policy: Policy, journal: Journal) -> Callable[[Plan], None]:
    """A look at a plan that is `FenceError` where it raises what a rollback took back, or lets stopped agents run.

    Only a raise of the flag that splits the traffic, or of one that a rollback switches off, and an unsafe value of the
    kill switch's flag ask the ledger.
    """
    guarded = lowered(policy)
    scope = {"service": policy.service, "environment": policy.environment}

    def look(plan: Plan) -> None:
        if policy.kill_switch is not None and _lets_run(plan, policy.kill_switch):
            _refuse_while_stopped(policy.kill_switch, standing(journal.events(), scope))
        raised = [edit.name for edit in plan.edits if edit.name in guarded and raises(edit)]
        why = closed(journal.events(), scope) if raised else None
        if why:
            remedy = "look at `releasegate status`; tag the next candidate, or begin a rollout"
            raise FenceError(f"`{raised[0]}` is not raised by hand: {why}", remedy=remedy)

    return look


def lowered(policy: Policy) -> Mapping[str, Change]:
    """The flags that a rollback lowers, and the change that it makes of each."""
    split = policy.traffic.flag if policy.traffic is not None else None
    features = {name: off(name) for name in policy.rollback.flags.off}
    return features | ({} if split is None else {split.name: off(split.name, split.on)})


def taken_back(policy: Policy) -> Mapping[str, Change]:
    """The flags that a rollback or the kill switch sets, and the change that it makes of each."""
    switch = policy.kill_switch
    return {**lowered(policy), **({} if switch is None else {switch.flag: stop(switch)})}


def stop(switch: KillSwitch) -> Change:
    """The value that is safe, for everybody."""
    return lambda file: file.set(switch.flag, switch.value, taking_back=True)


def _lets_run(plan: Plan, switch: KillSwitch) -> bool:
    """Whether the kill switch's flag is another than the safe value after the plan."""
    after = [edit.after for edit in plan.edits if edit.name == switch.flag]
    try:
        return bool(after) and after[-1].set(switch.flag, switch.value, taking_back=True).changed
    except FlagError:
        return True


def _refuse_while_stopped(switch: KillSwitch, found: Standing) -> None:
    if found.since is not None:
        since = f"{found.since.time:%Y-%m-%d %H:%M:%S} UTC ({found.since.actor.name})"
        raise FenceError(
            f"`{switch.flag}` stays {switch.value}: the kill switch is on since {since}",
            remedy="let the agents run again with `releasegate kill-switch off`",
        )


def taking_back(file: FlagFile, changes: Sequence[Change]) -> Mapping[str, Change]:
    """Those of `changes` that raise nothing, by their flag."""
    edits = [(change, change(file)) for change in changes]
    return {edit.name: change for change, edit in edits if edit is not None and edit.goal and not raises(edit)}


def off(name: str, on: str | None = None) -> Change:
    """Nobody gets what the flag leads to."""
    return lambda file: file.off(name, on)


def closed(events: Sequence[Event], scope: Mapping[str, str]) -> str | None:
    """Why nobody raises traffic by hand now, or None."""
    state = fold(events, scope)
    if state.rollback is not None or state.rollout is not None:
        return state.fence(state.rollout.id if state.rollout is not None else "")
    mine = (event for event in reversed(events) if event.about(scope))
    last = next((event for event in mine if event.kind in OPENS + CLOSES), None)
    if last is None or last.kind in OPENS:
        return None
    return f"{last.kind} at {last.time:%H:%M:%S} UTC ({last.actor.name}), and no candidate since"
