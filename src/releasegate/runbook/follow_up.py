"""After a rollback: the document of what happened, and the issue for its cause."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from releasegate.errors import OutsideError
from releasegate.ledger.state import fold
from releasegate.migrations.kind import Migration
from releasegate.render.rollback import Account, document, explained
from releasegate.runbook.aim import Aim
from releasegate.runbook.smoke import looked_at
from releasegate.runbook.step import Outcome, row
from releasegate.runbook.world import World


def follow_up(
    world: World,
    aim: Aim,
    reason: str,
    *,
    evidence: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    migrations: Sequence[Migration],
) -> str:
    """Write the document, open the issue once, and say where they are; `evidence` is a judgement's SLIs.

    `OutsideError` where the document cannot be written; the issue is open then all the same.
    """
    policy = world.policy
    text = document(
        Account(
            service=policy.service,
            environment=policy.environment,
            leaving=aim.leaving,
            to=aim.to,
            reason=reason,
            who=world.forge.actor().name,
            steps=[row(outcome) for outcome in outcomes],
            migrations=[one.told for one in migrations],
            evidence=evidence,
            manual=looked_at(world),
            timezone=policy.timezone,
        )
    )
    path = _path(world, aim.leaving)
    lost: str | None = None
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        lost = error.strerror
    issue = _issue(world, aim.leaving, text)
    if lost:
        raise OutsideError(f"document {path.name} NOT written ({lost}); the issue holds the same: {issue}")
    return f"document {path.name}, issue {issue}"


def explain(world: World, leaving: str | None, reason: str) -> None:
    """Put the reason that was given afterwards into the document, and below the issue where its host has comments."""
    text = f"- **Why:** {reason}"
    with suppress(OSError):
        text = explained(_path(world, leaving).read_text(encoding="utf-8"), reason)
        _path(world, leaving).write_text(text, encoding="utf-8")
    begun = fold(world.journal.known(), world.subject()).rolled_back
    if world.host is not None and begun is not None:
        world.host.comment(_issue(world, leaving, text), f"why:{begun.id}", f"Why: {reason}")


def _path(world: World, leaving: str | None) -> Path:
    return world.documents / f"rollback-{(leaving or 'canary').replace('/', '-')}.md"


def _issue(world: World, leaving: str | None, text: str) -> str:
    """Open the issue, or find it, and say where it is."""
    marker = f"rollback:{world.policy.service}:{world.policy.environment}:{leaving}"
    return world.forge.open_issue(marker, f"{leaving or 'The canary'} was taken back: find the cause", text)
