"""The sample service: what it answers, what it counts, how it behaves and how it ends."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from releasegate.rehearsal.load import MIX
from releasegate.rehearsal.sample.behaviour import ERROR_SHARE, FIRST, LATENCY, READ, SCENARIOS, Behaviour, Fault

APP = [sys.executable, "-I", "-m", "releasegate.rehearsal.sample.app", "--port"]


@pytest.fixture
def start():
    """Start the service with some options; gives its process and its port."""
    running = []

    def run(*options, port=0, track="canary"):
        command = [*APP, str(port), "--track", track, *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process, int(process.stdout.readline().rpartition(":")[2])

    yield run
    for process in running:
        process.kill()
        process.communicate()


def ask(port, method, path, body=None):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()


def samples(port):
    families = text_string_to_metric_families(ask(port, "GET", "/metrics")[2])
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def shares(behaviour, route, count=4000):
    return sum(behaviour.outcome(route, n).fails for n in range(count)) / count


def test_a_seed_gives_the_same_outcomes_and_another_seed_or_track_does_not():
    first = [Behaviour(7, "canary").outcome("/", n) for n in range(50)]
    assert first == [Behaviour(7, "canary").outcome("/", n) for n in range(50)]
    assert first != [Behaviour(8, "canary").outcome("/", n) for n in range(50)]
    assert first != [Behaviour(7, "baseline").outcome("/", n) for n in range(50)]


def test_a_healthy_service_fails_once_in_a_hundred_and_takes_about_20_ms():
    behaviour = Behaviour(1, "baseline")
    asked = {path: part / 100 for (_, path), part in MIX.items()}
    assert sum(share * asked[route] for route, share in ERROR_SHARE.items()) == pytest.approx(0.01, rel=0.001)
    assert {route: shares(behaviour, route, 20_000) for route in LATENCY} == {
        route: pytest.approx(share, abs=0.002) for route, share in ERROR_SHARE.items()
    }
    seconds = sorted(behaviour.outcome("/api/checkout", n).seconds for n in range(4000))
    assert seconds[2000] == pytest.approx(LATENCY["/api/checkout"], rel=0.05)


def test_the_scenarios_multiply_errors_by_ten_or_latency_by_two_and_a_half():
    errors = Behaviour(1, "canary", SCENARIOS["errors"].faults)
    assert shares(errors, "/api/cart") == pytest.approx(0.2, abs=0.02)
    slow, healthy = Behaviour(1, "canary", SCENARIOS["slow"].faults), Behaviour(1, "canary")
    for n in range(100):
        one, other = slow.outcome("/", n), healthy.outcome("/", n)
        assert (one.seconds, one.fails) == (pytest.approx(other.seconds * 2.5), other.fails)


def test_a_fault_on_one_route_leaves_the_others_alone():
    faulty, healthy = Behaviour(1, "canary", [Fault.parse("errors:/api/agent:6")]), Behaviour(1, "canary")
    assert shares(faulty, "/api/agent") == pytest.approx(0.02, abs=0.005)
    for route in ("/", "/api/cart", "/api/checkout"):
        assert [faulty.outcome(route, n) for n in range(200)] == [healthy.outcome(route, n) for n in range(200)]


@pytest.mark.parametrize(
    "text", ["", "errors", "errors:/", "errors:/nowhere:2", "noise:/:2", "slow:*:-1", "slow:*:nan"]
)
def test_a_fault_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        Fault.parse(text)
    result = subprocess.run(
        [*APP, "0", "--track", "canary", "--fault", text], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")


def test_page_api_and_health_say_which_version_and_track_answer(start):
    _, port = start("--release", "1.4.0-rc.1")
    status, headers, page = ask(port, "GET", "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "canary · version 1.4.0-rc.1" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert json.loads(ask(port, "GET", "/healthz")[2]) == {"status": "ok", "version": "1.4.0-rc.1", "track": "canary"}
    cart = json.loads(ask(port, "GET", "/api/cart")[2])
    assert (cart["track"], cart["total"], len(cart["items"])) == ("canary", 136.9, 3)
    assert json.loads(ask(port, "POST", "/api/checkout", b'{"a": 1}')[2])["order"] == "accepted"
    assert json.loads(ask(port, "POST", "/api/agent")[2])["cost_usd"] > 0
    for path, kind in (
        ("/assets/style.css", "text/css"), ("/assets/page.js", "text/javascript"),
        ("/assets/icon.svg", "image/svg+xml"), ("/sw.js", "text/javascript"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/staff", "text/html"), ("/admin", "text/html"),
    ):  # fmt: skip
        status, headers, body = ask(port, "GET", path)
        assert (status, headers["Content-Type"].partition(";")[0], bool(body)) == (200, kind, True)


def test_work_is_kept_once_in_its_order_and_refused_if_it_is_none(start):
    _, port = start(track="staging")
    first, second = ({"id": f"{n:036x}", "item": f"Rope {n}", "quantity": n} for n in (1, 2))

    def send(job):
        status, _, body = ask(port, "POST", "/api/work", json.dumps(job))
        return status, next(iter(json.loads(body).items()))

    assert [send(job) for job in (second, first, second)] == [
        (201, ("state", "kept")), (201, ("state", "kept")), (200, ("state", "known")),
    ]  # fmt: skip
    assert send({**first, "quantity": 7}) == (409, ("error", "another job has this id"))
    for wrong in ({**first, "quantity": 0}, {**first, "item": ""}, {**first, "id": "1"}, {**first, "more": 1}, []):
        status, (_, why) = send(wrong)
        assert (status, why.startswith("no job: ")) == (400, True)
    assert json.loads(ask(port, "GET", "/api/work")[2]) == {"work": [second, first]}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/assets/../app.py", {}, 404),
        ("GET", "/api/checkout", {}, 405),
        ("POST", "/", {}, 405),
        ("POST", "/api/checkout", {"Content-Length": "9999999"}, 413),
        ("POST", "/api/checkout", {"Content-Length": "-1"}, 413),
    ],
)
def test_what_is_no_request_of_the_service_is_refused_and_not_counted(start, method, path, headers, status):
    _, port = start()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == status
    assert samples(port)["http_request_duration_seconds_count",] == 0


def test_the_metrics_count_what_was_answered(start):
    _, port = start("--fault", "errors:/api/cart:50")
    for path, method, times in (("/", "GET", 3), ("/api/cart", "GET", 2), ("/api/agent", "POST", 4)):
        for _ in range(times):
            ask(port, method, path)
    counted = samples(port)
    requests = {key[1][1] + " " + key[2][1]: value for key, value in counted.items() if key[0] == "http_requests_total"}
    assert requests == {
        "200 /": 3, "200 /api/cart": 0, "200 /api/checkout": 0, "200 /api/agent": 4,
        "500 /": 0, "500 /api/cart": 2, "500 /api/checkout": 0, "500 /api/agent": 0,
    }  # fmt: skip
    assert counted["http_request_duration_seconds_bucket", ("le", "+Inf")] == 9
    assert (counted["agent_task_cost_usd_count",], counted["job_queue_depth",]) == (4, 0)
    assert counted["agent_task_cost_usd_sum",] > 0


def test_the_baseline_has_no_fault_whatever_the_scenario(start):
    _, port = start("--fault", "errors:*:100", "--scenario", "errors", track="baseline")
    assert ask(port, "GET", "/api/cart")[0] == 200


def test_a_costly_agent_costs_eight_times_as_much_and_answers_as_before():
    costly, healthy = Behaviour(1, "canary", SCENARIOS["costly-agent"].faults), Behaviour(1, "canary")
    for n in range(50):
        one, other = costly.outcome("/api/agent", n), healthy.outcome("/api/agent", n)
        assert (one.cost, one.seconds, one.fails) == (pytest.approx(8 * other.cost), other.seconds, other.fails)


def test_a_silent_canary_hears_its_first_requests_and_then_none(start):
    _, port = start("--scenario", "silent")
    for _ in range(FIRST):
        ask(port, "GET", "/api/cart")
    with pytest.raises(http.client.RemoteDisconnected):
        ask(port, "GET", "/api/cart")
    assert samples(port)["http_request_duration_seconds_count",] == FIRST
    assert json.loads(ask(port, "GET", "/healthz")[2])["status"] == "ok"


def test_what_both_tracks_share_breaks_once_the_canary_is_watched(start, tmp_path):
    options = ("--scenario", "shared-outage", "--shared", str(tmp_path / "outage"))
    _, baseline = start(*options, track="baseline")
    _, canary = start(*options)

    def failed(port, path, times):
        with ThreadPoolExecutor(8) as people:
            answers = people.map(lambda _: ask(port, "GET", path)[0], range(times))
            return sum(status == 500 for status in answers)

    assert failed(baseline, "/api/cart", FIRST + 20) < 6
    assert failed(canary, "/api/cart", FIRST + 20) < 6
    for _ in range(READ):
        assert not (tmp_path / "outage").exists()
        samples(canary)
    assert failed(canary, "/api/cart", 100) > 5
    assert failed(baseline, "/api/cart", 100) > 5
    assert failed(baseline, "/", 100) < 6


def test_an_answer_is_one_write_on_a_connection_that_stays_open(start):
    _, port = start()
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        for _ in range(3):
            connection.sendall(b"GET /api/cart HTTP/1.1\r\nHost: sample\r\n\r\n")
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert json.loads(body)["total"] == 136.9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start, number):
    process, port = start()
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_it_ends_when_its_parent_is_gone():
    """The service inherits a pipe's writing end: the pipe ends when the service does."""
    parent = (
        "import os, subprocess, sys; from subprocess import PIPE;"
        "child = subprocess.Popen(sys.argv[1:], stdin=PIPE, stdout=PIPE);"
        "child.stdout.readline(); os.write(2, b'ready'); os._exit(0)"
    )
    command = [sys.executable, "-I", "-c", parent, *APP, "0", "--track", "canary"]
    assert subprocess.run(command, stderr=subprocess.PIPE, check=True, timeout=60).stderr == b"ready"


def test_a_taken_port_is_one_line(start):
    _, port = start()
    result = subprocess.run([*APP, str(port), "--track", "canary"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"releasegate: 127.0.0.1:{port}: [Errno 98] Address already in use\n"
