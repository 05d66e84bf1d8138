"""Blue-green as the ledger tells it: which colour is live, and which release each of them holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from releasegate.ledger.event import Event

COLOURS = ("blue", "green")
"""The policy's `baseline`, which is live at first, and its `canary`."""


def other(colour: str) -> str:
    """The other of the two."""
    return COLOURS[1 - COLOURS.index(colour)]


@dataclass(frozen=True, slots=True)
class Colours:
    """What is known of both; without blue-green nothing ever changes here."""

    live: str = COLOURS[0]
    """The one that has all traffic while no rollout runs."""
    holds: Mapping[str, str] = field(default_factory=dict)
    """Colour to the tag of the release that was last deployed there; empty where a deploy did not end."""

    def after(self, event: Event, baseline: str | None) -> Self:
        """One event on; `baseline` is the release that was live before it."""
        if event.kind == "tracks.swapped":
            left, live = {self.live: baseline} if baseline else {}, str(event.data.get("live"))
            now = {live: release} if isinstance(release := event.data.get("release"), str) else {}
            return replace(self, live=live, holds={**left, **self.holds, **now}) if live in COLOURS else self
        colour = str(event.data.get("step", "")).rpartition("/deploy-")[2]
        if event.kind == "stage.finished":
            colour = str(event.data.get("track"))
        if colour not in COLOURS:
            return self
        over = event.kind in {"step.finished", "stage.finished"}
        return replace(self, holds={**self.holds, colour: event.subject.get("tag", "") if over else ""})
