"""Every remark of the linter, whole: rule, level, the way to its place and the words, for each shape of a flag."""

from datetime import date

import pytest
from flag_shapes import TEXTS, flagd, goff, shares, split

from releasegate.flags.document import FlagFile
from releasegate.flags.lint import Context, lint_file
from releasegate.flags.lint_rules import REMARKS

TODAY = date(2026, 11, 24)
UNSAFE = "the kill switch's flag hands back each caller's own default, which may be the unsafe one"
LIVE = "F008 warn targeting: looks off, and its targeting can still serve the on {}"
LONE = "F001 error {}: one {} alone is 100%, whatever {}: {} are relative{}"
LONE_BUCKET = LONE.format("targeting.fractional", "bucket", "its weight", "weights", "")
LONE_SHARE = LONE.format("defaultRule.percentage", "percentage", "it says", "percentages", " to their sum")
SUM = "F001 warn {}: the {} are relative and add up to {}, not 100"
LOST = "is no variant: these users get an error, and the caller's default"
BUCKET = f"F003 error targeting.fractional.{{}}: the bucket `{{}}` {LOST}"
KINDS = "F012 error {}: variants of different types: {}"
STEP = "F009 error scheduledRollout: is off, and a scheduled step can turn it on again (today is 2026-11-24)"
PROGRESS = "F009 error defaultRule.progressiveRollout: is off, and a progressive rollout turns it on again"
READER = "looks off, and still says a percentage that a reader of that key alone would serve"


def remarks(dialect, flag, *, kill=False):
    return [
        f"{one.check} {one.level.value} {'.'.join(map(str, one.path))}: {one.text}"
        for one in REMARKS[dialect](flag, TODAY, kill=kill)
    ]


def rule(*branches):
    return {"if": [{"ends_with": [{"var": "mail"}, "x"]}, *branches]}


def weights(total):
    return SUM.format("targeting.fractional", "weights", total)


@pytest.mark.parametrize(
    ("targeting", "found"),
    [
        # F001: the weights are out of a hundred, a thousand, and so on, or somebody reads them wrongly.
        (split(["on", 10], ["off", 90]), []),
        (split(["on", 1], ["off", 9_999]), []),
        (split(["on", 5], ["off", 5]), [weights(10)]),
        (split(["on", 100], ["off", 100]), [weights(200)]),
        (split(["on", 1], ["off", 1_000]), [weights(1001)]),
        (split(["on", 0], ["off", 0]), [weights(0)]),
        (split(["on"], ["off"]), []),  # equal parts are meant as such
        (split(["on", 5], ["off"]), []),
        (split(["on", 100]), [LONE_BUCKET]),
        (split(["on"]), [LONE_BUCKET]),
        (split({"var": "mail"}, ["on", 5]), [LONE_BUCKET]),
        (split(["on", 5, 5], ["off", 95]), [LONE_BUCKET]),  # three values are no bucket
        (split(["on", 50], ["on", 40], ["off", 10]), []),
        ({"fractional": {"var": "x"}}, []),
        # F002 and F003: of each bucket.
        (split(["on", 2.5], ["off", 97.5]), [
            "F002 error targeting.fractional.0: the weight 2.5 is no whole number: the whole rule serves nobody",
            "F002 error targeting.fractional.1: the weight 97.5 is no whole number: the whole rule serves nobody"]),
        (split(["onn", 5], ["of"]), [
            BUCKET.format(0, "onn"), BUCKET.format(1, "of")]),
        (split([["on"], 50], [{"var": "x"}, 50]), []),  # what is worked out cannot be looked up
        # A rule in a rule is found wherever it stands; F008: it can serve the on variant of a flag that looks off.
        (rule("off", split(["off", 5], ["on", 90])), [
            SUM.format("targeting.if.2.fractional", "weights", 95), LIVE.format("variant")]),
        (rule("off", split(["off", 100], ["on", 0])), []),  # a weight of 0 serves nobody
        (rule("off", split(["off", 99], ["on", 1])), [LIVE.format("variant")]),
        (rule("off", split(["off", 99], ["on", True])), [LIVE.format("variant")]),
        (rule("off", ["on", 0, 0]), [LIVE.format("variant")]),  # no bucket
        (rule("off", ["on"]), [LIVE.format("variant")]),
        (rule("off", {"on": 5}), [LIVE.format("variant")]),
        (rule("off", {"on": 0}), []),
        (rule("off", None), []),
        (rule("off", 1.0), []),
        (split(["on", 5], ["off", 95]), []),  # a split alone is what everybody sees
        ({}, []),
    ],
)  # fmt: skip
def test_flagd(targeting, found):
    assert remarks("flagd", flagd(targeting)) == found


