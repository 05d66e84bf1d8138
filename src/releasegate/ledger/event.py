"""One entry of the ledger: what was decided or done, by whom, about what.

Every event's subject holds `service` and `environment` (and `region` where there are several), and `tag` and `commit`
where it is about a release. The kinds, and what their `data` holds (a kind that is not known is kept and ignored):

    release.candidate    a candidate was tagged            branch
    gates.judged         its evidence was judged           verdict, stage, gates {name: verdict}, evidence, remembered
    rollout.started      a rollout began                   from (the release that was live, or null), revision
    stage.finished       a stage of a rollout is done      stage, text; track (the colour, with blue-green)
    traffic.raised       more traffic was asked for        weight (0 to 1), revision (of the split, for the fence)
    traffic.lowered      less, or none, was asked for      weight, revision
    tracks.swapped       blue-green: another colour is live     live (blue or green), release (its tag), revision
    canary.started       the split was seen to flow        t0 (Unix seconds), and what the judge needs
    canary.checkpoint    a recording goes on, where the source remembers nothing    lines (since the last one)
    canary.decided       the judge decided                 decision, cause, reason, recording {path, sha256}
    canary.accepted      a person accepted an inconclusive one   reason
    rollout.completed    all traffic was asked for
    rollout.settled      the release is the new baseline, and the split is 0
    rollout.aborted      the rollout ended in another way  reason
    release.tagged       a settled release got its tag     release (the tag's name; the subject's tag is the candidate)
    release.marked-bad   never go back to it               reason
    rollback.started     traffic was taken back            from, to, reason, baseline (did it get there), rival, track
    rollback.explained   the reason, given afterwards      reason
    smoke.ticked         a person looked at a manual check number, check
    rollback.finished    and the rest was done             from, to, reason, steps
    kill-switch.on       the agents were stopped           reason, flag, commit, removed, live, guardrails (git id)
    kill-switch.approved somebody asked to end it          cause, reviewers, guardrails (git id)
    kill-switch.off      the agents run again              cause, approvers, commit
    kill-switch.failed   the flag could not be set         reason, error
    guardrails.judged    staging was judged for them       verdict, stage, gates, evidence, guardrails (git id)
    step.claimed         only this run may do the step     step, lease (seconds)
    step.finished        the effect is there               step
    step.failed          it is known not to be there       step, reason
    evidence.stored      the bytes were put away            name, sha256, bytes, store, where, until, missing
    freeze.overridden    a person lets a rollout begin in a freeze   reason, reviewers
    flag.changed         lines of the flag file            flag, and what was taken away

An event that waited in the outbox says so in `data.waited`: its first `id`, when it `happened`, and in which `run`.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from releasegate.errors import InputError
from releasegate.verdict import rfc3339

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID = re.compile(rf"[0-7][{ALPHABET}]{{25}}")
KIND = r"^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$"
STAGES = ("tag", "gates", "staging", "staging-gates", "production", "canary", "watch", "complete", "settle")
"""The stages of a rollout, in their order."""
MOST_LEVELS = 32
"""How deep `data` may be nested."""
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No event is of a time so late, at which arithmetic would end."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a login that the host vouches for, or git's `user.name`, which nobody does."""

    name: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Event:
    """What was decided or done."""

    id: str
    """A ULID: its first 48 bits are `time` in milliseconds."""
    time: datetime
    """When it was recorded, UTC, in whole milliseconds."""
    kind: str
    actor: Actor
    run: str
    """The run of the program: the job's address, or an id made up for a run in a terminal."""
    subject: Mapping[str, str]
    data: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Its file in the ledger."""
        return f"events/{self.time:%Y/%m/%d}/{self.id}.json"

    def about(self, scope: Mapping[str, str]) -> bool:
        """Whether the subject holds all of `scope`."""
        return all(self.subject.get(key) == value for key, value in scope.items())

    def document(self) -> dict[str, Any]:
        """The event as it stands in its file."""
        return {
            "id": self.id,
            "time": rfc3339(self.time),
            "kind": self.kind,
            "actor": {"name": self.actor.name, "verified": self.actor.verified},
            "run": self.run,
            "subject": dict(self.subject),
            "data": dict(self.data),
        }


def ulid(milliseconds: int, randomness: bytes) -> str:
    """The ULID of a moment (milliseconds since 1970) and ten random bytes: 26 letters that sort by time."""
    if not 0 <= milliseconds < 1 << 48 or len(randomness) != 10:
        raise ValueError("a ULID is made of 48 bits of time and ten random bytes")
    number = milliseconds << 80 | int.from_bytes(randomness)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def moment_of(identifier: str) -> datetime:
    """The moment that a ULID holds, UTC; no event's id holds one after `LATEST`."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds_of(identifier))


def milliseconds_of(identifier: str) -> int:
    """The milliseconds since 1970 that a ULID holds: at most 2**50, which is more than a `datetime` can."""
    number = 0
    for letter in identifier[:10]:
        number = number * 32 + ALPHABET.index(letter)
    return number


def encode(event: Event) -> bytes:
    """The content of the event's file; `ValueError` if `data` holds what JSON cannot."""
    return (json.dumps(event.document(), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


class _Actor(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: str
    verified: bool


class _Event(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    id: str
    time: str
    kind: str
    actor: _Actor
    run: str
    subject: dict[str, str]
    data: dict[str, Any]


def decode(content: bytes, where: str) -> Event:
    """The event in a file's content; `InputError` that names `where` for anything that `encode` would not write."""
    try:
        read = json.loads(
            content.decode(), object_pairs_hook=_object, parse_constant=_number, parse_float=_number, parse_int=_whole
        )
        raw = msgspec.convert(read, _Event)
        moment = datetime.fromisoformat(raw.time)
        _refuse_depth(raw.data)
    except (ValueError, RecursionError) as error:  # msgspec's and json's errors are ValueErrors
        raise InputError(f"not an event: {_reason(error)}", where=where) from error
    for holds, what in (
        (_is_id(raw.id), f"`{raw.id}` is no ULID of our time"),
        (MOMENT.fullmatch(raw.time), f"`{raw.time}` is no time in UTC (RFC 3339)"),
        (moment.year < LATEST.year, f"`{raw.time}` is no time of a release"),
        (re.match(KIND, raw.kind), f"`{raw.kind}` is no kind"),
        ("service" in raw.subject and "environment" in raw.subject, "the subject names no service and environment"),
    ):
        if not holds:
            raise InputError(f"not an event: {what}", where=where)
    return Event(raw.id, moment, raw.kind, Actor(raw.actor.name, raw.actor.verified), raw.run, raw.subject, raw.data)


def _is_id(text: str) -> bool:
    return ULID.fullmatch(text) is not None and milliseconds_of(text) < LATEST.timestamp() * 1000


def _refuse_depth(data: Mapping[str, Any]) -> None:
    """Whoever walks through an event must come back."""
    level: list[Any] = [data]
    for _ in range(MOST_LEVELS):
        lists = [inner for value in level for inner in (value.values() if isinstance(value, dict) else value)]
        level = [value for value in lists if isinstance(value, dict | list)]
        if not level:
            return
    raise RecursionError


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key `{key}` stands twice")
        found[key] = value
    return found


def _number(text: str) -> float:
    """A number that is finite: also 1e999 is none."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:20]} is no number of JSON")
    return value


def _whole(text: str) -> int:
    """A whole number that a `float` can stand for."""
    _number(text)
    return int(text)


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
