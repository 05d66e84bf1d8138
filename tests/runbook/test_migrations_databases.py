"""Migrations taken back in real databases, by Alembic and by scripts of plain SQL."""

import secrets
import sqlite3
import subprocess
import sys

import pytest

from databases import ALEMBIC, FILES, ORDERS, POLICY, PYTHON, SCRIPTS, alembic
from fakes import FakeClock, MemoryForge
from releasegate.runbook.migrations import Wish
from releasegate.runbook.outside import shell
from releasegate.runbook.rollback import Request, Rollback
from servers import postgresql
from worlds import MemoryTraffic, begin_service, settle, world_of

CREATE = "CREATE TABLE orders (id integer PRIMARY KEY, item text, price integer)"
NOTE = "-- releasegate: expand\nALTER TABLE orders ADD COLUMN note text"
TOTAL = "-- releasegate: expand\nALTER TABLE orders ADD COLUMN total integer"


@pytest.fixture(scope="session")
def server(program):
    with postgresql(program) as port:
        yield port


def encoded(files):
    return {place: content.encode() for place, content in files.items()}


class House:
    """A repository with two releases, and a database to which the second one's migrations were applied."""

    def __init__(self, folder, url):
        self.folder, self.url, self.clock, self.traffic = folder, url, FakeClock(), MemoryTraffic()
        self.forge = MemoryForge(self.clock)
        self.runs = 0

    def released(self, old, new, tool, **changes):
        """Release `old`, then `new`, and apply all migrations with some orders in between."""
        for place, content in {**FILES, **old}.items():
            self.write(place, content)
        sql = tool is SCRIPTS
        status, revert = ("status", 'down, "{count}"') if sql else ("current", 'downgrade, "-{count}"')
        choices = {"directory": "db" if sql else "db/versions", "status": tool % status, "revert": tool % revert}
        dialect = "sqlite" if self.url.startswith("sqlite") else "postgres"
        self.policy = POLICY.format(**{**choices, "dialect": dialect, "python": PYTHON, **changes}).encode()
        begin_service(self.world())
        settle(self.world(), encoded(old), "v1.1.1")
        self.tool("up" if sql else "upgrade", *([] if sql else ["head"]), tool=tool)
        self.ask("INSERT INTO orders (id, item, price) VALUES (1, 'tea', 3), (2, 'cup', 8)")
        for place, content in new.items():
            self.write(place, content)
        settle(self.world(), encoded(new), "v1.2.0")
        self.tool("up" if sql else "upgrade", *([] if sql else ["head"]), tool=tool)
        return self

    def write(self, place, content):
        (self.folder / "repo" / place).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / "repo" / place).write_text(content)

    def tool(self, *arguments, tool):
        argv = [sys.executable, "migrate.py", *arguments] if tool is SCRIPTS else [
            sys.executable, "-m", "alembic", *arguments,
        ]  # fmt: skip
        subprocess.run(argv, cwd=self.folder / "repo", check=True, capture_output=True)

    def world(self):
        self.runs += 1
        commands = shell(self.folder / "repo", lambda *_: "")
        own = {"clock": self.clock, "traffic": self.traffic, "run": f"run-{self.runs}", "smoke": None}
        return world_of(self.forge, self.folder / "documents", policy=self.policy, shell=commands, **own)

    def roll_back(self, **wish):
        result = Rollback(self.world(), Request(reason="people complain", wish=Wish(**wish)), lambda _: None).run()
        return result, {outcome.id: (outcome.state.value, outcome.text) for outcome in result.outcomes}

    def ask(self, query):
        """The rows that a query gives."""
        if self.url.startswith("sqlite"):
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
        else:
            import psycopg  # noqa: PLC0415  where there is a server

            connection = psycopg.connect(self.url.replace("+psycopg", ""))
        found = connection.execute(query)
        rows = found.fetchall() if found.description else []
        connection.commit()
        connection.close()
        return rows


POSTGRESQL = pytest.param("postgresql", marks=[pytest.mark.servers, pytest.mark.soak])


