"""Watch a canary: poll the counts, write the recording, and ask the judge after every poll."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil, inf
from types import MappingProxyType
from typing import TextIO

from releasegate.canary.judge import Assessment, Decision, Judge, Judgement
from releasegate.canary.recording import Counts, Header, Line, Recording, encode_header, encode_line
from releasegate.canary.sli import Kind, Limit, SliSpec
from releasegate.errors import InconclusiveError, MetricsError, OutsideError, PolicyError
from releasegate.metrics.port import CountSource, Poll
from releasegate.policy.canary import Canary, LatencyLimit, Sli
from releasegate.policy.model import Policy
from releasegate.runbook.clock import Clock
from releasegate.runbook.notes import Notes

NO_BOUNDS: Mapping[str, tuple[float, ...]] = MappingProxyType({})


def canary_of(policy: Policy) -> Canary:
    """The policy's canary; `PolicyError` where it has none."""
    if policy.canary is None:
        raise PolicyError(
            "the policy has no `canary`", remedy="say what is watched, for how long, and where counts are"
        )
    return policy.canary


def header_of(
    policy: Policy,
    id: str,  # noqa: A002  what a recording calls it
    started: datetime,
    bounds: Mapping[str, tuple[float, ...]] = NO_BOUNDS,
) -> Header:
    """The header of a canary's recording, as the policy has it; `bounds` are what `CountSource.bounds` found."""
    canary = canary_of(policy)
    return Header(
        id=id,
        started=started,
        interval=canary.interval,
        window=canary.window,
        weight=canary.weight,
        slis={name: _spec(sli, bounds.get(name, ())) for name, sli in canary.slis.items()},
        warm_up=canary.warm_up,
        false_abort=canary.false_abort,
        detect={kind: getattr(canary.detect, kind) for kind in Kind if kind is not Kind.GAUGE},
        early=canary.early,
    )


def _spec(sli: Sli, bounds: tuple[float, ...]) -> SliSpec:
    limit = Limit(sli.limit.le, sli.limit.share) if isinstance(sli.limit, LatencyLimit) else sli.limit
    return SliSpec(
        Kind(sli.kind),
        tolerate=sli.tolerate,
        limit=limit,
        critical=sli.critical,
        bounds=bounds,
        starved_below=sli.starved_below,
        compare=sli.compare,
    )


def recorder(file: TextIO) -> Callable[[str], None]:
    """Write lines to `file`, each at once.

    `OutsideError` where the disk is full, or gone: a canary that nobody records is not judged.
    """

    def write(line: str) -> None:
        try:
            print(line, file=file, flush=True)
        except OSError as error:
            with suppress(OSError):  # else what did not fit is tried again when the file is closed
                file.close()
            raise unwritable(file.name, error) from error

    return write


def unwritable(path: str, error: OSError) -> OutsideError:
    """What a disk says of a recording, for the person who has to make room."""
    what = f"the recording cannot be written: {error.strerror}"
    return OutsideError(what, where=path, remedy="make room, and begin anew")


def watch(
    source: CountSource,
    header: Header,
    clock: Clock,
    *,
    record: Callable[[str], None],
    observe: Callable[[Assessment], None],
    history: Callable[[float], Sequence[Line]] = lambda _: (),
    settle: float = 300.0,
    max_window: float | None = None,
    until: float = inf,
    tell: Callable[[str], None] = lambda _: None,
    ramp: Callable[[float], float | None] = lambda _: None,
    resume: Recording | None = None,
    earlier: Callable[[], Recording | None] = lambda: None,
) -> Judgement:
    """Watch from the moment that the split is seen to flow until the judge has decided or the window is over.

    `record` gets the recording line by line, `observe` the judge's view after every poll, `tell` what is new of the
    source in a sentence. `history` gives lines with `t <= 0` for a t0 in Unix seconds, of which those before the
    first poll are used. `ramp` is told the moment of each poll (Unix seconds) that goes on, and gives the weight from
    there on where that is a new one. `header.started` is replaced by t0. While too little was seen the window is
    extended, up to `max_window` seconds. No poll is made after `until` (Unix seconds): what was seen is judged.

    With `resume`, what another process recorded, it goes on from there: the polls up to the present are missed ones,
    and what `source` counts begins now. `earlier` gives what runs before this one recorded of the same candidate: its
    polls come first, so that the evidence is carried on, and then the window begins.

    Where no request is counted on the canary within `settle` seconds it is an `InconclusiveError`, and where nothing
    can be read in that time a `MetricsError`.
    """
    notes = Notes(header.slis, tell)
    if resume is None:
        mark = clock.now().timestamp()
        start, before = _wait_for_flow(source, header, clock, min(settle, until - mark), notes)
        past = _older(history(start), min(before[0].t, mark - start + header.interval / 4))
        start, header, lines = _after(earlier(), start, header, [*past, *before])
    else:
        header, start = resume.header, resume.header.started.timestamp()
        lines = [*resume.lines, *_missed(source, resume, clock)]
    judge, decision = Judge(header), Decision.CONTINUE
    record(encode_header(header))
    for line in lines:
        record(encode_line(line))
        decision = judge.observe(line).decision
    t, weight, longest = lines[-1].t, ramp(start + header.carried), header.carried + (max_window or header.window)
    weight = weight if t == header.carried else ramp(start + t) or weight
    while _goes_on(decision, t, header.end, longest) and start + t + header.interval <= until:
        # A poll that took longer than its interval is not repeated: the next one holds what was counted meanwhile.
        number = max(round(t / header.interval) + 1, ceil((clock.now().timestamp() - start) / header.interval))
        t = number * header.interval
        line = replace(_poll(source, start, t, clock, notes), weight=weight)
        record(encode_line(line))
        assessment = judge.observe(line)
        observe(assessment)
        decision = assessment.decision
        weight = ramp(start + t) if _goes_on(decision, t, header.end, longest) else None
    return judge.finish()


