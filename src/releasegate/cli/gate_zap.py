"""`releasegate gate zap`: ZAP's reports to a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.evidence import gather, is_subject, subject, unusable, waivers_in
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging, write_outputs
from releasegate.cli.ledger_memory import LEDGER, of_last_good
from releasegate.errors import InconclusiveError, UsageError
from releasegate.gates.subject import too_old
from releasegate.gates.zap.judge import Scan, Threshold, judge, read_scan
from releasegate.gates.zap.known import read_known
from releasegate.gates.zap.memory import recall, remember
from releasegate.gates.zap.read import LIMIT
from releasegate.gates.zap.report import Alert, Confidence, Risk
from releasegate.gates.zap.rules import Rules, read_rules
from releasegate.policy.gates import ZapGate
from releasegate.verdict import Evidence, Subject, Verdict

if TYPE_CHECKING:
    from releasegate.gates.zap.baseline import Options

FILE_LIMIT = 1024 * 1024
"""Bytes; nobody writes a longer rules file."""
SUFFIXES = (".json", ".xml", ".sarif")
"""Of the files that are reports in a folder or zip of them."""
_RISKS = {risk.name.lower(): risk for risk in sorted(Risk, reverse=True)}
_CONFIDENCES = {confidence.name.lower(): confidence for confidence in Confidence if confidence}


@dataclass(kw_only=True)
class _Asked:
    """The command line, or the policy in its place."""

    reports: Sequence[str]
    rules: str | None = None
    fail_on: str = "high"
    confidence: str = "low"
    known: str | None = None
    waivers: str | None = None
    commit: str | None = None
    born: datetime | None = None
    compatibility: str | None = None
    ignore_warnings: bool = False
    unlisted_is_info: bool = False
    lowest: str | None = None
    progress: str | None = None
    evidence: list[Evidence] = field(default_factory=list)


@click.command(cls=Judging, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("reports", metavar="REPORT…", nargs=-1, required=True)
@click.option("--rules", metavar="FILE", help="ZAP's rules.tsv: what to do with which rule.")
@click.option("--fail-on", type=click.Choice(list(_RISKS)), default="high", show_default=True, help="Fail from here.")
@click.option("--confidence", type=click.Choice(list(_CONFIDENCES)), default="low", show_default=True, help="And here.")
@click.option("--known", metavar="FILE", help="An earlier report, or `ledger`: what it holds weighs less.")
@click.option("--waivers", metavar="FILE", help="Accepted findings, with reason, owner and expiry.")
@click.option("--commit", metavar="SHA", help="The commit that was scanned.")
@click.option("--compatibility", type=click.Choice(["zap-baseline"]), help="Count and exit as zap-baseline.py does.")
@click.option("-I", "ignore_warnings", is_flag=True, help="zap-baseline: warnings do not fail.")
@click.option("-i", "unlisted_is_info", is_flag=True, help="zap-baseline: rules that are not listed are INFO.")
@click.option("-l", "lowest", metavar="LEVEL", help="zap-baseline: the lowest level to print.")
@click.option("--progress", metavar="FILE", help="zap-baseline: issues in progress, which do not count.")
@pass_app
def zap(app: App, /, **options: Any) -> int:
    """Judge ZAP REPORTs (JSON, XML or SARIF; a folder or a pattern of them) by risk, rules and what is known."""
    asked = _Asked(**options)
    if asked.compatibility:
        return _as_baseline(app, asked)
    if asked.ignore_warnings or asked.unlisted_is_info or asked.lowest or asked.progress:
        remedy = "add --compatibility zap-baseline, or use --fail-on and --rules"
        raise UsageError("-I, -i, -l and --progress belong to zap-baseline", remedy=remedy)
    return conclude(app, _by_risk(app, asked))


def verdict_of(app: App, gate: ZapGate, commit: str | None, born: datetime | None = None) -> Verdict:
    """The verdict that the policy's `gate` asks for."""
    asked = _Asked(
        reports=gate.reports,
        rules=gate.rules,
        fail_on=gate.fail_on,
        confidence=gate.confidence,
        known=gate.known,
        waivers=gate.waivers,
        commit=commit,
        born=born,
    )
    return _by_risk(app, asked)


