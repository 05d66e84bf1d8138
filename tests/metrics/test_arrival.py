"""Pods come, restart and go, and a real Prometheus is away for a while: no count is lost, and none is made up."""

import time

import pytest
from remote_write import push

from releasegate.metrics.past import history
from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.load import load_policy
from servers import free_port, prometheus

POLICY = """\
version: 1
service: a
environment: b
canary:
  interval: 10s
  metrics: {prometheus: {url: "URL", lag: 0s}}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis: {rate: {throughput: requests_total}}
"""


MISSED = "no new sample, a scrape was missed; is it up, and is its metrics page quick?"


@pytest.mark.servers
def test_pods_come_restart_and_go_and_the_server_is_away_for_a_while(program, tmp_path):
    port, begun = free_port(), time.time() - 300
    url = f"http://127.0.0.1:{port}"

    def here():
        return prometheus(program, tmp_path, {}, port=port, options=("--web.enable-remote-write-receiver",))

    def write(at, **pods):
        series = []
        for pod, value in pods.items():
            labels = {"__name__": "requests_total", "pod": pod, "track": "canary" if "canary" in pod else "stable"}
            series.append((labels, [(value, begun + at)]))
        push(url, series)

    def poll(at):
        return watched.advance(begun + at)

    watched = source_of(load_policy(POLICY.replace("URL", url).encode(), "releasegate.yaml", {}).canary)
    with here():
        write(10, stable_1=100, canary_1=10)
        assert poll(15) == Poll({})
        write(20, stable_1=110, canary_1=12)
        assert poll(25) == Poll({"rate": {"baseline": 10, "canary": 2}})
    gone = f"{url}: TCP: the connection was refused; does Prometheus answer there?"
    assert poll(35) == Poll({}, {"rate/baseline": gone, "rate/canary": gone})
    with here():
        write(30, stable_1=115, canary_1=13)
        write(40, stable_1=120, canary_1=14)
        assert poll(45) == Poll({"rate": {"baseline": 10, "canary": 2}})
        # One pod is replaced by another, whose first requests nobody saw before.
        write(50, stable_1=121, canary_1=None, canary_2=5)
        new = "canary: a new series, whose first value counts in full"
        assert poll(55) == Poll({"rate": {"baseline": 1, "canary": 5}}, {}, (new,))
        write(58, stable_1=121, canary_2=9)
        write(60, stable_1=121, canary_2=2)
        again = "canary: a counter started again, and its new value counts in full"
        assert poll(65) == Poll({"rate": {"baseline": 0, "canary": 6}}, {}, (again,))
        # Nobody asks the canary any more, and then it is gone altogether: both are a count of 0, once it is sure.
        write(70, stable_1=130, canary_2=2)
        assert poll(75) == Poll({"rate": {"baseline": 9, "canary": 0}})
        write(80, stable_1=131, canary_2=None)
        assert poll(85) == Poll({"rate": {"baseline": 1}}, {"rate/canary": MISSED})
        write(90, stable_1=132)
        assert poll(95) == Poll({"rate": {"baseline": 1}}, {"rate/canary": MISSED})
        write(100, stable_1=133)
        assert poll(105) == Poll({"rate": {"baseline": 1, "canary": 0}})
        # It comes back, and nothing that it counted meanwhile is lost.
        write(110, stable_1=134, canary_2=7)
        assert poll(115) == Poll({"rate": {"baseline": 1, "canary": 5}})


@pytest.mark.servers
def test_scrapes_that_are_rarer_than_polls_are_waited_for_and_a_missed_one_is_no_silence(program, tmp_path):
    begun = time.time() - 600
    with prometheus(program, tmp_path, {}, options=("--web.enable-remote-write-receiver",)) as url:
        canary = load_policy(POLICY.replace("URL", url).encode(), "releasegate.yaml", {}).canary
        # Every 30 s; the canary's scrapes come 15 s after the baseline's, and its fourth one fails.
        for number in range(6):
            for track, phase, step in (("stable", 1, 900), ("canary", 16, 50)):
                if (track, number) != ("canary", 3):
                    labels = {"__name__": "requests_total", "track": track}
                    push(url, [(labels, [(number * step, begun + 30 * number + phase)])])
        watched = source_of(canary)
        polls = [watched.advance(begun + at) for at in range(60, 180, 10)]
        assert [poll.counts.get("rate", {}) for poll in polls] == [
            {}, {"baseline": 900}, {"canary": 50}, {}, {"baseline": 900}, {},
            {}, {"baseline": 900}, {"canary": 100}, {}, {"baseline": 900}, {"canary": 50},
        ]  # fmt: skip
        assert [poll.problems for poll in polls] == [{}] * 5 + [{"rate/canary": MISSED}] * 3 + [{}] * 4
        # Unless the policy says how far behind the present it is asked, that is one scrape.
        usual = load_policy(POLICY.replace("URL", url).replace(", lag: 0s", "").encode(), "releasegate.yaml", {})
        watched = source_of(usual.canary)
        found = "Prometheus is asked 30 s behind the present, since it scrapes as often"
        assert watched.advance(begun + 100) == Poll({}, {}, (found,))
        assert watched.advance(begun + 130) == Poll({"rate": {"baseline": 900, "canary": 50}})
    watched = source_of(usual.canary)
    gone = f"{url}: TCP: the connection was refused; does Prometheus answer there?"
    assert watched.advance(begun + 100) == Poll({}, {"rate/baseline": gone, "rate/canary": gone})
    assert history(usual.canary, begun + 100) == []
