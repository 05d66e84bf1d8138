"""What the real evaluators serve to 10,000 keys, against our own: every key of every flag."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from vector_cases import FLAGD, GOFF, KEYS, NOW

from releasegate.flags.dialect import Runtime
from releasegate.flags.document import FlagFile
from releasegate.flags.proof import evaluator

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
"""Made by `make_vectors.py`, which asks the real ones."""


FEW = 400
"""Keys of the quick tests; the soak asks all."""


def unpacked(digits, keys):
    return f"{int(digits, 16):0{len(KEYS)}b}"[: len(keys)]


def ours(flags, name, keys, **runtime):
    """What callers with the defaults false and true get, as zeros and ones."""
    file = FlagFile.parse(json.dumps(flags).encode(), "flags.json")
    serve = evaluator(file, name, Runtime(default=2, now=datetime.fromisoformat(NOW), **runtime))
    served = "".join("012"[serve(key)] for key in keys)
    return [served.replace("2", default) for default in "01"]


def real_cbor(name, keys):
    """Version 2 of openfeature-flagd-core itself."""
    core = FlagdCore()
    core.set_flags(json.dumps({"flags": FLAGD}))
    return ["".join("01"[served_or(core, name, key, default)] for key in keys) for default in (False, True)]


def served_or(core, name, key, default):
    """An error of the evaluator is the caller's default, as in its own clients."""
    try:
        return core.resolve_boolean_value(name, default, EvaluationContext(targeting_key=key)).value
    except Exception:  # noqa: BLE001  whatever it raises
        return default


def flagd_agrees(name, keys):
    concat = [unpacked(bits, keys) for bits in VECTORS["concat"][name]]
    assert ours({"flags": FLAGD}, name, keys, generation="concat") == concat
    assert ours({"flags": FLAGD}, name, keys, generation="cbor") == real_cbor(name, keys)


def goff_agrees(name, keys):
    assert ours(GOFF, name, keys) == [unpacked(bits, keys) for bits in VECTORS["goff"][name]]


def test_the_vectors_cover_every_case_and_say_who_made_them():
    assert VECTORS["made_with"] == {
        "openfeature-flagd-core": "1.0.0",
        "@openfeature/flagd-core": "4.0.1",
        "gofeatureflag-python-provider": "1.3.0",
    }
    assert (VECTORS["concat"].keys(), VECTORS["goff"].keys()) == (FLAGD.keys(), GOFF.keys())
    assert VECTORS["concat_node"] == {}, "the two evaluators of the concatenated hash agree"


@pytest.mark.parametrize("name", FLAGD)
def test_flagd(name):
    flagd_agrees(name, KEYS[:FEW])


@pytest.mark.parametrize("name", GOFF)
def test_go_feature_flag(name):
    goff_agrees(name, KEYS[:FEW])


@pytest.mark.soak
@pytest.mark.parametrize("name", FLAGD)
def test_flagd_on_all_keys(name):
    flagd_agrees(name, KEYS)


@pytest.mark.soak
@pytest.mark.parametrize("name", GOFF)
def test_go_feature_flag_on_all_keys(name):
    goff_agrees(name, KEYS)


@pytest.mark.soak
def test_the_two_generations_of_flagd_turn_on_different_users():
    one, two = (ours({"flags": FLAGD}, "checkout-v2", KEYS, generation=each)[0] for each in ("cbor", "concat"))
    assert (one.count("1"), two.count("1")) == (494, 439)
    assert one != two
