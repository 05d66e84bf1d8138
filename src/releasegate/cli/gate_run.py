"""`releasegate gate run`: every gate of the policy, one verdict, bound to one commit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.errors import InputError, PolicyError
from releasegate.policy.model import Policy
from releasegate.verdict import Finding, Level, Subject, Verdict
from releasegate.verdict import conclude as outcome_of


@click.command(cls=Judging)
@click.option("--tag", metavar="TAG", help="The release candidate; default: HEAD, whatever its tag.")
@pass_app
def run(app: App, tag: str | None) -> int:
    """Judge every gate of the policy, for the candidate's commit."""
    started = app.now()
    policy = app.policy()
    about = Subject(tag, app.forge().resolve(tag or "HEAD"))
    verdicts = judge_all(app, policy, about)
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


def judge_all(app: App, policy: Policy, about: Subject) -> Sequence[Verdict]:
    """The verdicts of the policy's gates; one whose evidence tells no commit, or another, is `inconclusive`."""
    from releasegate.cli import gate_lighthouse, gate_tests, gate_zap  # noqa: PLC0415  loaded with their readers
    from releasegate.cli.lhci_config import LhciFiles  # noqa: PLC0415

    verdicts = []
    if policy.gates.lighthouse is not None:
        lighthouse = partial(gate_lighthouse.verdict, app, LhciFiles(app), (), None)
        verdicts.append(_missing_is_inconclusive(app, "lighthouse", lighthouse))
    zap = policy.gates.zap
    if zap is not None:
        verdicts.append(_missing_is_inconclusive(app, "zap", partial(gate_zap.verdict_of, app, zap, None)))
    for name, suite in policy.gates.tests.items():
        judge = partial(gate_tests.verdict_of, app, name, suite, None)
        verdicts.append(_missing_is_inconclusive(app, f"tests/{name}", judge))
    return [_bound(verdict, about) for verdict in verdicts]


def _missing_is_inconclusive(app: App, gate: str, judge: Callable[[], Verdict]) -> Verdict:
    """A file that the policy names and that is not there is missing evidence, not a mistake on the command line."""
    started = app.now()
    try:
        return judge()
    except InputError as error:
        finding = Finding(
            check="evidence", level=Level.ERROR, title=str(error), where=error.where or gate, unusable=True
        )
        return Verdict(
            gate=gate, verdict=outcome_of((finding,)), summary=str(error), findings=(finding,),
            started=started, finished=app.now(),
        )  # fmt: skip


def _bound(verdict: Verdict, about: Subject) -> Verdict:
    """`verdict`, made inconclusive where its evidence does not say that it belongs to the commit of `about`."""
    said = verdict.subject.commit
    if said == about.commit:
        return replace(verdict, subject=about)
    title = "this evidence tells no commit" if said is None else "this evidence belongs to another commit"
    wrong = Finding(
        check="subject", level=Level.ERROR, title=f"{title}; write the subject file with `releasegate gate stamp`",
        expected=str(about.commit), observed=str(said), where=verdict.gate, unusable=True,
    )  # fmt: skip
    findings = (*verdict.findings, wrong)
    return replace(verdict, findings=findings, verdict=outcome_of(findings), summary=f"{title}; {verdict.summary}")
