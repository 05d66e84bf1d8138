"""What flagd and the plain dialect serve: the hashes against published figures, the buckets to the last key."""

import hashlib
from datetime import UTC, datetime

import pytest
from flag_shapes import flagd, split
from hypothesis import given, settings
from hypothesis import strategies as st

from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime
from releasegate.flags.document import DIALECTS
from releasegate.flags.flagd_runtime import cbor_text, hash_input
from releasegate.flags.hashes import fnv1a, murmur3
from releasegate.flags.logic import DEEPEST

OWN = "the caller's own default"


@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("", 0),
        ("a", 0x3C2569B2),
        ("abc", 0xB3DD93FA),
        ("hello", 0x248BFA47),
        ("hello, world", 0x149BBB7F),
        ("The quick brown fox jumps over the lazy dog", 0x2E4FF723),
    ],
)
def test_murmur3_has_its_published_figures(text, hashed):
    assert murmur3.__wrapped__(text.encode()) == hashed, "worked out, and not remembered"


@pytest.mark.parametrize(("text", "hashed"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_fnv1a_has_its_published_figures(text, hashed):
    assert fnv1a.__wrapped__(text.encode()) == hashed


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, "60"),
        (23, "77"),
        (24, "7818"),
        (255, "78ff"),
        (256, "790100"),
        (65_535, "79ffff"),
        (65_536, "7a00010000"),
    ],
)
def test_a_text_in_cbor_has_the_shortest_head(length, head):
    assert cbor_text("x" * length) == bytes.fromhex(head) + b"x" * length


def test_cbor_counts_bytes_and_not_characters():
    assert cbor_text("ü" * 12) == b"\x78\x18" + "ü".encode() * 12


@pytest.mark.parametrize(
    ("generation", "by", "hashed"),
    [
        ("concat", None, b"aK"),
        ("concat", "mail", b"mail"),
        ("cbor", None, b"\x82\x61a\x61K"),  # an array of two texts
        ("cbor", "mail", b"\x64mail"),
    ],
)
def test_what_each_generation_hashes(generation, by, hashed):
    assert hash_input("a", "K", generation, by) == hashed


def served_by(flag, whole=None, **runtime):
    return DIALECTS["flagd"].evaluator("a", flag, whole or {}, Runtime(default=OWN, **runtime))


def serve(targeting, key="user-1", **attributes):
    return served_by(flagd(targeting), attributes=attributes)(key)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["on", "off"]), st.integers(0, 3)), min_size=1, max_size=4))
def test_the_buckets_are_laid_end_to_end_in_their_order(buckets):
    # The hash is scaled to the sum of the weights: below the first weight lies the first bucket, and so on.
    laid = [name for name, weight in buckets for _ in range(weight)]
    served = served_by(flagd(split(*map(list, buckets))), generation="concat")
    for number in range(8):
        expected = laid[murmur3(f"auser-{number}".encode()) * len(laid) >> 32] == "on" if laid else False
        assert served(f"user-{number}") is expected


@pytest.mark.parametrize(
    ("buckets", "served"),
    [
        ([["on", 1], ["off", -5]], True),  # a negative weight is none
        ([["on", -1]], False),  # no weight at all: the default variant
        ([["on", 2**31 - 1]], True),
        ([["on", 2**31 - 1], ["off", 1]], False),  # more than the evaluators can hold
        ([["on", 1.0]], False),
        ([["on", True]], False),
        ([["on", 1, 1]], False),
        ([["on"]], True),
        ([[]], False),
        ([["on"], "off"], False),
        ([], False),
        ([{"var": "mail"}, ["on"]], False),  # split by what is not there
        ([None, ["on"]], False),
        (["ada", ["on"]], True),  # split by a text
        ([["gone"]], OWN),  # no such variant: an error to the caller
        ([[True]], OWN),
        ([[None]], False),
    ],
)
def test_what_a_fractional_serves(buckets, served):
    assert serve(split(*buckets)) == served


def test_no_weight_is_a_weight_of_one():
    said, unsaid = (served_by(flagd(split(["on", *weight], ["off", 1]))) for weight in ([1], []))
    served = [said(f"user-{number}") for number in range(40)]
    assert served == [unsaid(f"user-{number}") for number in range(40)]
    assert set(served) == {True, False}


