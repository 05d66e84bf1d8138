"""Counts from metrics pages, on real pages of a real server."""

import pytest

from pages import TEXT
from releasegate.errors import MetricsError
from releasegate.metrics import scrape
from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.load import load_policy

OPEN = "application/openmetrics-text; version=1.0.0"


def source(pages, slis, baseline="[/b]", canary="[/c]", tracks=""):
    text = (
        (
            "version: 1\nservice: a\nenvironment: b\ncanary:\n"
            f"  metrics: {{scrape: {{baseline: {baseline}, canary: {canary}}}}}\n"
            f"  slis: {{{slis}}}\n{tracks}"
        )
        .replace("[/", f"[{pages.url}/")
        .replace(", /", f", {pages.url}/")
    )
    return source_of(load_policy(text.encode(), "releasegate.yaml", {}).canary)


ERRORS = "errors: {ratio: {bad: 'requests_total{code=~\"5..\"}', total: requests_total}}"

NEW = "canary: a new series, whose first value counts in full"


def requests(good, bad=None):
    text = f'# TYPE requests_total counter\nrequests_total{{code="200"}} {good}\n'
    return text if bad is None else f'{text}requests_total{{code="500"}} {bad}\n'


def test_increments_are_counted_from_the_first_call_on(pages):
    watched = source(pages, ERRORS)
    pages.show("/b", requests(1000, 10))
    pages.show("/c", requests(50))
    assert watched.advance(0) == Poll({})
    assert watched.advance(1) == Poll({"errors": {"baseline": (0, 0), "canary": (0, 0)}})
    pages.show("/b", requests(1100, 12))
    pages.show("/c", requests(60, 3))
    assert watched.advance(2) == Poll({"errors": {"baseline": (2, 102), "canary": (3, 13)}}, {}, (NEW,))
    pages.show("/c", requests(7))
    again = "canary: a counter started again, and its new value counts in full"
    assert watched.advance(3) == Poll({"errors": {"baseline": (0, 0), "canary": (0, 7)}}, {}, (again,))
    gone = "canary: a series ended; it counts 0, and goes on from its mark if it comes back"
    assert watched.advance(152) == Poll({"errors": {"baseline": (0, 0), "canary": (0, 0)}})
    assert watched.advance(152.5) == Poll({"errors": {"baseline": (0, 0), "canary": (0, 0)}}, {}, (gone,))


def test_a_missed_poll_loses_nothing_and_says_why(pages):
    watched = source(pages, ERRORS)
    pages.show("/b", requests(1000, 10))
    pages.show("/c", requests(50, 1))
    watched.advance(0)
    pages.show("/b", requests(1100, 10))
    pages.show("/c", "overloaded", status=500)
    assert watched.advance(1) == Poll(
        {"errors": {"baseline": (0, 100)}}, {"errors/canary": f"{pages.url}/c: the page answered 500"}
    )
    pages.show("/c", requests(80, 2))
    assert watched.advance(2) == Poll({"errors": {"baseline": (0, 0), "canary": (1, 31)}})


def test_instances_are_added_and_one_that_is_gone_adds_nothing(pages):
    watched = source(pages, ERRORS, canary="[/c1, /c2]")
    pages.show("/b", requests(1, 0))
    pages.show("/c1", requests(10, 1))
    pages.show("/c2", requests(20, 2))
    watched.advance(0)
    pages.show("/c1", requests(11, 3))
    pages.pages.pop("/c2")
    assert watched.advance(1).counts["errors"]["canary"] == (2, 3)
    pages.show("/c2", requests(25, 2))
    assert watched.advance(2).counts["errors"]["canary"] == (0, 5)


def test_every_kind_of_sli(pages):
    slis = (
        "wins: {ratio: {good: 'tasks_total{outcome=\"won\"}', total: tasks_total}}, rate: {throughput: tasks_total},"
        "duration: {histogram: seconds}, cost: {mean: {sum: cost_sum, count: cost_count}},"
        "queue: {gauge: depth, limit: 9}"
    )
    watched = source(pages, slis, baseline="[/b, /b2]")
    page = (
        'tasks_total{{outcome="won"}} {0}\ntasks_total{{outcome="lost"}} {1}\n'
        'seconds_bucket{{le="0.5"}} {0}\nseconds_bucket{{le="1"}} {1}\nseconds_bucket{{le="+Inf"}} {1}\n'
        "cost_sum {2}\ncost_count {0}\ndepth {3}\n"
    )
    for path in ("/b", "/b2", "/c"):
        pages.show(path, page.format(10, 20, 0.5, 4))
    assert watched.bounds(0) == {"duration": (0.5, 1.0)}
    assert watched.advance(0) == Poll({"queue": {"baseline": 4.0, "canary": 4.0}})
    pages.show("/b2", page.format(13, 24, 2, 7))
    assert watched.advance(1) == Poll({
        "wins": {"baseline": (4, 7), "canary": (0, 0)},
        "rate": {"baseline": 7, "canary": 0},
        "duration": {"baseline": (3, 1, 0), "canary": (0, 0, 0)},
        "cost": {"baseline": (1.5, 3), "canary": (0, 0)},
        "queue": {"baseline": 5.5, "canary": 4.0},
    })  # fmt: skip


