"""The procedure of a backtest, on a server of our own: what it asks, what it leaves out, and what it says of it."""

import random
import re
from datetime import UTC, datetime

import pytest

from releasegate.canary.recording import Header
from releasegate.canary.rules import parse_rule
from releasegate.canary.sli import Kind, SliSpec
from releasegate.errors import InconclusiveError
from releasegate.metrics import archive
from releasegate.metrics.archive import Archive
from releasegate.metrics.prometheus import PrometheusReader
from releasegate.policy.selector import parse_selector
from releasegate.runbook.backtest import Question, backtest

NOW = 1_800_000_000.0
HOUR = 3600
HEADER = Header("backtest", datetime(2026, 1, 1, tzinfo=UTC), 60, 1800, 0.05, {"errors": SliSpec(Kind.RATIO)})
SPAN = re.compile(r"\)\[([0-9]+)ms:60000ms\]$")


class Server:
    """Answers as a Prometheus that holds the given hours of a service: 6000 requests a minute, sixty of them bad."""

    def __init__(self, hours, series=4, pods=("",)):
        self.hours, self.series, self.pods = hours, series, pods
        self.asked = []

    def __call__(self, query, at):
        if query.startswith("last_over_time("):
            labels = {"code": "500", **({"pod": self.pods[0]} if self.pods[0] else {})}
            return [{"metric": {"__name__": "requests_total", **labels}, "value": [at, "1"]}]
        if query.startswith("count("):
            return [{"metric": {}, "values": [[hour, str(self.series)] for hour in self.hours]}]
        span = int(SPAN.search(query)[1]) / 1000
        self.asked.append((at, span))
        count = 60 if "code=" in query else 6000
        first = -(-(at - span) // 60) * 60
        moments = [first + 60 * n for n in range(int((at - first) // 60) + 1)]
        values = [[moment, str(count / len(self.pods))] for moment in moments]
        return [{"metric": {"pod": pod} if pod else {}, "values": values} for pod in self.pods]


def run(server, days=1.0, releases=96):
    question = Question(
        errors=parse_selector('requests_total{code="500"}'), total=parse_selector("requests_total"), days=days,
        releases=releases, rules=(parse_rule("errors > 0.9%, 30 failures"),), header=HEADER,
    )  # fmt: skip
    reader = Archive(PrometheusReader(server), question.total, 60)
    return backtest(reader, question, NOW, random.Random(1).random)


def hours(*back):
    return [NOW // HOUR * HOUR - HOUR * n for n in back]


def test_stretches_beside_a_gap_are_left_out():
    server = Server(hours(*range(12, 7, -1), *range(5, -1, -1)))
    found = run(server)
    # Two hours have to be known before a stretch, and half an hour after it be over.
    starts = [(NOW // HOUR * HOUR - release.start) / HOUR for release in found.releases]
    assert starts == [10, 9, 8, 3, 2, 1]
    assert (found.days, found.pods) == (pytest.approx(0.5, abs=0.05), 1)


def test_one_query_reads_at_most_so_many_samples(monkeypatch):
    few = Server(hours(*range(6, -1, -1)))
    run(few, releases=2)
    assert {span for _, span in few.asked} == {90 * 60}
    # A thousand series, of which each query may read an hour of look-back and half an hour more.
    monkeypatch.setattr(archive, "MOST_SAMPLES", 90 * 1000)
    many = Server(hours(*range(6, -1, -1)), series=1000)
    assert [release.errors for release in run(many, releases=2).releases] == [pytest.approx(0.01, abs=0.004)] * 2
    assert {span for _, span in many.asked} == {30 * 60}
    assert len(many.asked) == 3 * len(few.asked)


def test_what_the_canary_was_is_said():
    server = Server(hours(*range(12, -1, -1)))
    assert run(server).notes == (
        "the server holds 0.5 of the 1 days asked for, which were used",
        "one instance served everything: errors were split clump by clump, as they came",
    )
    server = Server(hours(*range(30, -1, -1)), pods=("a", "b"))
    assert run(server).notes == ("the canary was whole pods, or clumps of one pod's errors, of up to 2 (by `pod`)",)


def test_too_short_a_past_is_said():
    with pytest.raises(InconclusiveError) as caught:
        run(Server(hours(1, 0)))
    assert str(caught.value) == (
        "there are no three hours without a gap in the past that the server holds; try again when it has"
    )