def test_a_split_by_an_attribute_looks_at_nothing_else():
    rule = split({"var": "mail"}, ["on", 50], ["off", 50])
    by_mail = {mail: serve(rule, "user-1", mail=mail) for mail in ("a", "b", "c", "d", "e")}
    assert by_mail == {mail: serve(rule, "user-2", mail=mail) for mail in by_mail}
    hashed = {mail: murmur3(cbor_text(mail)) * 100 >> 32 < 50 for mail in by_mail}
    assert by_mail == hashed
    assert set(hashed.values()) == {True, False}


@pytest.mark.parametrize(
    ("rule", "served"),
    [
        ({"if": [{"starts_with": [{"var": "mail"}, "ada"]}, "on"]}, True),
        ({"if": [{"starts_with": [{"var": "mail"}, "@x.io"]}, "on"]}, False),
        ({"if": [{"ends_with": [{"var": "mail"}, "@x.io"]}, "on"]}, True),
        ({"if": [{"ends_with": [{"var": "mail"}, "ada"]}, "on"]}, False),
        ({"if": [{"ends_with": [{"var": "gone"}, "x"]}, "on"]}, False),
        ({"if": [{"starts_with": [{"var": "mail"}]}, "on"]}, False),  # one text alone says nothing
        ({"if": [{"ends_with": [{"var": "mail"}]}, "on"]}, False),
        ({"if": [{"==": [{"starts_with": [{"var": "age"}, "3"]}, None]}, "on"]}, True),  # a number is no text: null
        ({"if": [{"==": [{"var": "$flagd.flagKey"}, "a"]}, "on"]}, True),
        ({"if": [{"==": [{"var": "targetingKey"}, "user-1"]}, "on"]}, True),
        ({"if": [{"==": [{"var": "$flagd.timestamp"}, None]}, "on"]}, True),  # no time was given
        ({"var": "gone"}, False),
        ("on", True),
        (True, OWN),  # the variant `true`, which is not there
        (7, OWN),
    ],
)
def test_what_a_rule_serves(rule, served):
    assert serve(rule, mail="ada@x.io", age=30) == served


def test_the_time_is_in_whole_seconds():
    rule = {"if": [{"==": [{"var": "$flagd.timestamp"}, 1_795_521_600]}, "on"]}
    now = datetime(2026, 11, 24, 12, 0, 0, 900_000, UTC)
    assert served_by(flagd(rule), now=now)("user-1") is True


def test_names_of_variants_are_text_and_a_default_without_a_variant_is_the_callers():
    numbers = flagd(split([1, 1]), "2", {"1": "one", "2": "two"})
    assert served_by(numbers)("x") == "one"
    booleans = flagd({"if": [{"==": [{"var": "targetingKey"}, "x"]}, True, False]}, "false", {"true": 1, "false": 0})
    assert [served_by(booleans)(key) for key in "xy"] == [1, 0]
    assert served_by(flagd(None, "gone"))("x") == OWN
    assert served_by(flagd(None, None))("x") == OWN
    assert served_by(flagd({}, "off", {"off": None}))("x") == OWN
    assert served_by(flagd("on", state="DISABLED"))("x") == OWN


def test_references_are_followed_wherever_they_stand():
    shared = {"staff": {"==": [{"var": "mail"}, "ada"]}, "all": {"if": [{"$ref": "staff"}, "on", "off"]}}
    whole = {"$evaluators": shared}
    served = [served_by(flagd({"$ref": "all"}), whole, attributes={"mail": mail})("x") for mail in ("ada", "bob")]
    assert served == [True, False]


def chain(length):
    """Shared rules of which each refers to the next, and the last is the variant."""
    links = {f"r{number}": {"$ref": f"r{number + 1}"} for number in range(length - 1)}
    return {"$evaluators": {**links, f"r{length - 1}": "on"}}