def test_what_does_not_fit_yet_is_owed_to_the_next_poll(pages):
    slis = "errors: {ratio: {bad: bad_total, total: all_total}}, cost: {mean: {sum: cost_sum, count: cost_count}}"
    watched = source(pages, slis)
    page = "bad_total {}\nall_total {}\ncost_sum {}\ncost_count {}\n"
    pages.show("/b", page.format(0, 0, 0, 0))
    pages.show("/c", page.format(0, 0, 0, 0))
    watched.advance(0)
    # Torn while it was written: the numerators were counted, the totals not yet.
    pages.show("/c", page.format(3, 2, 1.5, 0))
    assert watched.advance(1).counts == {
        "errors": {"baseline": (0, 0), "canary": (2, 2)}, "cost": {"baseline": (0, 0), "canary": (0, 0)},
    }  # fmt: skip
    pages.show("/c", page.format(3, 5, 1.5, 1))
    assert watched.advance(2).counts == {
        "errors": {"baseline": (0, 0), "canary": (1, 3)}, "cost": {"baseline": (0, 0), "canary": (1.5, 1)},
    }  # fmt: skip


def test_tracks_of_one_process_are_told_apart_by_their_selectors(pages):
    tracks = "  tracks: {baseline: '{variant=\"off\"}', canary: '{variant=\"on\"}'}\n"
    watched = source(pages, "rate: {throughput: requests_total}", "[/b]", "[/b]", tracks)
    page = 'requests_total{{variant="off"}} {}\n'
    pages.show("/b", page.format(5))
    assert watched.advance(0).problems == {
        "rate/canary": (
            'no series matches {variant="on"}, the selector of the canary; '
            "has it had traffic, and is the selector right?"
        )
    }
    pages.show("/b", page.format(9) + 'requests_total{variant="on"} 2\n')
    assert watched.advance(1) == Poll({"rate": {"baseline": 4, "canary": 2}}, {}, (NEW,))


def test_a_typo_is_told_from_no_errors(pages):
    slis = (
        f"{ERRORS}, name: {{throughput: request_total}},"
        "label: {ratio: {bad: 'requests_total{status=\"500\"}', total: requests_total}}, gone: {gauge: depth, limit: 1}"
    )
    watched = source(pages, slis)
    pages.show("/b", requests(1))
    pages.show("/c", requests(1))
    watched.advance(0)
    assert watched.advance(1) == Poll(
        {"errors": {"baseline": (0, 0), "canary": (0, 0)}},
        {
            f"{name}/{track}": problem
            for track in ("baseline", "canary")
            for name, problem in {
                "name": "no series is called request_total; is the name right?",
                "label": "no series of requests_total has the label status; they have code",
                "gone": "no series is called depth; is the name right?",
            }.items()
        },
    )


def test_a_metric_that_turns_up_later_begins_with_its_marks(pages):
    watched = source(pages, ERRORS)
    pages.show("/b", "other_total 1\n")
    pages.show("/c", "other_total 1\n")
    assert list(watched.advance(0).problems) == ["errors/baseline", "errors/canary"]
    pages.show("/b", requests(50_000, 700))
    assert watched.advance(1).counts == {}
    pages.show("/b", requests(50_010, 701))
    pages.show("/c", requests(3))
    assert watched.advance(2) == Poll({"errors": {"baseline": (1, 11), "canary": (0, 3)}}, {}, (NEW,))


def test_an_announced_metric_without_a_series_is_zero(pages):
    watched = source(pages, "errors: {ratio: {bad: 'errors_total{kind=\"x\"}', total: requests_total}}")
    text = requests(1) + "# HELP errors_total What failed.\n# TYPE errors_total counter\n"
    pages.show("/b", text)
    pages.show("/c", text)
    watched.advance(0)
    assert watched.advance(1) == Poll({"errors": {"baseline": (0, 0), "canary": (0, 0)}})


