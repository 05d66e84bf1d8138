"""`releasegate canary replay`: judge recordings again, by the judge that judges live."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

import click

from releasegate.canary.judge import Assessment, Decision, Judge, Judgement
from releasegate.canary.recording import Header, Recording, parse
from releasegate.cli.app import App, Verb, pass_app, unread
from releasegate.cli.quantities import SHARE
from releasegate.errors import InputError
from releasegate.render.judgement import sli_lines

LONGEST_LINE = 1 << 20
"""Bytes; a line of a recording is far shorter, and one that is not is no recording."""
WORST = (Decision.ABORT, Decision.INCONCLUSIVE, Decision.PROMOTE)


@click.command(cls=Verb)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--false-abort", type=SHARE, help="The most likely that a healthy canary may be aborted.")
@click.option("--tolerate", type=click.FloatRange(min=1.0), help="How many times worse than the baseline is accepted.")
@pass_app
def replay(app: App, files: tuple[str, ...], false_abort: float | None, tolerate: float | None) -> int:
    """Judge recordings again; `-` is standard input. A recording's header says what the options leave out."""
    decisions = set()
    for name in files:
        with _opened(app, name) as stream:
            for recording in parse(_lines(stream, name), name):
                judgement = judge(recording, false_abort, tolerate, app.observe)
                app.emit(judgement.document(), describe(judgement))
                decisions.add(judgement.decision)
    return next(decision for decision in WORST if decision in decisions).exit_code


def judge(
    recording: Recording, false_abort: float | None, tolerate: float | None, observe: Callable[[str, Assessment], None]
) -> Judgement:
    """Judge a recording by its own header, or by what was asked for instead; `observe` gets every poll's assessment."""
    header = recording.header
    if tolerate is not None:
        slis = {name: replace(spec, tolerate=tolerate) for name, spec in header.slis.items()}
        header = replace(header, slis=slis)
    judge = Judge(_with_budget(header, false_abort))
    for line in recording.lines:
        observe(header.id, judge.observe(line))
    return judge.finish()


def _with_budget(header: Header, false_abort: float | None) -> Header:
    return header if false_abort is None else replace(header, false_abort=false_abort)


def describe(judgement: Judgement) -> str:
    """The judgement for a person: the decision, why, and a line for each SLI."""
    when = "" if judgement.decided_at is None else f" after {judgement.decided_at:g} s"
    lines = [f"{judgement.id}: {judgement.decision}{when}: {judgement.reason}"]
    for line, notes in sli_lines(judgement):
        lines += [f"  {line}", *(f"    {note}" for note in notes)]
    return "\n".join(lines)


@contextmanager
def _opened(app: App, name: str) -> Iterator[IO[bytes]]:
    try:
        with click.open_file("-" if name == "-" else str(app.directory / name), "rb") as stream:
            yield stream
    except OSError as error:
        raise unread(error, name) from error


def _lines(stream: IO[bytes], name: str) -> Iterable[bytes]:
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise InputError("a line above 1 MiB", where=f"{name}:{number}", remedy="is this a recording?")
        yield line
