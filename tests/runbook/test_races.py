"""Two real processes at once: the same rollback twice, and a rollback against a promotion, which has to win."""

import random
import signal
import subprocess
import sys
import time

import pytest
from test_kill_points import Killer

from balancer import Balancer, free_ports, running

WON = {"split": 0.0, "live": "v1.0.0", "unfinished": [False, False], "issues": 1, "verified": 0}
ENDED = """\
import sys, time
from releasegate.cli.interrupt import one_way_to_end
with one_way_to_end():
    try:
        print("watching", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("taking back", flush=True)
        sys.stdin.readline()
        print("safe", flush=True)
"""


class Pair:
    """Two processes that play on one folder at once."""

    def __init__(self, folder, scenario, **place):
        self.scenario = scenario
        self.one = Killer(folder, scenario, together=True, **place)
        self.other = Killer(folder, scenario, base=self.one.base, together=True, **place)

    def play(self, name, kinds, pause=0.0):
        """Play both kinds, the second `pause` seconds later, on a copy of what was prepared."""
        shared = self.one.copy(name)
        for killer, kind, wait in ((self.one, kinds[0], 0.0), (self.other, kinds[1], pause)):
            time.sleep(wait)
            killer.tell(shared, "play", kind)
        statuses = [killer.answer()["status"] for killer in (self.one, self.other)]
        return statuses, self.one.state(shared)

    def lasts(self):
        """How many seconds a promotion takes that nobody disturbs: a rollback that begins later meets no race."""
        folder, begun = self.one.copy("undisturbed"), time.monotonic()
        self.one.ask(folder, "play")
        return time.monotonic() - begun

    def close(self):
        self.one.close()
        self.other.close()


@pytest.fixture
def pair(tmp_path, request):
    made = Pair(tmp_path, request.param)
    yield made
    made.close()


def check_race(pair, name, pause):
    statuses, state = pair.play(name, (None, "rollback"), pause)
    assert {key: state[key] for key in WON} == WON, (statuses, state)
    assert state["deployed"].get("deployed-baseline", "v1.0.0") == "v1.0.0", (statuses, state)
    assert [[r[0], r[2]] for r in state["releases"] if r[0] != "v1.0.0"] == [["v1.1.0-rc.1", True]]
    assert statuses[1] == 0, (statuses, state)


@pytest.mark.parametrize("pair", ["race"], indirect=True)
def test_a_rollback_wins_against_a_promotion(pair):
    for number, pause in enumerate((0.0, 0.7)):
        check_race(pair, str(number), pause)


@pytest.mark.soak
@pytest.mark.parametrize("pair", ["race"], indirect=True)
def test_a_rollback_wins_against_a_promotion_in_100_of_100(pair):
    seeded, lasts = random.Random(7), pair.lasts()
    for number in range(100):
        check_race(pair, str(number), seeded.uniform(0, lasts))


@pytest.mark.soak
@pytest.mark.servers
def test_a_rollback_wins_against_a_promotion_through_a_real_router(program, tmp_path):
    seeded = random.Random(7)
    with running(Balancer(program, tmp_path, free_ports())) as balancer:
        pair = Pair(tmp_path, "race", traffic="haproxy", haproxy=f"127.0.0.1:{balancer.ports['admin']}")
        lasts = pair.lasts()
        for number in range(8):
            check_race(pair, str(number), seeded.uniform(0, lasts))
        pair.close()


@pytest.mark.parametrize("pair", ["rollback of a release"], indirect=True)
def test_the_same_rollback_twice_at_once(pair):
    statuses, state = pair.play("shared", ("rollback", "rollback"))
    assert statuses == [0, 0], state
    assert {key: state[key] for key in WON} == WON
    assert (state["most"], state["deployed"]["deployed-baseline"]) == (1, "v1.0.0")


@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_second_signal_does_not_end_what_the_first_began(first):

    with subprocess.Popen(
        [sys.executable, "-c", ENDED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "watching\n"
        process.send_signal(getattr(signal, first))
        assert process.stdout.readline() == "taking back\n"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.read() == "safe\n"
    assert process.returncode == 0
