"""What GO Feature Flag serves, rule by rule: its queries, its buckets to the last key, and what depends on the time."""

from datetime import datetime

import pytest
from flag_shapes import goff, shares

from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime
from releasegate.flags.document import DIALECTS

OWN = "the caller's own default"
VARIATIONS = {"on": 1, "off": 0, "none": None}
NOON, MIDNIGHT = "2026-11-24T12:00:00Z", "2026-11-25T00:00:00+00:00"


def fnv1a(text):
    """As its authors write it: xor, then multiply with the prime, in 32 bits."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def evaluator(flag, now=NOON, **attributes):
    moment = now and datetime.fromisoformat(now)
    runtime = Runtime(default=OWN, now=moment, attributes=attributes)
    return DIALECTS["goff"].evaluator("a", flag, {}, runtime)


def serve(flag, key="user-1", now=NOON, **attributes):
    return evaluator(flag, now, **attributes)(key)


def flag(rule, **more):
    return goff(rule, VARIATIONS, **more)


def targeted(query, **more):
    return flag({"variation": "off"}, targeting=[{"query": query, "variation": "on", **more}])


@pytest.mark.parametrize(
    ("query", "key", "served"),
    [
        ('key eq "Ada"', "ada", 1),  # without regard to capitals, on both sides
        ('key == "ada"', "ADA", 1),
        ('targetingKey eq "ada"', "ada", 1),
        ('key eq "ada"', "ada2", 0),
        ('key ne "ada"', "ada2", 1),
        ('key != "ada"', "ada", 0),
        ('key co "DA"', "ada", 1),
        ('key co "x"', "ada", 0),
        ('key sw "ad"', "ada", 1),
        ('key sw "da"', "ada", 0),
        ('key ew "da"', "ada", 1),
        ('key ew "ad"', "ada", 0),
        (' KEY EQ "ada" ', "ada", 0),  # the operator may be in capitals, an attribute's name is as it is
        (' key EQ "ada" ', "ada", 1),
        ('plan eq "gold"', "ada", 1),
        ('plan eq "lead"', "ada", 0),
        ('age eq "30"', "ada", 0),  # a number is no text
        ('nothing ne "x"', "ada", 0),  # an attribute that is not there matches nothing
        ("", "ada", 1),  # no query: everybody
        (None, "ada", 1),
    ],
)
def test_one_comparison_of_a_text(query, key, served):
    assert serve(targeted(query), key, plan="Gold", age=30) == served


@pytest.mark.parametrize("query", ['key eq "x"', "", None])
def test_a_rule_that_is_disabled_serves_nobody(query):
    assert serve(targeted(query, disable=True), "x") == 0
    assert serve(targeted(query, disable="true"), "x") == 1, "only a boolean disables"


def test_the_first_rule_that_applies_serves_and_the_default_rule_is_for_all_others():
    rules = [{"query": 'key sw "a"', "variation": "off"}, {"query": 'key ew "z"', "variation": "on"}]
    default = {"variation": "none", "query": 'key eq "nobody"', "disable": True}  # neither counts in a default rule
    assert [serve(flag(default, targeting=rules), key) for key in ("az", "bz", "b")] == [0, 1, OWN]
    assert serve(flag({"variation": "on", "query": "no such language", "disable": True})) == 1


@pytest.mark.parametrize(
    "rule", [{"variation": "gone"}, {"variation": "none"}, {}, {"percentage": {"on": 0, "off": 0}}]
)
def test_a_variation_without_a_value_is_the_callers_default(rule):
    assert serve(flag(rule)) == OWN


def test_the_buckets_are_those_of_the_hash_from_the_first_point_to_the_last():
    # 0.002 and 0.003 of a percent are 2 and 3 thousandths: five points, the variations in the reverse order of names.
    served = evaluator(flag(shares(off=0.002, on=0.003)), None)
    keys = [f"user-{number}" for number in range(60)]
    points = [fnv1a(f"a{key}") % 5 for key in keys]
    assert set(points) == set(range(5))
    assert [served(key) for key in keys] == [(1, 1, 1, 0, 0)[point] for point in points]


def test_one_point_is_everybody():
    assert serve(flag(shares(on=0.001))) == 1
    assert serve(flag(shares(on=0.0001))) == OWN, "less than a thousandth is nothing"


def test_a_query_with_percentages_splits_those_it_applies_to():
    rule = {"query": 'key sw "user"', **shares(on=100, off=0)}
    assert [serve(flag({"variation": "off"}, targeting=[rule]), key) for key in ("user-1", "ada")] == [1, 0]


# The point of user-1 under the flag `a` is 53173 of 100,000, that of user-63 is 50489: the thresholds lie around them.
POINTS = {"user-1": 53173, "user-63": 50489}


def test_the_points_that_the_figures_below_are_made_for():
    assert {key: fnv1a(f"a{key}") % 100_000 for key in POINTS} == POINTS


def progress(low=None, high=None, start="2026-11-24T00:00:00Z", end=MIDNIGHT):
    sides = {"initial": {"variation": "off", "date": start}, "end": {"variation": "on", "date": end}}
    for side, percentage in (("initial", low), ("end", high)):
        if percentage is not None:
            sides[side]["percentage"] = percentage
    return flag({"progressiveRollout": sides})


@pytest.mark.parametrize(
    ("low", "high", "now", "key", "served"),
    [
        # Half way at noon, all of it at midnight: from 0 to 100 where nothing is said.
        (None, None, NOON, "user-1", 0),
        (None, None, "2026-11-24T12:45:39Z", "user-1", 0),  # 45939 of 86400 seconds: the threshold is 53170
        (None, None, "2026-11-24T12:45:43Z", "user-1", 1),  # 4 seconds later it is 53174, beyond the point
        (20, 60, "2026-11-24T18:00:00Z", "user-63", 0),  # 20 + 40 * 3/4 = 50
        (21, 60, "2026-11-24T18:00:00Z", "user-63", 0),  # 50.25
        (22, 60, "2026-11-24T18:00:00Z", "user-63", 1),  # 50.5
        (None, 53.173, MIDNIGHT, "user-1", 0),  # the points below 53173 are in, this one is not
        (None, 53.174, MIDNIGHT, "user-1", 1),
        (None, 0.5, MIDNIGHT, "user-1", 0),  # half a percent is half a percent
        (None, 0, MIDNIGHT, "user-1", 1),  # none, or more than 100: all
        (None, 101, NOON, "user-63", 0),  # half of 100, not of 101
        (None, 100, NOON, "user-63", 0),
        (None, 40, "2026-11-27T00:00:00Z", "user-1", 0),  # long over: 40, and not more
        (100, 100, "2026-11-24T00:00:00Z", "user-1", 1),  # it begins on the second
        (100, 100, "2026-11-23T23:59:59Z", "user-1", 0),
        (53.2, None, "2026-11-24T00:00:00.9Z", "user-1", 1),
    ],
)
def test_a_progressive_rollout_moves_linearly_in_whole_seconds(low, high, now, key, served):
    assert serve(progress(low, high), key, now) == served


SIDE = {"variation": "on", "date": NOON}


@pytest.mark.parametrize(
    "rollout",
    [
        5,
        {},
        {"initial": SIDE},
        {"end": SIDE},
        {"initial": SIDE, "end": 5},
        {"initial": 5, "end": SIDE},
        {"initial": {"variation": "on"}, "end": SIDE},
        {"initial": SIDE, "end": {"date": NOON}},
        {"initial": {"variation": "on"}, "end": {"date": NOON}},
        {"initial": SIDE, "end": SIDE},  # no time between the two
        {"initial": {**SIDE, "date": MIDNIGHT}, "end": SIDE},
    ],
)
def test_a_progressive_rollout_that_is_not_whole_is_the_callers_default(rollout):
    assert serve(flag({"variation": "on", "progressiveRollout": rollout}), now=MIDNIGHT) == OWN


@pytest.mark.parametrize(
    ("experiment", "now", "served"),
    [
        ({"start": NOON, "end": MIDNIGHT}, "2026-11-24T11:59:59Z", OWN),
        ({"start": NOON, "end": MIDNIGHT}, NOON, 1),  # both ends belong to it
        ({"start": NOON, "end": MIDNIGHT}, MIDNIGHT, 1),
        ({"start": NOON, "end": MIDNIGHT}, "2026-11-25T00:00:01Z", OWN),
        ({"start": MIDNIGHT}, NOON, OWN),
        ({"end": NOON}, MIDNIGHT, OWN),
        ({}, None, 1),
        ("none", None, 1),
    ],
)
def test_an_experiment_serves_between_its_dates(experiment, now, served):
    assert serve(flag({"variation": "on"}, experimentation=experiment), now=now) == served


@pytest.mark.parametrize("step", [{"date": MIDNIGHT}, {"date": None}, {"defaultRule": {"variation": "off"}}])
def test_a_scheduled_step_that_is_not_due_changes_nothing(step):
    assert serve(flag({"variation": "on"}, scheduledRollout=[step])) == 1


DUE = "a scheduled step is in force, which is not evaluated here"
TIMELESS = "what the flag serves depends on the time; drive time from the rollout, not the flag"
RIGHT = "write 2026-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("unsound", "now", "message"),
    [
        (flag({}, scheduledRollout=[{"date": MIDNIGHT}, {"date": NOON}]), NOON, DUE),  # due on the second
        (flag({}, scheduledRollout=["2027-01-01"]), NOON, DUE),
        (flag({}, scheduledRollout={"date": NOON}), NOON, "`scheduledRollout` is no list"),
        (flag({}, scheduledRollout=[{"date": NOON}]), None, TIMELESS),
        (flag({}, experimentation={"start": NOON}), None, TIMELESS),
        (progress(), None, TIMELESS),
        (flag({}, experimentation={"end": "soon"}), NOON, f"`soon` is no moment with a time zone; {RIGHT}"),
        (flag({}, experimentation={"end": "2026-11-24T12:00:00"}), NOON,
         f"`2026-11-24T12:00:00` is no moment with a time zone; {RIGHT}"),
        (progress(low="5"), NOON, "the percentage `5` is no number from 0"),
        (progress(high=-1), NOON, "the percentage `-1` is no number from 0"),
        (progress(high=True), NOON, "the percentage `True` is no number from 0"),
        (progress(high=float("inf")), NOON, "the percentage `inf` is no number from 0"),
        (progress(high=float("nan")), NOON, "the percentage `nan` is no number from 0"),
        (flag({"progressiveRollout": {"initial": SIDE, "end": {**SIDE, "variation": 1}}}), NOON,
         "the variation `1` is no text"),
        (flag({"progressiveRollout": {"initial": {**SIDE, "variation": []}, "end": SIDE}}), NOON,
         "the variation `[]` is no text"),
        (flag({"variation": {}}), NOON, "the variation `{}` is no text"),
        (flag({"percentage": 5}), NOON, "a percentage is no number"),
        (flag({"percentage": ["on"]}), NOON, "a percentage is no number"),
        (flag(shares(on="5")), NOON, "a percentage is no number"),
        (flag(shares(on=True)), NOON, "a percentage is no number"),
        (flag(shares(on=5, off=-1)), NOON, "a percentage is no number"),
        (flag({}, targeting=["key"]), NOON, "a rule of the targeting is no mapping"),
        (flag({}, targeting={"variation": "on"}), NOON, "`targeting` is no list"),
        (targeted('key eq "a" and key eq "b"'), NOON,
         'the query `key eq "a" and key eq "b"` is not evaluated here'),
        (targeted("key eq 5"), NOON, "the query `key eq 5` is not evaluated here"),
        (targeted(r'key eq "a\"b"'), NOON, r'the query `key eq "a\"b"` is not evaluated here'),
        (targeted('key  eq "a"'), NOON, 'the query `key  eq "a"` is not evaluated here'),
        ({"variations": {}}, NOON, "not a flag of GO Feature Flag: it needs `variations` and `defaultRule`"),
    ],
)  # fmt: skip
def test_what_is_not_evaluated(unsound, now, message):
    with pytest.raises(FlagError) as error:
        evaluator(unsound, now)
    assert str(error.value) == message


def test_a_flag_that_is_disabled_is_not_looked_at_any_further():
    assert serve(flag({"variation": "on"}, disable=True, scheduledRollout=["x"])) == OWN


def test_there_is_one_evaluator_and_it_has_a_name():
    runtime = Runtime(default=OWN)
    assert DIALECTS["goff"].evaluators(runtime) == [("GO Feature Flag", runtime)]
