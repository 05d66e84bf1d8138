"""`releasegate canary watch`: judge a canary while it runs."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.errors import InputError, UsageError

if TYPE_CHECKING:
    from releasegate.canary.judge import Assessment


@click.command("watch", cls=Verb)
@click.option("--record", metavar="FILE", help="Write the counts here as they come; `canary replay FILE` judges them.")
@click.option("--id", "name", metavar="NAME", help="What the recording calls this canary [service, environment, time].")
@click.option("--since", metavar="TIME", help="When the split was changed (RFC 3339): judge what Prometheus remembers.")
@click.option("--once", is_flag=True, help="Judge what there is since --since, and wait for nothing.")
@pass_app
def watch(app: App, record: str | None, name: str | None, since: str | None, once: bool) -> int:
    """Watch the canary of the policy until its window is over or it is aborted.

    Exit codes: 0 promote, 1 abort, 3 inconclusive, also where --once finds the window not yet over.
    """
    from releasegate.cli.canary_replay import describe  # noqa: PLC0415
    from releasegate.cli.clock import SystemClock  # noqa: PLC0415  keeps `--help` fast
    from releasegate.metrics.past import history  # noqa: PLC0415
    from releasegate.metrics.source import source_of  # noqa: PLC0415
    from releasegate.runbook import watch as procedure  # noqa: PLC0415
    from releasegate.runbook.catch_up import CatchUpClock  # noqa: PLC0415

    policy, real = app.policy(), SystemClock(app.say)
    canary = procedure.canary_of(policy)
    source, present = source_of(canary), real.now()
    if (since or once) and canary.metrics.scrape is not None:
        raise UsageError("metrics pages have no past", remedy="--since and --once need a Prometheus")
    if once and not since:
        raise UsageError("--once judges a time that is over", remedy="say with --since TIME when it began")
    started = _moment(since, present) if since else present
    clock = CatchUpClock(started, real)
    identity = name or f"{policy.service}-{policy.environment}-{started:%Y%m%dT%H%M%SZ}"
    header = procedure.header_of(policy, identity, started, source.bounds(started.timestamp()))
    with _recorder(app, record) as write:
        judgement = procedure.watch(
            source,
            header,
            clock,
            record=write,
            observe=_observer(app, identity, canary.window),
            history=lambda start: history(canary, start),
            settle=canary.settle,
            max_window=canary.max_window,
            until=present.timestamp() if once else inf,
            tell=app.say,
        )
    app.emit(judgement.document(), describe(judgement))
    return judgement.exit_code


def _observer(app: App, name: str, window: float) -> Callable[["Assessment"], None]:
    """Tells every poll; in GitHub Actions, unless its debug log is on, one a minute."""
    from releasegate.cli.live import Pace  # noqa: PLC0415  keeps `--help` fast

    pace = Pace(window)
    every = app.verbose or os.environ.get("GITHUB_ACTIONS") != "true"

    def observe(assessment: "Assessment") -> None:
        app.observe(name, assessment)
        if every or pace.due(assessment.t):
            app.say(progress(assessment))

    return observe


def _moment(text: str, present: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text} is no time", where="--since", remedy="write 2026-11-23T10:00:00Z") from None
    if moment.tzinfo is None:
        raise UsageError(f"{text} has no time zone", where="--since", remedy="write 2026-11-23T10:00:00Z")
    if moment > present:
        raise UsageError(f"{text} is still to come", where="--since")
    return moment.astimezone(UTC)


@contextmanager
def _recorder(app: App, path: str | None) -> Iterator[Callable[[str], None]]:
    """Write lines to a new file; one that is there already is not overwritten."""
    if path is None:
        yield lambda _: None
        return
    from releasegate.runbook.watch import recorder  # noqa: PLC0415  keeps `--help` fast

    try:
        file = Path(app.directory / path).open("x", encoding="utf-8")  # noqa: SIM115  closed below
    except FileExistsError:
        raise InputError("is there already", where=path, remedy="name another file with --record") from None
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=path) from error
    with file:
        yield recorder(file)


def progress(assessment: "Assessment") -> str:
    """One poll in one line: how far each SLI's evidence has grown toward the line at which it aborts."""
    grown = (f"{name} {max(sli.log_evidence / sli.line, 0):.0%}" for name, sli in assessment.slis.items())
    return f"{assessment.t:g} s: evidence {', '.join(grown)}"
