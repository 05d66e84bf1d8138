"""Both syntaxes as trees: every value with its place, its style and what it means to each of the two parsers."""

import math

import msgspec
import pytest

from releasegate.errors import FlagError
from releasegate.flags.json_tree import parse_json, reread_json
from releasegate.flags.splice import same
from releasegate.flags.tree import DEEPEST, MOST_VALUES, place
from releasegate.flags.yaml_tree import parse_yaml, reread_yaml, scalar_of_1_1


def told(tree):
    """Every node as a line, from the root down: what spells it, its style, and its hazard."""
    lines = []

    def tell(node, depth):
        hazard = f" <{node.hazard}>" if node.hazard else ""
        lines.append(f"{'  ' * depth}{node.style} {tree.text[node.start : node.end]!r}{hazard}")
        for item in node.value.values() if node.is_mapping else node.value if node.is_sequence else ():
            if node.is_mapping:
                tell(item.key, depth + 1)
            tell(item.value if node.is_mapping else item, depth + 1)

    tell(tree.root, 0)
    return lines


JSON = ' {"a":\t[1 , -2.5e1,true],\r\n"\\u0062" : {}, "c": ""} \n'


def test_the_tree_of_json():
    tree = parse_json(JSON, "f.json")
    assert told(tree) == [
        f"flow {JSON.strip()!r}",
        '  " \'"a"\'',
        "  flow '[1 , -2.5e1,true]'",
        "    plain '1'",
        "    plain '-2.5e1'",
        "    plain 'true'",
        '  " \'"\\\\u0062"\'',
        "  flow '{}'",
        '  " \'"c"\'',
        '  " \'""\'',
    ]
    assert (tree.text, tree.data) == (JSON, {"a": [1, -25.0, True], "b": {}, "c": ""})


YAML = """\
# first
a: &x
  - 'one'   # why
  - "two"
'b': {c: !!str 1, <<: *x, d: [ ~ ]}
e: |
  text

f:
g: >-
  more
"""


def test_the_tree_of_yaml():
    assert told(parse_yaml(YAML, "f.yaml")) == [
        f"block {YAML[YAML.index('a:') :]!r}",
        "  plain 'a'",
        """  block '&x\\n  - \\'one\\'   # why\\n  - "two"' <an anchor (&x)>""",
        "    ' \"'one'\"",
        '    " \'"two"\'',
        "  ' \"'b'\"",
        "  flow '{c: !!str 1, <<: *x, d: [ ~ ]}'",
        "    plain 'c'",
        "    plain '!!str 1' <a tag (tag:yaml.org,2002:str)>",
        "    plain '<<'",
        "    block '*x' <an alias (*x)>",
        "      ' \"'one'\"",
        '      " \'"two"\'',
        "    plain 'd'",
        "    flow '[ ~ ]'",
        "      plain '~'",
        "  plain 'e'",
        "  | '|\\n  text\\n\\n'",
        "  plain 'f'",
        "  plain ''",
        "  plain 'g'",
        "  > '>-\\n  more\\n'",
    ]


# What an unquoted word is: to YAML 1.2, and to YAML 1.1 where that differs. Text is told by its quotes.
SAME = ["null", "~", "Null", "NULL", "", "true", "True", "TRUE", "false", "False", "FALSE", "0", "7", "-7", "+7", "1.5",
        "-1.5", "1.", ".5", ".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e", "0x1F", "tRUE", "nuLL", "text", "1.2.3",
        "0b", "_", "2026-01-31", "2026-01-31T10:00:00Z", "<", "="]  # fmt: skip
APART = {
    "on": ("on", True), "Off": ("Off", False), "yes": ("yes", True), "NO": ("NO", False), "y": ("y", "y"),
    "010": (10, 8), "0o17": (15, "0o17"), "0b11": ("0b11", 3), "1_000": ("1_000", 1000), "1:30": ("1:30", 90),
    "1e3": (1000.0, "1e3"), "1.5e3": (1500.0, "1.5e3"), "1.5e+3": (1500.0, 1500.0), "-1E-1": (-0.1, "-1E-1"),
    "0x": ("0x", "0x"), "0o8": ("0o8", "0o8"), "08": (8, "08"),
}  # fmt: skip
MEANT = {
    "null": None, "~": None, "Null": None, "NULL": None, "": None, "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False, "0": 0, "7": 7, "-7": -7, "+7": 7, "1.5": 1.5, "-1.5": -1.5,
    "1.": 1.0, ".5": 0.5, ".inf": math.inf, "-.INF": -math.inf, "+.Inf": math.inf, ".nan": math.nan, ".NaN": math.nan,
    "0x1F": 31,
}  # fmt: skip


