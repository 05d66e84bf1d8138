"""What is refused, with the place and the way out: nothing is half-edited."""

import pytest

from releasegate.errors import FlagError
from releasegate.flags.by_hand import patch_by_hand
from releasegate.flags.document import FlagFile

FLAGD = 'flags:\n  a:\n    state: ENABLED\n    variants: {"on": true, "off": false}\n    defaultVariant: "off"\n'
GOFF = "a:\n  variations: {enabled: true, disabled: false}\n  defaultRule: {variation: disabled}\n"

LIST = "flags.yaml:1:1: flags as a list, which only flagd's daemon reads, are not edited here"
WAY = "on the way to `a`: no safe edit; write it out plainly"
TAB = "flags.yaml:{}: a tab, which YAML does not take here; write spaces"
SHAPE = "flags.yaml:1:1: not a flag file of a known shape"
RULE = (
    "flags.yaml:2:3: `a`: the targeting is not one `fractional` over `on` and one other variant; "
    "write the rule by hand, or take it away with `flags off`"
)


def refusal(content, edit, path="flags.yaml", **options):
    with pytest.raises(FlagError) as error:
        edit(FlagFile.parse(content if isinstance(content, bytes) else content.encode(), path, **options))
    return str(error.value)


def off(file):
    return file.off("a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x true\nb: *x\n", f"flags.yaml:1:4: an anchor (&x) {WAY}"),
        ("b: &x true\na: *x\n", f"flags.yaml:2:4: an alias (*x) {WAY}"),
        ("b: {enabled: true}\na: {<<: {percentage: 5}, enabled: true}\n",
         f"flags.yaml:2:5: a merge key (<<) {WAY}"),
        ("&x a: true\n", f"flags.yaml:1:1: an anchor (&x) {WAY}"),
        ("a: {enabled: &x true}\n", f"flags.yaml:1:14: an anchor (&x) {WAY}"),
        ("<<: {b: true}\na: true\n", f"flags.yaml:1:1: a merge key (<<) {WAY}"),
        ("a: !!bool true\n",
         f"flags.yaml:1:4: a tag (tag:yaml.org,2002:bool) {WAY}"),
        ("a: true\na: false\n", "flags.yaml:2:1: the key `a` stands twice in one mapping; keep one of the two"),
        ("a: {enabled: true, enabled: false}\n",
         "flags.yaml:1:20: the key `enabled` stands twice in one mapping; keep one of the two"),
        ("a: true\n---\nb: true\n",
         "flags.yaml:2:1: a second YAML document starts here; keep one document in the file"),
        ("a:\n\tenabled: true\n", TAB.format("2:1")),
        ("b: true\na:\ttrue\n", TAB.format("2:3")),
        ("b: true\na: true\t# on\n", TAB.format("2:8")),
        ("a: {enabled: true,\n\tpercentage: 5}\n", TAB.format("2:1")),
        ("a: |\n  true\n", f"{SHAPE} (top level: a); name it: --dialect"),
        ("- a\n", "flags.yaml:1:1: not a flag file: it holds no mapping; is this the right file?"),
        ("", "flags.yaml: the file is empty; is this the right file?"),
        ("a: [\n", "flags.yaml:2:1: not YAML: did not find expected node content"),
        ("a: *x\n", "flags.yaml:1:4: nothing before is anchored as &x"),
        ("services: {}\nimage: x\n",
         f"{SHAPE} (top level: services, image); name it: --dialect"),
        ('version: "1.6"\nflags:\n- key: a\n  name: a\n',
         "flags.yaml:1:1: this is a file of Flipt, which is not edited here; use Flipt's own tools"),
        ("flags:\n- {key: a, state: ENABLED, variants: {x: true, y: false}}\n",
         f"{LIST}; write them as a mapping"),
        ("a: {enabled: true, variations: {x: true, y: false}, defaultRule: {variation: y}}\n",
         "flags.yaml:1:1: fits several dialects: plain, goff; name it: --dialect"),
        ("b: true\n", "flags.yaml: there is no flag `a`; it has b"),
        ("aa: true\n", "flags.yaml: there is no flag `a`; did you mean `aa`?"),
        (b"a: \xff\n", "flags.yaml: not UTF-8 (byte 3); save it as UTF-8"),
        ("a: " + "[" * 200, "flags.yaml:1:104: nested deeper than 100 levels"),
        ("#" * (1 << 20) + "\na: true\n", "flags.yaml: larger than 1048576 bytes; is this the right file?"),
    ],
)  # fmt: skip
def test_yaml_that_is_not_edited(text, message):
    assert refusal(text, off) == message


TABBED = 'b:\ttrue\t# first\nc: {\tenabled: true,\n\tpercentage: 5}\na: true # on\td: "x\ty"\n'


