"""A change of a text to the byte, in every way in which a value or a mapping can be written."""

from decimal import Decimal

import pytest

from releasegate.errors import UnsafeEditError
from releasegate.flags.document import unified_diff
from releasegate.flags.json_tree import parse_json
from releasegate.flags.splice import Change, Writer, apply, as_read, changed, same
from releasegate.flags.yaml_tree import parse_yaml


def edited(text, *changes, path="f.yaml"):
    """The text after changes, each a way of steps with dots and a value."""
    tree = parse_json(text, path) if path.endswith("json") else parse_yaml(text, path)
    ways = [tuple(int(step) if step.isdecimal() else step for step in way.split(".")) for way, _ in changes]
    return apply(tree, [Change(way, value) for way, (_, value) in zip(ways, changes, strict=True)], path=path)


@pytest.mark.parametrize(
    ("before", "way", "value", "after"),
    [
        # A scalar keeps its style: capitals, quotes, and none where none are needed.
        ("a: true # x\n", "a", False, "a: false # x\n"),
        ("a: True\n", "a", False, "a: False\n"),
        ("a: TRUE\n", "a", False, "a: FALSE\n"),
        ("a: FALSE\n", "a", True, "a: TRUE\n"),
        ("a: 'x'\n", "a", "it's", "a: 'it''s'\n"),
        ('a: "x"\n', "a", "it's", 'a: "it\'s"\n'),
        ("a: x\n", "a", "y.z-1", "a: y.z-1\n"),
        ("a: x\n", "a", "y z", 'a: "y z"\n'),
        ("a: x\n", "a", "on", 'a: "on"\n'),  # a boolean to YAML 1.1, which `x` is not
        ("a: off\n", "a", "on", "a: on\n"),  # as `off` is
        ("a: off\n", "a", "x", 'a: "x"\n'),
        ("a: 1\n", "a", "x", 'a: "x"\n'),
        ("a: 'x'\n", "a", 5, "a: 5\n"),
        ("a: x\n", "a", True, "a: true\n"),
        ("a: 1\n", "a", None, "a: null\n"),
        ("a: 1\n", "a", "ü\n", 'a: "ü\\n"\n'),
        ("a: 1\n", "a", Decimal("12.50"), "a: 12.5\n"),
        ("a: 1\n", "a", Decimal("1E+2"), "a: 100\n"),
        ("a: 1\n", "a", Decimal("0.0000001"), "a: 0.0000001\n"),
        ("a : 1\n", "a", 2, "a : 2\n"),
        ("a: [1, 2]\n", "a.1", 3, "a: [1, 3]\n"),
        ("a:\n- 1\n- 2 # two\n", "a.1", 3, "a:\n- 1\n- 3 # two\n"),
        ("a:\n- - x\n- - y # why\n", "a.0", ["x", 1], 'a:\n- ["x", 1]\n- - y # why\n'),
        ("a:\n-\n  - x\n- 1\n", "a.0", ["x", 1], 'a:\n-\n  ["x", 1]\n- 1\n'),
        # What is not there at all.
        ("a:\nb: 1\n", "a", 2, "a: 2\nb: 1\n"),
        ("a:   # why\nb: 1\n", "a", 2, "a: 2   # why\nb: 1\n"),
        ("{a: , b: 1}\n", "a", 2, "{a:  2, b: 1}\n"),
        # A flow collection becomes a value, and so does a block of lines, with the comment behind its colon kept.
        ("a: {b: 1, c: [2]} # x\n", "a", {"d": [True, "on", "x y"]}, 'a: {d: [true, "on", "x y"]} # x\n'),
        ("a:\n  b: 1\n  c:\n    - 2 # gone\nd: 3\n", "a", {}, "a: {}\nd: 3\n"),
        ("a:   # why\n  # gone\n  b: 1\n  # stays\nd: 3\n", "a", 5, "a: 5   # why\n  # gone\n  # stays\nd: 3\n"),
        ("a:\n- 1\n- 2\n", "a", [], "a: []\n"),
        ("a:\n  b: 1", "a", [], "a: []"),
        ("a:\n\n  b: 1", "a", [], "a: []"),
        ("a:\r\n  b: 1\r\nd: 3\r\n", "a", [], "a: []\r\nd: 3\r\n"),
        ("a:\r\n  b: 1", "a", [], "a: []"),
        ("x:\n  'a' \t:\n    b: 1\n", "x.a", {}, "x:\n  'a' \t: {}\n"),
        ("x:\n    a: |\n     t\n    b:\n     - 1\n", "x.b", 0, "x:\n    a: |\n     t\n    b: 0\n"),
    ],
)
def test_a_value_is_replaced(before, way, value, after):
    assert edited(before, (way, value)) == after


