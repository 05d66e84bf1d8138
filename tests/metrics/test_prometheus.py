"""Counts from Prometheus: four things that look alike on a real server, and how it is asked."""

import base64
import json
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from releasegate.canary.sli import Kind, SliSpec
from releasegate.errors import MetricsError
from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.load import load_policy
from releasegate.runbook.notes import zeros
from servers import answering, await_true, counting_app, free_port, prometheus, query

TRACKS = "  tracks: {baseline: '{track=\"stable\"}', canary: '{track=\"canary\"}'}\n"
RATE = "rate: {throughput: requests_total}"


def source(metrics, slis=RATE):
    text = (
        "version: 1\nservice: a\nenvironment: b\ncanary:\n  interval: 1s\n"
        f"  metrics: {metrics}\n{TRACKS}  slis: {{{slis}}}\n"
    )
    return source_of(load_policy(text.encode(), "releasegate.yaml", {}).canary)


@pytest.mark.servers
def test_a_typo_no_requests_no_errors_and_a_failed_query_are_four_things(program, tmp_path):
    stable, canary = free_port(), free_port()
    targets = {f"127.0.0.1:{stable}": {"track": "stable"}, f"127.0.0.1:{canary}": {"track": "canary"}}
    slis = (
        "errors: {ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}},"
        "name: {throughput: http_request_total},"
        "label: {ratio: {bad: 'http_requests_total{status=\"500\"}', total: http_requests_total}},"
        "broken: {throughput: 'http_requests_total{code=~\"(?=5)\"}'}"
    )
    with (
        counting_app(tmp_path, stable) as _,
        counting_app(tmp_path, canary),
        prometheus(program, tmp_path / "prometheus", targets, interval="100ms") as url,
    ):
        watched = source(f"{{prometheus: {{url: '{url}', lag: 0s}}}}", slis)
        serve(stable, 3)
        serve(canary, 2)
        await_true(lambda: scraped(url) == 5, "five requests scraped")
        first = time.time()
        watched.advance(first)
        serve(stable, 4)
        await_true(lambda: scraped(url) == 9 and newest(url) > first, "nine requests scraped, and both tracks again")
        poll = watched.advance(time.time())
    assert poll.counts == {"errors": {"baseline": (0, 4), "canary": (0, 0)}}
    assert list(zeros({"errors": SliSpec(Kind.RATIO)}, poll)) == [
        "errors/baseline: requests, and none of them bad, between two polls",
        "errors/canary: no requests between two polls",
    ]
    label = "no series of http_requests_total has the label status; they have code, instance, job, track"
    name = "no series is called http_request_total; is the name right?"
    assert {key: text for key, text in poll.problems.items() if not key.startswith("broken")} == {
        "name/baseline": name, "name/canary": name, "label/baseline": label, "label/canary": label,
    }  # fmt: skip
    for track in ("baseline", "canary"):
        assert poll.problems[f"broken/{track}"].startswith(f"{url}: the query failed with 400: ")
        assert "invalid or unsupported Perl syntax" in poll.problems[f"broken/{track}"]
    assert source(f"{{prometheus: {{url: '{url}'}}}}").advance(1) == Poll(
        {},
        dict.fromkeys(
            ("rate/baseline", "rate/canary"), f"{url}: TCP: the connection was refused; does Prometheus answer there?"
        ),
    )


def serve(port, times):
    for _ in range(times):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/serve/200", timeout=5) as answer:
            assert answer.status == 200


def scraped(url):
    return sum(float(row["value"][1]) for row in query(url, "http_requests_total"))


def newest(url):
    """When the track that was scraped longer ago was."""
    return min(float(row["value"][1]) for row in query(url, "timestamp(http_requests_total)"))


class Api:
    """A server that answers every query as a test says, and remembers how it was asked."""

    def __init__(self):
        self.answers, self.headers, self.queries = [], [], []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                api.headers.append(dict(self.headers))
                api.queries.append(parse_qs(urlsplit(self.path).query))
                status, body, headers = api.answers.pop(0) if len(api.answers) > 1 else api.answers[0]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/prefix/"

    def say(self, *answers):
        self.answers[:] = [(*answer, {}) if len(answer) == 2 else answer for answer in answers]


@pytest.fixture
def api():
    made = Api()
    with answering(made.server):
        yield made