def test_tabs_elsewhere_keep_no_flag_from_being_edited():
    file = FlagFile.parse(TABBED.encode(), "flags.yaml")
    assert file.off("a").content == TABBED.replace("a: true", "a: false").encode()
    assert not file.set("a", "on").changed
    assert refusal(TABBED, lambda f: f.off("b")) == TAB.format("1:3")
    assert refusal(TABBED, lambda f: f.off("c")) == TAB.format("2:5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": true, "a": false}', "f.json:1:13: the key `a` stands twice in one mapping; keep one of the two"),
        ('{"a": true} {}', "f.json:1:13: there is more after the end of the JSON document"),
        ('{"a": tru}', "f.json:1:7: not JSON"),
        ('{"a": true,}', "f.json:1:12: a key in double quotes is needed here"),
        ('{"a": "\n"}', "f.json:1:8: not a JSON string: Invalid control character at"),
        ('{"a": true', "f.json:1:11: JSON needs `,` here"),
        ('{"a": ', "f.json:1:7: the JSON document ends too early"),
        ("[" * 200, "f.json:1:102: nested deeper than 100 levels"),
        ("// comment\n{}", "f.json:1:1: not JSON"),
    ],
)
def test_json_that_is_not_edited(text, message):
    assert refusal(text, off, "f.json") == message


@pytest.mark.parametrize(
    ("text", "edit", "message"),
    [
        ("a: true\n", lambda f: f.rollout("a", 101), "101 is no percentage; use a number from 0 to 100"),
        ("a: true\n", lambda f: f.rollout("a", "-1"), "-1 is no percentage; use a number from 0 to 100"),
        ("a: true\n", lambda f: f.rollout("a", "nan"), "nan is no percentage; use a number from 0 to 100"),
        ("a: true\n", lambda f: f.rollout("a", "five"), "five is no percentage; use a number from 0 to 100"),
        ("a: true\n", lambda f: f.rollout("a", "0.005"),
         "flags.yaml:1:1: `a`: 0.005% is finer than this dialect holds; use at most two decimals"),
        (FLAGD, lambda f: f.rollout("a", "0.00000001"),
         "flags.yaml:2:3: `a`: 1E-8% is finer than this dialect holds; use at most seven decimals"),
        (GOFF, lambda f: f.rollout("a", "0.0001"),
         "flags.yaml:1:1: `a`: 0.0001% is finer than this dialect holds; use at most three decimals"),
        ("a: true\n", lambda f: f.set("a", "maybe"),
         "flags.yaml:1:1: `a`: `maybe` is neither on nor off; use one of true, false, on, off, 1, 0"),
        ("a: true\nmodel: large\n", lambda f: f.off("model"),
         "flags.yaml:2:1: `model`: the flag is no switch; use `flags set` with the value that is safe"),
        (FLAGD, lambda f: f.set("a", "onn"), "flags.yaml:2:3: `a`: there is no variant `onn`; use one of on, off"),
        (GOFF, lambda f: f.set("a", "onn"),
         "flags.yaml:1:1: `a`: there is no variant `onn`; use one of enabled, disabled"),
        (FLAGD.replace("true", "1").replace("false", "2").replace('"on"', "x").replace('"off"', "y"),
         lambda f: f.rollout("a", 5),
         "flags.yaml:2:3: `a`: which variant is to be rolled out is not clear; use --on with x, y"),
        (FLAGD + "    targeting: {if: [true, on]}\n", lambda f: f.rollout("a", 5),
         RULE),
        (GOFF + "  scheduledRollout: [{date: 2027-01-01T00:00:00Z}]\n", lambda f: f.rollout("a", 5),
         "flags.yaml:1:1: `a`: `scheduledRollout` would change it; take it away with `flags off`, then roll out"),
        ("a: {enabled: true, percentage: many}\n", lambda f: f.rollout("a", 5),
         "flags.yaml:1:1: `a`: the percentage `many` is no number from 0 to 100"),
    ],
)  # fmt: skip
def test_what_a_flag_cannot_hold(text, edit, message):
    dialect = "plain" if "many" in text or "model" in text else None
    assert refusal(text, edit, dialect=dialect) == message


def test_a_shape_that_fits_no_dialect_can_be_named():
    assert (
        FlagFile.parse(b"a: true\nmodel: large\n", "flags.yaml", "plain").off("a").content
        == b"a: false\nmodel: large\n"
    )
    assert (
        refusal("a: true\n", off, dialect="unleash") == "there is no dialect `unleash`; use one of plain, flagd, goff"
    )


def test_a_value_on_several_lines_is_left_to_a_person():
    text = "a: true\nb: |\n  true\n"
    assert refusal(text, lambda f: f.set("b", "x"), dialect="plain") == (
        "flags.yaml:2:4: no safe edit: the value is a text of several lines; edit by hand"
    )


def test_where_no_edit_is_safe_the_exact_patch_is_made_for_a_person():
    text = "b: &x true\na: *x   # see b\n"
    patch = patch_by_hand(FlagFile.parse(text.encode(), "flags.yaml"), "a")
    assert patch == (
        "--- a/flags.yaml\n+++ b/flags.yaml\n@@ -1,2 +1,2 @@\n b: &x true\n-a: *x   # see b\n+a: false   # see b\n"
    )
    assert patch_by_hand(FlagFile.parse(text.encode(), "flags.yaml"), "c") is None
    merged = "b: &x {percentage: 5}\na: {<<: *x, enabled: true}\n"
    patch = patch_by_hand(FlagFile.parse(merged.encode(), "flags.yaml", "plain"), "a")
    assert patch is not None
    assert "+a: {percentage: 0, enabled: false}\n" in patch
