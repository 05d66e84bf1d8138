"""Which changes each dialect asks for: all of them, in order, and none where the flag is so already."""

import json
from decimal import Decimal

import pytest
from flag_shapes import SWITCH, TEXTS, THREE, flagd, goff, shares, split

from releasegate.errors import FlagError
from releasegate.flags.document import DIALECTS
from releasegate.flags.splice import Change, as_read

RULE = {"if": [True, "on"]}


def asked(dialect, verb, flag, *arguments):
    """The changes as lines: the way inside the flag, its steps joined by dots, and the value."""
    found = getattr(DIALECTS[dialect], verb)(("a",), flag, *arguments)
    assert all(isinstance(change, Change) and change.path[0] == "a" for change in found)
    return lines([(".".join(map(str, change.path[1:])), change.value) for change in found])


def lines(changes):
    """In JSON, in which 1 is not true."""
    return [f"{way}: {json.dumps(as_read(value))}" for way, value in changes]


def weights(on, off):
    return [("targeting.fractional.0.1", on), ("targeting.fractional.1.1", off)]


@pytest.mark.parametrize(
    ("flag", "value", "changes"),
    [
        (True, "off", [("", False)]),
        (True, "on", []),
        (1, False, [("", 0)]),
        (0, "1", [("", 1)]),
        ("YES", 0, [("", "NO")]),
        ("Off", "true", [("", "On")]),
        ("off", "true", [("", "on")]),
        ({"enabled": True, "percentage": 5}, "on", [("percentage", 100)]),  # everybody
        ({"enabled": True, "percentage": 5}, "off", [("enabled", False), ("percentage", 0)]),
        ({"enabled": "no"}, "on", [("enabled", "yes")]),  # a percentage that is not there is everybody already
        ({"enabled": True, "percentage": 100.0}, "on", []),
        ("large", "small", [("", "small")]),
        ("large", 5, [("", "5")]),  # a text stays one
        ("large", "large", []),
        (2.5, 3, [("", 3)]),
        (2.5, 2.5, []),
    ],
)
def test_plain_set(flag, value, changes):
    assert asked("plain", "set_value", flag, value) == lines(changes)


@pytest.mark.parametrize(
    ("flag", "percent", "changes"),
    [
        (True, "100", []),
        (False, "100", [("", True)]),
        (True, "0", [("", False)]),
        ("on", "0.25", [("", {"enabled": True, "percentage": Decimal("0.25")})]),
        ({"enabled": True}, "5", [("percentage", 5)]),
        ({"enabled": 0, "percentage": 5}, "0", [("percentage", 0)]),  # nobody: not enabled is right as it is
        ({"enabled": 0, "percentage": 5}, "0.5", [("enabled", 1), ("percentage", Decimal("0.5"))]),
        ({"enabled": 1, "percentage": 5.0}, "5", []),
    ],
)
def test_plain_rollout(flag, percent, changes):
    assert asked("plain", "rollout", flag, Decimal(percent), None) == lines(changes)


@pytest.mark.parametrize(
    ("flag", "changes"),
    [
        ("on", [("", "off")]),
        ("off", []),
        ({"enabled": True}, [("enabled", False)]),
        ({"enabled": False, "percentage": 5}, [("percentage", 0)]),
    ],
)
def test_plain_off(flag, changes):
    assert asked("plain", "off", flag, None) == lines(changes)


@pytest.mark.parametrize(
    ("flag", "percent", "on", "changes"),
    [
        # Without a rule one is written; its other bucket is the false one, the only other one, or the default.
        (flagd(), "0", None, [("targeting", split(["on", 0], ["off", 100]))]),
        (flagd({}), "12.5", None, [("targeting", split(["on", 125], ["off", 875]))]),
        (flagd(None, "new", TEXTS), "100", "new", [("targeting", split(["new", 100], ["old", 0]))]),
        (flagd(None, "c", THREE), "5", "v2", [("targeting", split(["b", 5], ["c", 95]))]),
        (flagd(split(["on", 7])), "5", None, [("targeting", split(["on", 5], ["off", 95]))]),  # it was everybody
        # The weights that are there are kept as far as they can hold the share: 10% of 95 needs another total.
        (flagd(split(["on", 5], ["off", 45])), "50", None, weights(25, 25)),
        (flagd(split(["on", 5], ["off", 90])), "10", None, [("targeting.fractional.0.1", 10)]),
        (flagd(split(["off", 95], ["on", 5])), "10", None, weights(90, 10)),
        (flagd(split(["on", 5], ["off", 95])), "0.0000001", None, weights(1, 999_999_999)),
        (flagd(split(["on", 5], ["off", 95])), "5", None, []),
        (flagd(split(["on"], ["off"])), "25", None,
         [("targeting.fractional.0", ["on", 25]), ("targeting.fractional.1", ["off", 75])]),
        (flagd(split(["new", 5], ["old", 95]), "old", TEXTS), "6", "new", weights(6, 94)),
        (flagd(split(["on", 5], ["off", 95]), state="DISABLED"), "5", None, [("state", "ENABLED")]),
    ],
)  # fmt: skip
def test_flagd_rollout(flag, percent, on, changes):
    assert asked("flagd", "rollout", flag, Decimal(percent), on) == lines(changes)


