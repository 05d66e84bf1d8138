"""`releasegate gate run`: every gate of the policy, one verdict, bound to one commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.evidence import commit_time
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.cli.lhci_config import LhciFiles
from releasegate.errors import InconclusiveError, InputError, PolicyError, RepositoryError
from releasegate.gates.waivers import together
from releasegate.policy.model import Policy
from releasegate.verdict import Finding, Level, Subject, Verdict
from releasegate.verdict import conclude as outcome_of

if TYPE_CHECKING:
    from releasegate.runbook.world import Fetched


@click.command(cls=Judging)
@click.option("--tag", metavar="TAG", help="The release candidate; default: HEAD, whatever its tag.")
@click.option("--commit", metavar="SHA", help="The commit that evidence without a subject file belongs to.")
@click.option("--allow-js", is_flag=True, help="Let node run the policy's lighthouserc.js.")
@pass_app
def run(app: App, tag: str | None, commit: str | None, *, allow_js: bool) -> int:
    """Judge every gate of the policy, for the candidate's commit."""
    started = app.now()
    policy = app.policy()
    about = Subject(tag, app.forge().resolve(tag or "HEAD"))
    verdicts = judge_all(app, policy, about, commit, allow_js=allow_js)
    if not verdicts:
        raise PolicyError("the policy names no gate", remedy="add `gates:`, or call one: releasegate gate lighthouse …")
    findings = tuple(
        replace(finding, check=f"{verdict.gate}/{finding.check}")
        for verdict in verdicts
        for finding in verdict.findings
    )
    told = "; ".join(f"{verdict.gate} {verdict.verdict.value}: {verdict.summary}" for verdict in verdicts)
    whole = Verdict(
        gate="run",
        verdict=outcome_of(findings),
        summary=told,
        findings=findings,
        evidence=tuple(evidence for verdict in verdicts for evidence in verdict.evidence),
        subject=about,
        started=started,
        finished=app.now(),
    )
    return conclude(app, whole)


def judge_all(
    app: App,
    policy: Policy,
    about: Subject,
    commit: str | None = None,
    artifacts: "Mapping[str, Fetched] | None" = None,
    *,
    allow_js: bool = False,
    mine: Callable[[str], bool] = lambda _: True,
) -> Sequence[Verdict]:
    """The verdicts of the policy's gates whose names are `mine`.

    One whose evidence tells no commit, or another, is `inconclusive`.
    `commit` is what the user says of evidence that tells none itself. A gate whose `artifact` is among `artifacts` is
    judged on that, of the commit of its run. With `allow_js` an LHCI configuration may be a program.
    """
    files = LhciFiles(app, allow_js)
    judges = _judges(app, policy, commit, _born(app, str(about.commit)), artifacts or {}, files)
    verdicts = [_missing_is_inconclusive(app, gate, judge) for gate, judge in judges.items()]
    bound = [_bound(verdict, about, accept=policy.gates.undated == "accept") for verdict in verdicts]
    changes = policy.gates.changes
    if changes is not None:
        from releasegate.cli import gate_changes  # noqa: PLC0415  loaded where it is asked for

        judge = partial(gate_changes.verdict_of, app, policy, changes, about)
        bound.append(replace(_missing_is_inconclusive(app, "changes", judge), subject=about))
    rules = policy.rollback.migrations
    if rules is not None and bound:  # alone they are no evidence for a release
        from releasegate.cli import gate_migrations  # noqa: PLC0415  loaded where it is asked for

        judge = partial(gate_migrations.verdict_of, app, policy, rules, about)
        bound.append(replace(_missing_is_inconclusive(app, "migrations", judge), subject=about))
    bound = [verdict for verdict in together(bound) if mine(verdict.gate)]
    for verdict in bound:
        app.judged(verdict)
    return bound


def _born(app: App, commit: str) -> datetime | None:
    """When the candidate's commit was made: by the checkout, else by the host of a repository without one."""
    known = commit_time(app, commit)
    try:
        return known or app.host().committed(commit)
    except RepositoryError:  # a plain git repository, which does not tell
        return None


def _judges(
    app: App,
    policy: Policy,
    commit: str | None,
    born: datetime | None,
    artifacts: "Mapping[str, Fetched]",
    lhci: LhciFiles,
) -> Mapping[str, Callable[[], Verdict]]:
    """The gates that judge evidence, by name."""

    def where(names: Sequence[str], paths: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
        found = [artifacts[name] for name in names if name in artifacts]
        if not found:
            return tuple(paths), commit
        return tuple(_from_here(app, one.path) for one in found), found[0].commit

    from releasegate.cli import gate_lighthouse, gate_tests, gate_zap  # noqa: PLC0415  loaded with their readers

    judges: dict[str, Callable[[], Verdict]] = {}
    if policy.gates.lighthouse is not None:
        paths, of = where(policy.gates.lighthouse.artifact, ())
        options = gate_lighthouse.Options(commit=of, born=born)
        judges["lighthouse"] = partial(gate_lighthouse.verdict, app, lhci, paths, None, options)
    zap = policy.gates.zap
    if zap is not None:
        paths, of = where(zap.artifact, zap.reports)
        judges["zap"] = partial(gate_zap.verdict_of, app, replace(zap, reports=paths), of, born)
    for name, suite in policy.gates.tests.items():
        paths, of = where(suite.artifact, suite.junit)
        judges[f"tests/{name}"] = partial(gate_tests.verdict_of, app, name, replace(suite, junit=paths), of, born)
    return judges


def _from_here(app: App, path: Path) -> str:
    """A path as evidence is to be named: relative to the checkout where it lies in it."""
    here, there = app.directory.absolute(), path.absolute()
    return str(there.relative_to(here) if there.is_relative_to(here) else there)


def _missing_is_inconclusive(app: App, gate: str, judge: Callable[[], Verdict]) -> Verdict:
    """A file that the policy names and that is not there is missing evidence, not a mistake on the command line."""
    started = app.now()
    try:
        return judge()
    except (InputError, InconclusiveError) as error:
        finding = Finding(
            check="evidence", level=Level.ERROR, title=str(error), where=error.where or gate, unusable=True
        )
        return Verdict(
            gate=gate, verdict=outcome_of((finding,)), summary=str(error), findings=(finding,),
            started=started, finished=app.now(),
        )  # fmt: skip


def _bound(verdict: Verdict, about: Subject, *, accept: bool) -> Verdict:
    """`verdict`, made inconclusive where its evidence does not say that it belongs to the commit of `about`.

    With `accept`, evidence that tells no commit is taken for it.
    """
    said = verdict.subject.commit
    if said == about.commit:
        return replace(verdict, subject=about)
    if said is None and accept:
        title = "this evidence tells no commit; the policy accepts it (`undated: accept`)"
        told = Finding(check="subject", level=Level.INFO, title=title, where=verdict.gate)
        return replace(verdict, subject=about, findings=(*verdict.findings, told))
    title, remedy = (
        ("this evidence tells no commit", "write the subject file with `releasegate gate stamp`")
        if said is None
        else ("this evidence belongs to another commit", "make it for this one, or judge the candidate it belongs to")
    )
    wrong = Finding(
        check="subject", level=Level.ERROR, title=f"{title}; {remedy}",
        expected=str(about.commit), observed=said or "none", where=verdict.gate, unusable=True,
    )  # fmt: skip
    findings = (*verdict.findings, wrong)
    return replace(verdict, findings=findings, verdict=outcome_of(findings), summary=f"{title}; {verdict.summary}")
