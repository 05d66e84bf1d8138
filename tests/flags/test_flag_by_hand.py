"""The patch for a person: the flag written out on one line, whatever stood there, or no patch at all."""

import pytest

from releasegate.flags.by_hand import patch_by_hand
from releasegate.flags.document import FlagFile


def patch(text, name, value=None, dialect=None):
    """The lines that go and come, without the head of the diff."""
    made = patch_by_hand(FlagFile.parse(text.encode(), "f.yaml", dialect), name, value)
    return made and [line for line in made.splitlines()[2:] if line[0] in "+-\\"]


NO_END = "\\ No newline at end of file"
COPIED = """\
base: &v {variations: {on: true, off: false}, defaultRule: {variation: on}}
a: {<<: *v, metadata: {since: 2026-01-31, pages: [{yes: 1.5}, ~], 7: x}}
"""
WRITTEN = (
    '+a: {{variations: {{"true": true, "false": false}}, defaultRule: {{variation: "{}"}}, '
    'metadata: {{since: "2026-01-31", pages: [{{"true": 1.5}}, null], "7": "x"}}}}'
)


@pytest.mark.parametrize(
    ("text", "name", "value", "lines"),
    [
        ("a: &x true\nb: *x\n", "b", None, ["-b: *x", "+b: false"]),
        ("a: &x false\nb: *x\n", "b", "on", ["-b: *x", "+b: true"]),  # set to a value, and not off
        ("a: &x true\nb: *x", "b", None, ["-b: *x", NO_END, "+b: false", NO_END]),
        ("a: !!bool true\n", "a", None, ["-a: !!bool true", "+a: false"]),
        ("b:\n  <<: {enabled: yes}\n  percentage: 5 # why\n", "b", None,
         ["-b:", "-  <<: {enabled: yes}", "-  percentage: 5 # why", "+b: {enabled: false, percentage: 0} # why"]),
        ("a:\n  ? enabled\n  : true\nb: 1\n", "a", None, ["-a:", "-  ? enabled", "-  : true", "+a: {enabled: false}"]),
        # Others use an anchor that goes with the flag's lines: there its value is written out.
        ("a: &x true # x\nb: *x # see a\nc: *x\n", "a", None,
         ["-a: &x true # x", "-b: *x # see a", "-c: *x", "+a: false # x", "+b: true # see a", "+c: true"]),
        ("a: &x yes\nb: {enabled: true, of: [*x]}\n", "a", None,
         ["-a: &x yes", "-b: {enabled: true, of: [*x]}", "+a: false", "+b: {enabled: true, of: [yes]}"]),
        ("a: &x\n  enabled: true\n  percentage: 5\nb:\n  <<: *x\n  percentage: 7\n", "a", None,
         ["-a: &x", "-  enabled: true", "-  percentage: 5", "+a: {enabled: false, percentage: 0}", "-  <<: *x",
          "+  <<: {enabled: true, percentage: 5}"]),
        # Words that are booleans, dates and numbers are quoted as each YAML reads them; lists are written out too.
        (COPIED, "a", None, ["-" + COPIED.splitlines()[1], WRITTEN.format("false")]),
        (COPIED, "a", "on", ["-" + COPIED.splitlines()[1], WRITTEN.format("true")]),
    ],
)  # fmt: skip
def test_the_patch(text, name, value, lines):
    assert patch(text, name, value) == lines


def test_the_mark_at_the_beginning_of_a_file_stays():
    text = "\ufeffa: &x true\nb: *x\n"
    assert patch_by_hand(FlagFile.parse(text.encode(), "f.yaml"), "b") == (
        "--- a/f.yaml\n+++ b/f.yaml\n@@ -1,2 +1,2 @@\n \ufeffa: &x true\n-b: *x\n+b: false\n"
    )


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("a: &x true\nb: *x\n", "c", None),
        ("all: &x\n  a: true\na: *x\n", "all", None),
        ("a: &x true\nb: *x\n", "b", "maybe"),
        ("a: &x large\nb: *x\n", "b", None),  # no switch
        ("a: true\nb: !own true\n", "a", None),  # a tag that nobody knows
        ("a: true\nb: =\n", "a", None),  # a scalar that PyYAML does not take
        (f"a: true\nb: 1_{'0' * 5000}\n", "a", None),  # a number that Python does not take
    ],
)
def test_where_no_patch_is_sure_there_is_none(text, name, value):
    assert patch(text, name, value, "plain") is None
