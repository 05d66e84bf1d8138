"""Deployments as the host shows them, for those who look at the repository's page and not at the ledger.

Nothing rests on them: what the host refuses, or does not answer, is a note in the step and stops nothing.
"""

from collections.abc import Callable

from releasegate.errors import ReleasegateError
from releasegate.forge.host import DeploymentState, DeploymentTask, Host
from releasegate.ledger.state import State
from releasegate.runbook.aim import Aim
from releasegate.runbook.world import World

ENDED = ("inactive", "failure", "error")
STAGING = "staging"


def show(
    world: World,
    environment: str,
    tag: str,
    commit: str,
    step: str,
    state: DeploymentState,
    text: str,
    task: DeploymentTask = "deploy",
) -> str:
    """Record the deployment that `step` (its id, the same in every run) makes, once, and how it stands.

    The answer is a note: empty where all is well, or there is no host.
    """
    url = world.journal.run if world.journal.run.startswith("https://") else ""

    def tell(host: Host) -> None:
        production = environment == world.policy.environment
        made = host.deploy(environment, commit, tag, step, production=production, task=task)
        if made.state != state:
            host.deployment_status(made.id, state, text, url)

    return _noted(world, tell)


def shown(
    world: World, environment: str, tag: str, commit: str, step: str, act: Callable[[], str], *, last: bool = True
) -> str:
    """Do it, and show that it is under way and, once it ended (well, only where it is the `last` step), how."""
    note = show(world, environment, tag, commit, step, "in_progress", f"{tag}: under way")
    try:
        text = act()
    except ReleasegateError as error:
        show(world, environment, tag, commit, step, "failure", f"{tag}: {error.what}")
        raise
    if last and not note:
        note = show(world, environment, tag, commit, step, "success", f"{tag} is there")
    return f"{text}{note}"


def retire(world: World, commit: str, text: str, state: DeploymentState = "inactive") -> str:
    """Show that `commit` is not what users have any more; the answer is a note."""

    def tell(host: Host) -> None:
        for one in host.deployments(world.policy.environment, commit):
            if one.state not in ENDED:
                host.deployment_status(one.id, state, text)

    return _noted(world, tell)


def _noted(world: World, tell: Callable[[Host], None]) -> str:
    if world.host is None:
        return ""
    try:
        tell(world.host)
    except ReleasegateError as error:
        return f" (not shown among the deployments: {error.what})"
    return ""


def taken_back(world: World, aim: Aim, state: State, reason: str, *, deployed: bool) -> str:
    """Show what a rollback left and, where it `deployed` it to the baseline, what it went back to; a note."""
    notes = []
    left, good = state.release(aim.leaving or ""), state.release(aim.to or "")
    if left is not None:
        end: DeploymentState = "inactive" if left.settled else "failure"
        notes.append(retire(world, left.commit, f"{left.name} was taken back: {reason}", end))
    if deployed and aim.on_baseline and good is not None:
        step = f"{state.rolled_back.id if state.rolled_back else good.commit}/production"
        text = f"{good.name} is back"
        notes.append(show(world, world.policy.environment, good.name, good.commit, step, "success", text, "rollback"))
    return "".join(notes)
