"""One query for what belongs together, and counts that a server adds up itself."""

from datetime import UTC, datetime

import pytest

import fortnight
from releasegate.metrics import prometheus as reader
from releasegate.metrics.past import history
from releasegate.metrics.prometheus import PrometheusReader
from releasegate.metrics.promql import covers
from releasegate.metrics.source import prometheus_of, source_of
from releasegate.policy.load import load_policy
from releasegate.policy.selector import parse_selector
from servers import prometheus, victoria_metrics

END = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
SLIS = (
    "errors: {ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}},"
    "rate: {throughput: http_requests_total}, cost: {mean: {sum: cost_sum, count: cost_count}},"
    "duration: {histogram: seconds}, queue: {gauge: depth, limit: 1}"
)


def canary(url, slis=SLIS, baseline='{track="stable"}', canary='{track="canary"}'):
    text = (
        f"version: 1\nservice: a\nenvironment: b\ncanary:\n  interval: 1m\n"
        f"  metrics: {{prometheus: {{url: '{url}'}}}}\n"
        f"  tracks: {{baseline: '{baseline}', canary: '{canary}'}}\n  slis: {{{slis}}}\n"
    )
    return load_policy(text.encode(), "releasegate.yaml", {}).canary


def cover(*texts):
    group = [parse_selector(text) for text in texts]
    found = covers([group])
    assert found.keys() in ({*group}, set())
    return str(next(iter(found.values()))) if found else None


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (('a{t="x"}', 'a{t="y"}'), 'a{t=~"x|y"}'),
        (('a{t="x",code=~"5.."}', 'a{t="x"}', 'a{t="y",code=~"5.."}', 'a{t="y"}'), 'a{t=~"x|y"}'),
        (('a{r="d",t="x"}', 'a{r="d",t="y.z"}'), r'a{r="d",t=~"x|y\\.z"}'),
        (('a{p=~"s-.*"}', 'a{p=~"c-.*"}'), 'a{p=~"(?:s-.*)|(?:c-.*)"}'),
        (('a_sum{t="x"}', 'a_count{t="x"}'), '{__name__=~"a_sum|a_count",t="x"}'),
        (("a", "a"), "a"),
        # What cannot be told apart here, or would ask for far more, is asked for by itself.
        (('a{t!="x"}', 'a{t="x"}'), None),
        (('a{t=~"(?i)x"}', 'a{t="y"}'), None),
        (('a{t=~"x.*",t=~".*z"}', 'a{t="y"}'), None),
    ],
)
def test_a_cover_selects_what_its_group_does(group, expected):
    assert cover(*group) == expected


def test_a_poll_is_one_query_for_each_sli_of_both_tracks():
    asked = []

    def ask(query, at):
        asked.append(query)
        rows = [{"metric": {"track": track, "le": "+Inf", "code": "500"}} for track in ("stable", "canary")]
        names = ("cost_sum", "cost_count") if "cost" in query else ("x",)
        sample = {"values": [[at, "1"]]} if query.endswith("ms]") else {"value": [at, "1"]}
        return [{"metric": {**row["metric"], "__name__": name}, **sample} for row in rows for name in names]

    policy = canary("http://127.0.0.1:9", SLIS.replace("http_requests_total", "x"))
    made = prometheus_of(policy)
    watched = source_of(policy)
    watched._reader = PrometheusReader(ask, made._covers)
    watched._bounds = {"duration": (1.0,)}
    watched.advance(60)
    asked.clear()
    watched.advance(120)
    assert sorted(asked) == [
        'depth{track=~"stable|canary"}',
        'seconds_bucket{track=~"stable|canary"}[60000ms]',
        'x{track=~"stable|canary"}[60000ms]',
        '{__name__=~"cost_sum|cost_count",track=~"stable|canary"}[60000ms]',
    ]


def polls(url, monkeypatch, many):
    monkeypatch.setattr(reader, "MANY", many)
    slis = (
        "errors: {ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}},"
        "rate: {throughput: http_requests_total}"
    )
    watched = source_of(canary(url, slis, '{pod=~"shop-[01]"}', '{pod="shop-2"}'))
    found = [watched.advance(END - fortnight.SCRAPE * back) for back in range(100, 0, -1)]
    return found, watched


def histories(url, monkeypatch, many):
    """The hour before a poll that coincides with scrapes, and before one that does not."""
    monkeypatch.setattr(reader, "MANY", many)
    slis = "errors: {ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}}"
    policy = canary(url, slis, '{pod=~"shop-[01]"}', '{pod="shop-2"}')
    return [history(policy, END - ago) for ago in (0, 40.5)]


@pytest.mark.servers
@pytest.mark.parametrize("server", ["prometheus", "victoria-metrics"])
def test_very_many_series_give_the_same_counts_added_up_on_the_server(program, tmp_path, monkeypatch, server):
    # Scrapes and polls coincide, so that nothing is lost between the last sample before a restart and the restart.
    fortnight.back_fill(program, tmp_path / "prometheus", END, days=1, restarts=24)
    if server == "prometheus":
        running = prometheus(program, tmp_path / "prometheus", {})
    else:
        (tmp_path / "none.yml").write_text("scrape_configs: []\n")
        running = victoria_metrics(program, tmp_path, tmp_path / "none.yml")
    with running as url:
        if server == "victoria-metrics":
            fortnight.into_victoria_metrics(url, tmp_path / "prometheus" / "past.om")
        raw, _ = polls(url, monkeypatch, 5000)
        added_up, watched = polls(url, monkeypatch, 0)
        past = [histories(url, monkeypatch, many) for many in (5000, 0)]
    assert past[0] == past[1]
    assert [len(lines) for lines in past[0]] == [60, 60]
    assert watched._reader._heavy
    assert raw[1].counts["rate"]["canary"] > 500
    assert [poll.problems for poll in raw] == [{}] * len(raw)
    assert [(poll.counts, poll.remarks[:1]) for poll in added_up[:1]] == [
        (poll.counts, poll.remarks) for poll in raw[:1]
    ]
    assert [poll.counts for poll in added_up] == [poll.counts for poll in raw]
    # What a series did that the server adds up is not seen.
    again = "baseline: a counter started again, and its new value counts in full"
    assert {said for poll in raw[1:] for said in poll.remarks} == {again}
    assert {said for poll in added_up[1:] for said in poll.remarks} == set()
