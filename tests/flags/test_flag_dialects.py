"""What each dialect reads from a flag: the whole answer for every shape of a flag."""

from decimal import Decimal

import pytest
from flag_shapes import SWITCH, TEXTS, THREE, flagd, goff, shares, split

from releasegate.errors import FlagError
from releasegate.flags.dialect import State, off_variant, on_variant, variant_named
from releasegate.flags.document import DIALECTS
from releasegate.flags.splice import same

DISABLED = (None, None, "disabled: every caller gets its own default")

STATES = [
    ("plain", True, None, (True, 100, "on")),
    ("plain", 0, None, (False, 0, "off")),
    ("plain", "Yes", None, (True, 100, "on")),
    ("plain", "large", None, ("large", None, "large")),  # a setting beside the switches: no share to speak of
    ("plain", 2.5, None, (2.5, None, "2.5")),
    ("plain", 2, None, (2, None, "2")),  # only 0 and 1 are switches
    ("plain", {"enabled": False, "percentage": 5}, None, (False, 0, "off")),  # not enabled beats the percentage
    ("plain", {"enabled": True}, None, (True, 100, "on")),
    ("plain", {"enabled": "on", "percentage": 100.0}, None, (True, 100, "on")),
    ("plain", {"enabled": 1, "percentage": 12.50}, "any", (False, Decimal("12.5"), "on for 12.5%")),
    ("plain", {"enabled": 1, "percentage": 0}, None, (False, 0, "on for 0%")),
    ("flagd", flagd(default="on"), None, (True, 100, "on")),
    ("flagd", flagd(), None, (False, 0, "off")),
    ("flagd", flagd(), "off", (False, 100, "off")),  # the share of the variant that was asked for
    ("flagd", flagd(default=None), None, (None, None, "the caller's default")),
    ("flagd", flagd(default=True, variants={"true": 1, "false": 0}), None, (1, None, "true")),  # `true` names a variant
    ("flagd", flagd({}, "old", TEXTS), None, ("v1", None, "old")),  # neither variant is the on one
    ("flagd", flagd({}, "old", TEXTS), "new", ("v1", 0, "old")),
    ("flagd", flagd({}, "new", TEXTS), "v2", ("v2", 100, "new")),
    ("flagd", flagd(variants={"t": "True", "f": "False"}, default="f"), None, ("False", None, "f")),  # texts, no switch
    ("flagd", flagd(split(["on", 1], ["off", 3])), None, (False, 25, "on 25%, off 75%")),
    ("flagd", flagd(split(["off", 3])), None, (False, 0, "off 100%")),  # nobody gets the on variant
    ("flagd", flagd(split(["on"])), None, (False, 100, "on 100%")),
    ("flagd", flagd(split(["on"], ["off"])), None, (False, 50, "on 50%, off 50%")),  # no weight is a weight of 1
    ("flagd", flagd(split(["old", 5], ["new", 95]), "old", TEXTS), None, ("v1", None, "old 5%, new 95%")),
    ("flagd", flagd(split(["old", 5], ["new", 95]), "old", TEXTS), "new", ("v1", 95, "old 5%, new 95%")),
    ("flagd", flagd(split(["on", 5], ["on", 5], ["off", 90])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split(["on", 2.5], ["off", 97.5])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split(["on", True], ["off", 1])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split(["on", -1], ["off", 1])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split(["on", 0], ["off", 0])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split(["on", 2**31 - 1])), None, (False, 100, "on 100%")),  # the most that the weights may sum to
    ("flagd", flagd(split(["on", 2**31])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split(["on", 1, 2])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split("on", ["off", 1])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split([["on"], 1])), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd({"fractional": {"var": "x"}}), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd({"if": [True, "on"]}, default=None), None,
     (None, None, "targeting rules, else the caller's default")),
    ("flagd", flagd(["on"]), None, (False, None, "targeting rules, else off")),
    ("flagd", flagd(split(["on", 5], ["off", 95]), state="DISABLED"), None, DISABLED),
    ("goff", goff({"variation": "on"}), None, (True, 100, "on")),
    ("goff", goff({"variation": "off"}), None, (False, 0, "off")),
    ("goff", goff({"variation": "old"}, TEXTS), None, ("v1", None, "old")),
    ("goff", goff({"variation": "old"}, TEXTS), "new", ("v1", 0, "old")),
    ("goff", goff({"variation": "on", "percentage": {}}), None, (True, 100, "on")),  # no percentages: the variation
    ("goff", goff({"variation": "on", **shares(on=1, off=3)}), None, (None, 25, "on 25%, off 75%")),  # they beat it
    ("goff", goff(shares(on=50, off=150)), None, (None, 25, "on 25%, off 75%")),  # relative to their sum
    ("goff", goff(shares(off=5)), None, (None, 0, "off")),
    ("goff", goff(shares(on=1_000_000, off=0)), None, (None, 100, "on 100%, off 0%")),
    ("goff", goff(shares(old=5, new=95), TEXTS), None, (None, None, "old 5%, new 95%")),
    ("goff", goff(shares(old=5, new=95), TEXTS), "new", (None, 95, "old 5%, new 95%")),
    ("goff", goff({"variation": "off"}, targeting=[{}]), None, (False, None, "targeting, else off 100%")),
    ("goff", goff({"progressiveRollout": {}}), None, (None, None, "progressiveRollout, else nothing")),
    ("goff", goff({"progressiveRollout": {}, "variation": "on"}, scheduledRollout=[1], experimentation={"x": 1}), None,
     (True, None, "scheduledRollout, experimentation, progressiveRollout, else on 100%")),
    ("goff", goff({"variation": "on"}, targeting=[], scheduledRollout=[], experimentation={}), None, (True, 100, "on")),
    ("goff", goff({"variation": "on"}, disable=True), None, DISABLED),
    ("goff", goff({"variation": "on"}, disable="true"), None, (True, 100, "on")),  # only a boolean disables
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "flag", "on", "said"), STATES)
def test_what_a_flag_says(dialect, flag, on, said):
    value, percent, text = said
    found = DIALECTS[dialect].state(flag, on)
    assert found == State(value, percent, text)
    assert same(found.value, value), "1 is not true"


