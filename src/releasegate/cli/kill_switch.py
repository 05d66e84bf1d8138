"""`releasegate kill-switch`: stop the agents, see what is missing, let them run again."""

from dataclasses import replace
from typing import Any

import click

from releasegate.cli.app import App, Noun, pass_app
from releasegate.cli.approvals import distinct, of_environment, of_pull_request
from releasegate.cli.quantities import written
from releasegate.errors import InputError, PolicyError
from releasegate.ledger.event import Event
from releasegate.render.review import moment
from releasegate.render.story import SIGNS
from releasegate.runbook.kill_switch import On, Reach, Result
from releasegate.runbook.raising_by_hand import stop
from releasegate.runbook.reenable import Off, Status, status, validate
from releasegate.runbook.step import row

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done.")


@click.group("kill-switch", cls=Noun)
def kill_switch() -> None:
    """Stop the agents at once; let them run again with care."""


def _reach(app: App) -> Reach:
    from releasegate.cli.clock import SystemClock  # noqa: PLC0415  loaded by the commands that act
    from releasegate.cli.world import changes, journal, own_folder, undoing, withdrawal  # noqa: PLC0415
    from releasegate.notify.file import FileNotifier  # noqa: PLC0415
    from releasegate.runbook.messages import Messages  # noqa: PLC0415
    from releasegate.runbook.outside import fetch  # noqa: PLC0415

    policy = app.policy()
    if policy.kill_switch is None:
        raise PolicyError("no `kill-switch` in the policy", remedy="add kill-switch: {flag: AGENT_SAFE_MODE, value: 1}")
    forge, switch = app.forge(), policy.kill_switch
    folder = own_folder(forge)
    also = undoing(app, policy, {switch.flag: stop(switch)})
    return Reach(
        policy=policy,
        switch=switch,
        forge=forge,
        host=app.host() if forge.name == "github" else None,
        flags=changes(app, policy, "kill-switch", also),
        withdraw=withdrawal(app, policy, "kill-switch", also),
        journal=journal(app, policy),
        clock=SystemClock(),
        shell=app.shell(),
        fetch=fetch,
        messages=Messages(FileNotifier(folder / "messages"), folder / "outbox" / "messages"),
        reviewers=lambda: of_environment(app),
        folder=folder / "kill-switch",
    )


def _acting(app: App) -> Reach:
    """What changes the flag; `PolicyError` where it cannot be changed as the policy says."""
    from releasegate.cli.world import require_commits  # noqa: PLC0415

    reach = _reach(app)
    require_commits(app, reach.policy, by_itself=False)
    return reach


def _also_by(app: App, reach: Reach, number: int) -> Reach:
    """Those count as well who approved a pull request that asks for it, with the guardrails as they are now."""
    found, people = of_pull_request(app, number, f"Let the agents run again: {reach.switch.flag}")
    if reach.guardrails(found.head) != reach.guardrails():
        raise InputError(
            f"pull request {number} was approved on other guardrails than those on {reach.branch}",
            where="--pull-request",
            remedy=f"bring it up to date with {reach.branch}, and have it approved again",
        )
    return replace(reach, reviewers=lambda: distinct(of_environment(app), people))


@kill_switch.command()
@click.option("--reason", default="", metavar="TEXT", type=written, help="Why; can be given afterwards.")
@_dry_run
@pass_app
def on(app: App, reason: str, *, dry_run: bool) -> int:
    """Stop the agents: set the flag, see it live, tell those in charge, open the review."""
    reach = _acting(app)
    run = On(reach, reason)
    if dry_run:
        steps = [{"step": step.id, "would": step.plan} for step in run.plan()]
        lines = [f"{number}. {step['would']}" for number, step in enumerate(steps, start=1)]
        app.emit({"schema": "releasegate/plan/1", "steps": steps}, "\n".join(lines))
        return 0
    result = run.run()
    stopped = result.outcomes[0].exit_code == 0 and result.outcomes[1].exit_code == 0
    headline = "THE AGENTS ARE NOT STOPPED: set the flag by hand, now" if result.outcomes[0].exit_code else (
        "the agents are stopped" if stopped else "the flag is committed, NOT LIVE")  # fmt: skip
    return _tell(app, headline, result)


