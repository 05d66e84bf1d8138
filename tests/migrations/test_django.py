"""What a Django migration drops or narrows, told from its text alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.migrations.script import read

HEAD = "from django.db import migrations, models\n\nclass Migration(migrations.Migration):\n    operations = [\n"
BACK = "migrations.RunPython(forward, backward)"


def script(*operations):
    return read(HEAD + "".join(f"        {one},\n" for one in operations) + "    ]\n", "postgres")


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("migrations.DeleteModel(name='Order')", "drops the table of Order"),
        ("migrations.RemoveField(model_name='order', name='note')", "drops the column order.note"),
        ("migrations.RenameField('order', 'note', 'remark')", "renames order.note"),
        ("migrations.RenameField(model_name='order', old_name='note', new_name='remark')", "renames order.note"),
        ("migrations.RenameModel('Order', 'Purchase')", "renames Order"),
        ("migrations.AlterField('order', 'note', models.TextField())", "changes order.note"),
        (
            "migrations.AddField('order', 'total', models.IntegerField(default=0))",
            "adds the column order.total, which must be filled and has no default in the database",
        ),
        ("migrations.RunSQL('DROP TABLE orders', migrations.RunSQL.noop)", "drops the table orders"),
        (
            "migrations.AddConstraint(model_name='order', constraint=c)",
            "adds a constraint to order, which the release before may break",
        ),
    ],
)
def test_what_drops_or_narrows_is_told(operation, what):
    found = script(operation)
    assert [(one.line, one.what, one.read) for one in found.statements] == [(5, what, True)]
    assert found.no_way_back is None


@pytest.mark.parametrize(
    "operation",
    [
        "migrations.CreateModel(name='Order', fields=[('id', models.AutoField(primary_key=True))])",
        "migrations.AddField('order', 'total', models.IntegerField(null=True))",
        "migrations.AddField('order', 'total', models.IntegerField(db_default=0))",
        "migrations.AddField('order', 'tags', models.ManyToManyField('Tag'))",
        "migrations.AddIndex('order', models.Index(fields=['a'], name='i'))",
    ],
)
def test_what_only_adds_is_not(operation):
    assert script(operation).statements == []


def test_a_model_of_the_same_file_does_not_count():
    found = script(
        "migrations.CreateModel(name='Order', fields=[])",
        "migrations.AddField('order', 'total', models.IntegerField())",
        "migrations.RemoveField(model_name='other', name='a')",
    )
    assert [one.what for one in found.statements] == ["drops the column other.a"]


@given(st.lists(st.tuples(st.sampled_from(["Create", "Delete"]), st.sampled_from("ab")), max_size=8))
def test_a_model_may_be_deleted_only_after_it_was_made(steps):
    wanted = [
        (5 + place, f"drops the table of {name}")
        for place, (what, name) in enumerate(steps)
        if what == "Delete" and ("Create", name) not in steps[:place]
    ]
    found = script(*(f"migrations.{what}Model('{name}')" for what, name in steps))
    assert [(one.line, one.what) for one in found.statements] == wanted


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("migrations.RunPython(forward)", "its RunPython on line 5 has no reverse_code"),
        ("migrations.RunSQL('SELECT 1')", "its RunSQL on line 5 has no reverse_sql"),
        (BACK, None),
        ("migrations.RunSQL('SELECT 1', reverse_sql='SELECT 2')", None),
    ],
)
def test_a_way_back_that_is_missing_is_seen(operation, why):
    assert script(operation).no_way_back == why


@pytest.mark.parametrize("operation", [BACK, "TrigramExtension()", "*more", "operations_of('order')"])
def test_what_only_a_run_knows_is_unread(operation):
    told = [(one.line, one.what, one.read) for one in script(operation).statements]
    assert told == [(5, "executes what only its own run knows", False)]


def test_of_what_is_kept_apart_only_the_database_counts_and_a_merge_does_nothing():
    drop, add = "migrations.RemoveField('order', '{}')", "migrations.AddIndex('order', i)"
    found = script(f"migrations.SeparateDatabaseAndState([{drop.format('a')}], state_operations=[{drop.format('b')}])")
    assert [one.what for one in found.statements] == ["drops the column order.a"]
    assert script(f"migrations.SeparateDatabaseAndState(state_operations=[{drop.format('b')}])", add).statements == []
    assert (script().empty, script(add).empty) == (True, False)


@pytest.mark.parametrize(
    "how", ["operations: list = [{}]", "operations = []\n    operations += [{}]", "operations = of({})"]
)
def test_operations_are_found_however_they_are_given(how):
    text = f"class Migration(Base):\n    {how.format(chr(10) + '        migrations.DeleteModel(name=1)')}\n"
    found = read(text, "postgres")
    assert (len(found.statements), found.empty) == (1, False)