NO_SHAPE = "neither a switch nor {enabled, percentage}"
NO_GOFF = "not a flag of GO Feature Flag: it needs `variations` and `defaultRule`"
NO_FLAGD = "not a flag of flagd: it needs `variants`, and `state` ENABLED or DISABLED"
NO_NUMBER = "a percentage is no number from 0"
NO_RULE = "the default rule has neither a variation nor percentages"


@pytest.mark.parametrize(
    ("dialect", "flag", "message"),
    [
        ("plain", None, NO_SHAPE),
        ("plain", [], NO_SHAPE),
        ("plain", {"enabled": "maybe"}, NO_SHAPE),
        ("plain", {"enabled": 1, "percentage": True}, "the percentage `True` is no number from 0 to 100"),
        ("plain", {"enabled": 1, "percentage": 100.5}, "the percentage `100.5` is no number from 0 to 100"),
        ("plain", {"enabled": 1, "percentage": -1}, "the percentage `-1` is no number from 0 to 100"),
        ("flagd", True, NO_FLAGD),
        ("flagd", {"variants": SWITCH}, NO_FLAGD),
        ("flagd", flagd(variants=[]), NO_FLAGD),
        ("flagd", flagd(state="enabled"), NO_FLAGD),
        ("flagd", flagd(state=["ENABLED"]), NO_FLAGD),
        ("goff", True, NO_GOFF),
        ("goff", {"variations": SWITCH}, NO_GOFF),
        ("goff", goff("on"), NO_GOFF),
        ("goff", goff({}, variations=[]), NO_GOFF),
        ("goff", goff({}), NO_RULE),
        ("goff", goff({"variation": ["on"]}), NO_RULE),
        ("goff", goff({"percentage": 5}), NO_NUMBER),
        ("goff", goff(shares(on="5")), NO_NUMBER),
        ("goff", goff(shares(on=True)), NO_NUMBER),
        ("goff", goff(shares(on=-5, off=105)), NO_NUMBER),
        ("goff", goff(shares(on=1_000_001)), NO_NUMBER),
        ("goff", goff(shares(on=float("nan"))), NO_NUMBER),
        ("goff", goff(shares(on=0, off=0)), NO_NUMBER),
    ],
)
def test_what_is_no_flag_of_the_dialect(dialect, flag, message):
    with pytest.raises(FlagError) as error:
        DIALECTS[dialect].state(flag)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("dialect", "data", "fits"),
    [
        ("plain", {"a": True, "model": "large", "retries": 2.5}, True),
        ("plain", {"$schema": "x", "a": {"enabled": 0}}, True),
        ("plain", {"model": "large"}, False),
        ("plain", {"a": True, "b": {}}, False),
        ("plain", {"a": True, "b": None}, False),
        ("plain", {"$schema": True}, False),
        ("plain", {}, False),
        ("flagd", {"flags": {"a": flagd()}}, True),
        ("flagd", {"flags": {"a": flagd(), "b": {"state": "ENABLED"}}}, False),
        ("flagd", {"flags": {"a": {"variants": {}}}}, False),
        ("flagd", {"flags": {}}, False),
        ("flagd", {"flags": [flagd()]}, False),
        ("goff", {"$schema": "x", "a": goff({})}, True),
        ("goff", {"a": goff({}), "b": {"variations": {}}}, False),
        ("goff", {"a": goff("on")}, False),
        ("goff", {"$schema": "x"}, False),
    ],
)
def test_which_file_has_the_dialects_shape(dialect, data, fits):
    assert DIALECTS[dialect].recognises(data) is fits


