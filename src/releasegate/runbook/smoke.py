"""Smoke checks: after traffic moved, what has to answer is asked, all at once and each a few times."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from releasegate.errors import OutsideError, ReleasegateError, VerificationError
from releasegate.ledger.event import Event
from releasegate.ledger.state import fold
from releasegate.policy.smoke import Check, Smoke
from releasegate.render.story import clock_time
from releasegate.runbook.outside import Page
from releasegate.runbook.world import World

PAUSE = 1.0
"""Seconds between two tries of one check."""
AT_ONCE = 8
"""Checks that are asked at the same time."""


def smoke(world: World, checks: Smoke) -> str:
    """Run every check; one line if all hold, `VerificationError` naming those that do not."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda check: _try(check, world), checks.checks.values())
        found = dict(zip(checks.checks, answers, strict=True))
    faults = {name: fault for name, fault in found.items() if fault}
    if faults:
        listed = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise VerificationError(f"{len(faults)} of {len(checks.checks)} smoke checks are red: {listed}")
    by_hand = f"; {len(checks.manual)} to be looked at by a person" if checks.manual else ""
    return f"{len(checks.checks)} of {len(checks.checks)} smoke checks are green{by_hand}"


def looked_at(world: World) -> Mapping[str, str | None]:
    """Each manual check to who looked at it since the newest rollout or rollback began, and when; None for nobody.

    Nothing where the file of the checks cannot be read: the step that asks them says so.
    """
    ticks, zone = fold(world.journal.known(), world.subject()).ticks, world.policy.timezone
    manual: tuple[str, ...] = ()
    with suppress(ReleasegateError):
        manual = world.smoke().manual if world.smoke else ()
    return {check: _who(ticks[check], zone) if check in ticks else None for check in manual}


def _who(tick: Event, zone: str) -> str:
    return f"{tick.actor.name}, {tick.time:%Y-%m-%d} {clock_time(tick.time, zone)}"


def _try(check: Check, world: World) -> str | None:
    """What is wrong, after the last try."""
    fault = _fault(check, world)
    for _ in range(check.retries):
        if fault is None:
            return None
        world.clock.sleep(PAUSE)
        fault = _fault(check, world)
    return fault


def _fault(check: Check, world: World) -> str | None:
    try:
        if check.command is not None:
            return _command(check, world)
        url = check.url or ""
        fault = next(_of_page(check, world.fetch(url)), None)
        if fault is None and check.tls_days is not None:
            left = (world.expiry(url) - world.clock.now()).total_seconds() / 86400
            if left < check.tls_days:
                return f"the certificate is valid for {left:.0f} more days, expected {check.tls_days}"
    except OutsideError as error:
        return error.what
    return fault


def _command(check: Check, world: World) -> str | None:
    """A shell's error names the exit code, and is an answer where another code than 0 is wanted."""
    try:
        world.shell(check.command or (), {})
    except OutsideError as error:
        if check.exit and f" exited {check.exit}:" in error.what:
            return None
        raise
    return f"it exited 0, expected {check.exit}" if check.exit else None


def _of_page(check: Check, page: Page) -> Iterator[str]:
    if page.status != check.status:
        yield f"status {page.status}, expected {check.status}"
    if check.contains is not None and check.contains not in page.body:
        yield f"the page does not hold {check.contains!r}"
    for name, text in check.headers.items():
        value = page.headers.get(name.lower())
        if value is None or text not in value:
            yield f"the header {name} is {value!r}, expected {text!r} in it"
    if check.json:
        yield from _of_json(check, page.body)
    if check.latency is not None and page.seconds > check.latency:
        yield f"it took {page.seconds:.2f} s, expected at most {check.latency:g} s"


def _of_json(check: Check, body: str) -> Iterator[str]:
    try:
        document = json.loads(body)
    except ValueError:
        yield "the page is no JSON"
        return
    for path, wanted in check.json.items():
        found = _at(document, path.split("."))
        if found != wanted or isinstance(found, bool) is not isinstance(wanted, bool):
            yield f"`{path}` is {json.dumps(found)}, expected {json.dumps(wanted)}"


def _at(value: Any, path: list[str]) -> Any:
    """The value at a path of keys and numbers; None where there is none."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