@pytest.fixture(params=["sqlite", POSTGRESQL])
def house(request, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    if request.param == "postgresql":
        import psycopg  # noqa: PLC0415  where there is a server

        at = f"app@127.0.0.1:{request.getfixturevalue('server')}"
        name = f"shop_{secrets.token_hex(6)}"
        with psycopg.connect(f"postgresql://{at}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = f"postgresql+psycopg://{at}/{name}"
    monkeypatch.setenv("DATABASE_URL", url)
    return House(tmp_path, url)


OLD = {"db/1_orders.sql": f"-- releasegate: expand\n{CREATE}"}
NEW = {
    "db/2_note.sql": NOTE, "db/2_note.down.sql": "ALTER TABLE orders DROP COLUMN note",
    "db/3_total.sql": TOTAL, "db/3_total.down.sql": "ALTER TABLE orders DROP COLUMN total",
}  # fmt: skip


def test_scripts_take_back_what_the_release_added(house):
    house.released(OLD, NEW, SCRIPTS)
    result, told = house.roll_back(revert=True)
    assert told["migrations"] == (
        "done", "reverted 2 migrations (2 expand); the state was '1_orders 2_note 3_total', and is '1_orders'",
    )  # fmt: skip
    assert told["integrity"] == ("done", "1 integrity checks hold, and none of 2 rows in 1 tables is lost")
    assert (result.exit_code, house.ask("SELECT * FROM orders ORDER BY id")) == (0, [(1, "tea", 3), (2, "cup", 8)])


@pytest.mark.soak
def test_a_way_down_that_loses_rows_is_red(house):
    house.released(OLD, {**NEW, "db/3_total.down.sql": "DELETE FROM orders WHERE id = 2"}, SCRIPTS)
    result, told = house.roll_back(revert=True)
    assert (result.exit_code, result.headline) == (1, "traffic is back; data integrity failed")
    assert told["integrity"][1] == f"the data is not what it was: {sys.executable}: orders: 2 rows before, 1 now"


@pytest.mark.soak
def test_a_way_down_that_changes_a_value_is_red_by_its_checksum(house):
    house.released(OLD, {**NEW, "db/3_total.down.sql": "UPDATE orders SET price = 0"}, SCRIPTS)
    result, told = house.roll_back(revert=True)
    assert result.exit_code == 1
    assert "orders: 2 rows as before, but checksum " in told["integrity"][1]


@pytest.mark.soak
def test_scripts_that_stop_half_way_are_not_run_again(house):
    house.released(OLD, {**NEW, "db/2_note.down.sql": "ALTER TABLE orders DROP COLUMN nowhere"}, SCRIPTS)
    for begin in ("half-way: ", "unknown: "):
        result, told = house.roll_back(revert=True)
        assert (result.exit_code, told["migrations"][0]) == (4, "failed")
        assert told["migrations"][1].startswith(begin)
        assert "'1_orders 2_note' now; look at the database" in told["migrations"][1]
    assert house.ask("SELECT id, note FROM orders ORDER BY id") == [(1, None), (2, None)]


@pytest.mark.soak
def test_a_tool_that_does_nothing_is_found_out(house):
    house.released(OLD, NEW, SCRIPTS, revert='["true"]')
    result, told = house.roll_back(revert=True)
    assert result.exit_code == 1
    assert told["migrations"][1].startswith(
        "true ended well and changed nothing: the state is '1_orders 2_note 3_total', as before;"
    )


@pytest.mark.soak
def test_alembic_takes_back_what_the_release_added(house):
    old = {"db/versions/1.py": alembic("1", ORDERS, "op.drop_table('orders')")}
    add, drop = "op.add_column('orders', sa.Column('{0}', sa.Text()))", "op.drop_column('orders', '{0}')"
    new = {
        f"db/versions/{number}.py": alembic(number, add.format(name), drop.format(name))
        for number, name in (("2", "note"), ("3", "total"))
    }
    house.released(old, new, ALEMBIC)
    result, told = house.roll_back()
    assert told["migrations"][1].startswith("left in place: 2 migrations (2 expand); issue ")
    assert house.ask("SELECT id, note, total FROM orders") == [(1, None, None), (2, None, None)]
    result, told = house.roll_back(revert=True)
    assert told["migrations"] == (
        "done", "reverted 2 migrations (2 expand); the state was '3 (head)', and is '1'",
    )  # fmt: skip
    assert (result.exit_code, house.ask("SELECT * FROM orders ORDER BY id")) == (0, [(1, "tea", 3), (2, "cup", 8)])


@pytest.mark.soak
def test_alembic_does_not_cross_a_contract_without_a_snapshot(house):
    old = {"db/versions/1.py": alembic("1", ORDERS, "op.drop_table('orders')")}
    up, down = "op.drop_column('orders', 'price')", "op.add_column('orders', sa.Column('price', sa.Integer()))"
    house.released(old, {"db/versions/2.py": alembic("2", up, down)}, ALEMBIC, python="'true'")
    result, told = house.roll_back(revert=True)
    assert (result.exit_code, house.ask("SELECT * FROM orders ORDER BY id")) == (1, [(1, "tea"), (2, "cup")])
    line = 9
    assert told["migrations"][1].startswith(
        "not reverted: a contract takes a copy of the data to come back from: --snapshot ID, for db/versions/2.py "
        f"(declared expand, but line {line}: drops the column orders.price) (issue "
    )
    result, told = house.roll_back(revert=True, snapshot="snap-0417")
    assert told["migrations"] == (
        "done", "reverted 1 migration (1 contract), snapshot snap-0417; the state was '2 (head)', and is '1'",
    )  # fmt: skip
    assert house.ask("SELECT * FROM orders ORDER BY id") == [(1, "tea", None), (2, "cup", None)]


@pytest.mark.parametrize("house", [POSTGRESQL], indirect=True)
def test_alembic_that_fails_in_a_transaction_may_be_run_again(house):
    old = {"db/versions/1.py": alembic("1", ORDERS, "op.drop_table('orders')")}
    new = {
        "db/versions/2.py": alembic("2", "op.execute('CREATE TABLE a (b int)')", "op.drop_table('nowhere')"),
        "db/versions/3.py": alembic("3", "op.execute('CREATE TABLE c (d int)')", "op.drop_table('c')"),
    }
    house.released(old, new, ALEMBIC)
    result, told = house.roll_back(revert=True)
    assert (result.exit_code, told["migrations"][1].startswith(f"{sys.executable} exited 1: ")) == (4, True)
    house.write("db/versions/2.py", alembic("2", "pass", "op.drop_table('a')"))
    assert house.roll_back(revert=True)[1]["migrations"][1].endswith("the state was '3 (head)', and is '1'")
