"""`releasegate doctor`: will the runbook work here?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.verdict import Finding, Level, Outcome, Verdict, conclude

if TYPE_CHECKING:
    from releasegate.forge.host import Health
    from releasegate.policy.model import Policy


@click.command(cls=Verb)
@pass_app
def doctor(app: App) -> int:
    """Look at everything that a rollout or rollback needs, change nothing, and say what to mend.

    A line is green, yellow or red. Exit code 1 if one is red.
    """
    started = app.now()
    findings = tuple(_examined(app))
    outcome = conclude(findings)
    wrong = [finding for finding in findings if finding.level is not Level.INFO]
    reds = sum(finding.level is Level.ERROR for finding in wrong)
    summary = f"{len(findings)} checks: {reds} red, {len(wrong) - reds} yellow"
    verdict = Verdict(
        gate="doctor", verdict=outcome, summary=summary, findings=findings, started=started, finished=app.now()
    )
    app.emit(verdict.document(), "\n".join([*_lines(findings), summary]))
    return 1 if outcome is Outcome.FAIL else 0


def _lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    from releasegate.render.text import printable  # noqa: PLC0415  keeps `--help` fast
    from releasegate.runbook.doctor import line  # noqa: PLC0415

    return (printable(line(finding)) for finding in findings)


def _examined(app: App) -> Iterator[Finding]:
    from releasegate.runbook import doctor as checks  # noqa: PLC0415  keeps `doctor --help` fast

    forge = app.forge()
    reached = list(checks.asked("repository", lambda: checks.repository(forge)))
    yield from reached
    if any(finding.level is Level.ERROR for finding in reached):
        return  # everything else needs it
    policy = app.policy()
    yield checks.green("policy", f"{policy.service} in {policy.environment}")
    yield from checks.asked("flag file", lambda: checks.flag_file(forge, policy))
    rules = policy.rollback.migrations
    if rules is not None:
        yield from checks.asked(
            "migrations", lambda: checks.migrations(forge, rules, policy.release.branch, app.shell())
        )
    if policy.canary is not None:
        from releasegate.metrics.source import source_of  # noqa: PLC0415

        canary = policy.canary
        now = app.now().timestamp()
        yield from checks.asked("metrics", lambda: checks.metrics(source_of(canary), now))
    if forge.name == "github":
        host = app.host()
        yield from checks.asked("host", lambda: _hosted(host.health(policy.release.branch), policy))


def _hosted(health: "Health", policy: "Policy") -> Iterator[Finding]:
    from releasegate.runbook import doctor as checks  # noqa: PLC0415  keeps `doctor --help` fast
    from releasegate.runbook.doctor_workflows import workflows  # noqa: PLC0415

    yield from checks.host(health, policy)
    yield from workflows(health, policy)
