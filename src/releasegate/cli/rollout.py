"""`releasegate rollout`: a release from its commit to all users, or back."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.quantities import written
from releasegate.errors import NotNowError, ReleasegateError, RepositoryError, UsageError
from releasegate.ledger.event import STAGES

if TYPE_CHECKING:
    from releasegate.forge.port import Tag
    from releasegate.runbook.evidence import Record
    from releasegate.runbook.rollout import Result
    from releasegate.runbook.world import World


@click.command(cls=Verb)
@click.argument("tag", required=False)
@click.option("--until", type=click.Choice(STAGES), help="Stop after this stage; the next call goes on from there.")
@click.option(
    "--resume-or-rollback", "resume", is_flag=True,
    help="Go on with a canary whose job died, and take it back unless it can be promoted. Begins nothing.",
)  # fmt: skip
@click.option("--accept-inconclusive", "accept", is_flag=True, help="Promote although too little was seen.")
@click.option("--override-freeze", "thaw", is_flag=True, help="Let another person begin it in a freeze.")
@click.option(
    "--reason", metavar="TEXT", type=written, default="", help="Why; with --accept-inconclusive and --override-freeze."
)
@click.option(
    "--pull-request", "request", metavar="NUMBER", type=click.IntRange(min=1),
    help="With --override-freeze: whoever approved it agrees; its title has to be `Override the freeze: TAG`.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@pass_app
def rollout(
    app: App,
    tag: str | None,
    until: str | None,
    reason: str,
    request: int | None,
    *,
    resume: bool,
    accept: bool,
    thaw: bool,
    dry_run: bool,
) -> int:
    """Roll a candidate out: gates, staging, 5% of the traffic, the judge, and all of it or back.

    Without TAG it goes on with the unfinished rollout of the service; where none runs it tags the checkout's commit.
    Run again it goes on where it ended.

    Exit codes: 0 live (or as far as asked), 1 a gate or the canary failed, 2 it may not begin, 3 not decided,
    4 something outside did not answer.
    """
    from releasegate.cli.world import build_world, require_commits, require_split  # noqa: PLC0415  keeps `--help` fast
    from releasegate.runbook.begin import candidate_of  # noqa: PLC0415
    from releasegate.runbook.colours import facing_live  # noqa: PLC0415

    _check(reason, needed=accept or thaw)
    policy = app.policy()
    require_split(policy)
    by_file = policy.traffic is not None and (policy.traffic.flag or policy.traffic.document) is not None
    require_commits(app, policy, by_itself=by_file and not resume)
    world = facing_live(build_world(app))
    if world.smoke and not resume:
        world.smoke()  # a fault in its file is told before anything begins
    candidate = candidate_of(world, tag, recorded=resume)
    if resume and candidate is None:
        return _nothing(app, world, dry_run=dry_run)
    if dry_run:
        return _plan(app, world, candidate)
    candidate = candidate or _tagged(app, world)
    if thaw:
        return _override(app, world, candidate, reason, request)
    return _roll_out(app, world, candidate, until=until, resume=resume, accept=reason if accept else None)


def _roll_out(
    app: App, world: "World", candidate: "Tag", *, until: str | None, resume: bool, accept: str | None
) -> int:
    from releasegate.cli.interrupt import one_way_to_end  # noqa: PLC0415  keeps `--help` fast
    from releasegate.cli.live import live_view  # noqa: PLC0415
    from releasegate.render.report import html  # noqa: PLC0415
    from releasegate.render.story import SIGNS, text  # noqa: PLC0415
    from releasegate.runbook.evidence import keep, owed  # noqa: PLC0415
    from releasegate.runbook.rollout import Order, Rollout  # noqa: PLC0415
    from releasegate.runbook.step import State  # noqa: PLC0415
    from releasegate.runbook.story import story_of  # noqa: PLC0415

    interactive = not app.json and sys.stderr.isatty()
    title = f"{world.policy.service} {candidate.name}"
    order = Order(until=until, resume_or_rollback=resume, accept=accept)
    window = world.canary.window
    with one_way_to_end(), live_view(app, title, window, interactive=interactive) as tell:
        result = Rollout(world, candidate, tell, order).run()
    story = story_of(world, result)
    report = world.documents / "report.html"
    _keep(app, report, html(story))
    _keep(app, world.documents / "smoke-checklist.md", _checklist(world, result))
    anew = any(stage.state is not State.ALREADY for stage in result.stages)
    left = owed(world)
    kept = keep(world, lambda: record_of(result)) if anew or (left and left.candidate == candidate.name) else None
    code = result.exit_code or (kept.exit_code if kept else 0)
    document_ = {**document(result), "report": str(report), "evidence": kept.text if kept else None, "exit_code": code}
    told = f"\n{SIGNS[kept.state]} {kept.title}: {kept.text}" if kept else ""
    app.emit(document_, f"{text(story)}\nreport: {report}{told}")
    return code


def _nothing(app: App, world: "World", *, dry_run: bool) -> int:
    """No rollout is unfinished; what the last one left is kept, where its run ended before it could."""
    from releasegate.render.story import SIGNS  # noqa: PLC0415  keeps `--help` fast
    from releasegate.runbook.evidence import keep, of_ended, owed  # noqa: PLC0415

    left = None if dry_run else owed(world)
    kept = keep(world, lambda: of_ended(left)) if left else None
    code = kept.exit_code if kept else 0
    told = f"\n{SIGNS[kept.state]} {kept.title}: {kept.text}" if kept else ""
    document_ = {"schema": "releasegate/rollout/1", "tag": None, "exit_code": code}
    app.emit({**document_, "evidence": kept.text} if kept else document_, f"no rollout is unfinished{told}")
    return code


def record_of(result: "Result") -> "Record":
    """What is to be kept of it."""
    from releasegate.runbook.evidence import Record  # noqa: PLC0415  keeps `--help` fast

    tag, release = result.candidate, result.release.name if result.release else None
    return Record(tag=tag.name, commit=tag.commit, release=release, headline=result.headline, verdicts=result.verdicts)


def _keep(app: App, path: Path, text: str) -> None:
    """Write a document; the rollout is over, and a full disk takes nothing of it back."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        app.say(f"WARNING: {path}: cannot be written: {error.strerror}")


