"""Our JsonLogic against the one inside the real flagd evaluator: the same answer, or a refusal to answer."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from random_rules import KEY, USER, digest, flag, rules

from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime
from releasegate.flags.document import DIALECTS, FlagFile
from releasegate.flags.logic import DEEPEST, evaluate, truth
from releasegate.flags.proof import evaluator

VARS = st.sampled_from(["targetingKey", "email", "plan", "age", "nothing", "$flagd.flagKey"]).map(lambda n: {"var": n})
SCALARS = st.none() | st.booleans() | st.integers(-3, 60) | st.sampled_from(["", "a", "gold", "user-7", "@example.com"])


def operators(inner):
    def of(names, low, high):
        return st.builds(
            lambda name, items: {name: items}, st.sampled_from(names), st.lists(inner, min_size=low, max_size=high)
        )

    return (
        of(["if", "and", "or"], 1, 5) | of(["==", "!=", "===", "!==", "starts_with", "ends_with"], 2, 2)
        | of(["<", "<=", ">", ">="], 2, 3) | of(["!", "!!"], 1, 1) | of(["cat"], 1, 3)
        | st.builds(lambda needle, hay: {"in": [needle, hay]}, inner, st.lists(SCALARS, max_size=3) | inner)
    )  # fmt: skip


RULES = st.recursive(SCALARS | VARS, operators, max_leaves=8)


@given(RULES)
def test_the_real_evaluator_agrees_wherever_we_answer(rule):
    whole = {"flags": {"a": {**flag(rule), "variants": {"on": 1, "off": 2}}}}
    file = FlagFile.parse(json.dumps(whole).encode(), "flags.json")
    try:
        ours = evaluator(file, "a", Runtime(default=0, attributes=USER))("user-7")
    except FlagError:
        return
    core = FlagdCore()
    core.set_flags(json.dumps(whole))
    real = core.resolve_integer_value("a", 0, EvaluationContext(targeting_key="user-7", attributes=USER))
    assert ours == real.value


def test_npms_evaluator_agrees_wherever_we_answer_on_thousands_of_rules():
    asked, vectors = rules(), json.loads(Path(__file__).with_name("vectors.json").read_text())["rules"]
    assert digest(asked) == vectors["asked"]
    answered = 0
    for rule, served in zip(asked, vectors["answers"], strict=True):
        try:
            serve = DIALECTS["flagd"].evaluator("a", flag(rule), {}, Runtime(default="d", attributes=USER))
            ours = serve(KEY)
        except FlagError:
            continue
        assert ours == served, rule
        answered += 1
    assert answered > len(asked) / 2


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"if": [False, 1, True, 2, 3]}, 2),
        ({"if": [False, 1, 3]}, 3),
        ({"if": [False, 1]}, None),
        ({"?:": [True, 1, 2]}, 1),
        ({"and": [1, 0, 2]}, 0),
        ({"or": [0, "", "x", 1]}, "x"),
        ({"var": ["nothing", "else"]}, "else"),
        ({"var": "deep.er"}, 5),
        ({"<": [1, 2, 3]}, True),
        ({"<": [1, 3, 3]}, False),
        ({">=": [3, 3]}, True),
        ({"in": ["b", "abc"]}, True),
        ({"in": [True, [2, "1"]]}, False),
        ({"in": [1, [2, 1]]}, True),
        ({"in": [1, None]}, False),
        ({"==": [None, "a"]}, False),
        ({"==": [None, []]}, False),
        ({"!": []}, True),
        ({"!!": [[]]}, False),
        ({"cat": ["a", "b"]}, "ab"),
        ({"if": []}, None),
        ({"if": [1]}, 1),
        ({"if": [0, 1, 0, 2, 3]}, 3),
        ({"and": []}, None),
        ({"or": []}, None),
        ({"and": [1, "x"]}, "x"),
        ({"or": [0, ""]}, ""),
        ({"and": 0}, 0),
        ({"var": ["deep.er", "else"]}, 5),
        ({"var": "deep.er.est"}, None),
        ({"var": ["deep.er.est", "else"]}, "else"),
        ({"var": "nothing"}, None),
        ([{"var": "deep.er"}, 1], [5, 1]),
        ({"==": [1, 1.0]}, True),
        ({"==": ["a", "b"]}, False),
        ({"==": [None, None]}, True),
        ({"!=": [1, 2]}, True),
        ({"===": [1, 1]}, True),
        ({"===": [1, "a"]}, False),
        ({"===": [True, True]}, True),
        ({"===": [None, 0]}, False),
        ({"!==": [1, 1]}, False),
        ({"<": [1, 2]}, True),
        ({"<": [2, 2]}, False),
        ({"<": ["a", "b"]}, True),
        ({"<": [None, 1]}, True),  # null is 0
        ({"<": [None, 0.5]}, True),
        ({"<=": [2, 2]}, True),
        ({"<=": [3, 2]}, False),
        ({"<=": [1, 3, 2]}, False),
        ({"<=": [1, 2, 2]}, True),
        ({">": [2, 2]}, False),
        ({">": [3, 2]}, True),
        ({">": [0, None]}, False),
        ({">=": [2, 3]}, False),
        ({"in": [None, "abc"]}, False),
        ({"in": ["x", "abc"]}, False),
        ({"in": ["x", []]}, False),
        ({"in": ["", "abc"]}, True),
        ({"!!": ["0"]}, True),
        ({"!": 0}, True),
        ({"cat": []}, ""),
    ],
)
def test_what_rules_mean(rule, answer):
    assert evaluate(rule, {"deep": {"er": 5}}, {}) == answer


TYPES = "`==` of the targeting compares values of different types, which evaluators do differently"
BOOLEAN = "`===` of the targeting compares a boolean with a number, which evaluators do differently"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"sem_ver": ["1", "=", "1"]}, "the targeting uses `sem_ver`, which is not evaluated here"),
        ({"a": 1, "b": 2}, "a rule of the targeting does not have exactly one operator"),
        ({"==": ["1", 1]}, TYPES),
        ({"==": [[], []]}, TYPES),
        ({"===": [[], []]}, "`===` of the targeting compares lists or objects, which evaluators do differently"),
        ({"==": [None, 0]}, TYPES),
        ({"===": [False, 0]}, BOOLEAN),
        ({"==": [True, True]}, "`==` of the targeting compares two booleans, which evaluators do differently"),
        ({"in": [1, "1"]}, "`in` of the targeting looks for no text in a text, which evaluators do differently"),
        ({"in": [None, "null"]}, "`in` of the targeting looks for no text in a text, which evaluators do differently"),
        ({"in": ["", ""]}, "`in` of the targeting looks for no text in no text, which evaluators do differently"),
        (
            {"in": [1, 1]},
            "`in` of the targeting looks into what is neither text nor list, which evaluators do differently",
        ),
        ({"==": [1]}, "`==` of the targeting takes two arguments"),
        ({"<": [1]}, "`<` of the targeting takes two arguments, or three to say between, by `<` or `<=`"),
        ({"<": [None, 1, None]}, "`<` of the targeting compares with null, which evaluators do differently"),
        ({">": [3, 2, 1]}, "`>` of the targeting takes two arguments, or three to say between, by `<` or `<=`"),
        ({"<": ["a", 1]}, "`<` of the targeting compares values that are no numbers"),
        (
            {"in": [True, [1]]},
            "`in` of the targeting looks for a boolean among numbers, which evaluators do differently",
        ),
        ({"cat": ["a", 1]}, "`cat` of the targeting joins values that are no texts"),
        ({"var": ""}, "a `var` of the targeting has no plain name"),
        ({"var": 1}, "a `var` of the targeting has no plain name"),
        ({"var": []}, "a `var` of the targeting has no plain name"),
        ({"var": ["a", "b", "c"]}, "a `var` of the targeting has no plain name"),
        ({}, "a rule of the targeting does not have exactly one operator"),
        ({"===": [1]}, "`===` of the targeting takes two arguments"),
        ({"===": [[], 1]}, "`===` of the targeting compares lists or objects, which evaluators do differently"),
        ({"===": [1, True]}, BOOLEAN),
        ({"in": ["a"]}, "`in` of the targeting takes two arguments"),
        ({"==": ["a", []]}, TYPES),
        ({"==": [0, None]}, TYPES),
        ({"==": [False, None]}, TYPES),
        ({"<": [1, 2, 3, 4]}, "`<` of the targeting takes two arguments, or three to say between, by `<` or `<=`"),
        ({">=": [1, 2, 3]}, "`>=` of the targeting takes two arguments, or three to say between, by `<` or `<=`"),
        ({"<=": [1, 2, None]}, "`<=` of the targeting compares with null, which evaluators do differently"),
        ({">": [True, 1]}, "`>` of the targeting compares values that are no numbers"),
        ({">=": [1, "a"]}, "`>=` of the targeting compares values that are no numbers"),
    ],
)
def test_what_is_not_evaluated(rule, message):
    with pytest.raises(FlagError) as error:
        evaluate(rule, {}, {})
    assert str(error.value) == message


def test_a_rule_that_is_nested_without_end_is_no_traceback():
    rule = True
    for _ in range(DEEPEST):
        rule = {"!!": [rule]}
    assert evaluate(rule, {}, {}) is True
    with pytest.raises(FlagError) as error:
        evaluate({"!!": [rule]}, {}, {})
    assert str(error.value) == "the targeting rule refers to itself, or is nested too deep to be evaluated"


@pytest.mark.parametrize(
    ("value", "answer"),
    [(None, False), (0, False), ("", False), ([], False), (float("nan"), False), ({}, True), ("0", True)],
)
def test_what_counts_as_true(value, answer):
    assert truth(value) is answer


def referring(targeting):
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": targeting}
    shared = {"staff": {"ends_with": [{"var": "email"}, "@example.com"]}, "loop": {"$ref": "loop"}}
    return FlagFile.parse(json.dumps({"flags": {"a": flag}, "$evaluators": shared}).encode(), "flags.json")


def test_shared_rules_are_looked_up():
    file = referring({"if": [{"$ref": "staff"}, "on", "off"]})
    assert evaluator(file, "a", Runtime(attributes=USER))("x") is True
    assert evaluator(file, "a", Runtime())("x") is False


CONSTANT = "f: `{}` of the targeting has a constant that is no text, which evaluators do differently"


@pytest.mark.parametrize(
    ("targeting", "message"),
    [
        (
            {"if": [False, {"cat": ["a", {"or": ["b"]}]}]},
            "f: `cat` of the targeting takes what `or` or `and` gives, which evaluators do differently",
        ),
        (
            {"or": ["on", {"starts_with": [{"var": "email"}, 1]}]},
            "f: `starts_with` of the targeting has a constant that is no text, which evaluators do differently",
        ),
        (
            {"in": ["a", {"and": ["b"]}]},
            "f: `in` of the targeting takes what `or` or `and` gives, which evaluators do differently",
        ),
        ({"!": [{"cat": ["a", 1]}]}, CONSTANT.format("cat")),
        ({"ends_with": [{"var": "email"}, ["a"]]}, CONSTANT.format("ends_with")),
        # What no user changes is worked out beforehand, by one of them.
        (
            {"if": [{"var": "plan"}, "on", {"<": [60, "a"]}]},
            "f: `<` of the targeting compares values that are no numbers",
        ),
        (
            {"or": [{"var": "plan"}, {"in": [{"if": [""]}, {"!": [7]}]}]},
            "f: `in` of the targeting looks into what is neither text nor list, which evaluators do differently",
        ),
        ({"$ref": "nobody"}, "f: the targeting refers to `nobody`, which is not in $evaluators"),
        ({"$ref": "loop"}, "f: the targeting rule refers to itself"),
    ],
)
def test_a_reference_that_leads_nowhere_and_a_rule_that_is_read_differently(targeting, message):
    with pytest.raises(FlagError) as error:
        evaluator(referring(targeting), "a", Runtime())
    assert error.value.what == message.replace("f: ", "`a`: ")
