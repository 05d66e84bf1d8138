"""A proof says what is so, and an edit that is not proved goes up only where it takes back."""

import hashlib
import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime
from releasegate.flags.document import FlagFile, Goal
from releasegate.flags.proof import RISK, bounds, decide, evaluator, prove, raises

FLAGD = """\
flags:
  a:
    state: ENABLED
    variants: {"on": true, "off": false}
    defaultVariant: "off"
    targeting: {fractional: [["on", 5], ["off", 95]]}
"""
GOFF = """\
a:
  variations: {enabled: true, disabled: false}
  defaultRule: {percentage: {enabled: 5, disabled: 95}}
"""
PLAIN = "a: {enabled: true, percentage: 5}\n"


def parse(text, path="flags.yaml"):
    return FlagFile.parse(text.encode(), path)


def by_definition(name, percent, keys=10_000):
    """The plain dialect, in the words of its own docstring."""
    digests = (hashlib.sha256(f"{name}:user-{number}".encode()).hexdigest() for number in range(keys))
    return sum(int(digest[:8], 16) % 10000 < percent * 100 for digest in digests)


@pytest.mark.parametrize(
    ("text", "on"), [(PLAIN, [by_definition("checkout-v2", 5)]), (FLAGD, [494, 439]), (GOFF, [476])]
)
def test_five_percent_lies_in_its_bound(text, on):
    proof = prove(parse(text.replace("a:", "checkout-v2:", 1)), "checkout-v2", 5)
    assert proof.ok
    assert [run.on for run in proof.runs] == on
    assert (proof.low, proof.high) == (397, 610)


@pytest.mark.parametrize("text", [PLAIN, FLAGD, GOFF])
def test_a_ramp_is_nested_and_off_is_nobody(text):
    file, served = parse(text), []
    for percent in (5, 25, 100):
        after = file.rollout("a", percent).after
        proof = prove(after, "a", percent, 2000, before=file)
        assert proof.ok, proof.text
        assert [run.lost for run in proof.runs] == [0] * len(proof.runs)
        served.append(proof.runs[0].on)
        file = after
    assert served == sorted(served)
    assert served[-1] == 2000
    assert [run.on for run in prove(file.off("a").after, "a", 0, 2000).runs] == [0] * len(proof.runs)


def test_the_lines_of_a_proof():
    text = "a at 5%: 494 of 10000 keys are on (4.94%), as it should be (397 to 610) [flagd, CBOR hash]\n"
    proof = prove(parse(FLAGD.replace("  a:", "  checkout-v2:")), "checkout-v2", 5)
    assert proof.text.splitlines()[0] + "\n" == text.replace("a at", "checkout-v2 at", 1)
    lone = prove(parse(FLAGD.replace(', ["off", 95]', "")), "a", 5)
    assert not lone.ok
    assert lone.text.splitlines()[1] == (
        "a at 5%: 10000 of 10000 keys are on (100.00%), NOT as it should be (397 to 610) [flagd, concatenated hash]"
    )


def test_a_raise_that_takes_users_back_is_no_proof():
    swapped = parse(FLAGD.replace('[["on", 5], ["off", 95]]', '[["off", 75], ["on", 25]]'))
    proof = prove(swapped, "a", 25, before=parse(FLAGD))
    assert not proof.ok
    assert "keys back that were on [flagd, CBOR hash]" in proof.text


def test_a_raise_without_proof_is_refused_and_lowering_is_done():
    unproved = GOFF + "  targeting: [{query: 'age gt 5', variation: enabled}]\n"
    with pytest.raises(FlagError) as error:
        decide(parse(unproved).rollout("a", 25))
    assert str(error.value) == (
        "`a` is not raised without proof: flags.yaml:1:1: `a`: the query `age gt 5` is not evaluated here; "
        "see `releasegate flags lint --file flags.yaml`"
    )
    proof, missing = decide(parse(unproved).off("a"))
    assert (proof.ok, missing) == (True, None)
    with pytest.raises(FlagError) as error:
        decide(parse(unproved).rollout("a", 0))
    assert error.value.remedy == "use `releasegate flags off a`, which takes the rules away"
    odd = parse(FLAGD.replace("targeting: {", "targeting: { ").replace('["off", 95]', '["off", 95], ["off", 0]'))
    proof, missing = decide(odd.off("a"))
    assert (proof.ok, missing) == (True, None)


@pytest.mark.parametrize(
    ("before", "make", "raised"),
    [
        (PLAIN, lambda f: f.rollout("a", 25), True),
        (PLAIN, lambda f: f.rollout("a", 5), False),
        (PLAIN, lambda f: f.rollout("a", 1), False),
        (PLAIN, lambda f: f.set("a", "on"), True),
        (PLAIN, lambda f: f.set("a", "off"), False),
        (PLAIN, lambda f: f.off("a"), False),
        (FLAGD, lambda f: f.set("a", "on"), True),
        (FLAGD, lambda f: f.off("a"), False),
        (FLAGD.replace("ENABLED", "DISABLED"), lambda f: f.rollout("a", 1), True),
        (FLAGD.replace("fractional", "if"), lambda f: f.off("a"), False),
    ],
)
def test_what_counts_as_raising(before, make, raised):
    assert raises(make(parse(before))) is raised


def test_a_flag_that_depends_on_time_proves_nothing_without_one():
    text = GOFF + "  experimentation: {start: 2026-01-01T00:00:00Z, end: 2027-01-01T00:00:00Z}\n"
    with pytest.raises(FlagError, match="depends on the time"):
        prove(parse(text), "a", 5)


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
def test_one_key_and_the_callers_default(state):
    file = parse(FLAGD.replace("ENABLED", state))
    assert evaluator(file, "a", Runtime(default="mine"))("user-1") == (True if state == "ENABLED" else "mine")


def test_one_generation_alone():
    assert [run.evaluator for run in prove(parse(FLAGD), "a", 5, runtime=Runtime(generation="concat")).runs] == [
        "flagd, concatenated hash"
    ]


@given(st.integers(1, 400), st.decimals(Decimal("0.01"), Decimal("99.99"), places=2))
def test_the_bounds_are_the_exact_tails_of_the_binomial(keys, percent):
    low, high = bounds(keys, percent)
    chance = float(percent) / 100
    mass = [math.comb(keys, k) * chance**k * (1 - chance) ** (keys - k) for k in range(keys + 1)]
    assert sum(mass[:low]) <= RISK / 2 * (1 + 1e-9)
    assert sum(mass[: low + 1]) >= RISK / 2 * (1 - 1e-9) or low == keys
    assert sum(mass[high + 1 :]) <= RISK / 2 * (1 + 1e-9)
    assert sum(mass[high:]) >= RISK / 2 * (1 - 1e-9) or high == 0


def test_nobody_and_everybody_have_no_slack():
    assert (bounds(7, Decimal(0)), bounds(7, Decimal(100))) == ((0, 0), (7, 7))


def test_what_takes_back_is_done_also_where_the_proof_fails_and_what_is_missing_is_said():
    edit = parse(PLAIN).set("a", "on", taking_back=True)
    assert decide(edit)[1] is None
    proof, missing = decide(replace(edit, goal=Goal(Decimal(7), "on", taking_back=True)))
    assert not proof.ok
    assert missing == "a at 7%: 10000 of 10000 keys are on (100.00%), NOT as it should be (579 to 828) [plain dialect]"