@pytest.mark.parametrize(
    "targeting",
    [
        RULE,
        split(["off", 5], ["c", 95]),  # two buckets, and neither is the one to roll out
        split(["on", 5], ["off", 5], ["c", 90]),
        split(["on", 5], ["off", 45], ["off", 50]),
        split(["off", 1], ["off", 2]),
        split(["on", 2.5], ["off", 97.5]),
    ],
)
def test_flagd_rollout_of_any_other_rule_is_refused(targeting):
    flag = flagd(targeting, variants={"on": True, "off": False, "c": None})
    with pytest.raises(FlagError) as error:
        DIALECTS["flagd"].rollout(("a",), flag, Decimal(10), None)
    assert str(error.value) == (
        "the targeting is not one `fractional` over `on` and one other variant; "
        "write the rule by hand, or take it away with `flags off`"
    )


@pytest.mark.parametrize(
    ("flag", "value", "changes"),
    [
        (flagd(), "on", [("defaultVariant", "on")]),
        (flagd(), "off", []),
        (flagd(default=None), False, [("defaultVariant", "off")]),  # a caller's own default is not enough
        (flagd(None, "old", TEXTS, "DISABLED"), "v2", [("state", "ENABLED"), ("defaultVariant", "new")]),
        (flagd(split(["on", 5], ["off", 95])), "on", [("defaultVariant", "on"), *weights(100, 0)]),
        (flagd(split(["on", 5], ["off", 90])), "off", weights(0, 95)),
        (flagd(split(["on"], ["off"])), "off",
         [("targeting.fractional.0", ["on", 0]), ("targeting.fractional.1", ["off", 2])]),
        # What cannot be weighed goes: another rule, a variant without a bucket, a bucket that stands twice.
        (flagd(RULE), "off", [("targeting", {})]),
        (flagd(split(["on", 5])), "off", [("targeting", {})]),
        (flagd(split(["on", 5], ["off", 5], ["off", 90])), "off", [("targeting", {})]),
    ],
)  # fmt: skip
def test_flagd_set(flag, value, changes):
    assert asked("flagd", "set_value", flag, value) == lines(changes)


@pytest.mark.parametrize(
    ("flag", "on", "changes"),
    [
        (flagd(default="on"), None, [("defaultVariant", "off")]),
        (flagd(RULE, "new", TEXTS), "new", [("defaultVariant", "old"), ("targeting", {})]),
        (flagd(None, "c", THREE), "b", []),  # the default is the opposite already
    ],
)
def test_flagd_off(flag, on, changes):
    assert asked("flagd", "off", flag, on) == lines(changes)


@pytest.mark.parametrize(
    ("flag", "percent", "on", "changes"),
    [
        (goff(shares(on=5, off=95)), "0.125", None,
         [("defaultRule.percentage.on", Decimal("0.125")), ("defaultRule.percentage.off", Decimal("99.875"))]),
        (goff(shares(on=5, off=95)), "5", None, []),
        (goff({"variation": "off"}), "5", None, [("defaultRule", shares(on=5, off=95))]),
        (goff({"variation": "old"}, TEXTS), "30", "new", [("defaultRule", shares(new=30, old=70))]),
        (goff(shares(on=5)), "5", None, [("defaultRule", shares(on=5, off=95))]),  # a lone percentage is everybody
        (goff({"progressiveRollout": {}, **shares(on=5, off=95)}), "5", None, [("defaultRule", shares(on=5, off=95))]),
        (goff(shares(on=5, off=95), disable=True), "5", None, [("disable", False)]),
        (goff(shares(on=5, off=95), targeting=[{}]), "5", None, []),  # rules stay
    ],
)  # fmt: skip
def test_goff_rollout(flag, percent, on, changes):
    assert asked("goff", "rollout", flag, Decimal(percent), on) == lines(changes)