@pytest.mark.parametrize(
    ("flag", "kill", "found"),
    [
        (flagd(rule("on"), "on"), False, []),  # looks on
        (flagd(rule("on"), None), False, []),
        (flagd(rule(True, False), False, {"true": True, "false": False}), False, [LIVE.format("variant")]),
        (flagd(rule("new"), "old", TEXTS), False, []),  # which one is on is not clear
        (flagd(None, "of"), False, ["F004 error defaultVariant: the default `of` is no variant"]),
        (flagd(None, True), False, ["F004 error defaultVariant: the default `True` is no variant"]),
        (flagd(None, "a", {"a": True, "b": 1}), False, [KINDS.format("variants", "boolean, number")]),
        (flagd(None, "a", {"a": "x", "b": {}, "c": []}), False, [KINDS.format("variants", "list, object, text")]),
        (flagd(None, "a", {"a": 2.5, "b": 1}), False, []),
        (flagd(None, "a", {"a": None, "b": 1.5}), False, [KINDS.format("variants", "null, number")]),
        (flagd(state="DISABLED"), False, []),
        (flagd(state="DISABLED"), True, [f"F007 error state: {UNSAFE}"]),
        (flagd(None, None), True, [f"F007 error variants: {UNSAFE}"]),
        (flagd(), True, []),
    ],
)
def test_flagd_beside_its_targeting(flag, kill, found):
    assert remarks("flagd", flag, kill=kill) == found


OPEN = {"query": 'key eq "x"', "variation": "on"}


@pytest.mark.parametrize(
    ("flag", "kill", "found"),
    [
        (goff(shares(on=0.1, off=99.9)), False, []),  # as near to 100 as decimals come
        (goff(shares(on=0.5, off=99)), False, [SUM.format("defaultRule.percentage", "percentages", "99.5")]),
        (goff(shares(on=50, off=51)), False, [SUM.format("defaultRule.percentage", "percentages", "101")]),
        (goff(shares(on=50, off=50.5)), False, [SUM.format("defaultRule.percentage", "percentages", "100.5")]),
        (goff(shares(off=100)), False, [LONE_SHARE]),
        (goff(shares(onn=5, off=95)), False, ["F003 error defaultRule.percentage.onn: `onn` is no variation"]),
        (goff({"variation": "onn"}), False, ["F004 error defaultRule.variation: `onn` is no variation"]),
        (goff({"variation": "off"}, targeting=[{"variation": "onn"}, {"variation": ["on"]}, 5]), False,
         ["F004 error targeting.0.variation: `onn` is no variation",
          "F004 error targeting.1.variation: `['on']` is no variation", LIVE.format("variation")]),
        (goff({"variation": "off"}, targeting=[{}, shares(off=5, of=90)]), False,
         ["F003 error targeting.1.percentage.of: `of` is no variation",
          SUM.format("targeting.1.percentage", "percentages", "95")]),
        (goff({"variation": "off"}, {"on": True, "off": "no"}), False, [KINDS.format("variations", "boolean, text")]),
        (goff({"variation": "off"}, disable=True), True, [f"F007 error disable: {UNSAFE}"]),
        (goff({"variation": "off"}, disable=True), False, []),
        (goff({"variation": "off"}, disable=False), True, []),
        # F008 and F009: what looks off and can come on.
        (goff({"variation": "off"}, targeting=[OPEN]), False, [LIVE.format("variation")]),
        (goff({"variation": "off"}, targeting=[{**OPEN, "disable": True}]), False, []),
        (goff({"variation": "off"}, targeting=[shares(on=5, off=95)]), False, [LIVE.format("variation")]),
        (goff({"variation": "off"}, targeting=[shares(on=0, off=100)]), False, []),
        (goff({"variation": "off"}, targeting=5), False, []),
        (goff({"variation": "off"}, scheduledRollout=[{}]), False, [STEP]),
        (goff({"variation": "off", "progressiveRollout": {}}, targeting=[OPEN], scheduledRollout=[{}]), False,
         [LIVE.format("variation"), STEP, PROGRESS]),
        (goff({"variation": "on", "progressiveRollout": {}}, scheduledRollout=[{}]), False, []),  # looks on
        (goff({"variation": "old"}, TEXTS, scheduledRollout=[{}]), False, []),  # which one is on is not clear
        (goff({"progressiveRollout": {}}, scheduledRollout=[{}]), False, []),  # nor what it looks like
        (goff({"variation": "off", **shares(on=5, off=95)}, scheduledRollout=[{}]), False, []),  # percentages beat it
    ],
)  # fmt: skip
def test_goff(flag, kill, found):
    assert remarks("goff", flag, kill=kill) == found


