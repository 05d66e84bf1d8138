"""Whether a track can take traffic: its health page is asked before it gets any."""

from queue import Empty, SimpleQueue
from threading import Thread
from typing import Literal

from releasegate.errors import OutsideError
from releasegate.runbook.world import World

TRIES = 3
PAUSE = 0.25
"""Seconds between two tries."""
QUICK, PATIENT = 1.0, 5.0
"""Seconds that a rollback waits for the answer where every one counts, and where the alternative is a deploy."""
READY = 60.0
"""Seconds that a track may take to answer after a deploy."""
Track = Literal["baseline", "canary"]


def fault_of(world: World, track: Track, tries: int = TRIES) -> str | None:
    """Why `track` should get no traffic; None if it answers, or if the policy names no page to ask."""
    url = _page(world, track)
    if url is None:
        return None
    fault = _ask(world, url)
    for _ in range(tries - 1):
        if fault is None:
            break
        world.clock.sleep(PAUSE)
        fault = _ask(world, url)
    return None if fault is None else f"the {_name(world, track)} does not answer its health check: {fault}"


def require(world: World, track: Track, within: float = 0.0) -> None:
    """`OutsideError` unless `track` can take traffic, or can within so many seconds."""
    end = world.clock.now().timestamp() + within
    fault = fault_of(world, track)
    while fault is not None and world.clock.now().timestamp() < end:
        world.clock.sleep(1.0)
        fault = fault_of(world, track, tries=1)
    if fault is not None:
        raise OutsideError(f"{fault}; it gets no traffic", remedy="look why it is not up")


def faults_in_time(world: World, *, quick: bool) -> tuple[str | None, bool]:
    """Why users are not to be sent to the baseline, or None; and whether they are better off where they are.

    They are not where the canary does not answer either: then this machine may be the one that sees nothing. Where it
    has to be `quick` a baseline that says nothing yet is not taken for dead.
    """
    if _page(world, "baseline") is None:
        return None, False
    seconds = QUICK if quick else PATIENT
    asked, asked_too = _begin_to_ask(world, "baseline"), _begin_to_ask(world, "canary")
    baseline, silent = _answer(asked, seconds)
    if baseline is None and not (silent and not quick):
        return None, False
    if silent:
        baseline = f"the {_name(world, 'baseline')} does not answer its health check within {seconds:g} s"
    canary, canary_silent = _answer(asked_too, 0.5)
    return baseline, canary is None and not canary_silent


def _begin_to_ask(world: World, track: Track) -> "SimpleQueue[str | None]":
    """Ask beside what else is done: the thread keeps nobody from ending."""
    answer: SimpleQueue[str | None] = SimpleQueue()
    Thread(target=lambda: answer.put(fault_of(world, track)), daemon=True).start()
    return answer


def _answer(asked: "SimpleQueue[str | None]", seconds: float) -> tuple[str | None, bool]:
    """The fault, and whether there was no answer in time."""
    try:
        return asked.get(timeout=seconds), False
    except Empty:
        return None, True


def _page(world: World, track: str) -> str | None:
    return getattr(world.policy.traffic.health, track) if world.policy.traffic is not None else None


def _name(world: World, track: str) -> str:
    """The track as people know it: with blue-green by its colour."""
    return track if world.live is None else f"{track} ({world.track(track)})"


def _ask(world: World, url: str) -> str | None:
    try:
        page = world.fetch(url)
    except OutsideError as error:
        return error.what
    return None if page.status == 200 else f"status {page.status}"