def vector(*values):
    rows = [
        {"metric": {"pod": str(n), "track": track}, "value": [1, str(value)]}
        for n, value in enumerate(values)
        for track in ("stable", "canary")
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": rows}}


EMPTY = vector()
NO_API = "the answer is not Prometheus'; does the policy name its API?"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((200, b"<html>"), "the answer is no JSON; is the URL Prometheus'?"),
        ((200, {"data": {"result": [{"metric": {}, "value": [1, "x"]}]}}), NO_API),
        ((200, {"data": {"result": [{"value": 3}]}}), NO_API),
        ((200, {"data": {"result": 7}}), NO_API),
        ((200, {"data": []}), NO_API),
        ((200, b"[]"), NO_API),
        ((422, {"status": "error", "error": "too many samples"}), "the query failed with 422: too many samples"),
        ((401, b"hush"), "the query failed with 401: Unauthorized"),
        ((200, {**EMPTY, "warnings": ["partial response"]}), "the answer is not complete: ['partial response']"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_count(api, answer, problem):
    api.say(answer)
    found = source(f"{{prometheus: {{url: '{api.url}'}}}}").advance(100).problems["rate/baseline"]
    assert found.removeprefix(f"{api.url}: ") == problem


def test_a_server_that_stumbles_is_asked_again_and_not_for_as_long_as_it_likes(api):
    api.say((503, b"", {"Retry-After": "0"}), (200, vector(5)))
    watched = source(f"{{prometheus: {{url: '{api.url}', lag: 1s}}}}")
    assert watched.advance(100) == Poll({})
    assert (
        api.queries
        == [{"query": ['last_over_time(requests_total{track=~"stable|canary"}[1h])'], "time": ["99.000"]}] * 2
    )


@pytest.mark.parametrize(
    ("how", "sent"),
    [
        ("bearer: hush", {"Authorization": "Bearer hush"}),
        ("basic: {user: me, password: hush}", {"Authorization": f"Basic {base64.b64encode(b'me:hush').decode()}"}),
        ("headers: {Authorization: Bearer hush}", {"Authorization": "Bearer hush"}),
        ("tenant: shop", {"X-Scope-OrgID": "shop"}),
    ],
)
def test_the_ways_to_sign_in(api, monkeypatch, tmp_path, how, sent):
    # A ~/.netrc would replace a header that says who one is.
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    api.say((403, b""))
    problem = source(f"{{prometheus: {{url: '{api.url}', {how}}}}}").advance(100).problems["rate/canary"]
    assert problem == f"{api.url}: the query failed with 403: Forbidden"
    assert sent.items() <= api.headers[0].items()


def test_a_tls_file_that_is_not_there_is_named(tmp_path):
    missing = tmp_path / "ca.pem"
    watched = source(f"{{prometheus: {{url: 'https://127.0.0.1:9', tls: {{ca: '{missing}'}}}}}}")
    problem = watched.advance(100).problems["rate/canary"]
    assert str(missing) in problem


COMMAND = """\
import json, sys
query, moment = sys.argv[1:]
values = {"values": [[float(moment), "7"]]} if query.endswith("ms]") else {"value": [float(moment), "3"]}
rows = [{"metric": {"track": track}, **values} for track in ("stable", "canary")]
print(json.dumps({"data": {"result": rows}}))
"""


def test_a_command_asks_where_only_it_can(tmp_path):
    script = tmp_path / "ask.py"
    script.write_text(COMMAND)
    watched = source(f"{{command: ['{sys.executable}', '{script}', '{{query}}', '{{time}}']}}")
    # It shows one sample of each series, which tells nothing of how often Prometheus scrapes.
    usual = "Prometheus is asked one poll interval (1 s) behind the present"
    assert watched.advance(100) == Poll({}, {}, (f"{usual}, since no two samples show how often it scrapes",))
    assert watched.advance(101) == Poll({"rate": {"baseline": 4, "canary": 4}})


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("print('hush')", "the command printed no answer of Prometheus' API"),
        ("import sys; sys.exit('hush')", "the command ended with 1; try it by hand"),
        ('print(\'{"data": {"result": []}, "warnings": ["partial"]}\')', "the answer is not complete: ['partial']"),
    ],
)
def test_a_command_that_fails(script, problem):
    watched = source(f"{{command: ['{sys.executable}', -c, {json.dumps(script)}, '{{query}}', '{{time}}']}}")
    assert watched.advance(100).problems["rate/baseline"] == f"{sys.executable}: {problem}"


def test_a_command_that_is_not_there():
    watched = source("{command: [./no-such-program, '{query}', '{time}']}")
    assert watched.advance(100).problems["rate/baseline"] == (
        "./no-such-program: the command cannot be run; is it there and executable?"
    )


def test_buckets_are_asked_of_the_baseline(api):
    rows = [{"metric": {"le": le, "track": "stable"}, "value": [1, "0"]} for le in ("0.5", "+Inf", "1", "0.25")]
    api.say((200, {"data": {"result": rows}}))
    watched = source(f"{{prometheus: {{url: '{api.url}'}}}}", "duration: {histogram: seconds}")
    assert watched.bounds(100) == {"duration": (0.25, 0.5, 1.0)}
    api.say((200, EMPTY))
    with pytest.raises(MetricsError) as caught:
        source(f"{{prometheus: {{url: '{api.url}'}}}}", "duration: {histogram: seconds}").bounds(100)
    assert str(caught.value) == "no series is called seconds_bucket; is the name right?"