BY_HAND = "the percentages are not those of `on` and one other variation; set them by hand"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        (goff(shares(on=5, off=5, c=90), {"on": True, "off": False, "c": None}), BY_HAND),
        (goff(shares(c=5)), BY_HAND),
        (goff({"percentage": 5}), BY_HAND),
        (goff({"percentage": ["on"]}), BY_HAND),
        (goff({}, scheduledRollout=[{}]),
         "`scheduledRollout` would change it; take it away with `flags off`, then roll out"),
        (goff({}, experimentation={"end": "x"}),
         "`experimentation` would change it; take it away with `flags off`, then roll out"),
        (goff({}, THREE), "which variant is to be rolled out is not clear; use --on with a, b, c"),
        (goff({"variation": "a"}, {**THREE, "on": True}),
         "which variant is the opposite of `on` is not clear; use `flags set` with its name"),
    ],
)  # fmt: skip
def test_goff_rollout_that_is_refused(flag, message):
    with pytest.raises(FlagError) as error:
        DIALECTS["goff"].rollout(("a",), flag, Decimal(10), None)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("flag", "value", "changes"),
    [
        (goff({"variation": "off"}), "on", [("defaultRule.variation", "on")]),
        (goff({"variation": "off"}), "off", []),
        (goff({"variation": "old"}, TEXTS), "v2", [("defaultRule.variation", "new")]),
        (goff(shares(on=5, off=95)), True, [("defaultRule", {"variation": "on"})]),
        (goff({"variation": "on", "name": "x"}), "on", [("defaultRule", {"variation": "on"})]),
        (goff({"variation": "off"}, experimentation={"end": "x"}, scheduledRollout=[{}], targeting=[{}], disable=True),
         "off", [("targeting", []), ("scheduledRollout", []), ("experimentation", {}), ("disable", False)]),
    ],
)  # fmt: skip
def test_goff_set(flag, value, changes):
    assert asked("goff", "set_value", flag, value) == lines(changes)


@pytest.mark.parametrize(
    ("flag", "on", "changes"),
    [
        (goff({"variation": "on"}), None, [("defaultRule.variation", "off")]),
        (goff({"variation": "new"}, TEXTS), "v2", [("defaultRule.variation", "old")]),
        (goff({"variation": "c"}, THREE), "b", []),  # the default is the opposite already
        (goff({"variation": "c"}, THREE, targeting=[{}]), "b", [("targeting", [])]),
    ],
)
def test_goff_off(flag, on, changes):
    assert asked("goff", "off", flag, on) == lines(changes)


@pytest.mark.parametrize(
    ("dialect", "verb", "arguments", "message"),
    [
        ("plain", "set_value", (True, "maybe"), "`maybe` is neither on nor off; use one of true, false, on, off, 1, 0"),
        ("plain", "set_value", (2.5, True), "`True` is no number, and the flag holds one"),
        ("plain", "set_value", (2.5, "3"), "`3` is no number, and the flag holds one"),
        ("plain", "set_value", (None, "on"), "neither a switch nor {enabled, percentage}"),
        ("plain", "rollout", ("large", Decimal(5), None),
         "the flag is no switch; make it true, false or {enabled, percentage}"),
        ("plain", "rollout", (True, Decimal("0.005"), None),
         "0.005% is finer than this dialect holds; use at most two decimals"),
        ("plain", "off", (2.5, None), "the flag is no switch; use `flags set` with the value that is safe"),
        ("flagd", "set_value", (flagd(), "v9"), "there is no variant `v9`; use one of on, off"),
        ("flagd", "rollout", (flagd(None, None, THREE), Decimal(5), "b"),
         "which variant is the opposite of `b` is not clear; use `flags set` with its name"),
        ("flagd", "off", (flagd(None, None, THREE), None),
         "which variant is to be rolled out is not clear; use --on with a, b, c"),
        ("goff", "set_value", (goff({}), "v9"), "there is no variant `v9`; use one of on, off"),
        ("goff", "off", (goff({}, THREE), "b"),
         "which variant is the opposite of `b` is not clear; use `flags set` with its name"),
    ],
)  # fmt: skip
def test_what_no_change_can_be_asked_for(dialect, verb, arguments, message):
    with pytest.raises(FlagError) as error:
        getattr(DIALECTS[dialect], verb)(("a",), *arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(("dialect", "flag"), [("flagd", flagd()), ("goff", goff({"variation": "off"}, SWITCH))])
def test_a_variant_that_was_not_asked_for_is_never_the_one(dialect, flag):
    for verb, arguments in (("rollout", (Decimal(5), "v9")), ("off", ("v9",))):
        with pytest.raises(FlagError, match="there is no variant `v9`; use one of on, off"):
            getattr(DIALECTS[dialect], verb)(("a",), flag, *arguments)
