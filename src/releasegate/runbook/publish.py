"""A flag commit is only half of it: publish it, and wait until it is live."""

from releasegate.errors import OutsideError
from releasegate.policy.model import Flags, Live, Policy
from releasegate.runbook.clock import Clock
from releasegate.runbook.outside import Fetch, Shell, fill
from releasegate.runbook.world import World

PAUSE = 0.25
"""Seconds between two looks."""
LIVE_WITHIN = 300.0
"""Seconds that a change may take to be live where the policy has no canary, whose `settle` says it."""


def deadline_of(policy: Policy) -> float:
    """Seconds that a change of the flag file may take to be live."""
    return policy.canary.settle if policy.canary else LIVE_WITHIN


def see_live(world: World, revision: str) -> str:
    """Wait until a change of the split is live: at once, where a router splits the traffic and no file does."""
    traffic, flags = world.policy.traffic, world.policy.flags
    if traffic is not None and traffic.document is not None:
        flags = Flags(publish=traffic.document.publish, live=traffic.document.live)
    elif traffic is not None and traffic.flag is None:
        return "in force at once"
    deadline = deadline_of(world.policy)
    shell, fetch, clock = world.shell, world.fetch, world.clock
    return go_live(flags, revision, deadline=deadline, shell=shell, fetch=fetch, clock=clock)


def go_live(flags: Flags, blob: str, *, deadline: float, shell: Shell, fetch: Fetch, clock: Clock) -> str:
    """Publish the flag file whose content has the git id `blob`, and wait up to `deadline` seconds until it is live.

    `{blob}` in the policy's commands and in `live.contains` stands for that id. The answer says how long it took;
    `OutsideError` says that the change is committed and not live.
    """
    started = clock.now()
    values = {"blob": blob}
    if flags.publish is not None:
        shell(flags.publish.what, values)
    if flags.live is None:
        return "committed; whether it is live is not checked (policy: flags.live)"
    while True:
        fault = _fault(flags.live, values, shell, fetch)
        waited = (clock.now() - started).total_seconds()
        if fault is None:
            return f"live after {waited:.1f} s"
        if waited >= deadline:
            raise OutsideError(
                f"committed, NOT LIVE after {waited:.0f} s: {fault}",
                remedy="publish the flag file by hand, then look again",
            )
        clock.sleep(PAUSE)


def _fault(live: Live, values: dict[str, str], shell: Shell, fetch: Fetch) -> str | None:
    try:
        if live.command is not None:
            shell(live.command, values)
            return None
        page = fetch(live.url or "")
    except OutsideError as error:
        return error.what
    wanted = fill([live.contains or ""], values)[0]
    if page.status != 200:
        return f"the page answers {page.status}"
    return None if wanted in page.body else "the page does not show the change"
