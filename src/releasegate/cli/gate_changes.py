"""`releasegate gate changes`: four eyes on every commit since the last known good release."""

from collections.abc import Callable
from dataclasses import replace

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.evidence import waivers_in
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.errors import InconclusiveError
from releasegate.gates.changes import Range, Rules, judge
from releasegate.gates.changes import facts as told
from releasegate.gates.waivers import waive
from releasegate.policy.gates import ChangesGate
from releasegate.policy.model import Policy
from releasegate.verdict import Subject, Verdict

RELEASE_BRANCHES = "release/*"
"""Pull requests may go into a candidate's branch as well."""


@click.command(cls=Judging)
@click.option("--tag", metavar="TAG", help="The release candidate; default: HEAD.")
@click.option("--since", metavar="REVISION", help="What was good; default: the ledger's last known good release.")
@click.option("--ticket", metavar="PATTERN", help="What a pull request's title or text has to hold.")
@click.option("--check", "checks", metavar="NAME", multiple=True, help="A check that has to be green.")
@click.option("--facts", metavar="FILE", help="Write what the forge told: the bytes that the verdict rests on.")
@click.option("--waivers", metavar="FILE", help="Accepted findings, with reason, owner and expiry.")
@pass_app
def changes(
    app: App,
    tag: str | None,
    since: str | None,
    ticket: str | None,
    checks: tuple[str, ...],
    facts: str | None,
    waivers: str | None,
) -> int:
    """Judge how every commit came: a merged pull request, approved by somebody else, with its checks green."""
    policy = app.find_policy()
    asked = (policy.gates.changes if policy else None) or ChangesGate()
    asked = replace(
        asked, ticket=ticket or asked.ticket, checks=checks or asked.checks, waivers=waivers or asked.waivers
    )
    about = Subject(tag, app.forge().resolve(tag or "HEAD"))
    return conclude(app, verdict_of(app, policy, asked, about, since=since, facts=facts))


def verdict_of(
    app: App,
    policy: Policy | None,
    asked: ChangesGate,
    about: Subject,
    *,
    since: str | None = None,
    facts: str | None = None,
) -> Verdict:
    """The verdict on the commits between `since` (default: the last known good release) and `about`.

    What the forge told of them is written to the file `facts`.
    """
    started = app.now()
    forge = app.forge()
    newer = str(about.commit)
    older = forge.resolve(since) if since else _good(app, policy, asked, about)
    found = Range(older, newer, forge.changes_between(older, newer))
    result = judge(found, _rules(policy, asked, forge.default_branch), about, started, app.now())
    if facts is not None:
        app.write(facts, told(found))
    return waive(result, waivers_in(app, asked.waivers), started.date())


def _good(app: App, policy: Policy | None, asked: ChangesGate, about: Subject) -> str:
    """The commit from which on four eyes are asked for."""
    from releasegate.cli.ledger_memory import last_known_good  # noqa: PLC0415  a --since needs no ledger

    release = last_known_good(app, policy, about.tag) if policy else None
    if release is not None:
        return release.commit
    if asked.since is not None:
        return app.forge().resolve(asked.since)
    raise InconclusiveError(
        "there is no last known good release to begin from",
        where="changes",
        remedy="name a commit with --since, or `gates: {changes: {since: …}}` for the first release",
    )


def _rules(policy: Policy | None, asked: ChangesGate, default_branch: Callable[[], str]) -> Rules:
    flag_file = (policy.flags.file,) if policy and policy.flags.commit == "direct" else ()
    return Rules(
        branches=(policy.release.branch if policy else default_branch(), RELEASE_BRANCHES),
        reviewed=asked.reviewed,
        ticket=asked.ticket,
        checks=asked.checks,
        direct=(*asked.direct, *flag_file),
    )