@pytest.mark.parametrize(
    ("before", "way", "after"),
    [
        ("a: {}\n", "a.k", "a: {k: 1}\n"),
        ("a: { }  # x\n", "a.k", "a: {k: 1}  # x\n"),
        ("a: {b: 2}\n", "a.k", "a: {b: 2, k: 1}\n"),
        ("a: { b: 2 }\n", "a.k", "a: { b: 2, k: 1 }\n"),
        ("a: {b: [2]}\n", "a.a b", 'a: {b: [2], "a b": 1}\n'),
        ("a: {\n    b: 2,\n    c: 3\n  }\n", "a.k", "a: {\n    b: 2,\n    c: 3,\n    k: 1\n  }\n"),
        ("a: {\r\n\tb: 2\r\n  }\r\n", "a.k", "a: {\r\n\tb: 2,\r\n\tk: 1\r\n  }\r\n"),
        ("a:\n  b: 2\n", "a.k", "a:\n  b: 2\n  k: 1\n"),
        ("a:\n  b: 2", "a.k", "a:\n  b: 2\n  k: 1"),
        ("a:\n    b: 2 # why\nc: 3\n", "a.k", "a:\n    b: 2 # why\n    k: 1\nc: 3\n"),
        ("a:\r\n  b: 2 # why\r\nc: 3\r\n", "a.k", "a:\r\n  b: 2 # why\r\n  k: 1\r\nc: 3\r\n"),
        ("a:\n  b:\nc: 3\n", "a.k", "a:\n  b:\n  k: 1\nc: 3\n"),
        ("a:\n  b:\n    - 2\nc: 3\n", "a.k", "a:\n  b:\n    - 2\n  k: 1\nc: 3\n"),
        ("- b: 2\n- 3\n", "0.k", "- b: 2\n  k: 1\n- 3\n"),
        ("b: 2\n", "k", "b: 2\nk: 1\n"),
        # A text of several lines ends where its lines do, not at a comment or a line end behind it.
        ("a:\n  b: |\n    t\nc: 3\n", "a.k", "a:\n  b: |\n    t\n  k: 1\nc: 3\n"),
        ("a:\n  b: >\n    t\nc: 3\n", "a.k", "a:\n  b: >\n    t\n  k: 1\nc: 3\n"),
        ("a:\r\n  b: |\r\n    t\r\nc: 3\r\n", "a.k", "a:\r\n  b: |\r\n    t\r\n  k: 1\r\nc: 3\r\n"),
        ("a:\n  b: |\n    t", "a.k", "a:\n  b: |\n    t\n  k: 1"),
        ("a:\n  b: |+\n    t\n\n", "a.k", "a:\n  b: |+\n    t\n\n  k: 1\n"),
    ],
)
def test_a_key_is_added_as_the_last_in_the_way_of_its_mapping(before, way, after):
    assert edited(before, (way, 1)) == after


@pytest.mark.parametrize(
    ("before", "way", "value", "after"),
    [
        ('{"a": {"b": 1}}', "a.k", {"x": "on"}, '{"a": {"b": 1, "k": {"x": "on"}}}'),
        ('{"a":{\n  "b":1}}', "a.ü", 1, '{"a":{\n  "b":1,\n  "ü": 1}}'),
        ('{"a": {}}', "a.k", "ü", '{"a": {"k": "ü"}}'),
        ('{"a": "x"}', "a", "y", '{"a": "y"}'),
        ('{"a": true}', "a", False, '{"a": false}'),
        ('{"a": [1]}', "a", Decimal("0.50"), '{"a": 0.5}'),
        ('{"a": [[1]]}', "a.0", [1, 2], '{"a": [[1, 2]]}'),
    ],
)
def test_json_likewise(before, way, value, after):
    assert edited(before, (way, value), path="f.json") == after
    assert Writer(parse_json(before, ""), "F.JSON").json