@pytest.mark.parametrize("word", [*SAME, *APART])
def test_what_a_plain_word_means_to_each_yaml(word):
    to_1_2, to_1_1 = APART.get(word, (MEANT.get(word, word),) * 2)
    assert same(parse_yaml(f"a: {word}\n", "f.yaml").data, {"a": to_1_2})
    assert same(reread_yaml(f"a: {word}\n", "f.yaml"), {"a": to_1_1})
    assert same(scalar_of_1_1(word, plain=True), to_1_1)


@pytest.mark.parametrize("word", ["on", "true", "7", "~", "1.5", "null"])
def test_in_quotes_every_word_is_text(word):
    for quoted in (f"'{word}'", f'"{word}"'):
        assert parse_yaml(f"a: {quoted}\n", "f.yaml").data == {"a": word}
        assert reread_yaml(f"a: {quoted}\n", "f.yaml") == {"a": word}
    assert scalar_of_1_1(word, plain=False) == word


def test_keys_are_text_as_they_are_written():
    assert parse_yaml("on: 1\n7: 2\ntrue: 3\n'x': 4\n", "f").data == {"on": 1, "7": 2, "true": 3, "x": 4}
    assert reread_yaml("on: 1\n7: 2\n", "f") == {"on": 1, "7": 2}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n", {"a": {"b": 1, "c": 2}, "d": {"c": 3, "b": 1}}),  # its own beats
        ("a: &x {b: 1}\nd: {<<: [*x, {b: 2, c: 3}]}\n", {"a": {"b": 1}, "d": {"b": 1, "c": 3}}),  # the first beats
        ("a: {'<<': {b: 1}}\n", {"a": {"<<": {"b": 1}}}),  # in quotes it is a key like any other
        ("a: {<<: 5, b: 1}\n", {"a": {"b": 1}}),  # nothing to merge
        ("a: {<<: [5, {c: 2}], b: 1}\n", {"a": {"b": 1, "c": 2}}),
        ("- &x [1]\n- *x\n", [[1], [1]]),
    ],
)
def test_aliases_and_merge_keys_are_resolved(text, data):
    assert same(parse_yaml(text, "f.yaml").data, data)
    assert same(reread_yaml(text, "f.yaml"), data)


def test_a_way_through_a_tree():
    tree = parse_json('{"a": [{"b": 1}]}', "f.json")
    assert (tree.node(("a", 0, "b")).value, tree.node(()).start) == (1, 0)
    assert (tree.entry(("a", 0, "b")).key.start, tree.entry(("a",)).value.start) == (8, 6)
    ways = (("a",), ("z",), ("a", 0), ("a", 0, "b"), ("a", 0, "z"))
    assert [tree.has(way) for way in ways] == [True, False, True, True, False]
    with pytest.raises(KeyError):
        tree.node(("z",))
    with pytest.raises(IndexError):
        tree.node(("a", 1))


