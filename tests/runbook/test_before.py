"""After the flip of a blue-green release, the time before it stands for the baseline."""

import pytest

from releasegate.canary.recording import Header, Line
from releasegate.canary.sli import Kind, SliSpec
from releasegate.metrics.port import Poll
from releasegate.runbook.before import Before, header_after
from worlds import START

SLIS = {"errors": SliSpec(Kind.RATIO), "rate": SliSpec(Kind.THROUGHPUT), "queue": SliSpec(Kind.GAUGE, limit=100.0)}
T0 = START.timestamp()


def header(window=40.0):
    return Header(id="x", started=START, interval=10.0, window=window, weight=0.05, slis=SLIS)


class After:
    """What each poll after the flip counts on the canary; the baseline has nothing any more."""

    def __init__(self, *polls):
        self.polls = list(polls)

    def bounds(self, at):
        return {"at": (at,)}

    def advance(self, at):
        del at
        seen = self.polls.pop(0)
        return Poll({name: {"baseline": 0, "canary": value} for name, value in seen.items()}, {"x": "y"})


def past(*numbers):
    """A poll of the baseline for each number, the last one at the flip."""
    last = len(numbers) - 1
    return [
        Line(-10.0 * (last - place), {"errors": {"baseline": (number, 100 * number)}, "queue": {"baseline": number}})
        for place, number in enumerate(numbers)
    ]


def counted(source, *times):
    return [source.advance(T0 + t).counts for t in times]


def test_poll_for_poll_from_the_beginning_of_the_last_window_on():
    seen = {"errors": (7, 700), "queue": 50.0}
    source = Before(After(seen, seen, seen, seen, seen), header())
    assert source.bounds(3.0) == {"at": (3.0,)}
    assert counted(source, 0.0) == [{name: {"baseline": 0, "canary": value} for name, value in seen.items()}]
    source.begin(T0, past(9, 1, 2, 3, 4))
    expected = [{"errors": {"baseline": (n, 100 * n), "canary": (7, 700)},
                 "queue": {"baseline": n, "canary": 50.0}} for n in (1, 2, 3, 4)]  # fmt: skip
    assert counted(source, 10.0, 20.0, 30.0, 40.0) == expected


def test_a_poll_that_failed_leaves_both_tracks_to_the_next():
    source = Before(After({"queue": 1.0}, {"errors": (7, 700), "queue": 1.0}), header())
    source.begin(T0, past(1, 2, 3, 4))
    assert [found.get("errors") for found in counted(source, 10.0, 20.0)] == [
        None, {"baseline": (3, 300), "canary": (7, 700)},
    ]  # fmt: skip


def test_a_short_history_begins_again_and_none_is_zero():
    source = Before(After(*[{"errors": (7, 700), "rate": 5}] * 4), header())
    source.begin(T0, past(1, 2))
    found = counted(source, 10.0, 20.0, 30.0, 40.0)
    assert [each["errors"]["baseline"] for each in found] == [(1, 100), (2, 200), (1, 100), (2, 200)]
    assert [each["rate"] for each in found] == [{"baseline": 0.0, "canary": 5}] * 4
    nothing = Before(After({"errors": (7, 700), "queue": 3.0}), header())
    nothing.begin(T0, [])
    assert counted(nothing, 10.0) == [
        {"errors": {"baseline": (0.0, 0.0), "canary": (7, 700)}, "queue": {"baseline": 0, "canary": 3.0}}
    ]


def test_a_process_that_takes_over_counts_both_tracks_from_its_marks_on():
    source = Before(After({}, {"errors": (7, 700)}), header())
    source.begin(T0, past(1, 2, 3, 4), resumed=True)
    assert counted(source, 20.0, 40.0) == [{}, {"errors": {"baseline": (7, 700), "canary": (7, 700)}}]


@pytest.mark.parametrize(("given", "tolerate", "requests"), [(1.0, 1.5, 4.0), (2.0, 2.0, 8.0)])
def test_what_is_judged_is_as_strict_as_a_time_before_allows(given, tolerate, requests):
    spec = SliSpec(Kind.RATIO, tolerate=given)
    detect = dict.fromkeys((Kind.RATIO, Kind.HISTOGRAM, Kind.THROUGHPUT, Kind.MEAN), given * 4)
    made = header_after(Header("x", START, 10.0, 40.0, 0.05, {"errors": spec}, detect=detect))
    assert (made.slis["errors"].tolerate, made.detect[Kind.THROUGHPUT], made.detect[Kind.RATIO]) == (
        tolerate, requests, given * 4,
    )  # fmt: skip
    assert made.weight == pytest.approx(2 / 3)
