"""Migrations are reverted at most once, whatever happens to the processes that revert them."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes import FakeClock
from releasegate.forge.local import LocalForge
from repositories import git, repository
from worlds import POLICY, begin_service, settle, world_of

PROGRAM = Path(__file__).parents[1] / "reverting.py"
EXPAND = b"-- releasegate: expand\nALTER TABLE t ADD COLUMN a int;\n"
STATUS = "[sh, -c, 'test -e ../reverts && wc -l < ../reverts || echo 0']"
pytestmark = pytest.mark.soak


def prepared(folder, revert):
    """A release whose migration waits to be taken back by the shell command `revert`."""
    rules = f"migrations: {{directory: db, status: {STATUS}, revert: [sh, -c, '{revert}']}}"
    policy = POLICY.decode().replace("[deploy, ", '["true", ').replace("interval: 10s", "interval: 1s")
    policy = policy.replace("[deployed, ", '["true", ').replace("rollback: {", f"rollback: {{{rules}, ")
    (folder / "policy.yaml").write_text(policy)
    repo = repository(folder / "repo")
    git(repo, "switch", "--quiet", "--orphan", "elsewhere")
    clock = FakeClock(datetime.now(UTC) - timedelta(hours=1))
    world = world_of(LocalForge(repo), folder / "documents", clock=clock)
    begin_service(world)
    settle(world, {"db/1.sql": EXPAND}, "v1.1.1")
    settle(world, {"db/2.sql": EXPAND}, "v1.2.0")


def begin(folder):
    return subprocess.Popen([sys.executable, PROGRAM, folder], stdout=subprocess.PIPE, text=True)


def end(process):
    output, _ = process.communicate(timeout=180)
    return process.returncode, json.loads(output or "{}")


def reverts(folder):
    return (folder / "reverts").read_text().count("reverted")


@pytest.mark.parametrize("revert", ["echo reverted >> ../reverts; kill -9 $PPID", "kill -9 $PPID; sleep 1"])
def test_a_process_that_is_killed_over_it_is_not_followed_by_a_second_revert(tmp_path, revert):
    prepared(tmp_path, revert)
    (tmp_path / "reverts").touch()
    assert end(begin(tmp_path))[0] == -9
    code, answer = end(begin(tmp_path))
    done = "echo" in revert
    assert (code, answer["code"], reverts(tmp_path)) == (0, 4, int(done))
    text = (
        f"unknown: the run that began to revert them ended before it could tell; the state is '{int(done)}' now; "
        "look at the database, and finish by hand with your own tool"
    )
    assert answer["told"]["migrations"] == ["failed", text]
    assert [answer["told"][step][0] for step in ("flip", "deploy", "flags", "follow-up", "record")] == ["done"] * 5


def test_two_processes_at_once_revert_once(tmp_path):
    prepared(tmp_path, "sleep 1; echo reverted >> ../reverts")
    both = [begin(tmp_path), begin(tmp_path)]
    answers = [end(process)[1] for process in both]
    assert sorted(answer["told"]["migrations"][1] for answer in answers) == [
        "done before this run", "reverted 1 migration (1 expand); the state was '0', and is '1'",
    ]  # fmt: skip
    assert reverts(tmp_path) == 1