def _missed(source: CountSource, resume: Recording, clock: Clock) -> list[Line]:
    """The polls that nobody made, up to the next one, which sets the marks of a source that remembers nothing."""
    start, interval = resume.header.started.timestamp(), resume.header.interval
    last = round(max(resume.lines[-1].t if resume.lines else 0.0, 0.0) / interval)
    present = max(last + 1, ceil((clock.now().timestamp() - start) / interval))
    clock.sleep(start + present * interval - clock.now().timestamp())
    source.advance(start + present * interval)
    return [Line(number * interval, {}) for number in range(last + 1, present + 1)]


def _after(
    earlier: Recording | None, start: float, header: Header, lines: list[Line]
) -> tuple[float, Header, list[Line]]:
    """The start, header and lines of a recording that begins with `earlier`, whose time goes on without the pause."""
    if earlier is None or earlier.lines[-1].t <= 0:
        return start, replace(header, started=datetime.fromtimestamp(start, UTC)), lines
    seen = earlier.lines[-1].t
    started = datetime.fromtimestamp(start - seen, UTC)
    return start - seen, replace(header, started=started, again=(*earlier.header.again, seen)), [*earlier.lines]


def _goes_on(decision: Decision, t: float, end: float, longest: float) -> bool:
    """Whether another poll could still change what is decided."""
    if decision is Decision.INCONCLUSIVE:
        return t < longest
    return decision is Decision.CONTINUE and t < end


def _older(history: Sequence[Line], t: float) -> list[Line]:
    """The lines of `history` that are before `t`: what is later was polled, with both tracks."""
    return [line for line in history if line.t < t]


def _poll(source: CountSource, start: float, t: float, clock: Clock, notes: Notes) -> Line:
    """The line of the moment `t` after `start`, once that moment has come."""
    clock.sleep(start + t - clock.now().timestamp())
    poll = source.advance(start + t)
    notes.take(poll)
    return Line(t, poll.counts)


def _wait_for_flow(
    source: CountSource, header: Header, clock: Clock, settle: float, notes: Notes
) -> tuple[float, list[Line]]:
    """The moment of the first canary count (Unix seconds), and the polls up to it as history."""
    events = [name for name, spec in header.slis.items() if spec.kind is not Kind.GAUGE] or list(header.slis)
    begun = clock.now().timestamp()
    polls: list[tuple[float, Poll]] = []
    # The first poll sets the marks, unless the caller polled the source before: then it counts since that.
    number = 0
    while number <= max(ceil(settle / header.interval), 0):
        moment = begun + number * header.interval
        clock.sleep(moment - clock.now().timestamp())
        poll = source.advance(moment)
        notes.take(poll)
        if any(name in poll.counts for name in events):
            polls.append((moment, poll))
        if any(counted(poll.counts.get(name, {}).get("canary", 0)) for name in events):
            return moment, [Line(at - moment, poll.counts) for at, poll in polls]
        if number == 0:
            notes.tell(f"waiting for the first request on the canary, at most {settle:g} s")
        number = max(number + 1, ceil((clock.now().timestamp() - begun) / header.interval))
    if not polls:
        raise MetricsError(
            f"nothing could be counted within {settle:g} s{notes.problem()}", remedy="nothing was judged"
        )
    raise InconclusiveError(
        f"no request was counted on the canary within {settle:g} s of the change{notes.problem()}",
        remedy="is traffic reaching it, and does the canary's selector match its series?",
    )


def counted(counts: Counts) -> bool:
    """Whether anything was."""
    return sum(counts) > 0 if isinstance(counts, tuple) else counts > 0
