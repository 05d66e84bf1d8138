"""One release as it is told to people: what was decided, why, when, and what to do next."""

from dataclasses import dataclass
from datetime import datetime

from releasegate.canary.recording import Recording
from releasegate.policy.zones import beside
from releasegate.verdict import Verdict

SIGNS = {"done": "✓", "already": "✓", "failed": "✗"}


@dataclass(frozen=True, slots=True)
class Row:
    """One stage or step, as it ended."""

    title: str
    state: str
    """`done`, `already` or `failed`."""
    text: str
    started: datetime
    finished: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that the last screen and the report tell."""

    service: str
    environment: str
    tag: str
    commit: str
    headline: str
    """The outcome in one line: `v1.4.0-rc.1 was taken back: errors are worse`."""
    exit_code: int
    stages: tuple[Row, ...]
    rollback: tuple[Row, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    recording: Recording | None = None
    slis: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For each SLI one line, of what was seen and could have been detected, and what else is to be known of it."""
    notes: tuple[str, ...] = ()
    """What to do next, a line each."""
    break_glass: tuple[str, ...] = ()
    """Plain commands that take the release back without this program."""
    timezone: str = "UTC"


def clock_time(moment: datetime, timezone: str) -> str:
    """`10:00:05 UTC`, and the local time beside it where that is another."""
    return f"{moment:%H:%M:%S} UTC{beside(moment, timezone, '%H:%M:%S')}"


def text(story: Story) -> str:
    """The last screen of a rollout, without colours."""
    lines = [story.headline, ""]
    lines += _rows(story.stages, story.timezone)
    if story.rollback:
        lines += ["", "taken back:", *_rows(story.rollback, story.timezone)]
    if story.slis:
        lines += ["", "what this canary saw, and could have detected nine times in ten:"]
        for line, notes in story.slis:
            lines += [f"  {line}", *(f"    {note}" for note in notes)]
    if story.notes:
        lines += ["", *story.notes]
    return "\n".join(lines)


def _rows(rows: tuple[Row, ...], timezone: str) -> list[str]:
    width = max((len(row.title) for row in rows), default=0)
    return [
        f"  {SIGNS.get(row.state, '-')} {clock_time(row.started, timezone)}  {row.title:<{width}}  {row.text}"
        for row in rows
    ]