@pytest.mark.parametrize("enabled", [False, 0, "off", "no", "false", "0", "OFF", "No"])
def test_plain(enabled):
    assert remarks("plain", {"enabled": enabled, "percentage": 5}, kill=True) == [f"F008 warn percentage: {READER}"]
    assert remarks("plain", {"enabled": enabled, "percentage": 0}) == []
    assert remarks("plain", {"enabled": enabled}) == []


@pytest.mark.parametrize("flag", [True, "off", {"enabled": True, "percentage": 5}, {"enabled": "yes", "percentage": 5}])
def test_plain_that_looks_as_it_is(flag):
    assert remarks("plain", flag) == []


def lint(text, path="f.yaml", dialect=None, **known):
    found = lint_file(text.encode(), path, Context(today=TODAY, **known), dialect)
    return [f"{one.check} {one.level.value} {one.where}: {one.title}{' !' * one.unusable}" for one in found]


@pytest.mark.parametrize(
    ("text", "dialect", "found"),
    [
        ("a: &x true\nb: [1\n", None,
         ["file error f.yaml:3:1: not YAML: did not find expected ',' or ']' !"]),
        ("services: {}\n", None,
         ["file error f.yaml:1:1: not a flag file of a known shape (top level: services); name it: --dialect !"]),
        ("a: true\n", "none", ["file error f.yaml: there is no dialect `none`; use one of plain, flagd, goff !"]),
        ("model: large\n", "plain", []),  # nobody would know it without its name
        # A flag that cannot be read is said with its place, and the others are looked at.
        ("a: true\nb: {x: 1}\nc: {enabled: false, percentage: 5}\n", "plain",
         ["file error f.yaml:2:1: `b`: neither a switch nor {enabled, percentage} !",
          f"F008 warn f.yaml:3:21: `c`: {READER}"]),
        ("a: {enabled: true, percentage: 500}\n", None,
         ["file error f.yaml:1:1: `a`: the percentage `500` is no number from 0 to 100 !"]),
        ("flags: {a: {state: LIVE, variants: {}}}\n", "flagd",
         ["file error f.yaml:1:9: `a`: not a flag of flagd: it needs `variants`, and `state` ENABLED or DISABLED !"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error_that_decides_nothing(text, dialect, found):
    assert lint(text, dialect=dialect) == found


def test_what_a_merge_key_brings_along_is_remarked_on_where_it_is_brought():
    first = 'a: &a {state: ENABLED, variants: {"on": true, "off": 1}, expires: 2020-01-01}'
    assert lint(f"flags:\n  {first}\n  b: {{<<: *a, defaultVariant: z}}\n", kill_flag="b") == [
        "F012 error f.yaml:2:26: `a`: variants of different types: boolean, number",
        f"F013 warn f.yaml:2:60: `a` {stale('2020-01-01')}",
        "F004 error f.yaml:3:15: `b`: the default `z` is no variant",
        "F012 error f.yaml:3:3: `b`: variants of different types: boolean, number",
        f"F013 warn f.yaml:3:3: `b` {stale('2020-01-01')}",
    ]
    assert lint("<<: {b: {enabled: false, percentage: 5}}\na: true\n") == [], "b is not written out here"


def stale(day):
    return f"is stale: it was meant to live until {day}"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("expires: 2026-11-24", []),  # today is still in
        ("expires: 2026-11-23", [f"F013 warn f.yaml:3:3: `a` {stale('2026-11-23')}"]),
        ("expiry: '2026-11-23T23:59:59Z'", [f"F013 warn f.yaml:3:3: `a` {stale('2026-11-23')}"]),
        ("expiration: 2026-1-1", ["F013 warn f.yaml:3:3: `a`: `2026-1-1` is no date; write 2027-01-31"]),
        ("expirationDate: ~", []),
        ("expires: never\n  expirationDate: 2020-01-01",
         ["F013 warn f.yaml:3:3: `a`: `never` is no date; write 2027-01-31",
          f"F013 warn f.yaml:4:3: `a` {stale('2020-01-01')}"]),
        ("metadata: {owner: shop, expires: 2020-01-01}", [f"F013 warn f.yaml:3:27: `a` {stale('2020-01-01')}"]),
        ("metadata: 2020-01-01", []),
    ],
)  # fmt: skip
def test_f013_until_when_a_flag_was_meant_to_live(more, found):
    assert lint(f"a:\n  enabled: true\n  {more}\n") == found


WORD = "unquoted `{}` as a {}: text to YAML 1.2, a boolean to YAML 1.1; put it in quotes"


def test_f005_words_as_keys_and_values_also_in_lists():
    text = "on: true\nb: {enabled: yes, tags: [no, 'no', \"off\", true, y], Off: 1}\nc: 1\n"
    assert lint(text) == [
        f"F005 warn f.yaml:{place}: {WORD.format(word, what)}"
        for place, word, what in (
            ("1:1", "on", "key"), ("2:14", "yes", "value"), ("2:26", "no", "value"), ("2:53", "Off", "key"),
        )
    ]  # fmt: skip
    assert lint('{"on": true, "b": {"enabled": "yes"}}', "f.JSON") == []


RESOLVER = "flagd's Python file resolver reads only `.yaml` as YAML, and serves every caller's default from `.yml`"
FLAG = 'flags: {a: {state: ENABLED, variants: {"on": true, "off": false}, defaultVariant: "off", targeting: %s}}\n'


def test_f006_the_suffix():
    assert lint(FLAG % "{}", "f.YML") == [f"F006 warn f.YML:1:1: {RESOLVER}"]
    assert lint(FLAG % "{}") == lint("a: true\n", "f.yml") == []


def fractionals(*orders):
    rules = ", ".join(f"{{fractional: [{', '.join(buckets)}]}}" for buckets in orders)
    return FLAG % f"{{if: [true, {rules}]}}"


ONE, TWO = ('["on", 50]', '["off", 50]'), ('["off", 50]', '["on", 50]')
F008 = "F008 warn f.yaml:1:90: `a`: looks off, and its targeting can still serve the on variant"
F014 = "F014 error f.yaml:1:{}: `a`: the buckets were {} and are {}: each variant changes its users"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ((ONE, ONE), (ONE, TWO), [F014.format(155, "on, off", "off, on")]),
        ((ONE,), (TWO, ONE), [F014.format(114, "on, off", "off, on")]),  # those that both files have
        ((ONE, ONE), (ONE,), []),
        ((('["a"]', *ONE),), ((*ONE, '["b"]'),), []),  # what only one of them has moves nobody else
        ((('["a"]', *ONE),), (("[]", *TWO),), [F014.format(114, "a, on, off", "off, on")]),
        ((("{var: x}", "[[1]]", *ONE),), (("[true]", *ONE),), []),
    ],
)
def test_f014_the_order_of_the_buckets(before, after, found):
    base = FlagFile.parse(fractionals(*before).encode(), "base.yaml")
    said = lint(fractionals(*after), base=base)
    assert [one for one in said if "F014" in one] == found
    assert F008 in said
    other = FlagFile.parse(b'flags: {b: {state: ENABLED, variants: {"on": true}}}', "base.yaml")
    assert not [one for one in lint(fractionals(*after), base=other) if "F014" in one], "the flag was not there"


