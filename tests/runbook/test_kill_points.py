"""A process that is killed at any effect, and the same command run anew: the end is the same.

A kill point is (procedure, effect, before or after it). The list is made by the procedure itself: a run that nobody
kills names its effects.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIOS = ("good", "bad", "red in the end", "rollback in the canary", "rollback of a release")
SAMPLE = 36
"""In `make test` one kill point in this many is tried; `make soak` tries all."""
KILLED = -9


class Killer:
    """The process that forks the children of one scenario, from a state that was prepared once."""

    def __init__(self, folder, scenario, base=None):
        self.folder, self.scenario = folder, scenario
        program = Path(__file__).parents[1] / "killed.py"
        self.process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.base = base or folder / "base"
        if base is None:
            self.base.mkdir(parents=True)
            assert self.ask(self.base, "prepare")["status"] == 0

    def ask(self, folder, what, kill=None):
        job = {"folder": str(folder), "scenario": self.scenario, "do": what, "kill": kill}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def copy(self, name):
        return Path(shutil.copytree(self.base, self.folder / name))

    def state(self, folder):
        assert self.ask(folder, "state")["status"] == 0
        return json.loads((folder / "state").read_text())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def killer(tmp_path, request):
    made = Killer(tmp_path, request.param)
    yield made
    made.close()


def tried(killer, part):
    """Try one kill point in `part`; gives what was tried and what went wrong."""
    whole = killer.copy("whole")
    effects = killer.ask(whole, "play")["effects"]
    wanted = killer.state(whole)
    points = [(number, when) for number in range(1, len(effects) + 1) for when in ("before", "after")]
    wrong = {}
    for number, when in points[::part]:
        folder = killer.copy(f"{number}-{when}")
        first, second = killer.ask(folder, "play", [number, when]), killer.ask(folder, "play")
        found = killer.state(folder)
        if first["status"] != KILLED or second["status"] not in (0, 1, 2) or found != wanted:
            differs = {key: (found[key], wanted[key]) for key in wanted if found[key] != wanted[key]}
            wrong[f"{when} {effects[number - 1]}"] = (first["status"], second["status"], differs)
        shutil.rmtree(folder)
    return len(points), len(points[::part]), wanted, wrong


EXPECTED = {
    "good": {"split": 0.0, "live": "v1.1.0-rc.1", "issues": 0},
    "red in the end": {"split": 0.0, "live": "v1.0.0", "issues": 1},
    "bad": {"split": 0.0, "live": "v1.0.0", "issues": 1},
    "rollback in the canary": {"split": 0.0, "live": "v1.0.0", "issues": 1},
    "rollback of a release": {"split": 0.0, "live": "v1.0.0", "issues": 1},
}


def check(killer, part, record_property):
    points, number, wanted, wrong = tried(killer, part)
    record_property("kill points", number)
    assert wrong == {}
    assert {key: wanted[key] for key in EXPECTED[killer.scenario]} == EXPECTED[killer.scenario]
    assert (wanted["unfinished"], wanted["verified"], wanted["most"] <= 1) == ([False, False], 0, True)
    return points, number


@pytest.mark.parametrize("killer", SCENARIOS, indirect=True)
def test_a_killed_process_changes_nothing_about_the_end(killer, record_property):
    assert check(killer, SAMPLE, record_property)[1] >= 1


@pytest.mark.soak
@pytest.mark.parametrize("killer", SCENARIOS, indirect=True)
def test_no_kill_point_changes_the_end(killer, record_property):
    points, number = check(killer, 1, record_property)
    assert points == number
