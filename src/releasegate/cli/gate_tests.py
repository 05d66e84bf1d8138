"""`releasegate gate tests`: JUnit reports to a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.evidence import gather, read_each, subject, waivers_in
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.cli.ledger_memory import LEDGER, of_last_run
from releasegate.errors import InputError
from releasegate.gates.junit import State, Suite, Wanted, failing, judge, read_suite, states
from releasegate.gates.subject import too_old
from releasegate.gates.waivers import waive
from releasegate.policy.gates import SuiteGate
from releasegate.verdict import Verdict

SUFFIXES = (".xml",)
"""Of the files that are reports in a folder or zip of them."""


@click.command(cls=Judging, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", metavar="PATH…", nargs=-1, required=True)
@click.option("--must-run", metavar="PATTERN", multiple=True, help="A test that has to have run, as `*.name`.")
@click.option("--previous", metavar="PATH", multiple=True, help="The last run, or `ledger`: tells new failures apart.")
@click.option("--waivers", metavar="FILE", help="Accepted findings, with reason, owner and expiry.")
@click.option("--commit", metavar="SHA", help="The commit that was tested.")
@pass_app
def tests(app: App, /, **options: Any) -> int:
    """Judge JUnit XML: files, folders of them, or patterns such as 'reports/*.xml'."""
    return conclude(app, verdict(app, **options))


def verdict_of(app: App, name: str, suite: SuiteGate, commit: str | None, born: datetime | None = None) -> Verdict:
    """The verdict on the policy's suite `name`."""
    return verdict(
        app,
        suite.junit,
        gate=f"tests/{name}",
        must_run=suite.must_run,
        previous=suite.previous,
        waivers=suite.waivers,
        commit=commit,
        born=born,
    )


def verdict(
    app: App,
    paths: Sequence[str],
    *,
    gate: str = "tests",
    must_run: Sequence[str] = (),
    previous: Sequence[str] = (),
    waivers: str | None = None,
    commit: str | None = None,
    born: datetime | None = None,
) -> Verdict:
    """The verdict on the reports at `paths`, which may not be older than `born`, the time of the commit."""
    started = app.now()
    before = _before(app, gate, previous) if previous else None
    sources, broken = gather(app, paths, SUFFIXES)
    suites, evidence, problems = read_each(app, sources, _suite)
    about, committed, wrong = subject(app, [one.path for one in evidence], commit, sources)
    old = too_old(((suite.path, suite.started) for suite in suites), born or committed)
    wanted = Wanted(must_run=must_run, before=before)
    accepted = waivers_in(app, waivers)
    faults = (*broken, *problems, *wrong, *old)
    found = judge(suites, wanted, evidence, about, started, app.now(), gate=gate, problems=faults)
    found = replace(found, remember=failing(suites) if tuple(previous) == (LEDGER,) else None)
    return waive(found, accepted, started.date())


def _before(app: App, gate: str, previous: Sequence[str]) -> Mapping[str, State]:
    """How the tests ended the last time; from the ledger only those that failed are known."""
    if tuple(previous) == (LEDGER,):
        memory = of_last_run(app, gate)
        return {str(name): State.FAILED for name in memory} if isinstance(memory, list) else {}
    sources, broken = gather(app, previous, SUFFIXES)
    earlier, _, problems = read_each(app, sources, _suite)
    for fault in (*broken, *problems):
        raise InputError(fault.title, where=fault.where, remedy="name the last run's reports")
    return states(earlier)


def _suite(content: bytes, path: str) -> tuple[Suite]:
    return (read_suite(content, path),)
