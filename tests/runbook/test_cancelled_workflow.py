"""A cancelled workflow: SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL. Traffic is back within 2 s of the first.

make soak ARGS='-k cancelled_workflow -s'    prints how long after the first signal
"""

import json
import signal
import subprocess
import sys
import time
from statistics import median

import pytest

from releasegate.flags.document import FlagFile
from repositories import git
from routed import routed
from servers import await_true
from worlds import FLAG_FILE

pytestmark = [pytest.mark.servers, pytest.mark.soak, pytest.mark.usefixtures("alone_under_load")]

ROUNDS = 3
PROMISED = 2.0
"""Seconds from the first signal until traffic is back."""
HAPROXY = "traffic: {{haproxy: {{sockets: {socket}, backend: shop, baseline: stable, canary: canary}}}}"
FLAG = "traffic: {{flag: {{name: checkout-v2}}}}"


def by_router(shop):
    return shop.balancer.traffic().split().weight


def by_flag(shop):
    """What everybody else sees: the file at the head of the origin's branch."""
    content = git(shop.folder, "--git-dir", str(shop.folder.parent / "origin"), "show", f"main:{FLAG_FILE}")
    return float(FlagFile.parse(content.encode(), FLAG_FILE).state("checkout-v2", None).percent) / 100


def cancel(process, is_back):
    """Cancel as a runner does, and measure until traffic is back: seconds, and the process' status."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    ends = {7.5: signal.SIGTERM, 10.0: signal.SIGKILL}
    back = None
    while process.poll() is None or back is None:
        passed = time.monotonic() - began
        for moment in [each for each in ends if passed >= each]:
            process.send_signal(ends.pop(moment))
        if back is None and is_back():
            back = passed
        assert passed < 60, "traffic is not back"
        time.sleep(0.005)
    return back, process.returncode


@pytest.mark.parametrize(
    ("name", "traffic", "weight"), [("haproxy", HAPROXY, by_router), ("flag, pushed to its origin", FLAG, by_flag)]
)
def test_traffic_is_back_within_two_seconds(program, tmp_path, capsys, name, traffic, weight):
    seconds = []
    with routed(program, tmp_path, traffic=traffic, window="600s") as shop:
        for number in range(ROUNDS):
            with (tmp_path / "log").open("wb") as log:
                process = subprocess.Popen(
                    shop.command("rollout"), cwd=shop.folder, env=shop.environment(), stdout=log, stderr=log
                )
            await_true(lambda: weight(shop) > 0, "the raise")
            time.sleep(0.3 * number)  # another moment in each round
            back, status = cancel(process, lambda: weight(shop) == 0)
            seconds.append(back)
            assert status == 130, (tmp_path / "log").read_text()
        _, output, errors = shop.run("status", "--format", "json")
        found = json.loads(output)
        assert (found["running"], found["split"], found["recorded"]) == (None, 0, 0), errors
    with capsys.disabled():
        told = f"{median(seconds):.2f} s after SIGINT (median of {ROUNDS}), {max(seconds):.2f} s at most"
        sys.stdout.write(f"\ncancelled, traffic by {name}: back {told}\n")
    assert max(seconds) <= PROMISED
