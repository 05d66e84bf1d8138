"""`releasegate rollback --migrations` in a terminal, on a repository of its own."""

import json
import secrets

import pytest

from fakes import FakeClock
from releasegate.forge.local import LocalForge
from releasegate.runbook.journal import Journal
from repositories import git, repository
from worlds import POLICY, begin_service, settle, world_of

RULES = "migrations: {directory: db, status: [cat, state], revert: [sh, -c, 'echo {snapshot} > state']}"
ADDS = b"-- releasegate: expand\nALTER TABLE t ADD COLUMN a int;\n"
DROPS = b"-- releasegate: expand\nALTER TABLE t DROP COLUMN b;\n"


@pytest.fixture
def checkout(tmp_path):
    folder = repository(tmp_path / "here")
    git(folder, "switch", "--quiet", "--orphan", "elsewhere")
    forge, clock = LocalForge(folder), FakeClock()
    world = world_of(forge, tmp_path, journal=Journal(forge, "releasegate/ledger", clock, secrets.token_bytes))
    begin_service(world)
    settle(world, {"db/1.sql": ADDS}, "v1.1.1")
    settle(world, {"db/2.sql": ADDS, "db/3.sql": DROPS}, "v1.2.0")
    (folder / "releasegate.yaml").write_text(POLICY.decode().replace("rollback: {", f"rollback: {{{RULES}, "))
    return folder


def test_a_plan_tells_each_migration_with_its_kind(command, checkout):
    before = git(checkout, "for-each-ref")
    code, output, errors = command(checkout, "rollback", "--migrations", "--dry-run", "--format", "json")
    plan = json.loads(output)
    assert (code, errors, plan["from"], plan["to"]) == (0, "", "v1.2.0-rc.1", "v1.1.1")
    assert plan["migrations"] == [
        {"path": "db/3.sql", "kind": "contract", "declared": "expand",
         "why": "declared expand, but line 2: drops the column t.b"},
        {"path": "db/2.sql", "kind": "expand", "declared": "expand", "why": "declared"},
    ]  # fmt: skip
    [step] = [step for step in plan["steps"] if step["step"] == "migrations"]
    assert step["would"] == "revert the migrations between the two releases"
    assert git(checkout, "for-each-ref") == before
    code, output, errors = command(checkout, "rollback", "--snapshot", "snap-1", "--dry-run")
    assert (code, output, errors) == (
        2, "", "releasegate: --snapshot: a snapshot is for migrations that are reverted; add --migrations\n",
    )  # fmt: skip


@pytest.mark.soak
def test_doctor_says_whether_they_could_be_taken_back_here(command, checkout):
    def told():
        lines = command(checkout, "doctor")[1].splitlines()
        return [line for line in lines if "  migrations: " in line]

    [line] = told()
    assert line.startswith("yellow  migrations: the database's state cannot be read here: cat exited 1: cat: state: ")
    assert line.endswith("; run doctor where a rollback would run, or mend `rollback.migrations.status`")
    (checkout / "state").write_text("3")
    assert told() == ["green   migrations: 3 files in db on main; the database's state is told"]
    text = (checkout / "releasegate.yaml").read_text()
    (checkout / "releasegate.yaml").write_text(text.replace("directory: db", "directory: bd"))
    assert told() == ["red     migrations: there is no folder bd on main; mend `rollback.migrations`"]