@pytest.mark.parametrize(
    ("variants", "value", "name"),
    [
        *[({"x": True, "y": False}, word, "x") for word in ("true", "on", "1", 1, True, "True")],
        *[({"x": True, "y": False}, word, "y") for word in ("false", "off", "0", 0, False, "False")],
        ({"on": False, "off": True}, "on", "on"),  # a name beats a value
        ({"true": "v1", "other": "v2"}, True, "true"),
        (TEXTS, "v2", "new"),
        ({"few": 5, "many": 50}, "50", "many"),
        ({"few": {"limit": 5}, "many": {"limit": 50}}, {"limit": 50}, "many"),
        ({"none": None, "some": "x"}, "x", "some"),
        ({"none": None, "some": True}, True, "some"),
    ],
)
def test_a_variant_is_named_by_its_name_or_its_value(variants, value, name):
    assert variant_named(variants, value) == name


def test_a_value_that_two_variants_have_names_neither():
    with pytest.raises(FlagError) as error:
        variant_named({"a": 1, "b": 1, "c": 2}, 1)
    assert str(error.value) == "there is no variant `1`; use one of a, b, c"


@pytest.mark.parametrize(
    ("variants", "on", "pair"),
    [
        (SWITCH, None, ("on", "off")),
        ({"off": False, "x": True}, None, ("x", "off")),  # true, whatever it is called
        ({"on": "v2", "off": "v1", "c": "v3"}, None, ("on", "off")),  # the names say it
        ({"x": False, "y": True}, "off", ("x", "y")),  # the only other one
        (TEXTS, "v2", ("new", "old")),
        (THREE, "b", ("b", "c")),  # the default, c
        ({"a": True, "b": False, "c": 1}, None, ("a", "b")),  # the false one beats the default
    ],
)
def test_the_variant_that_is_rolled_out_and_its_opposite(variants, on, pair):
    found = on_variant(variants, on)
    assert (found, off_variant(variants, found, "c")) == pair


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: on_variant(TEXTS, None), "which variant is to be rolled out is not clear; use --on with old, new"),
        (lambda: on_variant({"a": True, "b": True}, None),
         "which variant is to be rolled out is not clear; use --on with a, b"),
        (lambda: on_variant(TEXTS, "v3"), "there is no variant `v3`; use one of old, new"),
        (lambda: off_variant(THREE, "b", None),
         "which variant is the opposite of `b` is not clear; use `flags set` with its name"),
        (lambda: off_variant({"a": True, "b": False, "c": False}, "a", "b"),
         "which variant is the opposite of `a` is not clear; use `flags set` with its name"),
        (lambda: off_variant({"a": True}, "a", "a"),
         "which variant is the opposite of `a` is not clear; use `flags set` with its name"),
    ],
)  # fmt: skip
def test_a_choice_that_is_not_clear_is_left_to_a_person(call, message):
    with pytest.raises(FlagError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("dialect", "flag", "on", "value"),
    [
        ("plain", True, None, True),
        ("plain", {"enabled": 0}, "on", True),
        ("plain", {"enabled": 0}, "off", False),
        ("plain", "large", None, "large"),  # no switch: what it says is what everybody gets
        ("flagd", flagd(variants=TEXTS), "new", "v2"),
        ("flagd", flagd(), None, True),
        ("goff", goff({}, TEXTS), "old", "v1"),
        ("goff", goff({}), None, True),
    ],
)
def test_the_value_of_those_who_are_in(dialect, flag, on, value):
    assert DIALECTS[dialect].on_value(flag, on) is value