F015 = "`a` is split by different hashes: the same user is in for one and out for the other: "


@pytest.mark.parametrize(
    ("consumers", "who"),
    [
        ({"shop": "cbor", "web": "concat", "old": "cbor"}, "shop (cbor), web (concat), old (cbor)"),
        ({"shop": "cbor", "web": "other"}, None),
        ({"shop": "concat"}, None),
        ({}, None),
    ],
)
def test_f015_consumers_that_hash_differently(consumers, who):
    split_flag = FLAG % '{fractional: [["on", 5], ["off", 95]]}'
    assert lint(split_flag, consumers=consumers) == ([f"F015 warn f.yaml:1:9: {F015}{who}"] if who else [])
    assert lint("a: {enabled: true, fractional: 1}\n", consumers=consumers) == []


FLIPT = "flags:\n- key: a\n  type: {}\n  enabled: {}\n  rollouts: {}\n- key: b\n"
ROLLOUTS = "F010 error f.yaml:5:3: `a`: rollouts are looked at before `enabled: false`, and can still serve true"


@pytest.mark.parametrize(
    ("kind", "enabled", "rollouts", "found"),
    [
        ("BOOLEAN_FLAG_TYPE", "false", "[{}]", [ROLLOUTS]),
        ("BOOLEAN_FLAG_TYPE", "true", "[{}]", []),
        ("BOOLEAN_FLAG_TYPE", "false", "[]", []),
        ("VARIANT_FLAG_TYPE", "false", "[{}]", []),
    ],
)
def test_f010_flipt(kind, enabled, rollouts, found):
    assert lint(FLIPT.format(kind, enabled, rollouts)) == found


