"""What the ledger tells of the kill switch: since when it is on, and what was done towards putting the agents back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from releasegate.ledger.event import Event
from releasegate.ledger.state import PASSED

ON, OFF, APPROVED, JUDGED = "kill-switch.on", "kill-switch.off", "kill-switch.approved", "guardrails.judged"
STAGING = "staging-gates"


@dataclass(frozen=True, slots=True)
class Standing:
    """The kill switch as it stands."""

    since: Event | None = None
    """The event with which it went on; None where it is off."""
    newest: Event | None = None
    """The newest event that put it on: what the fence compares, and what approvals have to come after."""
    removed: Mapping[str, Any] | None = None
    """The flag's lines before and after, as the newest event that changed them tells."""
    cause: str = ""
    """The root cause, as text or link; empty while nobody has recorded one."""
    approvals: tuple[Event, ...] = ()
    validated: tuple[Event, ...] = ()
    """Verdicts on staging that passed, of this service, whatever their commit."""

    def approvers(self, guardrails: str) -> tuple[str, ...]:
        """The verified people who approved while the guardrail document had the git id `guardrails`.

        Those who let a verified run into its protected environment did so too.
        """
        agreed = [e for e in self.approvals if e.actor.verified and e.data.get("guardrails") == guardrails]
        names = (name for event in agreed for name in (event.actor.name, *_names(event.data.get("reviewers"))))
        return tuple(dict.fromkeys(names))


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def standing(events: Iterable[Event], scope: Mapping[str, str]) -> Standing:
    """Fold the events of the service and environment in `scope`; verdicts on staging may come from its own policy."""
    found = Standing()
    for event in events:
        if event.about(scope):
            found = _after(found, event)
        if event.subject.get("service") == scope.get("service") and _passed_on_staging(event):
            found = replace(found, validated=(*found.validated, event))
    return found


def _after(found: Standing, event: Event) -> Standing:
    if event.kind == ON:
        removed = event.data.get("removed")
        lines = removed if isinstance(removed, dict) else found.removed
        return Standing(found.since or event, event, lines, validated=found.validated)
    if event.kind == OFF:
        return Standing(validated=found.validated)
    if event.kind == APPROVED and found.since is not None:
        cause: Any = event.data.get("cause")
        return replace(found, approvals=(*found.approvals, event), cause=cause or found.cause)
    return found


def _passed_on_staging(event: Event) -> bool:
    if event.kind not in {JUDGED, "gates.judged"} or event.data.get("verdict") not in PASSED:
        return False
    return event.data.get("stage") == STAGING or event.subject.get("environment") == "staging"
