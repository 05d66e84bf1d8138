"""What an Alembic migration drops or narrows, told from its text alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.migrations.script import read

HEAD = "from alembic import op\nimport sqlalchemy as sa\nrevision = '2'\ndown_revision = '1'\n"
BACK = "\ndef downgrade():\n    op.drop_table('made')\n"


def script(up, down=BACK):
    body = "\n".join(f"    {line}" for line in up.splitlines())
    return read(f"{HEAD}def upgrade():\n{body}\n{down}", "postgres")


@pytest.mark.parametrize(
    ("up", "what"),
    [
        ("op.drop_table('orders')", "drops the table orders"),
        ("op.drop_column('orders', 'note')", "drops the column orders.note"),
        ("with op.batch_alter_table('orders') as batch:\n    batch.drop_column('note')", "drops the column note"),
        ("op.rename_table('a', 'b')", "renames a"),
        ("op.alter_column('t', 'a', nullable=False)", "t.a must be filled from now on"),
        ("op.alter_column('t', 'a', type_=sa.BigInteger())", "changes the type of t.a"),
        ("op.alter_column('t', 'a', new_column_name='b')", "renames t.a"),
        ("op.alter_column('t', 'a', server_default=None)", "t.a has no default any more"),
        ("op.create_unique_constraint('c', 't', ['a'])", "adds a constraint (c), which the release before may break"),
        ("op.create_index('i', 't', ['a'], unique=True)", "makes rows unique, which the release before may break"),
        (
            "op.add_column('t', sa.Column('a', sa.Integer(), nullable=False))",
            "adds the column a, which must be filled and has no default in the database",
        ),
        ("op.execute('DROP TABLE orders')", "drops the table orders"),
        ("op.get_bind().execute(sa.text('TRUNCATE orders'))", "empties orders"),
        ("op.get_bind().exec_driver_sql('DROP TABLE orders')", "drops the table orders"),
        ("connection.exec_driver_sql('DROP TABLE orders')", "drops the table orders"),
        ("op.drop_table('made'); op.create_table('made')", "drops the table made"),
        ("op.create_table('made', if_not_exists=True)\nop.drop_table('made')", "drops the table made"),
        ("if new:\n    op.create_table('made')\nop.drop_table('made')", "drops the table made"),
        ("op.create_table('made', schema='a')\nop.drop_table('made', schema='b')", "drops the table made"),
        ("made = 'orders'\nop.create_table(made)\nop.drop_table('made')", "drops the table made"),
        ("op.create_table('made')\nop.rename_table('made', 'b')", "renames made"),
        (
            "op.create_table('note')\nwith op.batch_alter_table('t') as batch:\n    batch.drop_column('note')",
            "drops the column note",
        ),
    ],
)
def test_what_drops_or_narrows_is_told(up, what):
    found = script(up)
    assert [(one.what, one.read) for one in found.statements] == [(what, True)]
    assert found.statements[0].line == 6 + up.count("\n")


@pytest.mark.parametrize(
    "up",
    [
        "op.create_table('made', sa.Column('a', sa.Integer(), nullable=False))\nop.create_index('i', 'made', ['a'])",
        "op.add_column('t', sa.Column('a', sa.Integer(), nullable=False, server_default='1'))",
        "op.add_column('t', sa.Column('a', sa.Integer(), sa.Identity(), nullable=False))",
        "op.alter_column('t', 'a', nullable=True)\nop.drop_index('i')\nop.drop_constraint('c', 't')",
        "op.create_table('made')\nop.add_column('made', sa.Column('a', sa.Integer(), nullable=False))",
        "op.create_table('made', schema='a')\nop.create_index('i', 'made', ['a'], unique=True, schema='a')",
        "op.bulk_insert(table, [])\nop.execute('UPDATE t SET a = 1')",
    ],
)
def test_what_only_adds_is_not(up):
    assert script(up).statements == []


def test_what_only_a_run_knows_is_told_as_unread():
    [found] = script("for name in names:\n    op.execute(f'DROP TABLE {name}')").statements
    assert (found.line, found.what, found.read) == (7, "executes what only its own run knows", False)


def test_a_line_inside_a_longer_text_is_named():
    [found] = script("op.execute('''\n  SELECT 1;\n  DROP TABLE t;\n''')").statements
    assert (found.line, found.what) == (8, "drops the table t")


def test_helpers_of_the_way_up_count_and_those_of_the_way_down_do_not():
    text = """
def upgrade_one():
    tidy()

def upgrade():
    upgrade_one()

def tidy():
    op.drop_table('one')

def undo():
    op.drop_table('two')

def downgrade():
    undo()
"""
    assert [one.what for one in read(HEAD + text, "postgres").statements] == ["drops the table one"]


def test_what_a_helper_drops_before_the_table_is_made_again_counts():
    text = """
def upgrade():
    tidy()
    op.create_table('made')
    tidied()

def tidied():
    op.drop_column('made', 'a')

def tidy():
    op.drop_table('made')

def downgrade():
    op.drop_table('made')
"""
    assert [one.what for one in read(HEAD + text, "postgres").statements] == ["drops the table made"]


@given(st.lists(st.tuples(st.sampled_from(["create", "drop"]), st.sampled_from("ab")), max_size=8))
def test_a_table_may_be_dropped_only_after_it_was_made(steps):
    up = "\n".join(f"op.{what}_table('{name}')" for what, name in steps) or "pass"
    wanted = [
        (6 + place, f"drops the table {name}")
        for place, (what, name) in enumerate(steps)
        if what == "drop" and ("create", name) not in steps[:place]
    ]
    assert [(one.line, one.what) for one in script(up).statements] == wanted


@pytest.mark.parametrize(
    ("down", "why"),
    [
        ("", "it has no downgrade"),
        ("def downgrade():\n    '''Nothing.'''\n    pass\n", "its downgrade does nothing"),
        ("def downgrade():\n    raise NotImplementedError\n", "its downgrade raises on line 8"),
        (BACK, None),
    ],
)
def test_a_way_down_that_cannot_work_is_seen(down, why):
    assert script("op.create_table('made')", down).no_way_back == why


def test_a_merge_does_nothing_and_another_script_is_unread():
    merge = script("pass", "def downgrade():\n    pass\n")
    assert (merge.empty, merge.no_way_back, merge.statements) == (True, None, [])
    other = read("def run_migrations_online():\n    pass\n", "postgres")
    assert [(one.what, one.read) for one in other.statements] == [("this is neither Alembic's nor Django's", False)]


def test_nothing_is_executed():
    assert script("open('/nonexistent/and/never/made', 'w')\nraise SystemExit").statements == []
