"""A process that is killed at any effect, and the same command run anew: the end is the same.

A kill point is (procedure, forge, traffic, effect, before or after it). The list is made by the procedure itself: a run
that nobody kills names its effects. Where one effect comes several times, as the record of each stage, one of them is
tried, and another one in another place.
"""

import json
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from balancer import Balancer, free_ports, shop_of
from planted import in_text

SCENARIOS = ("good", "bad", "red in the end", "rollback in the canary", "rollback of a release")
SINCE = {"bad": "canary.decided", "red in the end": "rollback.started"}
"""Before this effect the procedure is the good release's to the letter, and is killed there."""
SAMPLE = 36
"""In `make test` one kill point in this many is tried; `make soak` tries all."""
KILLED = -9
PLACES = (
    *(("local", traffic) for traffic in ("flag", "haproxy", "document", "command")),
    *(("github", traffic) for traffic in ("flag", "haproxy")),
)
OWN = ("set weight", "split ", "commit main")
"""What changes the traffic, in each of its ways."""


class Killer:
    """The process that forks the children of one scenario, from a state that was prepared."""

    def __init__(self, folder, scenario, base=None, **place):
        self.folder, self.scenario, self.place = folder, scenario, {"forge": "local", "traffic": "flag", **place}
        program = Path(__file__).parents[1] / "killed.py"
        self.process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.base = base
        if base is None:
            self.base = self.prepared("base")
            self.weight = self.state(self.base)["split"]

    def tell(self, folder, what, kill=None, **more):
        job = {"folder": str(folder), "scenario": self.scenario, "do": what, "kill": kill, **self.place, **more}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert not in_text(line)
        return json.loads(line)

    def ask(self, folder, what, kill=None, **more):
        self.tell(folder, what, kill, **more)
        return self.answer()

    def prepared(self, name, **more):
        folder = self.folder / name
        folder.mkdir(parents=True)
        assert self.ask(folder, "prepare", **more)["status"] == 0
        return folder

    def copy(self, name):
        """The prepared state, once more."""
        self.route(self.weight)
        return Path(shutil.copytree(self.base, self.folder / name))

    def route(self, weight):
        if self.place["traffic"] == "haproxy":
            shop_of(self.place["haproxy"]).set_weight(weight, reason="")

    def state(self, folder):
        assert self.ask(folder, "state")["status"] == 0
        return json.loads((folder / "state").read_text())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class OnGitHub(Killer):
    """As `Killer`: the emulator's state cannot be copied, so that each child has a repository of its own."""

    def __init__(self, folder, scenario, front, **place):
        self.front = front
        super().__init__(folder, scenario, forge="github", github=front.address, **place)

    def prepared(self, name, **more):
        self.front.reset()
        self.route(0.0)
        return super().prepared(name, repository=self.front.repository(), **more)

    copy = prepared


@pytest.fixture
def killer(request, tmp_path, program):
    """What kills in the scenario and place that the test asks for."""
    scenario, forge, traffic = request.param
    balancer = Balancer(program, tmp_path, free_ports()) if traffic == "haproxy" else None
    place = {"traffic": traffic}
    if balancer is not None:
        balancer.start()
        place["haproxy"] = f"127.0.0.1:{balancer.ports['admin']}"
    try:
        if forge == "github":
            made = OnGitHub(tmp_path, scenario, request.getfixturevalue("github"), **place)
        else:
            made = Killer(tmp_path, scenario, **place)
        yield made
        made.close()
    finally:
        if balancer is not None:
            balancer.stop()


def points_of(effects, scenario, place):
    """The kill points of one procedure in one place: each effect's name once, with its number; before or after it.

    A place tries an effect on one side, and the next place on the other; what changes the traffic on both.
    """
    first = next((n for n, effect in enumerate(effects) if SINCE.get(scenario, "") in effect))
    numbers = {}
    for number, effect in enumerate(effects[first:], start=first + 1):
        numbers.setdefault(effect, []).append(number)
    shift = PLACES.index(place)
    chosen = sorted(where[shift % len(where)] for where in numbers.values())
    points = list(product(chosen, ("before", "after")))
    own = [point for point in points if effects[point[0] - 1].startswith(OWN)]
    return sorted({*own, *(points[2 * index + (index + shift) % 2] for index in range(len(chosen)))})


def tried(killer, part):
    """Try one kill point in `part`; gives what was tried and what went wrong."""
    whole = killer.copy("whole")
    effects = killer.ask(whole, "play")["effects"]
    wanted = killer.state(whole)
    points = points_of(effects, killer.scenario, (killer.place["forge"], killer.place["traffic"]))
    wrong = {}
    for number, when in points[::part]:
        folder = killer.copy(f"{number}-{when}")
        first, second = killer.ask(folder, "play", [number, when]), killer.ask(folder, "play")
        found = killer.state(folder)
        if first["status"] != KILLED or second["status"] not in (0, 1, 2) or found != wanted:
            differs = {key: (found[key], wanted[key]) for key in wanted if found[key] != wanted[key]}
            wrong[f"{when} {effects[number - 1]}"] = (first["status"], second["status"], differs)
        shutil.rmtree(folder)
    return points[::part], wanted, wrong


EXPECTED = {
    "good": {"split": 0.0, "live": "v1.1.0-rc.1", "issues": 0},
    "red in the end": {"split": 0.0, "live": "v1.0.0", "issues": 1},
    "bad": {"split": 0.0, "live": "v1.0.0", "issues": 1},
    "rollback in the canary": {"split": 0.0, "live": "v1.0.0", "issues": 1},
    "rollback of a release": {"split": 0.0, "live": "v1.0.0", "issues": 1},
}


def check(killer, part, record_property):
    """Gives how many kill points were tried."""
    points, wanted, wrong = tried(killer, part)
    record_property("kill points", len(points))
    place = f"{killer.place['forge']}, {killer.place['traffic']}"
    sys.stdout.write(f"kill points: {len(points)} of {killer.scenario}, {place}\n")
    assert wrong == {}
    assert {key: wanted[key] for key in EXPECTED[killer.scenario]} == EXPECTED[killer.scenario]
    assert (wanted["unfinished"], wanted["verified"], wanted["most"] <= 1) == ([False, False], 0, True)
    return len(points)


@pytest.mark.parametrize("killer", [(one, "local", "flag") for one in SCENARIOS], indirect=True, ids=SCENARIOS)
def test_a_killed_process_changes_nothing_about_the_end(killer, record_property):
    assert check(killer, SAMPLE, record_property) >= 1


FEWEST = {"good": 18, "bad": 4, "red in the end": 4, "rollback in the canary": 4, "rollback of a release": 5}
"""As many kill points each procedure has at least, in each place."""
ALL = [(scenario, *place) for place in PLACES for scenario in SCENARIOS]


@pytest.mark.soak
@pytest.mark.servers
@pytest.mark.parametrize("killer", ALL, indirect=True, ids=[", ".join(one) for one in ALL])
def test_no_kill_point_changes_the_end(killer, record_property):
    assert check(killer, 1, record_property) >= FEWEST[killer.scenario]


def test_more_than_200_kill_points_are_asked_for():
    assert len(PLACES) * sum(FEWEST.values()) >= 200
