"""Smoke checks: after traffic moved, the pages that have to answer are asked."""

from releasegate.errors import OutsideError, VerificationError
from releasegate.policy.smoke import HttpCheck, Smoke
from releasegate.runbook.clock import Clock
from releasegate.runbook.outside import Fetch

TRIES = 3
PAUSE = 1.0
"""Seconds between two tries of one check."""


def smoke(checks: Smoke, fetch: Fetch, clock: Clock) -> str:
    """Run every check, each up to three times; one line if all hold, `VerificationError` naming those that do not."""
    faults = {name: fault for name, check in checks.checks.items() if (fault := _try(check, fetch, clock))}
    if faults:
        listed = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise VerificationError(f"{len(faults)} of {len(checks.checks)} smoke checks are red: {listed}")
    return f"{len(checks.checks)} of {len(checks.checks)} smoke checks are green"


def _try(check: HttpCheck, fetch: Fetch, clock: Clock) -> str | None:
    fault = None
    for attempt in range(TRIES):
        if attempt:
            clock.sleep(PAUSE)
        fault = _fault(check, fetch)
        if fault is None:
            return None
    return fault


def _fault(check: HttpCheck, fetch: Fetch) -> str | None:
    try:
        page = fetch(check.url)
    except OutsideError as error:
        return error.what
    if page.status != check.status:
        return f"status {page.status}, expected {check.status}"
    if check.contains is not None and check.contains not in page.body:
        return f"the page does not hold {check.contains!r}"
    return None
