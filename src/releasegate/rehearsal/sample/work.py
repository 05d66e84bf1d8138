"""Work that a page queued while it was offline: kept once each, however often it is sent."""

import threading
from typing import Annotated

import msgspec

MOST = 1000
"""Jobs that are kept: a sample service has no disk."""
EVERY = 2
"""A service that loses work says "kept" of every second job, and keeps it not."""


class Job(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One thing to do."""

    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f-]{36}$")]
    """Chosen by the page, so that sending again is known as such."""
    item: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]


class Work:
    """All jobs, in the order in which they came."""

    def __init__(self, *, loses: bool = False) -> None:
        self._loses = loses
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, body: bytes) -> tuple[int, bytes]:
        """Status and JSON: 201 kept, 200 known already, 400 no job, 409 another job's id, 507 full."""
        try:
            job = msgspec.json.decode(body, type=Job)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return _answer(400, error=f"no job: {error}")
        with self._lock:
            known = self._jobs.get(job.id)
            if known is not None:
                return _answer(200, state="known") if known == job else _answer(409, error="another job has this id")
            if len(self._jobs) >= MOST:
                return _answer(507, error=f"{MOST} jobs are kept already")
            self._taken += 1
            if not (self._loses and self._taken % EVERY == 0):
                self._jobs[job.id] = job
        return _answer(201, state="kept")

    def listed(self) -> bytes:
        """Every job, as JSON."""
        with self._lock:
            return msgspec.json.encode({"work": list(self._jobs.values())})


def _answer(status: int, **facts: str) -> tuple[int, bytes]:
    return status, msgspec.json.encode(facts)
