"""The canary on trial: its polls from the moment that traffic was raised, whether or not this process made them.

Poll k is of the moment t0 + k x interval. Where the source has a memory, every poll is asked for at its own moment, so
that a process which takes over from a dead one sees what that one saw, and decides as it would have.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import ceil

from releasegate.canary.judge import Assessment, Decision, Judgement
from releasegate.canary.recording import Header, Line, Recording, parse
from releasegate.errors import ForgeError, InconclusiveError, InputError, MetricsError, OutsideError, ReleasegateError
from releasegate.ledger.state import Rollout
from releasegate.metrics.port import CountSource, Poll
from releasegate.runbook.before import Before, header_after
from releasegate.runbook.catch_up import CatchUpClock
from releasegate.runbook.earlier import earlier_of
from releasegate.runbook.flow import Served, requests_of, starved_below
from releasegate.runbook.journal import DRIFT, Draft
from releasegate.runbook.watch import header_of, watch
from releasegate.runbook.world import Remark, Tell, World

HISTORY = 6
"""Polls of the baseline before the split is changed, where the source has no memory of its own."""


CHECKPOINT = 300.0
"""Seconds between two checkpoints of a recording, where the source has no memory of its own."""


class LostError(InconclusiveError):
    """What the dead process had counted cannot be had again."""


@dataclass(slots=True)
class Measured:
    """A `CountSource` that adds up how many requests each track served, for each weight that was asked for."""

    world: World
    source: CountSource
    served: list[Served] = field(default_factory=list)

    def bounds(self, at: float) -> Mapping[str, tuple[float, ...]]:
        """See `CountSource`."""
        return self.source.bounds(at)

    def advance(self, at: float) -> Poll:
        """See `CountSource`."""
        poll = self.source.advance(at)
        requests = requests_of(self.world.canary, poll)
        if self.served and requests is not None:
            self.served[-1].add(requests)
        return poll

    def asks(self, weight: float) -> None:
        """From here on the canary is asked to get `weight`; before the first call nothing is added up."""
        self.served.append(Served(weight))

    def share(self) -> str:
        """The splits that were measured, in one clause."""
        least, seen = starved_below(self.world.canary), [one for one in self.served if one.total]
        return f"measured: {', then '.join(one.told(least) for one in seen)}" if seen else "not measured"


class Trial:
    """The watch of one rollout. `look_back` comes before the raise, `run` after it; each may happen in a process of
    its own.
    """

    def __init__(self, world: World, tell: Tell) -> None:
        self._world = world
        self._tell = tell
        self._source = Measured(world, world.counts())
        self._before: list[tuple[float, Poll]] = []
        self._compared: Before | None = None
        self._lines: list[str] = []
        """What is recorded and in no checkpoint yet."""
        self._kept = 0.0
        """When the last checkpoint was made (Unix seconds)."""
        self._unseen = 0.0
        """Seconds that nobody saw."""
        self._away = "the process that watched ended"
        """Why."""
        self.lost = ""
        """How much was not seen by anybody, in one clause."""

    @property
    def share(self) -> str:
        """The splits that were measured, in one clause."""
        return self._source.share()

    def look_back(self) -> None:
        """Poll the baseline alone for a while, so that the judge knows how even its counts are.

        With blue-green that is all that the release can be held against: then it takes as long as the window.
        """
        if self._world.history is not None:
            return
        clock, canary = self._world.clock, self._world.canary
        self._source.advance(clock.now().timestamp())
        for _ in range(ceil(canary.window / canary.interval) if self._world.policy.blue_green else HISTORY):
            clock.sleep(canary.interval)
            at = clock.now().timestamp()
            self._before.append((at, self._source.advance(at)))

    def run(
        self,
        rollout: Rollout,
        *,
        record: Callable[[str], None],
        ramp: Callable[[float], float | None],
        look: Callable[[], None],
        max_window: float | None,
    ) -> Judgement:
        """Watch until it is decided. `ramp` is told each poll's moment and answers the weight from there on, `look` is
        called after each poll and may end it. Called again after a `MetricsError` or `ForgeError` it goes on.

        `LostError` where a dead process had begun and nothing remembers.
        """
        world = self._world
        since, remembers = self._since(rollout), world.history is not None
        resume = self._resumed(rollout) if not remembers and (rollout.canary or self._lines) else None
        clock = CatchUpClock(since, world.clock) if remembers else world.clock
        if remembers:
            self._source = Measured(world, world.counts())
        moment = clock.now()
        name = f"{world.policy.service}-{rollout.tag}"

        known = iter(range(1 + len(resume.lines) if resume else 0))

        def write(line: str) -> None:
            record(line)
            if next(known, None) is None:
                self._lines.append(line)

        def observe(assessment: Assessment) -> None:
            self._tell(replace(assessment, weight=1.0) if self._compared is not None else assessment)
            self._keep(rollout, every=CHECKPOINT)
            look()

        header = header_of(world.policy, name, moment, self._source.bounds(moment.timestamp()))
        source: CountSource = self._source
        if world.policy.blue_green:
            header = header_after(header)
            self._compared = source = Before(self._source, header)
        if resume is not None:
            self._go_on(header, resume)
        try:
            judgement = watch(
                source, header, clock,
                record=write, observe=observe, history=lambda start: self._flows(rollout, start),
                settle=world.canary.settle, max_window=max_window, ramp=self._asking(ramp), resume=resume,
                tell=lambda text: self._tell(Remark(text)), earlier=lambda: self._earlier(rollout, header),
            )  # fmt: skip
        except (MetricsError, ForgeError):
            self._away = "something outside did not answer"
            self._keep(rollout, every=0.0)
            raise
        if judgement.decision is Decision.INCONCLUSIVE:
            self._keep(rollout, every=0.0)  # the run that judges it again goes on from here
        return judgement

    def _earlier(self, rollout: Rollout, header: Header) -> Recording | None:
        """What earlier runs recorded of the same candidate, which is told."""
        found, name = earlier_of(self._world, rollout, header), rollout.tag
        if found is not None:
            seen = f"an earlier run watched {name} for {found.lines[-1].t:g} s"
            self._tell(Remark(f"{seen}: its evidence is carried on, and the window begins anew"))
        elif rollout.earlier and self._compared is None:
            self._tell(Remark(f"what an earlier run saw of {name} cannot be had again: its evidence begins anew"))
        return found

    def _asking(self, ramp: Callable[[float], float | None]) -> Callable[[float], float | None]:
        """`ramp`, of which the source is told what is asked for from there on; with blue-green that is all of it."""
        first = 1.0 if self._world.policy.blue_green else self._world.canary.weight

        def asked(moment: float) -> float | None:
            weight = ramp(moment)
            if weight is not None or not self._source.served:
                self._source.asks(weight or first)
            return weight

        return asked

    def _since(self, rollout: Rollout) -> datetime:
        """When the canary got its traffic; `InconclusiveError` where that has yet to come."""
        now = self._world.clock.now()
        since = rollout.raised.time if rollout.raised else now
        if since - now > DRIFT:
            behind = (since - now).total_seconds()
            raise InconclusiveError(
                f"this machine's clock is {behind:.0f} s behind the moment at which the canary got its traffic",
                remedy="set it right: nobody can watch what has not begun",
            )
        return since

    def _resumed(self, rollout: Rollout) -> Recording:
        """What was recorded, here or by the dead process in the ledger; `LostError` where that is nothing."""
        try:
            return list(parse([*rollout.recorded, *self._lines], "the checkpoints in the ledger"))[-1]
        except InputError as error:
            remembers = "metrics pages remember nothing, and no checkpoint is in the ledger yet"
            raise LostError(f"the process that watched ended, {remembers}") from error

    def _go_on(self, header: Header, resume: Recording) -> None:
        """Take over from the process that died, or from this one before something did not answer."""
        if {name: spec.bounds for name, spec in header.slis.items()} != {
            name: spec.bounds for name, spec in resume.header.slis.items()
        }:
            raise LostError("the process that watched ended, and the SLIs or their buckets are others now")
        start, last = resume.header.started.timestamp(), resume.lines[-1].t if resume.lines else 0.0
        self._unseen += self._world.clock.now().timestamp() - start - max(last, 0.0)
        self.lost = f"; {self._unseen:.0f} s were not seen, since {self._away}"
        if self._compared is not None:
            self._compared.begin(start, [line for line in resume.lines if line.t <= 0], resumed=True)

    def _keep(self, rollout: Rollout, every: float) -> None:
        """Commit what was recorded since the last checkpoint, if that is `every` seconds ago."""
        world, now = self._world, self._world.clock.now().timestamp()
        if world.history is not None or not self._lines or abs(now - self._kept) < every:
            return
        self._kept = now
        with suppress(ReleasegateError):  # the next one brings it along
            about = world.subject(rollout.tag, rollout.commit)
            world.journal.append(Draft("canary.checkpoint", about, {"lines": list(self._lines)}))
            self._lines.clear()

    def _flows(self, rollout: Rollout, start: float) -> Sequence[Line]:
        """Record that the split flows since `start`, and what was seen of the baseline before."""
        world = self._world
        if rollout.canary is None:
            about = world.subject(rollout.tag, rollout.commit)
            at = datetime.fromtimestamp(start, UTC)
            with suppress(OutsideError):  # it waits in the outbox, and the watch goes on
                world.journal.record(Draft("canary.started", about, {"t0": start, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}))
        lines = self._history(start)
        if self._compared is not None:
            self._compared.begin(start, lines)
        return lines

    def _history(self, start: float) -> Sequence[Line]:
        """The baseline before `start`: as the source remembers it, or as it was polled."""
        if self._world.history is not None:
            return self._world.history(start)
        return [
            Line(
                at - start,
                {name: {"baseline": seen["baseline"]} for name, seen in poll.counts.items() if "baseline" in seen},
            )
            for at, poll in self._before
        ]
