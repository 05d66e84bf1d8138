"""What a rollout's last screen and its report say of the canary."""

import pytest

from releasegate.metrics.port import Poll
from releasegate.render.report import html
from releasegate.render.story import text
from releasegate.runbook.story import story_of
from releasegate.verdict import Outcome
from service import Service
from worlds import GOOD, Flow, verdict


class Clumped(Flow):
    """Counts whose errors come in every other poll."""

    def advance(self, at):
        poll, even = super().advance(at), round(at) % 20 == 0
        tracks = poll.counts.get("errors", {})
        return Poll({"errors": {track: (2 * bad if even else 0, n) for track, (bad, n) in tracks.items()}})


class Spotless(Flow):
    """Counts without an error."""

    def advance(self, at):
        tracks = super().advance(at).counts.get("errors", {})
        return Poll({"errors": {track: (0, n) for track, (_, n) in tracks.items()}})


@pytest.mark.parametrize(
    ("flow", "lines"),
    [
        (
            Clumped,
            [
                (
                    "  errors: inconclusive, evidence 0.189, canary / baseline 1.00 (0.00 to 260.37), "
                    "would have caught 46x (a level of 0.464)"
                ),
                "    no history: bad events were taken at first to vary 3 times as much as independent ones",
                (
                    "    bad events come in clumps: they vary 188 times as much as independent ones, "
                    "and a finding takes 188 times as long"
                ),
            ],
        ),
        (
            Spotless,
            [
                "  errors: inconclusive, evidence 1, would have caught a level of 0.0057",
                "    none were seen before: bad events were taken to vary 3 times as much as independent ones",
            ],
        ),
    ],
)
def test_screen_and_report_say_what_was_seen_what_would_have_shown_and_what_clumps_cost(tmp_path, flow, lines):
    service = Service(tmp_path / "documents")
    traffic = service.world().traffic
    result, world = service.roll_out(counts=lambda: flow(traffic, GOOD))
    story = story_of(world, result)
    shown = text(story).partition("nine times in ten:\n")[2].splitlines()
    assert shown[: shown.index("")] == lines
    page = html(story)
    assert [line for line in lines if line.strip() not in page] == []


@pytest.mark.parametrize(
    ("outcome", "note"),
    [
        (Outcome.INCONCLUSIVE, "bring what is missing, and run the same command again: it goes on from here"),
        (Outcome.FAIL, "look at the evidence above, mend the cause, and tag the next candidate"),
    ],
)
def test_what_to_do_next_is_what_helps(tmp_path, outcome, note):
    service = Service(tmp_path)
    result, world = service.roll_out(gates=lambda subject, *_: [verdict("zap", outcome, "no report", subject)])
    assert (result.failed.id, story_of(world, result).notes) == ("gates", (note,)), result.failed.text
