"""The same past in Prometheus and in VictoriaMetrics: the same counts, and the same decision."""

import json
import os
import random
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from servers import prometheus, victoria_metrics

SCRAPE, HISTORY, WINDOW = 15, 3600, 1800
BOUNDS = ("0.1", "0.5", "1.0", "+Inf")
CHANGE = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
POLICY = """\
version: 1
service: shop
environment: test
canary:
  weight: 20%
  window: 30m
  interval: 15s
  metrics: {prometheus: {url: "${PROMETHEUS_URL}"}}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis:
    errors: {ratio: {bad: 'http_requests_total{code=~"5.."}', total: http_requests_total}}
    duration: {histogram: http_request_duration_seconds}
    rate: {throughput: http_requests_total}
    queue: {gauge: job_queue_depth, limit: 100, critical: false}
"""


class Pod:
    """What one instance exposes, and how it grows between two scrapes."""

    def __init__(self, rng, track, name, per_scrape, bad):
        self.rng, self.per_scrape, self.bad = rng, per_scrape, bad
        self.labels = f'track="{track}",pod="{name}"'
        self.restart()

    def restart(self):
        self.good, self.errors, self.buckets = 0, 0, [0, 0, 0, 0]

    def grow(self):
        for _ in range(self.rng.randint(self.per_scrape - 5, self.per_scrape + 5)):
            failed = self.rng.random() < self.bad
            self.errors += failed
            self.good += not failed
            first = self.rng.choices(range(4), (80, 15, 4, 1))[0]
            for index in range(first, 4):
                self.buckets[index] += 1

    def samples(self):
        yield "http_requests_total", f'{self.labels},code="200"', self.good
        if self.errors:
            yield "http_requests_total", f'{self.labels},code="500"', self.errors
        for bound, count in zip(BOUNDS, self.buckets, strict=True):
            yield "http_request_duration_seconds_bucket", f'{self.labels},le="{bound}"', count
        yield "job_queue_depth", self.labels, 3


def past(canary_errors):
    """Samples by metric: lines of labels, value and moment, in the order of time."""
    rng = random.Random(17)
    pods = [Pod(rng, "stable", f"stable-{n}", 60, 0.01) for n in (1, 2)]
    canary = Pod(rng, "canary", "canary-1", 30, canary_errors)
    metrics = {"http_requests_total": [], "http_request_duration_seconds_bucket": [], "job_queue_depth": []}
    for after in range(-HISTORY - 600, WINDOW + 600, SCRAPE):
        for pod in [*pods, canary] if after >= 0 else pods:
            pod.grow()
            if pod is pods[0] and after == 600:
                pod.restart()
            for name, labels, value in pod.samples():
                metrics[name].append((labels, value, CHANGE.timestamp() + after + 7))
    return metrics


def into_prometheus(folder, program, metrics):
    kinds = {
        "http_requests_total": "unknown",
        "http_request_duration_seconds_bucket": "unknown",
        "job_queue_depth": "gauge",
    }
    lines = []
    for name, samples in metrics.items():
        lines.append(f"# TYPE {name} {kinds[name]}")
        # One series after the other, as the format asks for.
        for labels, value, moment in sorted(samples, key=lambda sample: (sample[0], sample[2])):
            lines.append(f"{name}{{{labels}}} {value} {moment:.3f}")
    (folder / "past.om").write_text("\n".join([*lines, "# EOF", ""]))
    command = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "past.om", "prometheus/tsdb"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def into_victoria_metrics(url, metrics):
    lines = [
        f"{name}{{{labels}}} {value} {round(moment * 1000)}"
        for name, samples in metrics.items()
        for labels, value, moment in samples
    ]
    body = "\n".join([*lines, ""]).encode()
    with urllib.request.urlopen(f"{url}/api/v1/import/prometheus", body, timeout=10) as answer:
        assert answer.status == 204
    with urllib.request.urlopen(f"{url}/internal/force_flush", timeout=10) as answer:
        assert answer.status == 200


def served(metrics, track, since, until):
    """How many requests a track counted between two moments; a value that drops began again at zero."""
    total, before = 0, {}
    for labels, value, moment in metrics["http_requests_total"]:
        if f'track="{track}"' in labels and moment <= until:
            mark = before.get(labels, 0)
            total += (value - mark if value >= mark else value) if moment > since else 0
            before[labels] = value
    return total


def watch(folder, url, name):
    command = [
        sys.executable, "-m", "releasegate", "canary", "watch", "--once", "--since", CHANGE.isoformat(),
        "--id", "shop-1", "--record", f"{name}.jsonl", "--format", "json",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PROMETHEUS_URL": url}, capture_output=True, text=True, check=False
    )
    assert f"Prometheus is asked {SCRAPE} s behind the present, since it scrapes as often\n" in done.stderr
    return done.returncode, json.loads(done.stdout), (folder / f"{name}.jsonl").read_text()


@pytest.mark.servers
@pytest.mark.parametrize(("canary_errors", "code", "decision"), [(0.01, 0, "promote"), (0.06, 1, "abort")])
def test_the_same_past_is_judged_alike(program, tmp_path, canary_errors, code, decision):
    metrics = past(canary_errors)
    (tmp_path / "releasegate.yaml").write_text(POLICY)
    (tmp_path / "prometheus").mkdir()
    into_prometheus(tmp_path, program, metrics)
    with prometheus(program, tmp_path / "prometheus", {}) as url:
        one = watch(tmp_path, url, "prometheus")
    (tmp_path / "none.yml").write_text("scrape_configs: []\n")
    with victoria_metrics(program, tmp_path, tmp_path / "none.yml") as url:
        into_victoria_metrics(url, metrics)
        other = watch(tmp_path, url, "victoria")
    assert one == other
    assert one[0] == code, one[1]
    assert one[1]["decision"] == decision
    header, *lines = map(json.loads, one[2].splitlines())
    assert lines[0]["t"] == -HISTORY
    # A Prometheus is asked one scrape behind the present.
    start = datetime.fromisoformat(header["started"]).timestamp() - SCRAPE
    for track, label, since in (("canary", "canary", 0), ("baseline", "stable", start - HISTORY)):
        counted = sum(line["rate"].get(track, 0) for line in lines if "rate" in line)
        assert counted == served(metrics, label, since, start + lines[-1]["t"])