def test_references_and_rules_are_followed_to_a_depth():
    assert served_by(flagd({"$ref": "r0"}), chain(DEEPEST))("x") is True
    rule = "on"
    for _ in range(DEEPEST // 2):  # a mapping and a list each
        rule = {"if": [True, rule]}
    assert serve(rule) is True


NO_NAME = "`fractional` splits by something that is no text, which evaluators do differently"
NO_VARIANT = "the targeting ends in a value that is no variant"


@pytest.mark.parametrize(
    ("targeting", "whole", "message"),
    [
        (split(5, ["on"]), {}, NO_NAME),
        (split("", ["on"]), {}, NO_NAME),
        (split({"var": "age"}, ["on"]), {}, NO_NAME),
        (split([["on"]]), {}, NO_VARIANT),
        (2.5, {}, NO_VARIANT),
        ({"$ref": "x"}, {}, "the targeting refers to `x`, which is not in $evaluators"),
        ({"$ref": "x"}, {"$evaluators": "xyz"}, "the targeting refers to `x`, which is not in $evaluators"),
        ({"$ref": ["x"]}, {"$evaluators": {"x": 1}}, "the targeting refers to `['x']`, which is not in $evaluators"),
        ({"$ref": "x"}, {"$evaluators": {"x": {"!": [{"$ref": "x"}]}}}, "the targeting rule refers to itself"),
        ({"$ref": "x"}, {"$evaluators": {"x": [{"$ref": "x"}]}}, "the targeting rule refers to itself"),
        ({"$ref": "r0"}, chain(DEEPEST + 1), "the targeting rule refers to itself"),
    ],
)
def test_what_flagd_is_not_evaluated_for(targeting, whole, message):
    with pytest.raises(FlagError) as error:
        served_by(flagd(targeting), whole, attributes={"age": 30})("user-1")
    assert str(error.value) == message


def test_a_flag_that_is_none_is_refused_before_it_is_served():
    with pytest.raises(FlagError) as error:
        served_by({"state": "ON", "variants": {}})
    assert str(error.value) == "not a flag of flagd: it needs `variants`, and `state` ENABLED or DISABLED"


def test_a_proof_goes_through_both_generations_unless_one_is_given():
    runtime = Runtime(default=OWN)
    labels = {"cbor": "flagd, CBOR hash", "concat": "flagd, concatenated hash"}
    both = [(label, Runtime(default=OWN, generation=name)) for name, label in labels.items()]
    assert DIALECTS["flagd"].evaluators(runtime) == both
    assert DIALECTS["flagd"].evaluators(both[1][1]) == both[1:]
    assert DIALECTS["plain"].evaluators(runtime) == [("plain dialect", runtime)]


def test_the_hash_of_an_evaluation_is_cbor_where_nothing_is_said():
    flag, keys = flagd(split(["on", 1], ["off", 1])), [f"user-{number}" for number in range(40)]
    unsaid, cbor, concat = (
        [served_by(flag, generation=generation)(key) for key in keys] for generation in (None, "cbor", "concat")
    )
    assert unsaid == cbor != concat


@pytest.mark.parametrize("percent", [0, 0.01, 0.29, 12.5, 33.33, 99.99, 100])
def test_the_plain_dialect_is_its_definition(percent):
    served = DIALECTS["plain"].evaluator("a", {"enabled": True, "percentage": percent}, {}, Runtime(default=OWN))
    for number in range(300):
        point = int(hashlib.sha256(f"a:user-{number}".encode()).hexdigest()[:8], 16) % 10000
        assert served(f"user-{number}") is (point < percent * 100)


def test_the_threshold_of_the_plain_dialect_is_exact():
    point = int(hashlib.sha256(b"a:user-1").hexdigest()[:8], 16) % 10000
    for above, on in ((0, False), (1, True)):
        flag = {"enabled": True, "percentage": (point + above) / 100}
        assert DIALECTS["plain"].evaluator("a", flag, {}, Runtime())("user-1") is on


@pytest.mark.parametrize(("flag", "served"), [("large", "large"), (2.5, 2.5), ("on", True), (0, False)])
def test_a_setting_is_the_same_for_everybody(flag, served):
    assert DIALECTS["plain"].evaluator("a", flag, {}, Runtime(default=OWN))("user-1") == served
