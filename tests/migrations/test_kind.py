"""The kind of a migration: what its author says, checked against what it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.migrations.kind import CARE, Kind, read

ADDS, DROPS = "ALTER TABLE t ADD COLUMN a int;\n", "ALTER TABLE t DROP COLUMN a;\n"


def judged(text, path="migrations/2.sql"):
    return read(path, text.encode(), "migrations", "postgres")


def remarks(migration):
    return [(one.check, one.level.value, one.title, one.where) for one in migration.findings()]


@pytest.mark.parametrize(
    ("text", "path", "kind", "why"),
    [
        (f"-- releasegate: expand\n{ADDS}", "migrations/2.sql", "expand", "declared"),
        (ADDS, "migrations/expand/2.sql", "expand", "declared"),
        (f"-- releasegate: contract\n{ADDS}", "migrations/2.sql", "contract", "declared"),
        (ADDS, "migrations/contract/2.sql", "contract", "declared"),
        (ADDS, "migrations/2.sql", "contract", "not declared"),
        (DROPS, "migrations/2.sql", "contract", "not declared"),
        (f"--releasegate:irreversible: cards are hashed\n{ADDS}", "migrations/2.sql", "irreversible",
         "declared: cards are hashed"),
        (f"-- releasegate: expand\n{DROPS}", "migrations/2.sql", "contract",
         "declared expand, but line 2: drops the column t.a"),
        (f"-- releasegate: contract\n{ADDS}", "migrations/expand/2.sql", "contract", "declared"),
        ("# releasegate: expand\noperations: []\n", "migrations/2.yaml", "expand", "declared"),
        ('"""Add it."""\n# releasegate: expand\ndef upgrade():\n    op.x()\n', "migrations/2.py", "irreversible",
         "it has no downgrade"),
        ("def upgrade():\n    pass\n", "migrations/2.py", "expand", "it changes nothing"),
        ("def upgrade(:\n", "migrations/2.py", "contract", "not declared"),
    ],
)  # fmt: skip
def test_the_more_careful_word_holds(text, path, kind, why):
    found = judged(text, path)
    assert (found.kind, found.why, found.told) == (kind, why, f"{path}: {kind} ({why})")


def test_a_drop_that_is_declared_expand_is_a_finding():
    found = judged(f"-- releasegate: expand\n{ADDS}{DROPS}DO $$ BEGIN END $$;\n")
    assert remarks(found) == [
        ("expand", "error", "declared expand, but: drops the column t.a", "migrations/2.sql:3"),
        ("unread", "warn", "declared expand, but: cannot be read: DO $$ BEGIN END $$", "migrations/2.sql:4"),
    ]


def test_what_nobody_declared_and_what_is_misspelled_is_told():
    assert remarks(judged(ADDS)) == [
        ("undeclared", "warn", "nobody declared this migration, so that it is treated as a contract",
         "migrations/2.sql"),
    ]  # fmt: skip
    assert remarks(judged(f"-- releasegate: expnad\n{ADDS}")) == [
        ("declaration", "error", "`expnad` is no kind of migration; did you mean `expand`?",
         "migrations/2.sql"),
    ]  # fmt: skip
    assert remarks(judged(f"-- releasegate: contract\n{DROPS}")) == []


@pytest.mark.parametrize(
    "path",
    [
        "migrations/README.md", "migrations/2.down.sql", "migrations/2_x.undo.sql", "migrations/U2__x.sql",
        "migrations/down/2.sql", "migrations/revert/2.sql", "migrations/.hidden.sql", "migrations/__init__.py",
        "migrations/env.py", "migrations/script.py.mako", "migrations/__pycache__/2.py",
    ],
)  # fmt: skip
def test_what_is_no_migration_is_left_out(path):
    assert judged("def upgrade(): pass", path) is None


@pytest.mark.parametrize(
    "text", ["x = " + "-" * 100_000 + "1", "\0", "def upgrade(:", "x = '\\d'\ndef upgrade():\n    f()\n"]
)
def test_any_python_is_judged(text):
    assert judged(text, "migrations/2.py").kind in ("contract", "irreversible")


@given(st.lists(st.sampled_from(CARE), max_size=3), st.sampled_from(["", *CARE]), st.booleans())
def test_no_declaration_makes_a_drop_or_another_declaration_less_careful(header, folder, drops):
    text = "".join(f"-- releasegate: {kind}\n" for kind in header) + (DROPS if drops else ADDS)
    found = judged(text, f"migrations/{folder}/2.sql" if folder else "migrations/2.sql")
    said = [CARE.index(Kind(kind)) for kind in (*header, folder) if kind]
    care = CARE.index(found.kind)
    assert care >= max(said, default=CARE.index(Kind.CONTRACT))
    assert care >= CARE.index(Kind.CONTRACT) or not drops