def _checklist(world: "World", result: "Result") -> str:
    """The smoke checks as a list for people, beside the report."""
    from releasegate.render.checklist import checklist  # noqa: PLC0415  keeps `--help` fast
    from releasegate.runbook.smoke import looked_at  # noqa: PLC0415

    policy = world.policy
    title = f"{policy.service} {result.candidate.name} ({policy.environment})"
    names: tuple[str, ...] = ()
    with suppress(ReleasegateError):  # told by the stage or step that asks them
        names = tuple(world.smoke().checks) if world.smoke else ()
    return checklist(title, result.headline, names, looked_at(world), green=result.release is not None)


def document(result: "Result") -> dict[str, Any]:
    """The result as JSON."""
    judgement = result.judgement
    return {
        "schema": "releasegate/rollout/1",
        "tag": result.candidate.name,
        "commit": result.candidate.commit,
        "release": result.release.name if result.release else None,
        "stages": [{"stage": stage.id, "state": stage.state.value, "text": stage.text} for stage in result.stages],
        "decision": judgement.decision.value if judgement else None,
        "judgement": judgement.document() if judgement else None,
        "headline": result.headline,
        "exit_code": result.exit_code,
    }


def _plan(app: App, world: "World", candidate: "Tag | None") -> int:
    """Say what stands in the way, or which stages would be taken; change nothing."""
    from releasegate.forge.port import Tag  # noqa: PLC0415  keeps `--help` fast
    from releasegate.runbook import tags  # noqa: PLC0415
    from releasegate.runbook.begin import may_begin  # noqa: PLC0415
    from releasegate.runbook.rollout import Rollout  # noqa: PLC0415

    if candidate is None:
        commit = world.forge.resolve("HEAD")
        planned = tags.candidate(world.forge, world.journal, world.policy, commit, dry_run=True)
        candidate = Tag(planned.tag, commit, "", annotated=True, time=world.clock.now())
    may_begin(world, candidate)
    steps = [
        {"step": step.id, "would": step.plan, "done": step.already() is not None}
        for step in Rollout(world, candidate, lambda _: None).plan()
    ]
    now = world.traffic.split().description
    lines = [f"{number}. {step['would']}{' (done)' if step['done'] else ''}" for number, step in enumerate(steps, 1)]
    app.emit({"schema": "releasegate/plan/1", "now": now, "steps": steps}, "\n".join([f"now: {now}", *lines]))
    return 0


def _tagged(app: App, world: "World") -> "Tag":
    """Tag the checkout's commit as the next candidate."""
    from releasegate.cli.tag import refuse_uncommitted  # noqa: PLC0415  keeps `--help` fast
    from releasegate.runbook import tags  # noqa: PLC0415

    if world.forge.name == "local":
        refuse_uncommitted(app)
    made = tags.candidate(world.forge, world.journal, world.policy, world.forge.resolve("HEAD"))
    found = tags.find(world.forge, made.tag)
    if found is None:
        raise RepositoryError(f"the tag `{made.tag}` is gone again", remedy="run the command again")
    return found


def _override(app: App, world: "World", candidate: "Tag", reason: str, request: int | None) -> int:
    """Record that this person, and who approved it on the host, lets another one begin the rollout in a freeze."""
    from releasegate.cli.approvals import distinct, of_environment, of_pull_request  # noqa: PLC0415
    from releasegate.runbook.journal import Draft  # noqa: PLC0415  keeps `--help` fast

    actor = world.forge.actor()
    if not actor.verified:
        raise NotNowError(
            f"nobody vouches that you are {actor.name}, so you cannot override a freeze",
            remedy="dispatch the workflow on the host, under your own login",
        )
    subject = world.subject(candidate.name, candidate.commit)
    asked = of_pull_request(app, request, f"Override the freeze: {candidate.name}")[1] if request is not None else []
    people = distinct(of_environment(app), asked)
    world.journal.append(Draft("freeze.overridden", subject, {"reason": reason, "reviewers": people}))
    who = f"{actor.name} lets another person" if not people else f"{', '.join([actor.name, *people])} let one of them"
    text = f"recorded: {who} roll {candidate.name} out in the freeze"
    document_ = {"schema": "releasegate/freeze-override/1", "tag": candidate.name, "actor": actor.name}
    app.emit({**document_, "reviewers": people}, text)
    return 0


def _check(reason: str, *, needed: bool) -> None:
    if needed and not reason.strip():
        raise UsageError("no reason is given", remedy="say why with --reason TEXT")
    if any(not letter.isprintable() for letter in reason):
        raise UsageError("the reason holds control characters", remedy="write it on one line")
