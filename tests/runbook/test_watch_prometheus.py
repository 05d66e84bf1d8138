"""`canary watch` on a real Prometheus that scrapes real processes, one of which starts again half-way."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from servers import await_true, counting_app, free_port, prometheus, query

POLICY = """\
version: 1
service: shop
environment: test
canary:
  weight: 20%
  window: 8s
  interval: 500ms
  settle: 20s
  metrics: {prometheus: {url: "${PROMETHEUS_URL}"}}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis:
    errors: {ratio: {bad: 'http_requests_total{code=~"5.."}', total: http_requests_total}}
    duration: {histogram: http_request_duration_seconds}
    rate: {throughput: http_requests_total}
"""
RESTART_AT, QUIET_AT = 1.5, 4.5
SCRAPE = 0.25


class Load:
    """Sends requests one after the other, every 20th of which is an error, and counts the answers by code."""

    def __init__(self, port):
        self.port = port
        self.served = Counter()
        self._times = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()

    def _run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        sent = 0
        while not self._stop.wait(0.01):
            sent += 1
            connection.request("GET", f"/serve/{500 if sent % 20 == 0 else 200}")
            answer = connection.getresponse()
            answer.read()
            self.served[answer.status] += 1
            self._times.append(time.monotonic())
        connection.close()

    def since_one_scrape(self):
        """How many were answered in the last interval between two scrapes, and while the next was under way."""
        return sum(moment > self._times[-1] - 1.5 * SCRAPE for moment in self._times)


def watch(folder, url, steps):
    """Run `canary watch`, take each step when its time has come, and return the document and what was said.

    The first step is taken when the marks are set, the others after so many seconds of the window.
    """
    command = [sys.executable, "-m", "releasegate", "canary", "watch", "--record", "r.jsonl", "--format", "json"]
    environ = {**os.environ, "PROMETHEUS_URL": url}
    said = []
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=-1, stderr=-1, text=True) as process:
        for line in process.stderr:
            said.append(line)
            told = re.match(r"(?:waiting|([0-9.]+) s:)", line)
            while told and steps and float(told[1] or 0) >= steps[0][0]:
                steps.pop(0)[1]()
        output = process.stdout.read()
    assert output, said
    return json.loads(output), said


def replay(folder):
    command = [sys.executable, "-m", "releasegate", "canary", "replay", "r.jsonl", "--format", "json"]
    return json.loads(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout)


def recorded(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    totals = {}
    for line in lines[1:]:
        for name in ("errors", "duration", "rate"):
            for track, counts in line.get(name, {}).items():
                values = counts if isinstance(counts, list) else [counts]
                before = totals.setdefault((name, track), [0] * len(values))
                totals[name, track] = [a + b for a, b in zip(before, values, strict=True)]
    return lines[0], totals


@pytest.mark.servers
def test_the_judge_sees_what_the_processes_served_up_to_one_scrape(program, tmp_path):
    stable, canary = free_port(), free_port()
    targets = {f"127.0.0.1:{stable}": {"track": "stable"}, f"127.0.0.1:{canary}": {"track": "canary"}}
    (tmp_path / "releasegate.yaml").write_text(POLICY)
    with ExitStack() as stack:
        stack.enter_context(counting_app(tmp_path, stable))
        first = stack.enter_context(counting_app(tmp_path, canary))
        # A metric that nobody has yet begins with its marks, so that its past is not taken for a poll.
        urllib.request.urlopen(f"http://127.0.0.1:{stable}/serve/200", timeout=5).close()
        url = stack.enter_context(prometheus(program, tmp_path / "prometheus", targets, interval="250ms"))
        await_true(lambda: query(url, "http_requests_total offset 1s"), "the first request scraped")
        baseline, before, after = Load(stable), Load(canary), Load(canary)

        def start():
            baseline.start()
            before.start()

        def restart():
            before.stop()
            first.terminate()
            first.wait()
            stack.enter_context(counting_app(tmp_path, canary))
            after.start()

        def quieten():
            baseline.stop()
            after.stop()

        document, said = watch(tmp_path, url, [(0, start), (RESTART_AT, restart), (QUIET_AT, quieten)])
    header, counts = recorded(tmp_path / "r.jsonl")
    assert header["slis"]["duration"]["bounds"] == [0.1, 0.5, 1]
    assert counts["duration", "baseline"] == [baseline.served[200], 0, baseline.served[500], 0]
    # The very first request is history: counted if the memory saw the time before it; buckets begin with their marks.
    history = counts["rate", "baseline"][0] - baseline.served.total()
    assert history in (0, 1)
    assert counts["errors", "baseline"] == [baseline.served[500], history + baseline.served.total()]
    # What the first process served after its last scrape nobody can know.
    unseen = before.served.total() + after.served.total() - counts["rate", "canary"][0]
    assert 0 <= unseen <= before.since_one_scrape()
    assert counts["errors", "canary"][1] == sum(counts["duration", "canary"]) == counts["rate", "canary"][0]
    errors = before.served[500] + after.served[500]
    assert errors - unseen <= counts["errors", "canary"][0] == counts["duration", "canary"][2] <= errors
    assert after.served.total() > unseen
    assert document == replay(tmp_path)
    assert said[-1].startswith("8 s: ")


def begin(folder, url, since, name):
    options = ["--since", since, "--record", name, "--format", "json"]
    command = [sys.executable, "-m", "releasegate", "canary", "watch", *options]
    environ = {**os.environ, "PROMETHEUS_URL": url}
    return subprocess.Popen(command, cwd=folder, env=environ, stdout=-1, stderr=-1, text=True)


@pytest.mark.servers
@pytest.mark.soak
def test_a_watch_that_was_killed_is_judged_by_the_next_one_as_it_would_have_been(program, tmp_path):
    stable, canary = free_port(), free_port()
    targets = {f"127.0.0.1:{stable}": {"track": "stable"}, f"127.0.0.1:{canary}": {"track": "canary"}}
    (tmp_path / "releasegate.yaml").write_text(POLICY)
    with ExitStack() as stack:
        for port in (stable, canary):
            stack.enter_context(counting_app(tmp_path, port))
        url = stack.enter_context(prometheus(program, tmp_path / "prometheus", targets, interval="250ms"))
        loads = [Load(stable), Load(canary)]
        for load in loads:
            load.start()
            stack.callback(load.stop)
        await_true(lambda: query(url, "http_requests_total offset 1s"), "the first requests scraped")
        since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        killed = begin(tmp_path, url, since, "killed.jsonl")
        for line in killed.stderr:
            if line.startswith("3 s: "):
                break
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        time.sleep(1)  # nobody watches
        resumed = begin(tmp_path, url, since, "r.jsonl")
        output, errors = resumed.communicate(timeout=60)
    seen = (tmp_path / "killed.jsonl").read_text().splitlines()
    document = json.loads(output)
    assert (killed.returncode, len(seen) > 6) == (-signal.SIGKILL, True)
    assert resumed.returncode == {"promote": 0, "abort": 1, "inconclusive": 3}[document["decision"]], errors
    assert (tmp_path / "r.jsonl").read_text().splitlines()[: len(seen)] == seen
    assert document == replay(tmp_path)
