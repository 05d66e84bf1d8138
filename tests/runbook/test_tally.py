"""What was lost between two runs of an integrity check."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.runbook.tally import Table, losses, read


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("orders 120 9a3f\nusers 7\n", {"orders": Table(120, "9a3f"), "users": Table(7)}),
        ('{"orders": {"rows": 120, "checksum": "9a3f"}, "users": {"rows": 7}}',
         {"orders": Table(120, "9a3f"), "users": Table(7)}),
        ("42", None), ("", None), ("all is well", None), ("orders 120\nall is well", None), ("a 1\na 2", None),
        ('{"orders": 120}', None), ('{"orders": {"rows": -1}}', None), ('{"orders": {"rows": true}}', None),
        ("{", None), ("{}", None),
    ],
)  # fmt: skip
def test_both_forms_are_read_and_all_else_is_a_text(text, tables):
    assert read(text) == tables


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("orders 120 9a3f", "orders 120 9a3f", []),
        ("orders 120 9a3f", "orders 121 77aa", []),
        ("orders 120", "orders 120\nnew 3", []),
        ("empty 0 00\norders 1", "orders 1", []),
        ("orders 120 9a3f", "orders 119 9a3f", ["orders: 120 rows before, 119 now"]),
        ("orders 120 9a3f", "orders 120 77aa", ["orders: 120 rows as before, but checksum 9a3f before, 77aa now"]),
        ("orders 120 9a3f", "orders 120", ["orders: checksum 9a3f before, none now"]),
        ("orders 120\nusers 7", "users 6",
         ["orders: 120 rows before, nothing is told of it now", "users: 7 rows before, 6 now"]),
        ("orders 120", "no such table", ["counts before, 'no such table' now"]),
        ("fine", "fine", []),
        ("fine", "orders 120", ["'fine' before, 'orders 120' now"]),
        ("postgresql://ada:secret@db/shop\nfine", "x" * 301,
         [f"'postgresql://***@db/shop fine' before, '{'x' * 300}…' now"]),
    ],
)  # fmt: skip
def test_losses(before, after, lost):
    assert list(losses(before, after)) == lost


TABLES = st.dictionaries(st.text("abc", min_size=1), st.integers(0, 999), min_size=1)


@given(TABLES, TABLES)
def test_a_loss_is_told_exactly_where_rows_are_gone(before, after):
    lines, document = (
        "\n".join(f"{name} {rows}" for name, rows in before.items()),
        json.dumps({name: {"rows": rows} for name, rows in after.items()}),
    )
    told = [loss.partition(":")[0] for loss in losses(lines, document)]
    assert told == [name for name, rows in before.items() if after.get(name, 0) < rows]
