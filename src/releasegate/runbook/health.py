"""Whether a track can take traffic: its health page is asked before it gets any."""

from typing import Literal

from releasegate.errors import OutsideError
from releasegate.runbook.world import World

TRIES = 3
PAUSE = 1.0
"""Seconds between two tries."""


def fault_of(world: World, track: Literal["baseline", "canary"], tries: int = TRIES) -> str | None:
    """Why `track` should get no traffic; None if it answers, or if the policy names no page to ask."""
    health = world.policy.traffic.health if world.policy.traffic is not None else None
    url = getattr(health, track, None)
    if url is None:
        return None
    fault = _ask(world, url)
    for _ in range(tries - 1):
        if fault is None:
            break
        world.clock.sleep(PAUSE)
        fault = _ask(world, url)
    return None if fault is None else f"the {track} does not answer its health check: {fault}"


def require(world: World, track: Literal["baseline", "canary"]) -> None:
    """`OutsideError` unless `track` can take traffic."""
    fault = fault_of(world, track)
    if fault is not None:
        raise OutsideError(f"{fault}; it gets no traffic", remedy="look why it is not up")


def _ask(world: World, url: str) -> str | None:
    try:
        page = world.fetch(url)
    except OutsideError as error:
        return error.what
    return None if page.status == 200 else f"status {page.status}"
