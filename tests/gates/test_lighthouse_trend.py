"""The trend of a page: regressions beyond its own noise, doubts, new series, thresholds that could be tightened."""

import json
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from releasegate.cli.app import App
from releasegate.cli.gate import gate
from releasegate.errors import InputError
from releasegate.gates.lighthouse.assertions import parse_config
from releasegate.gates.lighthouse.tighten import tighten
from releasegate.gates.lighthouse.trend import Point, by_chance, read_history, trend
from releasegate.verdict import Level

LCP = "largest-contentful-paint"
QUIET = [2000, 2010, 1990, 2005, 1995, 2020, 1980, 2000, 2008, 1992]
START = datetime(2026, 11, 1, tzinfo=UTC)


def runs(values, *, after=0, version="12.6.1", page="https://shop.test/", speed=2000.0, metric=LCP):
    major = int(version.split(".")[0])
    return [
        Point(
            page=page,
            form_factor="mobile",
            version=version,
            major=major,
            fetched=START + timedelta(hours=after + number),
            benchmark_index=speed,
            metrics={metric: value},
        )
        for number, value in enumerate(values)
    ]


def said(history, current):
    return [(f.check, f.level.value, f.unusable, f.title) for f in trend(history, current)]


def test_a_regression_beyond_the_noise_is_an_error_with_its_figures():
    (finding,) = trend(runs(QUIET), runs([2200, 2210, 2190], after=100))
    assert (finding.check, finding.level.value, finding.unusable) == (f"trend:{LCP}", "error", False)
    assert finding.title == "10% worse than the last 10 runs"
    assert finding.expected == "<= 2100 (median 2000)"
    assert finding.observed == "2200 (median of 3)"
    assert finding.where == "https://shop.test/"


def test_the_same_again_or_a_little_slower_says_nothing():
    assert said(runs(QUIET), runs([2001, 1999, 2010], after=100)) == []
    assert said(runs(QUIET), runs([2080, 2090, 2070], after=100)) == []


def test_one_slow_run_is_a_doubt_and_never_an_alarm():
    ((check, _, unusable, title),) = said(runs(QUIET), runs([2600], after=100))
    assert (check, unusable) == (f"trend:{LCP}", True)
    assert title == "30% worse than the last 10 runs, which may be noise: run it again, a few times"


def test_a_slowdown_within_a_pages_own_noise_is_a_doubt():
    noisy = [1500, 2900, 2000, 1700, 2600, 1900, 2300, 1600]
    ((_, _, unusable, title),) = said(runs(noisy), runs([2800, 2500, 2600], after=100))
    assert unusable
    assert title.startswith("33% worse than the last 8 runs, which may be noise")


def test_an_outlier_of_the_past_does_not_hide_a_regression():
    ((check, _, unusable, _),) = said(runs([*QUIET, *QUIET[:-1], 9000]), runs([2300] * 5, after=100))
    assert (check, unusable) == (f"trend:{LCP}", False)


def test_a_new_lighthouse_begins_a_new_series():
    ((check, level, unusable, title),) = said(runs(QUIET), runs([9000] * 3, after=100, version="13.0.0"))
    assert (check, level, unusable) == ("trend", "info", False)
    assert title == "no trend yet: 0 of the 5 earlier runs that it takes; a new series begins with Lighthouse 13"


def test_runs_of_a_slower_machine_are_not_compared():
    ((check, _, unusable, _),) = said(runs(QUIET), runs([9000] * 3, after=100, speed=900.0))
    assert (check, unusable) == ("trend:benchmarkIndex", True)


def test_a_run_that_the_history_holds_already_is_not_its_own_past():
    ((_, level, _, title),) = said(runs(QUIET[:5]), runs(QUIET[:5]))
    assert (level, title) == ("info", "no trend yet: 0 of the 5 earlier runs that it takes")


