"""What a Prometheus remembers from before the canary, where its memory begins in the middle of it."""

import json

from releasegate.metrics.past import history
from releasegate.policy.load import load_policy

START = 1_700_000_000
POLICY = """\
version: 1
service: shop
environment: test
canary:
  interval: 1s
  metrics: {{command: [sh, -c, 'cat {folder}/answer.json', '{{query}}', '{{time}}']}}
  tracks: {{baseline: '{{track="stable"}}', canary: '{{track="canary"}}'}}
  slis: {{rate: {{throughput: requests_total}}}}
"""


def remembered(tmp_path, **pods):
    """The history's counts, by their t, where each pod has a sample a second from some second before the start on."""
    rows = [
        {
            "metric": {"track": "stable", "pod": pod},
            "values": [[START - 1 - seconds, str(first + 10 * (began - seconds))] for seconds in range(began, -1, -1)],
        }
        for pod, (began, first) in pods.items()
    ]
    (tmp_path / "answer.json").write_text(json.dumps({"status": "success", "data": {"result": rows}}))
    policy = load_policy(POLICY.format(folder=tmp_path).encode(), "releasegate.yaml", {})
    return {line.t: line.counts["rate"]["baseline"] for line in history(policy.canary, START)}


def test_what_was_counted_before_anybody_looked_is_no_part_of_the_first_poll(tmp_path):
    """One poll of 4,000 requests among others of 10 would make the service look far too uneven to judge."""
    assert remembered(tmp_path, old=(5, 4000)) == dict.fromkeys(map(float, range(-4, 1)), 10)


def test_a_pod_that_joins_counts_in_full(tmp_path):
    found = remembered(tmp_path, old=(5, 4000), new=(2, 7))
    assert found == {-4.0: 10, -3.0: 10, -2.0: 17, -1.0: 20, 0.0: 20}


def test_a_memory_that_is_longer_than_what_is_asked_of_it_is_used_in_full(tmp_path):
    found = remembered(tmp_path, old=(300, 1000))
    assert (len(found), set(found.values()), min(found)) == (240, {10}, -239.0)
