"""Which commit a piece of evidence belongs to, and whether it is young enough to speak of it.

The commit comes from the run that made the artifact, else from the subject file beside the evidence, else from what
the user says. A statement that contradicts an earlier one makes the evidence unusable: somebody is wrong.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from releasegate.errors import InputError
from releasegate.verdict import Finding, Level, Subject, rfc3339

SUBJECT_FILE = "releasegate-subject.json"
"""The name of the file that `gate stamp` writes beside evidence."""
SCHEMA = "releasegate/subject/1"
SKEW = timedelta(minutes=10)
"""How much earlier than its commit evidence may claim to be: clocks differ."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A statement about the commit of evidence."""

    commit: str
    tag: str | None = None
    committed: datetime | None = None
    """When the commit was made, UTC."""
    origin: str = ""
    """Who says so: a file, a run, an option."""


class _SubjectFile(msgspec.Struct):
    commit: str
    tag: str | None = None
    committed: datetime | None = None


def write_stamp(stamp: Stamp) -> bytes:
    """The bytes of the subject file."""
    document = {
        "schema": SCHEMA,
        "tag": stamp.tag,
        "commit": stamp.commit,
        "committed": None if stamp.committed is None else rfc3339(stamp.committed),
    }
    return f"{json.dumps(document, indent=2)}\n".encode()


def read_stamp(content: bytes, path: str) -> Stamp:
    """A subject file; only `commit` is needed. `InputError` if it does not say one."""
    try:
        file = msgspec.json.decode(content, type=_SubjectFile)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"is no subject file: {error}", where=path, remedy="write it with `gate stamp`") from error
    committed = file.committed
    if committed is not None and committed.tzinfo is None:
        committed = committed.replace(tzinfo=UTC)
    return Stamp(checked_commit(file.commit, path), file.tag, committed, path)


def checked_commit(commit: str, where: str) -> str:
    """`commit` in small letters; `InputError` if it is no full commit id."""
    if not re.fullmatch(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?", commit):
        raise InputError(
            f"`{commit[:80]}` is no full commit id", where=where, remedy="give the output of `git rev-parse`"
        )
    return commit.lower()


def bind(stamps: Sequence[Stamp]) -> tuple[Subject, datetime | None, tuple[Finding, ...]]:
    """The subject that `stamps` (the most trusted first) agree on, its commit's time, and where they contradict it."""
    if not stamps:
        return Subject(), None, ()
    first = stamps[0]
    wrong = tuple(
        Finding(
            check="subject",
            level=Level.ERROR,
            title=f"this evidence belongs to another commit: {first.origin} and {stamp.origin} disagree",
            expected=stamp.commit,
            observed=first.commit,
            where=first.origin,
            unusable=True,
        )
        for stamp in stamps[1:]
        if stamp.commit != first.commit
    )
    same = [stamp for stamp in stamps if stamp.commit == first.commit]
    tag = next((stamp.tag for stamp in same if stamp.tag), None)
    committed = next((stamp.committed for stamp in same if stamp.committed), None)
    return Subject(tag, first.commit), committed, wrong


def too_old(times: Iterable[tuple[str, datetime | None]], committed: datetime | None) -> tuple[Finding, ...]:
    """A finding for each piece of evidence (`where`, its own time) that was made before the commit it is to prove."""
    if committed is None:
        return ()
    return tuple(
        Finding(
            check="age",
            level=Level.ERROR,
            title="this evidence is older than its commit",
            expected=f">= {rfc3339(committed)}",
            observed=rfc3339(time),
            where=where,
            unusable=True,
        )
        for where, time in times
        if time is not None and time < committed - SKEW
    )
