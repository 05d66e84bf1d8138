"""Whether users can be sent back, and what keeps them better off where they are."""

from releasegate.errors import OutsideError
from releasegate.ledger.state import State
from releasegate.runbook.aim import Aim
from releasegate.runbook.health import faults_in_time
from releasegate.runbook.redeploy import is_there
from releasegate.runbook.world import World


def obstacle(world: World, aim: Aim, state: State, *, quick: bool) -> tuple[str | None, bool]:
    """What is wrong with where a rollback goes, or None; and whether that has to be mended first.

    A baseline that is down serves nobody: sending everybody there makes an outage of a bad release. With blue-green the
    idle colour may also hold another release than the one that is gone back to.
    """
    if world.live is not None and aim.on_baseline and not is_there(world, aim, state):
        return f"{world.live} does not hold {aim.to or 'a release that is known to be good'}", True
    return faults_in_time(world, quick=quick)


def stays(found: str, *, traffic_only: bool) -> OutsideError:
    """The error that says that traffic was not moved."""
    first = "`releasegate rollback` deploys the last known good release there first, and then flips; " * traffic_only
    return OutsideError(
        f"traffic STAYS where it is: {found}",
        remedy=f"{first}mend it and run this again; `--force` flips although it is so",
    )