def test_only_the_window_counts():
    slow_past = runs([4000] * 30) + runs(QUIET * 2, after=100)
    assert said(slow_past, runs([2300] * 3, after=200))[0][3] == "15% worse than the last 20 runs"


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.lists(st.integers(0, 30), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_chance_is_that_of_all_orders_counted_one_by_one(earlier, new):
    everything = earlier + new

    def above(chosen):
        rest = [value for index, value in enumerate(everything) if index not in chosen]
        return sum(old >= everything[index] for old in rest for index in chosen)

    if len(set(everything)) < len(everything):
        return
    orders = list(combinations(range(len(everything)), len(new)))
    seen = above(tuple(range(len(earlier), len(everything))))
    exact = sum(above(chosen) <= seen for chosen in orders) / len(orders)
    assert by_chance(earlier, new) == (pytest.approx(exact) if exact <= 0.01 else 1.0)


def test_a_threshold_far_above_the_worst_of_ten_runs_is_told_with_the_one_that_would_hold():
    def told(limit, values=QUIET, level="error"):
        asked = {"assertions": {LCP: [level, {"maxNumericValue": limit}], "interactive": "error"}}
        return tighten(parse_config(asked, "rc.json"), runs(values))

    (remark,) = told(2778)
    assert (remark.check, remark.level, remark.expected, remark.observed, remark.where) == (
        LCP, Level.INFO, "<= 2778", "<= 2.22e+03 would hold", "https://shop.test/",
    )  # fmt: skip
    assert remark.title == "this threshold could be tightened: the worst of 10 runs was 2020"
    assert told(2777) == told(2778, level="off") == told(2778, QUIET[:9]) == ()
    matrix = [{"matchingUrlPattern": "/cart", "assertions": {LCP: ["error", {"maxNumericValue": 9000}]}}]
    assert tighten(parse_config({"assertMatrix": matrix}, "rc.json"), runs(QUIET)) == ()


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (b'{"metrics": {}', "h.jsonl:2"),
        (b'{"metrics": []}', "h.jsonl:2"),
        (b"[" * 5000, "h.jsonl:2"),
        (b'{"metrics": {}}', "h.jsonl:2"),
    ],
)
def test_a_line_that_is_no_run_is_named(line, where):
    good = b'{"metrics": {}, "lighthouseVersion": "12.6.1"}\n'
    with pytest.raises(InputError) as caught:
        read_history(good + line, "h.jsonl")
    assert caught.value.where == where


def test_runs_that_ended_in_an_error_and_senseless_values_are_no_history():
    lines = [
        {"metrics": {LCP: 1}, "lighthouseVersion": "12.6.1", "runtimeError": {"code": "NO_FCP"}},
        {"metrics": {LCP: -1, "speed-index": 1e300, "interactive": 5, "x": "y"}, "lighthouseVersion": "?"},
    ]
    (point,) = read_history("\n".join(map(json.dumps, lines)).encode(), "h.jsonl")
    assert (point.metrics, point.major) == ({}, None)


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**400), 10**400)
points = st.builds(
    lambda value, speed, hour: json.dumps(
        {"metrics": {LCP: value}, "lighthouseVersion": "12.1", "benchmarkIndex": speed, "fetchTime": hour}
    ),
    numbers,
    st.none() | st.floats(-10, 1e308),
    st.none() | st.just("x") | st.integers(0, 9999).map(lambda n: (START + timedelta(hours=n)).isoformat()),
)


@given(st.lists(points, max_size=30), st.lists(points, min_size=1, max_size=5))
@settings(deadline=None)
def test_any_numbers_give_findings_and_no_traceback(history, current):
    read = [read_history("\n".join(lines).encode(), "h.jsonl") for lines in (history, current)]
    for finding in trend(*read):
        assert finding.title


def report(hour, lcp):
    return {
        "lighthouseVersion": "12.6.1",
        "requestedUrl": "https://shop.test/",
        "fetchTime": (START + timedelta(hours=hour)).isoformat(),
        "categories": {},
        "environment": {"benchmarkIndex": 2000},
        "audits": {LCP: {"numericValue": lcp, "score": 0.9}},
    }


def judge(folder, name, hours, value):
    (folder / name).mkdir()
    for hour in hours:
        (folder / name / f"lhr-{hour}.json").write_text(json.dumps(report(hour, value)))
    options = ("--config", "rc.json", "--history", "history.jsonl", "--record", "--format", "json")
    done = CliRunner().invoke(gate, ["lighthouse", name, *options], obj=App(directory=folder), standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, json.loads(done.stdout)["findings"]


def test_a_history_grows_by_what_passes_and_then_finds_what_does_not(tmp_path):
    (tmp_path / "rc.json").write_text(json.dumps({"assertions": {LCP: ["error", {"maxNumericValue": 9000}]}}))
    code, findings = judge(tmp_path, "first", range(10), 2000)
    assert (code, [f["title"] for f in findings]) == (
        0,
        [
            "no trend yet: 0 of the 5 earlier runs that it takes",
            "this threshold could be tightened: the worst of 10 runs was 2000",
        ],
    )
    history = (tmp_path / "history.jsonl").read_text()
    assert len(history.splitlines()) == 10
    code, findings = judge(tmp_path, "second", range(20, 23), 2300)
    assert (code, findings[0]["title"]) == (1, "15% worse than the last 10 runs")
    assert (tmp_path / "history.jsonl").read_text() == history
