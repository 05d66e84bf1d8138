"""What the gates remember in the ledger of earlier candidates, where `history`, `known` or `previous` is `ledger`.

The ledger's modules are loaded only then.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from releasegate.cli.app import App

if TYPE_CHECKING:
    from releasegate.ledger.event import Event
    from releasegate.ledger.state import Release
    from releasegate.policy.model import Policy

LEDGER = "ledger"
"""In place of a file's name; a file of this name is `./ledger`."""


def last_known_good(app: App, policy: "Policy", leaving: str | None = None) -> "Release | None":
    """The newest good release of the policy's service, older than `leaving`."""
    from releasegate.ledger.state import fold  # noqa: PLC0415

    return fold(_events(app, policy)).last_known_good(leaving)


def of_good_runs(app: App, gate: str) -> list[Any]:
    """What `gate` remembered of every candidate that it let pass, oldest first."""
    from releasegate.ledger.state import PASSED  # noqa: PLC0415

    return [
        memory
        for event, memory in _memories(_events(app, app.policy()), gate)
        if isinstance(event.data.get("gates"), dict) and event.data["gates"].get(gate) in PASSED
    ]


def of_last_good(app: App, gate: str) -> Any | None:
    """What `gate` remembered of the last known good release."""
    events, good = _events(app, app.policy()), last_known_good(app, app.policy())
    found = [memory for event, memory in _memories(events, gate) if good and event.subject.get("tag") == good.candidate]
    return found[-1] if found else None


def of_last_run(app: App, gate: str) -> Any | None:
    """What `gate` remembered of the candidate that was judged last, whatever the verdict."""
    found = [memory for _, memory in _memories(_events(app, app.policy()), gate)]
    return found[-1] if found else None


def _events(app: App, policy: "Policy") -> "Sequence[Event]":
    """The ledger's events of the policy's service and environment."""
    from releasegate.cli.world import journal  # noqa: PLC0415  it imports the gates

    scope = {"service": policy.service, "environment": policy.environment}
    return [event for event in journal(app, policy).events() if event.about(scope)]


def _memories(events: "Sequence[Event]", gate: str) -> "Iterator[tuple[Event, Any]]":
    for event in events:
        remembered = event.data.get("remembered") if event.kind == "gates.judged" else None
        if isinstance(remembered, dict) and gate in remembered:
            yield event, remembered[gate]
