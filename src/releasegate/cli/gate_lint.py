"""`releasegate gate lint`: the files that gates are told by, looked at for what would silently decide nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.evidence import Source, gather, is_subject, unusable, waivers_in
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.cli.gate_zap import FILE_LIMIT, SUFFIXES
from releasegate.errors import InputError, PolicyError, ReleasegateError
from releasegate.verdict import Finding, Level, Verdict
from releasegate.verdict import conclude as outcome_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """What is looked at."""

    config: str | None = None
    budgets: str | None = None
    rules: str | None = None
    waivers: tuple[str, ...] = ()
    lighthouse: tuple[str, ...] = ()
    zap: tuple[str, ...] = ()
    allow_js: bool = False

    @property
    def named(self) -> list[str]:
        """The files, without the reports."""
        return [path for path in (self.config, self.budgets, self.rules, *self.waivers) if path]


@click.command(cls=Judging)
@click.option("--config", metavar="FILE", help="An LHCI configuration.")
@click.option("--budgets", metavar="FILE", help="budgets.json.")
@click.option("--rules", metavar="FILE", help="ZAP's rules.tsv.")
@click.option("--waivers", metavar="FILE", multiple=True, help="Accepted findings.")
@click.option("--lighthouse", metavar="PATH", multiple=True, help="Reports that the configuration should fit.")
@click.option("--zap", metavar="REPORT", multiple=True, help="Reports that the rules should fit.")
@click.option("--allow-js", is_flag=True, help="Let node run a lighthouserc.js.")
@pass_app
def lint(app: App, /, **options: Any) -> int:
    """Find dead rules, keys and patterns in the files given, else in those of the policy."""
    started = app.now()
    files = _Files(**options)
    if not files.named:
        files = _from_policy(app, files)
    findings = _checked(app, files.config, lambda path: _config(app, files, config=path))
    findings += _checked(app, files.budgets, lambda path: _config(app, files, budgets=path))
    findings += _checked(app, files.rules, lambda path: _rules(app, path, files.zap))
    for path in files.waivers:
        findings += _checked(app, path, lambda one: _waivers(app, one))
    told = f"{len(findings)} remark{'' if len(findings) == 1 else 's'}"
    verdict = Verdict(
        gate="lint",
        verdict=outcome_of(findings),
        summary=f"{told} on {', '.join(files.named)}",
        findings=findings,
        started=started,
        finished=app.now(),
    )
    return conclude(app, verdict)


def _from_policy(app: App, files: _Files) -> _Files:
    """The policy's files, with its reports as far as they are there."""
    policy = app.find_policy()
    lighthouse, zap = (policy.gates.lighthouse, policy.gates.zap) if policy else (None, None)
    others = (*policy.gates.tests.values(), policy.gates.changes) if policy else ()
    waivers = [gate.waivers for gate in (lighthouse, zap, *others) if gate is not None and gate.waivers]
    found = replace(
        files,
        config=lighthouse.config if lighthouse else None,
        budgets=lighthouse.budgets if lighthouse else None,
        rules=zap.rules if zap else None,
        waivers=tuple(dict.fromkeys(waivers)),
        lighthouse=files.lighthouse or _there(app, lighthouse.reports if lighthouse else ()),
        zap=files.zap or _there(app, zap.reports if zap else ()),
    )
    if not found.named:
        where = (
            "the policy names no file to look at" if policy else "there is no policy, which names no file to look at"
        )
        raise PolicyError(where, remedy="give --config, --budgets, --rules or --waivers")
    return found


def _there(app: App, paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(path for path in paths if (app.directory / path).exists())


def _checked(app: App, path: str | None, look: Callable[[str], tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """The remarks on the file at `path`; that it cannot be used is one. `InputError` where it is not there."""
    if path is None:
        return ()
    try:
        return look(path)
    except InputError as error:
        if not (app.directory / path).exists():
            raise
        title = f"{error.what}; {error.remedy}" if error.remedy else error.what
        return (Finding(check="file", level=Level.ERROR, title=title, where=error.where or path),)


def _config(app: App, files: _Files, config: str | None = None, budgets: str | None = None) -> tuple[Finding, ...]:
    from releasegate.cli.lhci_config import LhciFiles  # noqa: PLC0415  loaded with Lighthouse's readers
    from releasegate.cli.lighthouse_files import find_reports  # noqa: PLC0415
    from releasegate.gates.lighthouse.assertions import parse_config  # noqa: PLC0415
    from releasegate.gates.lighthouse.gate import lint as lint_config  # noqa: PLC0415
    from releasegate.gates.lighthouse.report import parse  # noqa: PLC0415

    asked = parse_config(LhciFiles(app, files.allow_js).options(config, budgets), config or budgets or "")
    found = [find_reports(app, report) for report in files.lighthouse]
    read, broken = _read([source for sources, _ in found for source in sources], parse)
    missing = [finding for _, findings in found for finding in findings]
    return (*missing, *broken, *lint_config(asked, [report for runs in read for report in runs]))


def _rules(app: App, path: str, reports: Sequence[str]) -> tuple[Finding, ...]:
    from releasegate.gates.zap.lint import lint as lint_rules  # noqa: PLC0415  loaded with ZAP's readers
    from releasegate.gates.zap.read import read_report  # noqa: PLC0415
    from releasegate.gates.zap.rules import read_rules  # noqa: PLC0415

    rules = read_rules(app.read(path, limit=FILE_LIMIT), path)
    sources, missing = gather(app, reports, SUFFIXES)
    read, broken = _read(sources, read_report)
    alerts = [alert for report in read for alert in report.alerts]
    return (*missing, *broken, *lint_rules(rules, alerts if read else None))


def _read(sources: Sequence[Source], reader: Callable[[bytes, str], T]) -> tuple[list[T], list[Finding]]:
    """What `reader` makes of each source, and what could not be read."""
    read: list[T] = []
    broken: list[Finding] = []
    for source in sources:
        if not is_subject(source.path):
            try:
                read.append(reader(source.read(), source.path))
            except ReleasegateError as error:
                broken.append(unusable(error))
    return read, broken


def _waivers(app: App, path: str) -> tuple[Finding, ...]:
    today = app.now().date()
    return tuple(
        Finding(
            check="waiver",
            level=Level.WARN,
            title=f"this waiver has expired: {waiver.check}, {waiver.owner}, until {waiver.expires.isoformat()}",
            where=waiver.origin,
        )
        for waiver in waivers_in(app, path)
        if waiver.expires < today
    )