def test_f010_a_flag_of_flipt_is_off_where_it_does_not_say():
    text = "flags:\n- key: a\n  type: BOOLEAN_FLAG_TYPE\n  rollouts: [1]\n- key: b\n  type: BOOLEAN_FLAG_TYPE\n"
    assert lint(text) == [ROLLOUTS.replace("5:3", "4:3")]


def test_findings_come_by_line_and_those_elsewhere_last():
    text = "\n" * 8 + "b: {enabled: false, percentage: 5, expires: 2020-01-01}\na: {enabled: no}\n"
    found = lint(text, used={"z": "app.py:7:1", "a": "app.py:1:1", "y": "C:\\app.py:2:1"})
    places = [one.split(": ")[0] for one in found]
    assert places == ["F008 warn f.yaml:9:21", "F013 warn f.yaml:9:36", "F005 warn f.yaml:10:14",
                      "F013 error app.py:7:1", "F013 error C:\\app.py:2:1"]  # fmt: skip


def test_a_path_with_colons_is_one_path():
    found = lint("a: {enabled: true, expires: 2020-01-01}\nb: {enabled: yes}\n", "c:/x:9/f.yaml")
    assert [one.split(": ")[0] for one in found] == ["F013 warn c:/x:9/f.yaml:1:20", "F005 warn c:/x:9/f.yaml:2:14"]