HAZARDS = """\
&r
<<: {z: 1}
a: &x
  &k b: {c: &y 1, d: !!int 2}
  <<: {e: 1}
  f: [*y, {<<: {g: 1}}]
h: 1
"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("h",), ["an anchor (&r) 1:1", "a merge key (<<) 2:1"]),
        (("a", "b", "c"), ["an anchor (&r) 1:1", "a merge key (<<) 2:1", "an anchor (&x) 3:4", "a merge key (<<) 5:3",
                           "an anchor (&k) 4:3", "an anchor (&y) 4:13"]),
        (("a", "f"), ["an anchor (&r) 1:1", "a merge key (<<) 2:1", "an anchor (&x) 3:4", "a merge key (<<) 5:3",
                      "an alias (*y) 6:7", "a merge key (<<) 6:12"]),
        (("a",), ["an anchor (&r) 1:1", "a merge key (<<) 2:1", "an anchor (&x) 3:4", "an anchor (&k) 4:3",
                  "an anchor (&y) 4:13", "a tag (tag:yaml.org,2002:int) 4:22", "a merge key (<<) 5:3",
                  "an alias (*y) 6:7", "a merge key (<<) 6:12"]),
    ],
)  # fmt: skip
def test_hazards_on_the_way_to_a_value_and_inside_it(path, found):
    tree = parse_yaml(HAZARDS, "f")
    places = [(what, place("", HAZARDS, node.start)[1:]) for node, what in tree.hazards(path)]
    assert [f"{what} {where}" for what, where in places] == found


def refused(parse, text):
    with pytest.raises(FlagError) as error:
        parse(text, "f")
    return str(error.value)


DEEP = f"nested deeper than {DEEPEST} levels"
BIG = f"more than {MOST_VALUES} values, with its aliases; is this the right file?"


def values(count):
    """A short text that stands for so many values: a list of 999 of them, 99 aliases of it, and what is left."""
    left = count - (1 + 999 + 1 + 99 * 999)
    return f"a: &a [{', '.join(['0'] * 998)}]\nb: [{', '.join(['*a'] * 99 + ['0'] * left)}]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n... x\n", "f:2:5: not YAML: did not find expected <document start>"),
        ("a: \x01\n", "f:1:4: not YAML: control characters are not allowed"),
        ("a: 'x\n", "f:2:1: not YAML: found unexpected end of stream"),
        ("a: @x\n", "f:1:4: not YAML: found character that cannot start any token"),
        ("? [a]\n: b\n", "f:1:3: a key that is not a plain name"),
        ("&x a: 1\n*x : 2\n", "f:2:1: a key that is not a plain name"),
        ("b: 1\na: 1\n'a': 2\n", "f:3:1: the key `a` stands twice in one mapping; keep one of the two"),
        ("a: 1\n--- # next\n", "f:2:1: a second YAML document starts here; keep one document in the file"),
        ("# nothing\n", "f: the file is empty; is this the right file?"),
        ("a: *b\n", "f:1:4: nothing before is anchored as &b"),
        ("a: 0x" + "1" * 5000 + "\n", None),  # as many digits as you like to the base 16
        ("a: " + "1" * 5000 + "\n", "f:1:4: a number with too many digits"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), None),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), f"f:1:{DEEPEST + 2}: {DEEP}"),
        ("{a: " * DEEPEST + "}" * DEEPEST, None),
        ("{a: " * (DEEPEST + 1) + "}" * (DEEPEST + 1), f"f:1:{4 * DEEPEST + 2}: {DEEP}"),
        (values(MOST_VALUES), None),
        (values(MOST_VALUES + 1), BIG),
    ],
)  # fmt: skip
def test_yaml_that_is_refused(text, message):
    if message is None:
        assert parse_yaml(text, "f").data is not None
    else:
        assert refused(parse_yaml, text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1:1: the JSON document ends too early"),
        ("{}\n []", "f:2:2: there is more after the end of the JSON document"),
        ('{"a": 01}', "f:1:8: JSON needs `,` here"),
        ('{"a": +1}', "f:1:7: not JSON"),
        ('{"a": .5}', "f:1:7: not JSON"),
        ('{"a": NaN}', "f:1:7: not JSON"),
        ('{"a" 1}', "f:1:6: JSON needs `:` here"),
        ('{"a": 1 "b": 2}', "f:1:9: JSON needs `,` here"),
        ("{a: 1}", "f:1:2: a key in double quotes is needed here"),
        ('["a" "b"]', "f:1:6: JSON needs `,` here"),
        ("[1,]", "f:1:4: not JSON"),
        ("[1", "f:1:3: JSON needs `,` here"),
        ('{"a": "x', "f:1:7: not a JSON string: Unterminated string starting at"),
        ('{"a": "\\x"}', "f:1:8: not a JSON string: Invalid \\escape"),
        ('{"a": 1,\n "a": 2}', "f:2:2: the key `a` stands twice in one mapping; keep one of the two"),
        ("1" * 5000, "f:1:1: a number with too many digits"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), f"f:1:{DEEPEST + 2}: {DEEP}"),
        ('{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1), f"f:1:{5 * DEEPEST + 6}: {DEEP}"),
    ],
)
def test_json_that_is_refused(text, message):
    assert refused(parse_json, text) == message


def test_json_as_deep_as_it_may_be():
    for text in ("[" * DEEPEST + "0" + "]" * DEEPEST, '{"a":' * DEEPEST + "0" + "}" * DEEPEST):
        assert parse_json(text, "f").text == text


@pytest.mark.parametrize(
    "text", ["0", "-0", "1e3", "-1.5E-3", "true", "false", "null", '"\\ud83d\\ude00 \\n"', " [ ] "]
)
def test_both_parsers_read_the_same_json(text):
    assert same(parse_json(text, "f").data, reread_json(text, "f"))


def test_what_only_one_parser_takes_is_refused_by_the_other():
    half = '{"a": "\\ud800"}'  # half of a character: Python takes it, others do not
    assert parse_json(half, "f").data == {"a": "\ud800"}
    with pytest.raises(msgspec.DecodeError) as reason:
        msgspec.json.decode(half)
    assert refused(reread_json, half) == f"f: a second parser does not read it as JSON: {reason.value}"


@pytest.mark.parametrize(
    ("offset", "where"), [(0, "f:1:1"), (2, "f:1:3"), (3, "f:2:1"), (5, "f:2:3"), (6, "f:3:1"), (7, "f:4:1")]
)
def test_places_count_from_one_in_characters(offset, where):
    assert place("f", "üb\nc\r\n\nd", offset) == where
