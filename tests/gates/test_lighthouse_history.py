"""The lines of a history file: what is read of them, what is written, and which runs they are held against."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from releasegate.errors import InputError
from releasegate.gates.lighthouse.trend import LARGEST, Point, fresh, read_history, trend
from releasegate.verdict import Finding, Level

LCP = "largest-contentful-paint"
PAGE = "https://shop.test/"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LINE = {
    "fetchTime": "2026-11-01T12:00:00Z",
    "finalDisplayedUrl": PAGE,
    "formFactor": "mobile",
    "lighthouseVersion": "12.6.1",
    "benchmarkIndex": 2000.0,
    "metrics": {LCP: 2100.5},
}
POINT = Point(
    page=PAGE,
    form_factor="mobile",
    version="12.6.1",
    major=12,
    fetched=NOON,
    benchmark_index=2000.0,
    metrics={LCP: 2100.5},
)


def read(*lines):
    return read_history("\n".join(map(json.dumps, lines)).encode(), "h.jsonl")


def at(hours, speed=2000.0, value=2100.0, **more):
    return replace(POINT, fetched=NOON + timedelta(hours=hours), benchmark_index=speed, metrics={LCP: value}, **more)


def test_a_line_is_read_as_it_is_written():
    assert read(LINE) == (POINT,)
    assert POINT.document() == LINE
    undated = replace(POINT, fetched=None, benchmark_index=None)
    assert undated.document() == {**LINE, "fetchTime": None, "benchmarkIndex": None}
    assert read(undated.document()) == (undated,)


def test_blank_lines_and_failed_runs_are_passed_over():
    text = f"{json.dumps(LINE)}\n\n  \n{json.dumps({**LINE, 'runtimeError': {}})}\n{json.dumps(LINE)}\n"
    assert read_history(text.encode(), "h.jsonl") == (POINT, POINT)


@pytest.mark.parametrize(
    ("urls", "page"),
    [
        ({"finalDisplayedUrl": "a", "finalUrl": "b", "requestedUrl": "c"}, "a"),
        ({"finalUrl": "b", "requestedUrl": "c"}, "b"),
        ({"requestedUrl": "c"}, "c"),
        ({}, ""),
    ],
)
def test_a_page_is_where_the_run_ended_or_began(urls, page):
    (point,) = read({"metrics": {}, "lighthouseVersion": "5.0", **urls})
    assert point == Point(
        page=page, form_factor="", version="5.0", major=5, fetched=None, benchmark_index=None, metrics={}
    )


def test_senseless_values_are_left_out():
    metrics = {LCP: 0, "interactive": LARGEST, "speed-index": -1, "other": 5, "total-blocking-time": "7"}
    assert read({**LINE, "metrics": metrics})[0].metrics == {LCP: 0}


@pytest.mark.parametrize(("version", "major"), [("12.6.1", 12), ("999", 999), ("1000.1", None), ("x.1", None)])
def test_the_major_is_the_number_before_the_first_dot(version, major):
    assert read({**LINE, "lighthouseVersion": version})[0].major == major


def test_a_line_that_is_no_run_is_told_with_what_to_do():
    with pytest.raises(InputError) as caught:
        read_history(b'\n{"metrics": []}', "h.jsonl")
    assert str(caught.value) == (
        "h.jsonl:2: is no run of a history: Expected `object`, got `array` - at `$.metrics`; "
        "remove the line, or begin a new history"
    )


def test_only_runs_that_the_history_does_not_hold_are_new():
    undated = replace(POINT, fetched=None)
    other = replace(POINT, page="https://shop.test/cart")
    assert fresh([POINT, undated], [POINT, undated, other, at(1)]) == (undated, other, at(1))


def test_a_machine_of_another_speed_is_told_with_both_figures():
    history = [at(hour, speed) for hour, speed in enumerate((1900.0, 2000.0, 2100.0, 2000.0, 2000.0))]
    assert trend(history, [at(50, 1000.0), at(51, 1100.0), at(52, 900.0)]) == (
        Finding(
            check="trend:benchmarkIndex",
            level=Level.ERROR,
            title="this machine is not as fast as those of the earlier runs: run Lighthouse on one like them",
            expected="benchmarkIndex 2000",
            observed="benchmarkIndex 1000",
            where=PAGE,
            unusable=True,
        ),
    )


@pytest.mark.parametrize("speed", [None, 0.0, -5.0])
def test_runs_of_a_machine_of_unknown_speed_are_compared(speed):
    history = [at(hour, speed) for hour in range(5)]
    assert trend(history, [at(50), at(51), at(52)]) == ()


def test_a_page_that_begins_says_how_many_runs_it_lacks():
    remark = Finding(
        check="trend", level=Level.INFO, title="no trend yet: 4 of the 5 earlier runs that it takes", where=PAGE
    )
    assert trend([at(hour) for hour in range(4)], [at(50)]) == (remark,)
