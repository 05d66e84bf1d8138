"""`releasegate rollback`: take a release back."""

import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.interrupt import one_way_to_end
from releasegate.cli.live import live_view
from releasegate.cli.quantities import written
from releasegate.cli.world import build_world
from releasegate.errors import PolicyError, ReleasegateError, UsageError
from releasegate.forge.github.bounded import TooSlowError, within
from releasegate.policy.model import Policy
from releasegate.render.checklist import manual_checks
from releasegate.render.story import SIGNS
from releasegate.runbook.aim import nothing_unfinished
from releasegate.runbook.evidence import keep, of_rollback
from releasegate.runbook.follow_up import explain
from releasegate.runbook.journal import Draft
from releasegate.runbook.migrations import Wish, intent, refuse_wish
from releasegate.runbook.migrations import document as migrations_document
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rolled_back import Result
from releasegate.runbook.smoke import looked_at
from releasegate.runbook.step import row
from releasegate.runbook.story import by_hand
from releasegate.runbook.world import World

UNKNOWN = "no reason given yet"
PATIENT = 5.0
"""Seconds that a person waits for each thing that the question would like to tell."""


@click.command(cls=Verb)
@click.option("--to", metavar="TAG", help="The release to go back to; default: the last known good one.")
@click.option(
    "--reason", metavar="TEXT", type=written, default="", help="Why; in a terminal it is asked for afterwards."
)
@click.option("--traffic-only", is_flag=True, help="Flip the traffic, and nothing else.")
@click.option(
    "--unfinished-only",
    "unfinished",
    is_flag=True,
    help="Do nothing where no rollout is unfinished; for a cancelled job.",
)
@click.option("--force", is_flag=True, help="Flip also to a baseline that does not answer its health check.")
@click.option("--migrations", is_flag=True, help="Revert the migrations between the two releases, too.")
@click.option("--snapshot", metavar="ID", type=written, help="The copy of the data that lets a contract be reverted.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, with the diff of every file.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--tick", metavar="NUMBER", type=click.IntRange(min=1), help="Record that you looked at this manual check."
)
@pass_app
def rollback(
    app: App,
    to: str | None,
    reason: str,
    snapshot: str | None,
    tick: int | None,
    *,
    traffic_only: bool,
    unfinished: bool,
    force: bool,
    migrations: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Take the canary, or the release that is live, back: traffic first, documents after.

    Run again it goes no further back: name the release with --to for that. Exit codes: 0 back, 1 back but a check is
    red, 4 something outside did not answer.
    """
    _require_a_way(app.policy(), traffic_only=traffic_only)
    world = build_world(app)
    if tick is not None:
        return _tick(app, world, tick, dry_run=dry_run)
    wish = Wish(revert=migrations, snapshot=snapshot or None)
    refuse_wish(world.policy.rollback.migrations, wish, traffic_only=traffic_only)
    request = Request(reason=reason or UNKNOWN, to=to, traffic_only=traffic_only, force=force, wish=wish)
    if unfinished and nothing_unfinished(world):
        app.emit({"schema": "releasegate/rollback/1", "leaving": None, "exit_code": 0}, "no rollout is unfinished")
        return 0
    if dry_run:
        return _plan(app, Rollback(world, request, lambda _: None))
    interactive = not app.json and sys.stdin.isatty() and not yes
    if interactive:
        # In a world of its own: what is still being read when the answer is there goes on in that.
        own = build_world(replace(app, _forge=None, _api=None), world.documents)
        _ask(Rollback(own, request, lambda _: None), wish)
    terminal = not app.json and sys.stderr.isatty()
    title = f"rollback of {world.policy.service}"
    window = world.policy.canary.window if world.policy.canary else 0.0
    with one_way_to_end(), live_view(app, title, window, interactive=terminal) as tell:
        procedure = Rollback(world, request, tell)
        result = procedure.run()
    left_to_do = () if result.traffic_is_back else by_hand(procedure.world, result.leaving, result.to)
    kept = None if traffic_only else keep(world, lambda: of_rollback(world, result.leaving, result.headline))
    told = [f"  {SIGNS[kept.state]} {kept.title}: {kept.text}"] if kept else []
    code = result.exit_code or (kept.exit_code if kept else 0)
    document = {**_document(result), "evidence": kept.text if kept else None, "exit_code": code}
    app.emit(document, "\n".join([_text(result), *told, *left_to_do]))
    if interactive and not reason:  # after the result, which nobody should have to answer a question for
        _explain(world, result, click.prompt("Why (may be empty)", default="", show_default=False, err=True))
    return code


def _require_a_way(policy: Policy, *, traffic_only: bool) -> None:
    """`PolicyError` where there is nothing to flip and nothing to deploy with."""
    if policy.traffic is None and (traffic_only or policy.deploy.production is None):
        raise PolicyError(
            f"no `traffic`{'' if traffic_only else ' and no `deploy.production`'} in the policy",
            remedy="run it without --traffic-only: it deploys"
            if policy.deploy.production
            else "say how it is deployed",
        )


def _plan(app: App, procedure: Rollback) -> int:
    """The plan: what is left, what for, and each step with the diff of what it would change."""
    procedure.refuse_unknown()
    diffs, now = procedure.preview(), procedure.world.traffic.split().description
    leaving, to = procedure.aim.leaving, procedure.aim.to
    plan = [{"step": step.id, "would": step.plan, "diff": diffs.get(step.id, "")} for step in procedure.plan()]
    lines = [f"now: {now}", f"from {leaving or 'the canary'} to {to or 'no last known good release'}"]
    for number, step in enumerate(plan, start=1):
        lines += [f"{number}. {step['would']}", *(f"   {line}" for line in step["diff"].splitlines())]
    document = {"schema": "releasegate/plan/1", "now": now, "from": leaving, "to": to, "steps": plan}
    document["migrations"] = migrations_document(procedure.migrations)
    app.emit(document, "\n".join(lines))
    return 0


def _ask(procedure: Rollback, wish: Wish) -> None:
    """One question that holds everything. What cannot be read for it in time is said: it stops no rollback."""
    leaving, to, now = None, None, "the split cannot be read"
    with suppress(TooSlowError):
        leaving, to = within(PATIENT, lambda: _target(procedure))
    with suppress(TooSlowError, ReleasegateError):
        now = within(PATIENT, lambda: procedure.world.traffic.split().description)
    world, policy = procedure.world, procedure.world.policy
    rules = policy.rollback.migrations
    schema = f" The schema: {intent(rules, wish)}." if rules is not None else ""
    click.confirm(
        f"{world.forge.home}: take {policy.service} ({policy.environment}) back from {leaving or 'the canary'}"
        f" to {to or 'what was live before'}?{schema} Now: {now}",
        abort=True,
        err=True,
    )


def _target(procedure: Rollback) -> tuple[str | None, str | None]:
    """What would be left and what for, as far as it can be told; `UsageError` where nobody knows the name."""
    procedure.refuse_unknown()
    with suppress(ReleasegateError):
        return procedure.target()
    return None, None


def _explain(world: World, result: Result, reason: str) -> None:
    """Record the reason that was given afterwards, and tell it where the rollback is told of."""
    reason = " ".join(reason.split())
    if reason:
        world.journal.record(Draft("rollback.explained", world.subject(result.leaving), {"reason": reason}))
    if reason and any(outcome.id == "follow-up" for outcome in result.outcomes):
        explain(world, result.leaving, reason)


def _tick(app: App, world: World, number: int, *, dry_run: bool) -> int:
    """Record who looked at a manual check, and when."""
    manual = world.smoke().manual if world.smoke else ()
    if number > len(manual):
        raise UsageError(f"there are {len(manual)} manual checks", where="--tick", remedy="see rollback.smoke")
    actor = world.forge.actor()
    if not dry_run:
        world.journal.append(Draft("smoke.ticked", world.subject(), {"number": number, "check": manual[number - 1]}))
    text = f"{'would be recorded' if dry_run else 'recorded'}: {actor.name} looked at {number}. {manual[number - 1]}"
    world.journal.events()
    looked = looked_at(world)
    document = {"schema": "releasegate/tick/1", "number": number, "check": manual[number - 1], "who": actor.name}
    app.emit({**document, "checks": looked}, "\n".join([text, *manual_checks(looked)]))
    return 0


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
        "migrations": migrations_document(result.migrations),
    }


def _text(result: Result) -> str:
    rows = [row(outcome) for outcome in result.outcomes]
    return "\n".join([result.headline, *(f"  {SIGNS[r.state]} {r.title}: {r.text}" for r in rows)])