@kill_switch.command()
@click.option(
    "--root-cause", "cause", default="", metavar="TEXT", type=written, help="What happened, in words or as a link."
)
@click.option("--value", metavar="VALUE", help="What the flag becomes, where it is not known what it was.")
@click.option(
    "--pull-request", "request", metavar="NUMBER", type=click.IntRange(min=1),
    help="Whoever approved this pull request agrees too; its title has to be `Let the agents run again: FLAG`.",
)  # fmt: skip
@_dry_run
@pass_app
def off(app: App, cause: str, value: str | None, request: int | None, *, dry_run: bool) -> int:
    """Approve that the agents run again; it happens once nothing is missing any more."""
    reach = _acting(app)
    if request is not None:
        reach = _also_by(app, reach, request)
    if dry_run:
        return _status(app, reach, status(reach))
    return _tell(app, "the agents run again", Off(reach, cause, value).run())


@kill_switch.command("status")
@pass_app
def status_(app: App) -> int:
    """Since when it is on, by whom, why, and what is missing to let the agents run again."""
    reach = _reach(app)
    return _status(app, reach, status(reach))


@kill_switch.command("validate")
@click.option("--commit", metavar="SHA", help="The commit that staging runs; default: HEAD.")
@_dry_run
@pass_app
def validate_(app: App, commit: str | None, *, dry_run: bool) -> int:
    """Judge the gates on the evidence of staging, for the commit that holds the new guardrails, and record it."""
    from releasegate.cli.world import gates  # noqa: PLC0415  loaded with the gates' readers

    reach = _reach(app)
    judge = gates(app, reach.policy)
    sha = reach.forge.resolve(commit or "HEAD")
    grade, text = validate(reach, sha, lambda about: judge(about, {}, lambda _: True), record=not dry_run)
    document = {"schema": "releasegate/guardrails/1", "commit": sha, "verdict": grade.value, "recorded": not dry_run}
    app.emit(document, f"{grade.value}{' (not recorded)' if dry_run else ''}\n{text}")
    return grade.exit_code


def _tell(app: App, headline: str, result: Result) -> int:
    steps = [{"step": o.id, "state": o.state.value, "text": o.text} for o in result.outcomes]
    lines = [f"  {SIGNS[r.state]} {r.title}: {r.text}" for r in map(row, result.outcomes)]
    document = {
        "schema": "releasegate/kill-switch/1",
        "headline": headline,
        "commit": result.commit,
        "steps": steps,
        "patch": result.patch,
        "exit_code": result.exit_code,
    }
    app.emit(document, "\n".join([headline, *lines, *([result.patch] if result.patch else [])]))
    return result.exit_code


def _status(app: App, reach: Reach, found: Status) -> int:
    zone = reach.policy.timezone
    since = found.standing.since
    on_lines = _on_lines(since, zone, found) if since else ["the kill switch is off"]
    document: dict[str, Any] = {
        "schema": "releasegate/kill-switch-status/1",
        "flag": reach.switch.flag,
        "on": since is not None,
        "says": found.flag,
        "since": None if since is None else f"{since.time:%Y-%m-%dT%H:%M:%SZ}",
        "by": None if since is None else {"name": since.actor.name, "verified": since.actor.verified},
        "why": None if since is None else since.data.get("reason"),
        "root_cause": found.standing.cause or None,
        "missing": list(found.missing),
    }
    app.emit(document, "\n".join([*on_lines, f"{reach.switch.flag} in the flag file: {found.flag}"]))
    return 0


def _on_lines(since: Event, zone: str, found: Status) -> list[str]:
    who = since.actor.name + ("" if since.actor.verified else " (unverified)")
    ready = ["nothing is missing: `releasegate kill-switch off` lets the agents run again"]
    return [
        f"the kill switch is ON since {moment(since.time, zone)}, by {who}",
        f"why: {since.data.get('reason') or 'no reason given yet'}",
        *(f"root cause: {found.standing.cause}" for _ in [0] if found.standing.cause),
        *([f"missing: {line}" for line in found.missing] or ready),
    ]
