"""What people read about the kill switch: the message to those in charge, and the review that has to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from releasegate.render.story import clock_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One use of the kill switch."""

    service: str
    environment: str
    flag: str
    value: str
    who: str
    why: str
    when: datetime
    timezone: str
    effect: str
    """Whether it is committed and live."""
    guardrails: str
    """The path of the guardrail document."""


def moment(when: datetime, timezone: str) -> str:
    """`2026-11-24 10:00:05 UTC`, and the local time beside it."""
    return f"{when:%Y-%m-%d} {clock_time(when, timezone)}"


def title(stop: Stop) -> str:
    """One line that says it all."""
    return f"{stop.service} ({stop.environment}): the agents are stopped ({stop.flag} = {stop.value})"


def message(stop: Stop) -> str:
    """What the people in charge are told."""
    return "\n".join(
        [
            f"- When: {moment(stop.when, stop.timezone)}",
            f"- Who: {_plain(stop.who)}",
            f"- Why: {_plain(stop.why)}",
            f"- Effect: {_plain(stop.effect)}",
            "",
            "They stay stopped until the guardrails were changed and validated in staging, the root cause is recorded,",
            "and two verified people have run `releasegate kill-switch off`. What is missing: `kill-switch status`.",
        ]
    )


def review(stop: Stop, collected: Sequence[str]) -> str:
    """The review item: what has to be looked at and done before the agents run again."""
    material = [f"- {line}" for line in collected] or ["- nothing is collected (policy: `kill-switch.collect`)"]
    return "\n".join(
        [
            message(stop),
            "",
            "## Material",
            "",
            *material,
            "",
            "## To do",
            "",
            "- [ ] Read the prompts, the tool invocations and the logs.",
            f"- [ ] Change `{stop.guardrails}`, and validate it in staging: `releasegate kill-switch validate`.",
            "- [ ] Record the root cause: `releasegate kill-switch off --root-cause TEXT`.",
            "- [ ] A second person approves by a run of their own: `releasegate kill-switch off`.",
        ]
    )


def _plain(text: str) -> str:
    """Text from outside on one line, with nothing that Markdown or HTML would act upon."""
    return " ".join(text.split()).replace("<", "&lt;").replace("`", "'")
