"""Native histograms of a real Prometheus are judged as buckets between powers of 2."""

import time

import pytest
from remote_write import push

from releasegate.metrics.native import BOUNDS, as_buckets
from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.load import load_policy
from servers import prometheus

POLICY = """\
version: 1
service: a
environment: b
canary:
  metrics: {prometheus: {url: "URL", lag: 0s}}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis: {duration: {histogram: http_request_duration_seconds, limit: {le: 1, share: 95%}}}
"""
FEATURES = ("--enable-feature=native-histograms", "--web.enable-remote-write-receiver")


@pytest.mark.servers
def test_a_native_histogram_is_counted_by_bucket_and_over_a_restart(program, tmp_path):
    now = time.time()

    def write(at, **tracks):
        push(url, [({"__name__": "http_request_duration_seconds", "track": t}, [(c, at)]) for t, c in tracks.items()])

    with prometheus(program, tmp_path, {}, options=FEATURES) as url:
        watched = source_of(load_policy(POLICY.replace("URL", url).encode(), "releasegate.yaml", {}).canary)
        write(now - 60, stable={-4: 100, -3: 20, 1: 5}, canary={-4: 7})
        assert watched.bounds(now - 55)["duration"] == BOUNDS[:-1]
        assert watched.advance(now - 55) == Poll({})
        write(now - 50, stable={-4: 110, -3: 23, 1: 5}, canary={-4: 8, 0: 1})
        first = watched.advance(now - 45)
        # The canary's process starts again, and has less of everything.
        write(now - 40, stable={-4: 110, -3: 23, 1: 9}, canary={-4: 2})
        second = watched.advance(now - 35)
    assert (first.problems, second.problems) == ({}, {})
    assert counted(first) == {"baseline": {2**-4: 10, 2**-3: 3}, "canary": {2**-4: 1, 1: 1}}
    assert counted(second) == {"baseline": {2: 4}, "canary": {2**-4: 2}}


def counted(poll):
    """Track to bound to count, of the buckets that have one."""
    return {
        track: {bound: count for bound, count in zip(BOUNDS, counts, strict=True) if count}
        for track, counts in poll.counts["duration"].items()
    }


def test_a_coarser_resolution_takes_nothing_away_from_a_bound():
    fine = {"count": "10", "buckets": [[0, "0.5", "0.7071", "4"], [0, "0.7071", "1", "5"], [0, "1", "1.4142", "1"]]}
    coarse = {"count": "12", "buckets": [[0, "0.5", "1", "9"], [0, "1", "2", "3"]]}
    found = as_buckets([(1, fine), (2, coarse)])
    assert {le: samples for le, samples in found.items() if le in {"0.5", "1.0", "2.0", "inf"}} == {
        "0.5": [(1, 0), (2, 0)], "1.0": [(1, 9), (2, 9)], "2.0": [(1, 10), (2, 12)], "inf": [(1, 10), (2, 12)],
    }  # fmt: skip
