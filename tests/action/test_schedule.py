"""What a job on a schedule does: the workflow that the documents show, and a rehearsal, through the action."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from act_runs import FLAGS, OFF, ROOT, git

from servers import await_true, counting_app, free_port, prometheus, query, traffic

REHEARSAL = """\
on: push
jobs:
  play:
    runs-on: ubuntu-latest
    steps:
      - uses: releasegate/releasegate@v1
        with: {command: rehearse, args: --scenario silent}
"""


def documented():
    """The workflow in `docs/action.md` that looks at a canary now and then."""
    [text] = re.findall(r"```yaml\n(name: canary\n.*?)```", (ROOT / "docs" / "action.md").read_text(), flags=re.DOTALL)
    return text


def watched(shop):
    """Let the shop's policy name the Prometheus of the test, and a second between polls."""
    policy = yaml.safe_load((shop / "releasegate.yaml").read_text())
    policy["canary"] |= {
        "metrics": {"prometheus": {"url": "${PROMETHEUS_URL}"}}, "interval": "1s", "settle": "5s",
        "slis": {"errors": {"ratio": {"bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}}},
    }  # fmt: skip
    (shop / "releasegate.yaml").write_text(yaml.safe_dump(policy))
    git(shop, "commit", "--quiet", "-am", "watch it")
    git(shop, "push", "--quiet", "origin", "main")


@pytest.mark.soak
@pytest.mark.servers
@pytest.mark.parametrize(("code", "decision", "flags"), [(200, "inconclusive", FLAGS.rstrip()), (500, "abort", OFF)])
def test_a_look_on_a_schedule_takes_back_what_is_worse_and_is_green_while_nothing_is_decided(
    program, tmp_path, shop, act, code, decision, flags
):
    watched(shop)
    stable, canary = free_port(), free_port()
    targets = {f"127.0.0.1:{port}": {"track": track} for port, track in ((stable, "stable"), (canary, "canary"))}
    with (
        counting_app(tmp_path, stable), counting_app(tmp_path, canary),
        prometheus(program, tmp_path / "prometheus", targets) as url,
        traffic(stable), traffic(canary, code=code),
    ):  # fmt: skip
        await_true(lambda: both(url, "sum by (track) (http_requests_total) >= 1"), "a request of each track")
        since = datetime.now(UTC) + timedelta(seconds=1)
        long_enough = f"max by (track) (timestamp(http_requests_total)) >= {since.timestamp() + 6}"
        await_true(lambda: both(url, long_enough), "six seconds of each track")
        run = act(
            shop, event="schedule", workflow=documented(), secrets={"PROMETHEUS_URL": url},
            options=("--var", f"CANARY_SINCE={since:%Y-%m-%dT%H:%M:%SZ}"),
        )  # fmt: skip
    assert run.outputs("decision")[0] == decision, run.log
    assert git(shop.parent / "origin.git", "show", "main:config/feature-flags.yaml") == flags
    assert (run.code == 0) == (decision == "inconclusive"), run.log  # the canary of the test is still asked
    message = git(shop.parent / "origin.git", "log", "-1", "--format=%B", "main")
    assert ("the canary is worse than the baseline" in message) == (decision == "abort")


def both(url, condition):
    """Whether it holds for both tracks, as Prometheus sees them."""
    return len(query(url, condition)) == 2


@pytest.mark.soak
@pytest.mark.usefixtures("alone_under_load")
def test_a_rehearsal_runs_in_a_job(shop, act):
    run = act(shop, workflow=REHEARSAL)
    assert run.code == 1, run.log
    assert "exit status 1" in run.log
    assert "this is a bug in releasegate" not in run.log
