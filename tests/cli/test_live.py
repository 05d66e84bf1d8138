"""The live view: stages, the traffic split, and the evidence of each SLI growing toward its line."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

from rich.console import Console

from releasegate.canary.judge import Judge
from releasegate.canary.recording import Header, Line
from releasegate.canary.sli import Kind, SliSpec
from releasegate.cli.app import App
from releasegate.cli.live import View, heartbeat, live_view
from releasegate.runbook.step import Outcome, State
from releasegate.runbook.world import Began, Remark

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def drawn(view):
    console = Console(width=100, record=True, file=StringIO())
    console.print(view)
    return [line.rstrip() for line in console.export_text().splitlines()]


def ended(name, title, text, state=State.DONE):
    return Outcome(name, title, state, text, NOW, NOW, 1)


def judged():
    header = Header("x", NOW, 1.0, 30.0, 0.05, {"errors": SliSpec(Kind.RATIO)})
    judge = Judge(header)
    for t in range(-5, 1):
        judge.observe(Line(float(t), {"errors": {"baseline": (10.0, 1000.0)}}))
    return judge.observe(Line(1.0, {"errors": {"baseline": (10.0, 1000.0), "canary": (4.0, 50.0)}}))


def test_the_view_shows_stages_split_window_and_evidence():
    view = View("shop v1.4.0", 30)
    view.tell(ended("gates", "gates", "pass"))
    view.tell(Began("watch", "watch the canary"))
    assert drawn(view) == ["shop v1.4.0", "", "✓  gates             pass", "▸  watch the canary  …"]
    assessment = judged()
    view.tell(assessment)
    sli = assessment.slis["errors"]
    grown = sli.log_evidence / sli.line
    assert 0.2 < grown < 1
    low, middle, high = sli.ratio
    assert drawn(view)[5:] == [
        f"traffic  {'━' * 32}  5% to the canary",
        f"window   {'━' * 32}  1 of 30 s",
        f"errors   {'━' * 32}  {grown:.0%} of the line   canary / baseline {middle:.2f} ({low:.2f} to {high:.2f})",
    ]


def test_after_the_watch_the_split_is_what_was_done_last():
    view = View("shop v1.4.0", 30)
    view.tell(Began("watch", "watch the canary"))
    view.tell(judged())
    view.tell(Remark("canary: a new series"))
    assert drawn(view)[-2:] == ["", "canary: a new series"]
    view.tell(ended("watch", "watch the canary", "no regression"))
    view.tell(ended("complete", "100% to the canary", "on"))
    assert drawn(view)[-1].endswith("100% to the canary")
    view.tell(ended("settle", "settle", "refused", State.FAILED))
    assert drawn(view)[-1].endswith("100% to the canary")
    view.tell(ended("flip", "flip the traffic", "off"))
    assert drawn(view)[-1].endswith("0% to the canary")


class Heard(App):
    """An app that keeps what is said."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def told(app):
    with live_view(app, "shop v1.4.0", 1800, interactive=False) as tell:
        for t in (0.0, 15.0, 60.0):
            tell(Began("watch", "watch the canary"))
            tell(replace(judged(), t=t))
        tell(ended("watch", "watch the canary", "no regression"))
    return [line for line in app.lines if line.startswith("  ")]


def test_in_a_log_a_running_canary_is_a_line_a_minute_and_every_poll_where_more_is_asked_for():
    quiet, loud = Heard(), Heard(verbose=1)
    with live_view(quiet, "shop v1.4.0", 1800, interactive=False) as tell:
        tell(Remark("canary: a new series"))
    assert quiet.lines == ["  canary: a new series"]
    quiet.lines.clear()
    assert [line.split(":")[0].strip() for line in told(quiet)] == ["0 s", "60 s"]
    assert [line.split(":")[0].strip() for line in told(loud)] == ["0 s", "15 s", "60 s"]
    assert quiet.lines[0] == "▸ watch the canary"
    assert quiet.lines[-1] == "✓ watch the canary: no regression"


def test_what_is_silent_for_long_is_said_to_go_on():
    said, twice = [], threading.Event()

    def say(line):
        said.append(line)
        if len(said) == 2:
            twice.set()

    with heartbeat(say, every=0.001) as note:
        note("deploy the canary")
        assert twice.wait(30)
        note("")
    assert said[0] == "  … deploy the canary, for 0 min"