def test_a_counter_keeps_the_name_that_its_page_gives_it(pages):
    watched = source(pages, "rate: {throughput: envoy_cluster_upstream_rq}")
    page = '# TYPE envoy_cluster_upstream_rq counter\nenvoy_cluster_upstream_rq{{cluster="a"}} {}\n'
    pages.show("/b", page.format(1))
    pages.show("/c", page.format(1))
    watched.advance(0)
    pages.show("/c", page.format(4))
    assert watched.advance(1) == Poll({"rate": {"baseline": 0, "canary": 3}})


def test_openmetrics_is_read_with_its_exemplars(pages):
    watched = source(pages, "duration: {histogram: seconds}, rate: {throughput: requests_total}")
    page = (
        '# TYPE seconds histogram\nseconds_bucket{{le="1.0"}} {0} # {{trace_id="a"}} 0.6 1700000000\n'
        'seconds_bucket{{le="+Inf"}} {0}\nseconds_count {0}\nseconds_sum 1\n'
        "# TYPE requests counter\nrequests_total {0}\nrequests_created 1700000000\n# EOF\n"
    )
    pages.show("/b", page.format(3), OPEN)
    pages.show("/c", page.format(3), OPEN)
    assert watched.bounds(0) == {"duration": (1.0,)}
    watched.advance(0)
    pages.show("/c", page.format(5), OPEN)
    assert watched.advance(1) == Poll(
        {"duration": {"baseline": (0, 0), "canary": (2, 0)}, "rate": {"baseline": 0, "canary": 2}}
    )


def test_buckets_that_the_canary_lacks_are_a_problem_and_more_of_them_are_not(pages):
    watched = source(pages, "duration: {histogram: seconds}")
    page = "\n".join(f'seconds_bucket{{{{le="{le}"}}}} {{}}' for le in ("0.5", "1", "+Inf")) + "\n"
    pages.show("/b", page.format(0, 0, 0))
    pages.show("/c", page.format(0, 0, 0) + 'seconds_bucket{le="0.7"} 9\n')
    watched.advance(0)
    pages.show("/c", page.format(1, 3, 3) + 'seconds_bucket{le="0.7"} 2\n')
    assert watched.advance(1).counts == {"duration": {"baseline": (0, 0, 0), "canary": (1, 2, 0)}}
    pages.show("/c", 'seconds_bucket{le="0.5"} 1\nseconds_bucket{le="+Inf"} 4\n')
    assert watched.advance(2) == Poll(
        {"duration": {"baseline": (0, 0, 0)}},
        {"duration/canary": "seconds_bucket has no bucket le=1 on this track; give both tracks the same buckets"},
    )


NO_METRICS = "the page is no Prometheus or OpenMetrics text; name the metrics page itself"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (("<html>", "text/html", 200), NO_METRICS),
        (("requests_total{ 1\n", TEXT, 200), NO_METRICS),
        (("# TYPE a counter\na_total 1\n", OPEN, 200), NO_METRICS),
        (("", TEXT, 200), NO_METRICS),
        (("no", TEXT, 403), "the page answered 403"),
        (("x" * 2000, TEXT, 200), "the page is larger than 1000 bytes"),
    ],
)  # fmt: skip
def test_a_page_that_is_no_metrics_page(pages, monkeypatch, answer, problem):
    monkeypatch.setattr(scrape, "MOST_BYTES", 1000)
    text, kind, status = answer
    pages.show("/b", requests(1, 0))
    pages.show("/c", text, kind, status)
    watched = source(pages, "rate: {throughput: requests_total}")
    assert watched.advance(0).problems == {"rate/canary": f"{pages.url}/c: {problem}"}


def test_nothing_listens_there_and_no_secret_is_told():
    text = (
        "version: 1\nservice: a\nenvironment: b\ncanary:\n  slis: {duration: {histogram: seconds}}\n"
        "  metrics: {scrape: {baseline: 'http://user:hush@127.0.0.1:9/m?token=hush', canary: 'http://127.0.0.1:9/m'}}\n"
    )
    watched = source_of(load_policy(text.encode(), "releasegate.yaml", {}).canary)
    with pytest.raises(MetricsError) as caught:
        watched.bounds(0)
    assert str(caught.value) == "http://127.0.0.1:9/m: TCP: the connection was refused; does the metrics page answer?"
    assert "hush" not in str(watched.advance(1).problems)
