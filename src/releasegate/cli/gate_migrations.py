"""`releasegate gate migrations`: what a candidate brings into the database."""

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.errors import PolicyError
from releasegate.policy.migrations import Migrations as Rules
from releasegate.policy.model import Policy
from releasegate.verdict import Evidence, Subject, Verdict


@click.command(cls=Judging)
@click.option("--tag", metavar="TAG", help="The release candidate; default: HEAD.")
@click.option("--since", metavar="REVISION", help="The release before; default: the ledger's last known good one.")
@pass_app
def migrations(app: App, tag: str | None, since: str | None) -> int:
    """Judge the migrations that are new since the last known good release: what is declared expand must not drop."""
    policy = app.policy()
    rules = policy.rollback.migrations
    if rules is None:
        raise PolicyError("the policy has no `rollback.migrations`", remedy="say where they lie: docs/migrations.md")
    about = Subject(tag, app.forge().resolve(tag or "HEAD"))
    return conclude(app, verdict_of(app, policy, rules, about, since=since))


def verdict_of(app: App, policy: Policy, rules: Rules, about: Subject, *, since: str | None = None) -> Verdict:
    """The verdict on the migrations between `since` (default: the last known good release) and `about`.

    For the first release there is nothing to go back to, and nothing is judged.
    """
    from releasegate.migrations.gate import judge  # noqa: PLC0415  loaded where it is asked for
    from releasegate.runbook.migrations import added  # noqa: PLC0415

    started = app.now()
    older = app.forge().resolve(since) if since else _good(app, policy, about)
    found = added(app.forge(), rules, str(about.commit), older) if older else ()
    evidence = [Evidence.of(migration.path, content) for migration, content in found]
    return judge([migration for migration, _ in found], evidence, about, started, app.now())


def _good(app: App, policy: Policy, about: Subject) -> str | None:
    from releasegate.cli.ledger_memory import last_known_good  # noqa: PLC0415  a --since needs no ledger

    release = last_known_good(app, policy, about.tag)
    return None if release is None else release.commit
