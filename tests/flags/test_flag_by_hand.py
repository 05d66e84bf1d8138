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
        ("a: &x true\nb: *x\n", "a", None),  # the anchor is used by another flag
        ("a: &x true\nb: *x\n", "c", None),
        ("a: &x true\nb: *x\n", "b", "maybe"),
        ("a: &x large\nb: *x\n", "b", None),  # no switch
        ("a: true\nb: !own true\n", "a", None),  # a tag that nobody knows
        ("a: true\nb: =\n", "a", None),  # a scalar that PyYAML does not take
        (f"a: true\nb: 1_{'0' * 5000}\n", "a", None),  # a number that Python does not take
    ],
)
def test_where_no_patch_is_sure_there_is_none(text, name, value):
    assert patch(text, name, value, "plain") is None
