"""What a person sees while a rollout runs: a live view in a terminal, lines in a log."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from releasegate.canary.judge import Assessment
from releasegate.runbook.step import Outcome, State
from releasegate.runbook.world import Began, Progress, Tell

BAR = 32
"""Characters of a bar."""
LOG_EVERY = 60.0
"""Seconds between two lines about a running canary in a log; a window under half an hour gets up to thirty of them."""
LOG_AT_MOST = 10.0
"""Seconds between two such lines of the shortest window."""
SIGNS = {State.ALREADY: ("✓", "green"), State.DONE: ("✓", "green"), State.FAILED: ("✗", "bold red")}


SPLIT_AFTER = {"complete": 1.0, "settle": 0.0, "flip": 0.0}
"""The canary's share of the traffic once a stage or step is done."""


class View:
    """Keeps what was told, and draws it."""

    def __init__(self, title: str, window: float) -> None:
        self._title = title
        self._window = window
        self._ended: list[Outcome] = []
        self._running: Began | None = None
        self._assessment: Assessment | None = None
        self._split: float | None = None

    def tell(self, progress: Progress) -> None:
        """Take in one more thing."""
        match progress:
            case Began():
                self._running = progress
            case Outcome():
                self._ended.append(progress)
                self._running = None
                if progress.state is not State.FAILED:
                    self._split = SPLIT_AFTER.get(progress.id, self._split)
            case Assessment():
                self._assessment, self._split = progress, progress.weight

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for outcome in self._ended:
            sign, style = SIGNS[outcome.state]
            table.add_row(Text(sign, style), outcome.title, Text(outcome.text, "dim", overflow="ellipsis"))
        if self._running:
            table.add_row(Text("▸", "bold cyan"), Text(self._running.title, "bold"), Text("…", "dim"))
        parts: list[RenderableType] = [Text(self._title, "bold"), Text(""), table]
        if self._split is not None:
            parts += [Text(""), self._canary(self._split)]
        return Group(*parts)

    def _canary(self, split: float) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_row("traffic", _bar(split, "magenta"), f"{split:.0%} to the canary", "")
        assessment = self._assessment
        if assessment is None or self._running is None or self._running.id != "watch":
            return table
        share = min(1.0, max(0.0, assessment.t / self._window))
        table.add_row("window", _bar(share, "cyan"), f"{max(assessment.t, 0):.0f} of {self._window:.0f} s", "")
        for name, sli in assessment.slis.items():
            grown = max(0.0, min(1.0, sli.log_evidence / sli.line)) if sli.line else 0.0
            style = "red" if grown >= 1 else "yellow" if grown > 0.5 else "green"
            table.add_row(name, _bar(grown, style), f"{grown:.0%} of the line", Text(_ratio(sli.ratio), "dim"))
        return table


def _ratio(ratio: tuple[float | None, float | None, float | None] | None) -> str:
    if ratio is None or any(value is None for value in ratio):
        return ""
    low, middle, high = (value or 0.0 for value in ratio)
    return f"canary / baseline {middle:.2f} ({low:.2f} to {high:.2f})"


def _bar(share: float, style: str) -> Text:
    filled = round(share * BAR)
    return Text("━" * filled, style) + Text("━" * (BAR - filled), "bright_black")


@contextmanager
def live_view(
    title: str, window: float, *, interactive: bool, observe: Callable[[str, Assessment], None] = lambda *_: None
) -> Iterator[Tell]:
    """Show what is told: drawn anew in a terminal on standard error, else (also in GitHub Actions) a line a thing.

    `observe` gets the title and what the judge says after every poll.
    """
    console = Console(stderr=True)
    if not (interactive and console.is_terminal) or os.environ.get("GITHUB_ACTIONS") == "true":
        yield _both(_Log(console, window).tell, title, observe)
        return
    view = View(title, window)
    with Live(view, console=console, refresh_per_second=8, transient=True):
        yield _both(view.tell, title, observe)


def _both(tell: Tell, title: str, observe: Callable[[str, Assessment], None]) -> Tell:
    def told(progress: Progress) -> None:
        if isinstance(progress, Assessment):
            observe(title, progress)
        tell(progress)

    return told


class Pace:
    """Lets a line about a running canary through now and then: once a minute in a window of half an hour."""

    def __init__(self, window: float) -> None:
        self._every = max(LOG_AT_MOST, min(LOG_EVERY, window / 30))
        self._next = 0.0

    def due(self, t: float) -> bool:
        """Whether the poll of second `t` is told; asked once a poll."""
        if t < self._next:
            return False
        self._next = t + self._every
        return True


class _Log:
    """A line for each stage, and one for a running canary now and then."""

    def __init__(self, console: Console, window: float) -> None:
        self._console = console
        self._pace = Pace(window)

    def tell(self, progress: Progress) -> None:
        match progress:
            case Began():
                self._line(f"▸ {progress.title}")
            case Outcome():
                self._line(f"{SIGNS[progress.state][0]} {progress.title}: {progress.text}")
            case Assessment() if self._pace.due(progress.t):
                evidence = ", ".join(
                    f"{name} {max(0.0, sli.log_evidence / sli.line):.0%}"
                    for name, sli in progress.slis.items()
                    if sli.line
                )
                self._line(f"  {progress.t:.0f} s: evidence against the canary, of what aborts it: {evidence}")

    def _line(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
