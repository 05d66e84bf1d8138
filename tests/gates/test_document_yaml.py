"""YAML that people write for the gates: what it means, and where it ends."""

import json

import pytest

from releasegate.errors import InputError
from releasegate.gates.document_yaml import DEEPEST, MOST_NODES, read_yaml

ENDLESS = "is no YAML: nested too deeply, or too many values"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: yes\noff: TRUE\nday: 2026-11-28\n", {"on": "yes", "off": True, "day": "2026-11-28"}),
        ("a: &x 1\nb: *x\n", {"a": 1, "b": 1}),
        ("a: &x {b: [c]}\nd: *x\n", {"a": {"b": ["c"]}, "d": {"b": ["c"]}}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("", None),
        ("[" * DEEPEST + "]" * DEEPEST, json.loads("[" * DEEPEST + "]" * DEEPEST)),
    ],
)
def test_what_is_read(text, value):
    assert read_yaml(text, "f.yaml") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "f.yaml:2:1: is no YAML: duplicate key `a`"),
        ("a: [\n", "f.yaml:2:1: is no YAML: did not find expected node content"),
        ("a: *b\n", "f.yaml:1:4: is no YAML: found undefined alias"),
        ("a: &x [*x]\n", f"f.yaml:1:8: {ENDLESS}"),
        ("\n " + "[" * (DEEPEST + 1), f"f.yaml:2:{DEEPEST + 2}: {ENDLESS}"),
        ("a: \0\n", "f.yaml: is no YAML: it holds a control character; save it as UTF-8"),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(InputError) as caught:
        read_yaml(text, "f.yaml")
    assert str(caught.value) == said


def test_values_are_counted_with_their_aliases_written_out():
    laughs = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 7))
    with pytest.raises(InputError, match=ENDLESS):
        read_yaml(laughs, "f.yaml")
    flat = ", ".join(["x"] * 99)
    assert len(read_yaml(f"[&a [{flat}], *a]", "f.yaml")[1]) == 99


def test_as_many_values_as_fit_are_read():
    events = MOST_NODES - 6  # the stream, the document and the list begin and end
    assert len(read_yaml("[" + "x, " * events + "]", "f.yaml")) == events
    with pytest.raises(InputError, match=ENDLESS):
        read_yaml("[" + "x, " * (events + 1) + "]", "f.yaml")
