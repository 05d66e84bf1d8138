"""Take migrations back by the user's own tool: once, and with the database's state read before and after."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from releasegate.errors import OutsideError, ReleasegateError, UnendedError, UnknownError, VerificationError
from releasegate.forge.git import redact
from releasegate.ledger.state import State
from releasegate.migrations.kind import Migration
from releasegate.policy.migrations import Migrations as Rules
from releasegate.runbook.claim import Effect, once
from releasegate.runbook.journal import Draft
from releasegate.runbook.outside import shown
from releasegate.runbook.world import World

LOOK = "look at the database, and finish by hand with your own tool"


class Revert:
    """One revert of `found`; `place` and the snapshot's id fill the command, `counted` says how many of which kind."""

    def __init__(
        self,
        world: World,
        rules: Rules,
        found: Sequence[Migration],
        place: Mapping[str, str],
        snapshot: str | None,
        counted: str,
    ) -> None:
        self._world = world
        self._rules = rules
        self._found = found
        self._place = place
        self._snapshot = snapshot
        self._counted = counted
        self._begun = False
        self._done = ""

    def once(self, state: State) -> str:
        """Do it behind a claim, since a second revert would go too far back, and say so in one line."""
        began = state.rolled_back
        if began is None:
            raise OutsideError("not reverted: the ledger does not hold this rollback", remedy="run the command again")
        place = {**self._place, "id": f"{self._place['id']}-{began.id[-8:].lower()}"}
        values = {**place, "count": str(len(self._found)), "snapshot": self._snapshot or ""}
        subject = self._world.subject(place["tag"], place["commit"])
        effect = Effect(step=f"{began.id}/migrations", subject=subject, act=lambda: self._act(subject, values))
        try:
            return once(self._world, effect)
        except ReleasegateError as error:
            if self._done:
                return f"{self._done} (NOT recorded: {error})"
            if isinstance(error, UnknownError) and not self._begun:
                what = "unknown: the run that began to revert them ended before it could tell"
                raise UnknownError(f"{what}; the state {_told(self._now())}", remedy=LOOK) from error
            raise

    def _act(self, subject: Mapping[str, str], values: Mapping[str, str]) -> str:
        self._begun = True
        before, after = self._run(values)
        facts = {"migrations": {one.path: one.kind.value for one in self._found}, "snapshot": self._snapshot}
        states = {"before": shown(before), "after": shown(after)}
        with suppress(ReleasegateError):  # it waits in the outbox
            self._world.journal.record(Draft("migrations.reverted", subject, {**facts, **states}))
        copy = f", snapshot {self._snapshot}" if self._snapshot else ""
        self._done = f"reverted {self._counted}{copy}; the state was {shown(before)!r}, and is {shown(after)!r}"
        return self._done

    def _run(self, values: Mapping[str, str]) -> tuple[str, str]:
        """The state before and after the tool did its work.

        `OutsideError` where it failed and changed nothing, `VerificationError` where it ended well and changed
        nothing, `UnknownError` where it took too long, or failed and the state is another one, or cannot be read.
        """
        tool, before = self._rules.revert[0], self._state()
        try:
            self._world.shell(self._rules.revert, values)
        except OutsideError as error:
            now = self._now()
            if now == before and not isinstance(error, UnendedError):  # the server may still be at it
                raise
            raise UnknownError(
                f"half-way: {error.what}; the state was {shown(before)!r}, and {_told(now)}", remedy=LOOK
            ) from error
        try:
            after = self._state()
        except OutsideError as error:
            raise UnknownError(f"{tool} ended well, and the state cannot be read: {error.what}", remedy=LOOK) from error
        if after == before:
            raise VerificationError(
                f"{tool} ended well and changed nothing: the state is {shown(before)!r}, as before",
                remedy="look whether they were applied at all, and at what `revert` does",
            )
        return before, after

    def _state(self) -> str:
        """What the tool says of the database, without the credentials of any address in it."""
        return redact(" ".join(self._world.shell(self._rules.status, {}).split()))

    def _now(self) -> str | OutsideError:
        """The state, or why it cannot be read."""
        try:
            return self._state()
        except OutsideError as error:
            return error


def _told(state: str | OutsideError) -> str:
    return f"is {shown(state)!r} now" if isinstance(state, str) else f"cannot be read ({state.what})"