def test_several_changes_are_made_from_the_front_to_the_back():
    text = "a: 1\nb: {c: 2}\nd:\n  - 3\n"
    assert edited(text, ("d", 0), ("b.k", 1), ("a", 9), ("b.c", 5)) == "a: 9\nb: {c: 5, k: 1}\nd: 0\n"
    assert edited(text) == text


USUAL = "the key is not followed by its value in the usual way"


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("b: 1\na: |\n  t\n", [("a", 1)], "f.yaml:2:4: no safe edit: the value is a text of several lines"),
        ("b: 1\na: >-\n  t\n", [("a", 1)], "f.yaml:2:4: no safe edit: the value is a text of several lines"),
        ("a: {b}\n", [("a.b", 1)], "f.yaml:1:6: no safe edit: the value is missing here"),
        ("? a\n", [("a", 1)], "f.yaml:2:1: no safe edit: the value is missing here"),
        ("x:\n  ? a\n  : b: 1\n", [("x.a", 1)], f"f.yaml:2:5: no safe edit: {USUAL}"),
        ("a: &x\n  b: 1\n", [("a", 1)], f"f.yaml:1:1: no safe edit: {USUAL}"),
        ("a: {b: 1}\n", [("a.b", 2), ("a", 3)], "f.yaml:1:8: no safe edit: two changes meet here"),
        ("a: 1\n", [("a", 2), ("a", 3)], "f.yaml:1:4: no safe edit: two changes meet here"),
    ],
)
def test_what_has_no_safe_spelling(text, changes, message):
    with pytest.raises(UnsafeEditError) as error:
        edited(text, *changes)
    assert str(error.value) == message + "; edit by hand"


@pytest.mark.parametrize(
    ("key", "spelled"),
    [("a", "a"), ("_a.b-c", "_a.b-c"), ("on", '"on"'), ("true", '"true"'), ("7", '"7"'), ("", '""'), ("ü", '"ü"'),
     ("a b", '"a b"')],
)  # fmt: skip
def test_a_key_is_bare_only_where_every_yaml_reads_the_same(key, spelled):
    assert Writer(parse_yaml("a: 1\n", ""), "f.yaml").spell({key: 1}) == f"{{{spelled}: 1}}"


def test_what_the_data_are_after_a_change():
    data = {"a": {"b": [1, 2]}, "c": 3}
    after = changed(data, [Change(("a", "b", 1), Decimal("5.0")), Change(("d",), {"x": [Decimal("0.5"), "y"]})])
    assert same(after, {"a": {"b": [1, 5]}, "c": 3, "d": {"x": [0.5, "y"]}})
    assert data == {"a": {"b": [1, 2]}, "c": 3}, "a copy"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (1, True, False),
        (1, 1.0, False),
        ("1", 1, False),
        (float("nan"), float("nan"), True),
    ],
)
def test_two_readings_are_the_same_in_values_types_and_order(one, other, alike):
    assert same(one, other) is alike


@pytest.mark.parametrize(
    ("value", "read"),
    [(Decimal("5.00"), 5), (Decimal("12.50"), 12.5), ([Decimal(1)], [1]), ({"a": Decimal(2)}, {"a": 2}), ("x", "x"),
     (True, True)],
)  # fmt: skip
def test_a_decimal_is_read_as_a_whole_number_where_it_is_one(value, read):
    assert same(as_read(value), read)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\nb\n", "a\nc\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        ("a", "b\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"),
        ("a\rb\x0c\n", "a\rc\x0c\n", "@@ -1 +1 @@\n-a\rb\x0c\n+a\rc\x0c\n"),  # only a line feed ends a line
    ],
)
def test_a_diff(before, after, lines):
    assert unified_diff(before.encode(), after.encode(), "x/f") == "--- a/x/f\n+++ b/x/f\n" + lines
    assert unified_diff(before.encode(), before.encode(), "x/f") == ""
