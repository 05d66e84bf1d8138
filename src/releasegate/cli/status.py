"""`releasegate status`: what is live, what is running, and what a rollback would do."""

from functools import partial

import click

from releasegate.cli.app import App, Verb, pass_app


@click.command(cls=Verb)
@pass_app
def status(app: App) -> int:
    """Show on one screen what is live, the split, what is running and what `rollback` would do now.

    With --repo OWNER/NAME no checkout is needed. Exit codes: 0, or 4 where something did not answer.
    """
    from releasegate.cli.world import journal, traffic  # noqa: PLC0415  keeps `--help` fast
    from releasegate.metrics.source import source_of  # noqa: PLC0415
    from releasegate.policy.turned import turned  # noqa: PLC0415
    from releasegate.runbook.colours import colour_of  # noqa: PLC0415
    from releasegate.runbook.status import status as ask  # noqa: PLC0415

    policy, forge = app.policy(), app.forge()
    ledger, colour = journal(app, policy), None
    if policy.blue_green:
        colour = colour_of(ledger, policy)
        policy = turned(policy) if colour == "green" else policy
    remembers = policy.canary is not None and policy.canary.metrics.scrape is None
    counts = partial(source_of, policy.canary) if policy.canary is not None and remembers else None
    split = traffic(app, policy, green=colour == "green") if policy.traffic is not None else None
    found = ask(policy, ledger, split, counts, app.now(), lambda: forge.tags(policy.release.tags))
    head = f"{policy.service} ({policy.environment}) in {forge.home}"
    width = max(len(name) for name, _ in found.lines)
    code = 4 if found.unanswered else 0
    about = {"schema": "releasegate/status/1", "service": policy.service, "environment": policy.environment}
    document = {**about, **found.document, "unanswered": found.unanswered, "exit_code": code}
    app.emit(document, "\n".join([head, *(f"  {name:<{width}}  {text}" for name, text in found.lines)]))
    return code
