"""The ledger as the procedures use it: read all events, append those of one step in one commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from releasegate.errors import InconclusiveError, InputError, OutsideError, RaceError, ReleasegateError
from releasegate.forge.port import Commit, Forge
from releasegate.ledger.event import Actor, Event, decode, encode, ulid
from releasegate.runbook.clock import Clock
from releasegate.runbook.outbox import Outbox, Waiting

ATTEMPTS = 64
"""How often an append is tried: each time that it fails, another writer's event was recorded."""
DRIFT = timedelta(minutes=5)
"""How far a writer's clock may lag behind the newest event's and still be put after it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that is not recorded yet."""

    kind: str
    subject: Mapping[str, str]
    data: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """The ledger on `branch` of `forge`, read and written by one `run` of the program.

    With an `outbox`, `record` keeps what cannot be written, and the next append brings it along.
    """

    def __init__(
        self,
        forge: Forge,
        branch: str,
        clock: Clock,
        randomness: Callable[[int], bytes],
        run: str = "local",
        *,
        outbox: Outbox | None = None,
    ) -> None:
        self._forge = forge
        self.branch = branch
        self._clock = clock
        self._randomness = randomness
        self.run = run
        self._outbox = outbox
        self._head: str | None = None
        self._events: list[Event] = []
        self._read = False
        """Whether somebody asked for the events."""
        self._last: datetime | None = None
        """When the newest event that was met happened."""
        self._fault: InconclusiveError | None = None
        """The first of what was read that is no event."""
        self._kept: datetime | None = None
        """When the newest event in the outbox happened."""

    @property
    def head(self) -> str | None:
        """The ledger's newest commit when it was last read or written; None while there is none."""
        return self._head

    def events(self) -> Sequence[Event]:
        """All events, in the order in which they were recorded. Reads what is new since the last call.

        `InconclusiveError` if something in the ledger is no event (`known` then tells of the others), or if it is not
        what it was when last read.
        """
        self._read = True
        for commit in self._forge.history(self.branch, since=self._head):
            if commit.parents != (() if self._head is None else (self._head,)):
                raise InconclusiveError(f"the ledger is not one chain at {commit.sha}", remedy=VERIFY)
            self._events.extend(self._events_of(commit))
            self._head = commit.sha
        self._met(self._events)
        if self._fault is not None:
            raise self._fault
        return tuple(self._events)

    def known(self) -> Sequence[Event]:
        """The events as they were last read or written, without asking anybody."""
        return tuple(self._events)

    def waiting(self) -> Sequence[Waiting]:
        """What could not be written yet, by this run or another one on this machine, oldest first."""
        return self._outbox.waiting() if self._outbox else ()

    def append(self, *drafts: Draft) -> str:
        """Record `drafts` in one commit, whatever else was recorded meanwhile, and return the ledger's new head."""
        if not drafts:
            return self._head or ""
        if self._read or self.waiting():
            return self.decide(lambda _: drafts)
        for attempt in range(ATTEMPTS):  # nothing is decided: the newest commit is all that has to be known
            newest = self._forge.newest(self.branch)
            self._met([] if newest is None else self._events_of(newest))
            if self._fault is not None:
                raise self._fault
            head = self._written(drafts, None if newest is None else newest.sha, attempt)
            if head is not None:
                return head
        raise RaceError(BUSY, remedy="run the command again")

    def record(self, *drafts: Draft, unless: Callable[[Sequence[Event]], bool] | None = None) -> str:
        """As `append`, for what is done already: what cannot be written is kept in the outbox.

        `OutsideError` then says so. The next command that writes the ledger brings it along. Nothing is recorded where
        `unless` says so of all events so far.
        """
        try:
            if unless is None:
                return self.append(*drafts)
            return self.decide(lambda events: () if unless(events) else drafts)
        except ReleasegateError as error:
            if self._outbox is None:
                raise
            for event in self._stamp(drafts, Actor("", verified=False)):
                self._kept = event.time
                self._outbox.put(event.id, event.time, self.run, event.kind, subject=event.subject, data=event.data)
            raise OutsideError(
                f"the ledger could not be written ({error.what})",
                remedy=f"{len(drafts)} events wait in {self._outbox.folder} for the next command that writes it",
            ) from error

    def decide(self, choose: Callable[[Sequence[Event]], Sequence[Draft]]) -> str:
        """Record what `choose` makes of all events so far; it is asked again whenever another writer was faster.

        What it raises is passed on, and nothing is recorded; nor is it if it chooses nothing. What is known is not read
        again first: where it is old, the commit is refused; and a refusal or a choice of nothing rests on what is new.
        """
        fresh = self._head is None or self._fault is not None
        for attempt in range(ATTEMPTS):
            known, parent = self.events() if fresh else self.known(), self._head
            try:
                drafts = choose(known)  # it may read on: what is newer was not decided upon
            except ReleasegateError:
                if fresh:
                    raise
                drafts = ()
            if not drafts and fresh:
                return self._head or ""
            head = self._written(drafts, parent, attempt) if drafts else None
            if head is not None:
                self._head = head
                return head
            fresh = True
        raise RaceError(BUSY, remedy="run the command again")

    def _written(self, drafts: Sequence[Draft], parent: str | None, attempt: int) -> str | None:
        """Commit the drafts, and what waited, upon `parent`; a short wait and None where another writer was faster."""
        late = self.waiting()
        events = self._stamp([*self._catch_up(late), *drafts], self._forge.actor())
        try:
            head = self._forge.commit(self.branch, _files(events), _message(events, drafts[0]), parent=parent)
        except RaceError:
            self._wait(attempt)
            return None
        self._met(events)
        if self._read:
            self._events.extend(events)
        if self._outbox:
            self._outbox.remove(late)
        return head

    def _met(self, events: Sequence[Event]) -> None:
        self._last = events[-1].time if events else self._last

    def _catch_up(self, late: Sequence[Waiting]) -> list[Draft]:
        """Drafts of what waited, but for what is in the ledger already (from a run that ended before it cleared up)."""
        written = {waited.get("id") for event in self._events if isinstance(waited := event.data.get("waited"), dict)}
        return [
            Draft(
                one.kind, one.subject, {**one.data, "waited": {"id": one.id, "happened": one.happened, "run": one.run}}
            )
            for one in late
            if one.id not in written
        ]

    def _stamp(self, drafts: Sequence[Draft], actor: Actor) -> list[Event]:
        """Give the drafts time and id: after all that is recorded, if the clocks differ by no more than `DRIFT`."""
        now = self._clock.now().astimezone(UTC)
        moment = now.replace(microsecond=now.microsecond // 1000 * 1000)
        newest = max(filter(None, [self._last, self._kept]), default=None)
        if newest is not None and moment <= newest <= moment + DRIFT:
            moment = newest + timedelta(milliseconds=1)
        return [self._event(moment + timedelta(milliseconds=i), draft, actor) for i, draft in enumerate(drafts)]

    def _event(self, moment: datetime, draft: Draft, actor: Actor) -> Event:
        milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        identifier = ulid(milliseconds, self._randomness(10))
        return Event(identifier, moment, draft.kind, actor, self.run, dict(draft.subject), dict(draft.data))

    def _events_of(self, commit: Commit) -> list[Event]:
        events = []
        for change in commit.changes:
            try:
                events += [decode(change.content, change.path)] if change.status == "A" else []
            except InputError as error:
                what = f"the ledger cannot be read: {error.what}"
                self._fault = self._fault or InconclusiveError(what, where=error.where, remedy=VERIFY)
        return sorted(events, key=lambda event: event.id)

    def _wait(self, attempt: int) -> None:
        """Wait a little longer after each lost race, and not as long as the others."""
        share = int.from_bytes(self._randomness(2)) / 65536
        self._clock.sleep(share * min(0.05 * 2**attempt, 2.0))


VERIFY = "run `releasegate ledger verify`"
BUSY = f"the ledger could not be written in {ATTEMPTS} attempts"


def _files(events: Sequence[Event]) -> Mapping[str, bytes | None]:
    return {event.path: encode(event) for event in events}


def _message(events: Sequence[Event], first: Draft) -> str:
    about = " ".join(first.subject[key] for key in ("service", "environment", "tag") if key in first.subject)
    more = f" (+{len(events) - 1})" if len(events) > 1 else ""
    return f"{first.kind}{more}: {about}\n"
