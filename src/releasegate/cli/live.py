"""What a person sees while a rollout runs: a live view in a terminal, lines in a log."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from releasegate.canary.judge import Assessment
from releasegate.cli.app import App
from releasegate.runbook.step import Outcome, State
from releasegate.runbook.world import Began, Progress, Remark, Tell

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
        self._remark = ""

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
            case Remark():
                self._remark = progress.text

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
        if self._remark and self._running and self._running.id == "watch":
            parts += [Text(""), Text(self._remark, "dim")]
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
def live_view(app: App, title: str, window: float, *, interactive: bool) -> Iterator[Tell]:
    """Show what is told: drawn anew in a terminal on standard error, else (also in GitHub Actions) a line a thing.

    `app` observes what the judge says after every poll of the canary `title`.
    """
    console = Console(stderr=True)
    if not (interactive and console.is_terminal) or os.environ.get("GITHUB_ACTIONS") == "true":
        with heartbeat(app.say) as heard:
            yield _both(_Log(app, window, heard).tell, title, app.observe)
        return
    view = View(title, window)
    with Live(view, console=console, refresh_per_second=8, transient=True):
        yield _both(view.tell, title, app.observe)


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


@contextmanager
def heartbeat(say: Callable[[str], None], every: float = LOG_EVERY) -> Iterator[Callable[[str], None]]:
    """Say once in `every` seconds what still goes on, where nothing else was said: a silent job looks like a dead one.

    Gives what is to be called with what goes on (empty: nothing) whenever something was said.
    """
    going, heard, over = "", threading.Event(), threading.Event()

    def note(what: str) -> None:
        nonlocal going
        going = what
        heard.set()

    def beat() -> None:
        silent = 0
        while not over.is_set():
            if heard.wait(every):
                heard.clear()
                silent = 0
            elif going:
                silent += 1
                say(f"  … {going}, for {silent * every / 60:.0f} min")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield note
    finally:
        over.set()
        heard.set()
        thread.join()


class _Log:
    """A part of the log for each stage, and a line for a running canary now and then, which nothing folds away."""

    def __init__(self, app: App, window: float, note: Callable[[str], None]) -> None:
        self._app = app
        self._pace = Pace(window)
        self._note = note
        self._going = ""

    def tell(self, progress: Progress) -> None:
        match progress:
            case Began(id="watch"):
                self._app.unfold()
                self._app.say(f"▸ {progress.title}")
                self._going = progress.title
            case Began():
                self._app.fold(progress.title)
                self._going = progress.title
            case Outcome():
                self._app.unfold()
                self._app.say(f"{SIGNS[progress.state][0]} {progress.title}: {progress.text}")
                self._going = ""
            case Assessment() if self._app.verbose or self._pace.due(progress.t):
                evidence = ", ".join(
                    f"{name} {max(0.0, sli.log_evidence / sli.line):.0%}"
                    for name, sli in progress.slis.items()
                    if sli.line
                )
                self._app.say(f"  {progress.t:.0f} s: evidence against the canary, of what aborts it: {evidence}")
            case Remark():
                self._app.say(f"  {progress.text}")
            case _:
                return
        self._note(self._going)
