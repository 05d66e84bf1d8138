"""`releasegate rollback`: take a release back."""

import sys
from typing import Any

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.live import live_view
from releasegate.cli.world import build_world
from releasegate.render.story import SIGNS
from releasegate.runbook.rollback import Request, Result, Rollback
from releasegate.runbook.step import row


@click.command(cls=Verb)
@click.option("--to", metavar="TAG", help="The release to go back to; default: the last known good one.")
@click.option("--reason", metavar="TEXT", default="", help="Why; can be given afterwards.")
@click.option("--traffic-only", is_flag=True, help="Flip the traffic, and nothing else.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def rollback(app: App, to: str | None, reason: str, *, traffic_only: bool, dry_run: bool, yes: bool) -> int:
    """Take the canary, or the release that is live, back: traffic first, documents after."""
    world = build_world(app)
    request = Request(reason=reason or "no reason given yet", to=to, traffic_only=traffic_only)
    if dry_run:
        steps = Rollback(world, request, lambda _: None).plan()
        plan = [{"step": step.id, "would": step.plan} for step in steps]
        now = world.traffic.split().description
        lines = [f"now: {now}", *(f"{number}. {step['would']}" for number, step in enumerate(plan, start=1))]
        app.emit({"schema": "releasegate/plan/1", "now": now, "steps": plan}, "\n".join(lines))
        return 0
    if not yes and not app.json and sys.stdin.isatty():
        policy = world.policy
        click.confirm(
            f"{world.forge.home}: take {policy.service} ({policy.environment}) back"
            f" to {to or 'the last known good release'}? Now: {world.traffic.split().description}",
            abort=True,
            err=True,
        )
    interactive = not app.json and sys.stderr.isatty()
    with live_view(f"rollback of {world.policy.service}", world.canary.window, interactive=interactive) as tell:
        result = Rollback(world, request, tell).run()
    app.emit(_document(result), _text(result))
    return result.exit_code


def _document(result: Result) -> dict[str, Any]:
    return {
        "schema": "releasegate/rollback/1",
        "leaving": result.leaving,
        "to": result.to,
        "traffic_is_back": result.traffic_is_back,
        "headline": result.headline,
        "steps": [
            {"step": outcome.id, "state": outcome.state.value, "text": outcome.text} for outcome in result.outcomes
        ],
        "exit_code": result.exit_code,
    }


def _text(result: Result) -> str:
    rows = [row(outcome) for outcome in result.outcomes]
    return "\n".join([result.headline, *(f"  {SIGNS[r.state]} {r.title}: {r.text}" for r in rows)])
