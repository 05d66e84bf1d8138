"""The rollback document: what was taken back, when, why, on what evidence, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from releasegate.render.checklist import manual_checks
from releasegate.render.story import SIGNS, Row, clock_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a rollback document tells."""

    service: str
    environment: str
    leaving: str | None
    to: str | None
    reason: str
    who: str
    steps: Sequence[Row]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """SLI name to its judgement, as in the recording's result."""
    migrations: Sequence[str] = ()
    """Those between the two releases, each with its kind."""
    manual: Mapping[str, str | None] = field(default_factory=dict)
    """What a person has to look at, to who did and when."""
    timezone: str = "UTC"


def document(account: Account) -> str:
    """The document in Markdown."""
    lines = [
        f"# Rollback of {account.leaving or 'the canary'} ({account.service}, {account.environment})",
        "",
        f"- **What:** from {account.leaving or 'the canary'} to {account.to or 'the release that was live before'}",
        f"- **Why:** {_plain(account.reason)}",
        f"- **Who:** {_plain(account.who)}",
    ]
    if account.steps:
        started, finished = account.steps[0].started, account.steps[-1].finished
        lines.append(
            f"- **When:** {started:%Y-%m-%d} {clock_time(started, account.timezone)}"
            f" to {clock_time(finished, account.timezone)}"
        )
    lines += ["", "| step | when | what happened |", "|---|---|---|"]
    lines += [
        f"| {SIGNS.get(step.state, '-')} {step.title} | {clock_time(step.started, account.timezone)} "
        f"| {_plain(step.text)} |"
        for step in account.steps
    ]
    if account.migrations:
        lines += ["", "## Migrations", "", *(f"- {_plain(migration)}" for migration in account.migrations)]
    if account.manual:
        lines += ["", "## To be looked at by a person", "", *manual_checks(account.manual)]
    if account.evidence:
        lines += ["", "## Evidence", ""]
        lines += [f"- `{name}`: {_evidence(sli)}" for name, sli in account.evidence.items()]
    return "\n".join(lines) + "\n"


def explained(text: str, reason: str) -> str:
    """The document with the reason that was given after it was written."""
    before, why, after = text.partition("- **Why:** ")
    return f"{before}{why}{_plain(reason)}\n{after.partition(chr(10))[2]}" if why else text


def _evidence(sli: Mapping[str, Any]) -> str:
    ratio = sli.get("ratio")
    seen = f", canary over baseline {ratio[1]:.2f}" if ratio and ratio[1] is not None else ""
    return f"{sli.get('decision')} (e-value {sli.get('evidence', 0):.3g}{seen})"


def _plain(text: str) -> str:
    """Text from outside as it may stand in a table cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