def _by_risk(app: App, asked: _Asked) -> Verdict:
    started = app.now()
    threshold = Threshold(
        fail_on=_RISKS[asked.fail_on],
        confidence=_CONFIDENCES[asked.confidence],
        rules=read_rules(app.read(asked.rules, limit=FILE_LIMIT), asked.rules) if asked.rules else Rules(),
        before=_before(app, asked.known) if asked.known else None,
        waivers=waivers_in(app, asked.waivers),
        today=started.date(),
    )
    scan, about, committed = _read(app, asked)
    old = too_old(((report.path, report.created) for report in scan.reports), asked.born or committed)
    scan = Scan(scan.reports, (*scan.faults, *old))
    result = judge(scan, threshold, asked.evidence, about, started, app.now())
    return replace(result, remember=remember(scan.alerts) if asked.known == LEDGER else None)


def _before(app: App, known: str) -> Sequence[Alert]:
    """What the earlier report held, or the last known good release of the ledger; then, without one, all is new."""
    if known != LEDGER:
        return read_known(app.read(known, limit=LIMIT), known)
    memory = of_last_good(app, "zap")
    if memory is None:
        app.say("zap: the ledger holds no scan of a good release yet, so that every alert is new")
        return ()
    return recall(memory)


def _as_baseline(app: App, asked: _Asked) -> int:
    from releasegate.gates.zap.compatibility import judge_as_baseline  # noqa: PLC0415  one of two ways

    if asked.known or asked.waivers or asked.fail_on != "high" or asked.confidence != "low":
        what = "--known, --waivers, --fail-on and --confidence are not zap-baseline's"
        raise UsageError(what, remedy="leave them out, or leave out --compatibility")
    started = app.now()
    scan, about, _ = _read(app, asked)
    verdict, lines = judge_as_baseline(scan, _options(app, asked), asked.evidence, about, started, app.now())
    write_outputs(app, [verdict])
    app.emit(verdict.document(), "\n".join(lines) or verdict.summary)
    return int(verdict.extra["compatibility"]["exit_code"])


def _options(app: App, asked: _Asked) -> "Options | InconclusiveError":
    """zap-baseline's own options, or why it would have stopped."""
    from releasegate.gates.zap import baseline  # noqa: PLC0415  one of two ways

    try:
        config = baseline.Config()
        if asked.rules:
            config = baseline.read_config(app.read(asked.rules, limit=FILE_LIMIT), asked.rules)
        return baseline.Options(
            config=config,
            ignore_warnings=asked.ignore_warnings,
            unlisted_is_info=asked.unlisted_is_info,
            lowest=baseline.read_lowest(asked.lowest) if asked.lowest is not None else 0,
            in_progress=baseline.read_progress(app.read(asked.progress, limit=FILE_LIMIT), asked.progress)
            if asked.progress
            else {},
        )
    except InconclusiveError as error:
        return error


def _read(app: App, asked: _Asked) -> tuple[Scan, Subject, datetime | None]:
    """Read the reports one by one, and name each in `asked.evidence`; their commit and its time."""
    sources, broken = gather(app, asked.reports, SUFFIXES)
    about, committed, wrong = subject(app, [source.path for source in sources], asked.commit, sources)

    def contents() -> Iterator[tuple[str, bytes]]:
        for source in sources:
            if not is_subject(source.path):
                try:
                    content = source.read()
                except InconclusiveError as error:
                    broken.append(unusable(error))
                    continue
                asked.evidence.append(Evidence.of(source.path, content))
                yield source.path, content

    scan = read_scan(contents(), nodes=asked.known is not None)
    return Scan(scan.reports, (*wrong, *broken, *scan.faults)), about, committed
