"""`releasegate ledger`: what was decided and done, and whether the record of it can be trusted."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from releasegate.cli.app import App, Noun, pass_app
from releasegate.errors import InputError
from releasegate.policy.model import Ledger

if TYPE_CHECKING:
    from releasegate.ledger.chain import Report
    from releasegate.ledger.event import Event
    from releasegate.ledger.state import State
    from releasegate.runbook.journal import Journal
    from releasegate.verdict import Verdict


@click.group(cls=Noun)
def ledger() -> None:
    """Show and verify what was decided and done."""


@ledger.command("show")
@click.option("--tag", help="Only events about this release or candidate.")
@click.option("--kind", help="Only events of this kind, or of all kinds that begin so: `rollout`.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N of them.")
@pass_app
def show(app: App, tag: str | None, kind: str | None, last: int | None) -> int:
    """Show the events, oldest first, and what they add up to for the policy's service."""
    from releasegate.ledger.state import fold  # noqa: PLC0415  keeps `ledger --help` fast

    journal = _journal(app)
    events = journal.events()
    policy = app.find_policy()
    scope = {} if policy is None else {"service": policy.service, "environment": policy.environment}
    state = None if policy is None else fold(events, scope)
    shown = [event for event in events if _meant(event, tag, kind)][-(last or 0) :]
    document = {
        "schema": "releasegate/ledger/1",
        "head": journal.head,
        "events": [event.document() for event in shown],
        "state": None if state is None else _summary(state),
    }
    lines = [*map(_line, shown)] or ["no event of this kind" if events else "no event yet"]
    app.emit(document, "\n".join([*lines, *([] if state is None else _state_lines(state))]))
    return 0


@ledger.command("verify")
@click.option("--expect-head", metavar="SHA", help="A head that an earlier verification told you to keep.")
@pass_app
def verify(app: App, expect_head: str | None) -> int:
    """Check that the ledger only ever grew: one chain, nothing edited or removed, and every anchor is in it."""
    from releasegate.ledger import chain  # noqa: PLC0415  keeps `ledger --help` fast
    from releasegate.render.text import text  # noqa: PLC0415

    if expect_head is not None and not 7 <= len(expect_head) <= 64:
        raise InputError(f"`{expect_head}` is no commit", remedy="give the head as `ledger verify` printed it")
    started = app.now()
    forge = app.forge()
    anchors = [chain.anchor_of(tag.name, tag.message, tag.commit) for tag in forge.tags("*")]
    report = chain.verify(forge.history(_branch(app)), anchors, expect_head)
    verdict = _verdict(report, started, app.now())
    kept = [] if report.head is None else [f"  keep this head for --expect-head: {report.head}"]
    app.emit(verdict.document(), "\n".join([text(verdict), *_coverage(report), *_way_out(report), *kept]))
    return report.outcome.exit_code


@ledger.command("export")
@pass_app
def export(app: App) -> int:
    """Print every event as one line of JSON, with the commit that holds it, for another system to keep."""
    from releasegate.cli.app import to_json  # noqa: PLC0415  keeps `ledger --help` fast
    from releasegate.ledger.event import decode  # noqa: PLC0415

    for commit in app.forge().history(_branch(app)):
        for change in sorted(commit.changes, key=lambda change: change.path):
            event = decode(change.content, f"{commit.sha}:{change.path}")
            app.print(to_json({**event.document(), "commit": commit.sha}))
    return 0


@ledger.command("index")
@pass_app
def index(app: App) -> int:
    """Print, for every release, its verdicts and its evidence by hash: where an audit begins. Text is Markdown."""
    from releasegate.ledger.evidence import index as index_of  # noqa: PLC0415  keeps `ledger --help` fast
    from releasegate.render.index import markdown  # noqa: PLC0415

    journal = _journal(app)
    policy = app.find_policy()
    scope = {} if policy is None else {"service": policy.service, "environment": policy.environment}
    entries = index_of(journal.events(), scope)
    document = {"schema": "releasegate/index/1", "head": journal.head, "releases": [e.document() for e in entries]}
    app.emit(document, markdown(entries, journal.head))
    return 0


