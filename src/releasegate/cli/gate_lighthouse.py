"""`releasegate gate lighthouse`: Lighthouse's reports to a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.evidence import read_each, subject, waivers_in
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.cli.lhci_config import LhciFiles
from releasegate.cli.lighthouse_files import find_reports
from releasegate.cli.lighthouse_history import History
from releasegate.errors import InconclusiveError, InputError, PolicyError
from releasegate.gates.lighthouse.assertions import PRESET_HELP, Config, parse_config, usual
from releasegate.gates.lighthouse.gate import judge
from releasegate.gates.lighthouse.report import Report, parse
from releasegate.gates.subject import too_old
from releasegate.gates.waivers import waive
from releasegate.verdict import Finding, Level, Verdict

NOTHING_CONFIGURED = (
    "nothing says what to assert, so it is scores from 0.9 on (performance only warns); "
    "say it in lighthouserc.json, or give --config FILE"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line adds to the reports and their configuration."""

    budgets: str | None = None
    waivers: str | None = None
    history: str | None = None
    window: int | None = None
    record: bool = False
    """Whether the history gets the runs that were judged, if they pass."""
    peer: bool = False
    """Whether LHCI's own results are told too."""
    commit: str | None = None
    born: datetime | None = None
    """When the candidate's commit was made; the evidence may not be older."""


@click.command(cls=Judging)
@click.argument("paths", metavar="PATH…", nargs=-1)
@click.option("--config", metavar="FILE", help="What LHCI takes; else the lighthouserc here, else scores of 0.9.")
@click.option("--budgets", metavar="FILE", help="budgets.json, instead of assertions.")
@click.option("--waivers", metavar="FILE", help="Accepted findings, with reason, owner and expiry.")
@click.option("--history", metavar="FILE", help="Earlier runs (JSON lines), or `ledger`, to judge the trend.")
@click.option("--window", type=click.IntRange(5, 100), help="How many earlier runs count.")
@click.option("--record", is_flag=True, help="Add the runs to the history if they pass.")
@click.option("--allow-js", is_flag=True, help="Let node run a lighthouserc.js.")
@click.option("--compatibility", type=click.Choice(["lhci"]), help="Add what `lhci assert` says; exit as it does.")
@click.option("--commit", metavar="SHA", help="The commit that was tested.")
@pass_app
def lighthouse(
    app: App, /, paths: tuple[str, ...], config: str | None, *, allow_js: bool, compatibility: str | None, **others: Any
) -> int:
    """Judge Lighthouse reports: files, or folders such as .lighthouseci."""
    options = Options(peer=compatibility is not None, **others)
    return conclude(app, verdict(app, LhciFiles(app, allow_js), paths, config, options))


def verdict(
    app: App, files: LhciFiles, paths: Sequence[str], config: str | None, options: Options | None = None
) -> Verdict:
    """The verdict on the reports at `paths`; what is not given comes from the policy."""
    started = app.now()
    options = options or Options()
    paths, config, options = _from_policy(app, paths, config, options)
    asked, source = _asked(files, config, options)
    waivers = waivers_in(app, options.waivers)
    history = _history(app, options)
    found = [find_reports(app, path) for path in paths]
    sources = [source for files, _ in found for source in files]
    about, committed, problems = subject(app, paths, options.commit, sources)
    reports, evidence, unreadable = read_each(app, sources, parse if asked else _scored)
    unreadable += [finding for _, missing in found for finding in missing]
    if options.peer and unreadable:
        raise InputError(f"LHCI cannot read it: {unreadable[0].title}", where=unreadable[0].where)
    if asked is None:
        asked = usual(reports)
    old = too_old(((report.path, report.fetched) for report in reports), options.born or committed)
    remarks = (*source, *problems, *unreadable, *old, *(history.remarks(asked, reports) if history else ()))
    result = judge(reports, asked, evidence, about, started, app.now(), problems=remarks, compatibility=options.peer)
    result = waive(result, waivers, started.date())
    if history is not None and options.record and result.verdict.exit_code == 0:
        history.record(reports)
    return replace(result, remember=history.memory(reports) if history else None)


def _asked(files: LhciFiles, config: str | None, options: Options) -> tuple[Config | None, tuple[Finding, ...]]:
    """What is asserted, and where that comes from if nobody named it; None for the usual, which LHCI does not have."""
    if config or options.budgets:
        named = files.options(config, options.budgets, lenient=options.peer)
        return parse_config(named, config or options.budgets or ""), ()
    found = files.found(lenient=options.peer)
    if found is not None:
        path, here = found
        return parse_config(here, path), (_remark(f"asserted is what {path} in this folder says"),)
    if options.peer:
        raise PolicyError("nothing says what to assert of the reports", remedy=PRESET_HELP)
    return None, (_remark(NOTHING_CONFIGURED),)


def _scored(content: bytes, path: str) -> Sequence[Report]:
    """The runs of a report of which scores alone are asked; `InconclusiveError` where it holds none at all."""
    runs = list(parse(content, path))
    if any(run.runtime_error is None and not run.has_categories for run in runs):
        remedy = "run Lighthouse on all categories, or say in lighthouserc.json what is asserted"
        raise InconclusiveError("the report has no categories, so no scores", where=path, remedy=remedy)
    return runs


def _remark(title: str) -> Finding:
    return Finding(check="configuration", level=Level.INFO, title=title)


def _history(app: App, options: Options) -> History | None:
    """The earlier runs, where the user names them; a new file begins where they are to be recorded."""
    if options.history is None:
        if options.record:
            raise InputError("--record needs to know where", remedy="add --history FILE")
        return None
    return History.read(app, options.history, options.window, begin=options.record)


def _from_policy(
    app: App, paths: Sequence[str], config: str | None, options: Options
) -> tuple[Sequence[str], str | None, Options]:
    """What was given, filled up from the policy where it leaves something open."""
    if paths and (config or options.budgets):
        return paths, config, options
    policy = app.find_policy()
    gate = None if policy is None else policy.gates.lighthouse
    if gate is not None:
        paths = paths or gate.reports
        if not config and not options.budgets:
            config, options = gate.config, replace(options, budgets=gate.budgets)
        window = options.window or gate.trend.window
        history, waivers = options.history or gate.history, options.waivers or gate.waivers
        options = replace(options, history=history, window=window, waivers=waivers)
    if not paths:
        raise PolicyError(
            "no reports were named", remedy="give their folder: releasegate gate lighthouse .lighthouseci"
        )
    return paths, config, options
