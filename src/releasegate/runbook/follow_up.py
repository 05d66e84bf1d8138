"""After a rollback: the document of what happened, and the issue for its cause."""

from collections.abc import Mapping, Sequence
from typing import Any

from releasegate.errors import OutsideError
from releasegate.migrations.kind import Migration
from releasegate.render.rollback import Account, document
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
    path = world.documents / f"rollback-{(aim.leaving or 'canary').replace('/', '-')}.md"
    lost: str | None = None
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        lost = error.strerror
    marker = f"rollback:{policy.service}:{policy.environment}:{aim.leaving}"
    title = f"{aim.leaving or 'The canary'} was taken back: find the cause"
    issue = world.forge.open_issue(marker, title, text)
    if lost:
        raise OutsideError(f"document {path.name} NOT written ({lost}); the issue holds the same: {issue}")
    return f"document {path.name}, issue {issue}"