def _journal(app: App) -> "Journal":
    """The ledger, to be read."""
    from releasegate.cli.clock import SystemClock  # noqa: PLC0415  keeps `ledger --help` fast
    from releasegate.runbook.journal import Journal  # noqa: PLC0415

    return Journal(app.forge(), _branch(app), SystemClock(), secrets.token_bytes)


def _branch(app: App) -> str:
    policy = app.find_policy()
    return Ledger().branch if policy is None else policy.ledger.branch


def _meant(event: "Event", tag: str | None, kind: str | None) -> bool:
    about = tag is None or tag in (event.subject.get("tag"), event.data.get("release"))
    return about and (kind is None or event.kind == kind or event.kind.startswith(f"{kind}."))


def _line(event: "Event") -> str:
    from releasegate.render.text import printable  # noqa: PLC0415

    actor = event.actor.name if event.actor.verified else f"{event.actor.name} (unverified)"
    facts = " ".join(f"{key}={value}" for key, value in event.data.items() if isinstance(value, str | int | float))
    place = f"{event.subject.get('service')}/{event.subject.get('environment')}"
    about = " ".join(part for part in (place, event.subject.get("tag", "")) if part)
    return printable(f"{event.time:%Y-%m-%d %H:%M:%S}Z  {event.kind:<20} {about}  {actor}  {facts}").rstrip()


def _summary(state: "State") -> dict[str, Any]:
    good = state.last_known_good()
    return {
        "live": state.live,
        "last_known_good": None if good is None else good.name,
        "rollout": None if state.rollout is None else {"tag": state.rollout.tag, "stages": list(state.rollout.stages)},
        "rollback": None if state.rollback is None else state.rollback.id,
        "weight": None if state.split is None else state.split.weight,
        "marked_bad": {release.name: release.bad for release in state.releases if release.bad is not None},
    }


def _state_lines(state: "State") -> Sequence[str]:
    facts = _summary(state)
    rollout = facts["rollout"]
    lines = {
        "live": facts["live"] or "unknown",
        "last known good": facts["last_known_good"] or "none",
        "split asked": "unknown" if facts["weight"] is None else f"{facts['weight']:.4g}",
        "unfinished": "nothing" if rollout is None else f"rollout of {rollout['tag']}",
        "marked bad": ", ".join(facts["marked_bad"]) or "none",
    }
    return ["", *(f"{name + ':':<16} {value}" for name, value in lines.items())]


def _verdict(report: "Report", started: datetime, finished: datetime) -> "Verdict":
    from releasegate.verdict import Verdict  # noqa: PLC0415

    counted = f"{_many(report.events, 'event')} in {_many(report.commits, 'commit')}"
    wrong = _many(len(report.findings), "finding")
    return Verdict(
        gate="ledger",
        verdict=report.outcome,
        summary=f"{wrong} in {counted}" if report.findings else f"{counted}, one chain",
        findings=report.findings,
        started=started,
        finished=finished,
        extra={
            "ledger": {
                "head": report.head,
                "commits": report.commits,
                "events": report.events,
                "anchor": None
                if report.anchor is None
                else {"tag": report.anchor.name, "commit": report.anchor.ledger},
                "unanchored_from": report.unanchored,
                "unanchored_commits": report.unanchored_commits,
                "sound": report.sound,
            }
        },
    )


def _coverage(report: "Report") -> Sequence[str]:
    if report.head is None:
        return []
    if report.unanchored is None and report.anchor is not None:
        return [f"  all of it is anchored by the tag {report.anchor.name}"]
    anchor, start = report.anchor, (report.unanchored or "")[:12]
    upto = "nothing is anchored" if anchor is None else f"anchored up to {anchor.ledger[:12]} by the tag {anchor.name}"
    return [f"  {upto}; {_many(report.unanchored_commits, 'commit')} from {start} on cannot be proved"]


def _way_out(report: "Report") -> Sequence[str]:
    if report.sound == report.head:
        return []
    upto = "from its beginning" if report.sound is None else f"after {report.sound}"
    way_out = "docs/ledger.md, `When it cannot be read`, has the way out"
    return [f"  it cannot be read {upto}, and nothing is rolled out: {way_out}"]


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
