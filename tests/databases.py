"""A service whose releases bring migrations to a real database: with Alembic, or with scripts of plain SQL."""

import sys

ENGINES = ("sqlite", "postgresql")
CONNECT = """
import os
url = os.environ["DATABASE_URL"]
if url.startswith("sqlite:///"):
    import sqlite3
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
else:
    import psycopg
    connection = psycopg.connect(url.replace("+psycopg", ""))
"""
# What a team writes that keeps one file for the way up and one for the way down.
MIGRATE = f"""
import sys
from pathlib import Path
{CONNECT}
connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version text PRIMARY KEY)")
connection.commit()
versions = [row[0] for row in connection.execute("SELECT version FROM schema_migrations ORDER BY version")]
if sys.argv[1] == "status":
    print(*versions or ["none"])
elif sys.argv[1] == "up":
    for path in sorted(Path("db").rglob("*.sql")):
        if path.stem not in versions and not path.name.endswith(".down.sql"):
            for statement in path.read_text().split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"INSERT INTO schema_migrations VALUES ('{{path.stem}}')")
            connection.commit()
else:
    for version in versions[::-1][:int(sys.argv[2])]:
        for statement in next(Path("db").rglob(f"{{version}}.down.sql")).read_text().split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"DELETE FROM schema_migrations WHERE version = '{{version}}'")
        connection.commit()
"""
COUNT = f"""
import hashlib
{CONNECT}
rows = connection.execute("SELECT id, item, price FROM orders ORDER BY id").fetchall()
print("orders", len(rows), hashlib.sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()[:12])
"""
ENV = """
import os
from alembic import context
from sqlalchemy import create_engine
with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""
SCRIPT = """{declared}
from alembic import op
import sqlalchemy as sa
revision = {revision!r}
down_revision = {before!r}


def upgrade():
    {up}


def downgrade():
    {down}
"""
POLICY = """\
version: 1
service: shop
environment: test
deploy: {{production: {{command: ["true"], repeat: true}}}}
traffic: {{flag: {{name: checkout-v2}}}}
canary:
  weight: 5%
  window: 60s
  interval: 10s
  metrics: {{prometheus: {{url: "http://127.0.0.1:1"}}}}
  tracks: {{baseline: '{{track="stable"}}', canary: '{{track="canary"}}'}}
  slis: {{errors: {{ratio: {{bad: errors_total, total: requests_total}}}}}}
rollback:
  migrations: {{directory: {directory}, status: {status}, revert: {revert}, dialect: {dialect}}}
  integrity: [[{python}, count.py]]
"""
PYTHON = f'"{sys.executable}"'
ALEMBIC = f"[{PYTHON}, -m, alembic, %s]"
SCRIPTS = f"[{PYTHON}, migrate.py, %s]"


def alembic(revision, up, down, declared="# releasegate: expand"):
    """One Alembic migration, after the one before it."""
    before = str(int(revision) - 1) if revision != "1" else None
    return SCRIPT.format(declared=declared, revision=revision, before=before, up=up, down=down)


ORDERS = (
    "op.create_table('orders', sa.Column('id', sa.Integer(), primary_key=True),"
    " sa.Column('item', sa.String(20)), sa.Column('price', sa.Integer()))"
)
FILES = {"count.py": COUNT, "migrate.py": MIGRATE, "db/env.py": ENV, "alembic.ini": "[alembic]\nscript_location = db\n"}
