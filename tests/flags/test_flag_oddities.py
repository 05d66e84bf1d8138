"""Whatever stands in a flag, and wherever: an answer or a `FlagError`, and never a traceback."""

import json
import random
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, date, datetime

import pytest
from flag_shapes import TEXTS, flagd, goff, shares, split

from releasegate.errors import FlagError
from releasegate.flags.by_hand import patch_by_hand
from releasegate.flags.dialect import Runtime
from releasegate.flags.document import FlagFile
from releasegate.flags.lint import Context, lint_file
from releasegate.flags.proof import prove, raises

NOW = "2026-06-01T00:00:00Z"
SIDES = {side: {"variation": side, "date": NOW, "percentage": 5} for side in ("on", "off")}
SOUND = [
    ("plain", {"enabled": True, "percentage": 5, "expires": "2027-01-31"}),
    ("flagd", flagd(split(["on", 5], ["off", 95]))),
    ("flagd", flagd({"if": [{"in": [{"var": "mail"}, ["a"]]}, "on", split({"var": "mail"}, ["on"], ["off"])]})),
    ("flagd", flagd({"==": [{"cat": ["a", {"var": ["b", "c"]}]}, {"<": [1, {"$ref": "r"}]}]}, "old", TEXTS)),
    ("goff", goff(shares(on=5, off=95), targeting=[{"query": 'key eq "x"', "variation": "on"}])),
    ("goff", goff({"variation": "off"}, scheduledRollout=[{"date": NOW}], experimentation={"start": NOW, "end": NOW})),
    ("goff", goff({"progressiveRollout": {"initial": SIDES["off"], "end": SIDES["on"]}})),
]
ODD = [None, True, 0, -1, 2.5, 1e300, 10**30, "", "on", [], ["on"], [["on", 5]], [[]], {}, {"on": 5}, [{}], NOW]


def spots(data, way=()):
    """Every place in the data, the whole of it included."""
    yield way
    for step, item in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from spots(item, (*way, step))


def put(data, way, value):
    if not way:
        return value
    result = above = deepcopy(data)
    for step in way[:-1]:
        above = above[step]
    above[way[-1]] = value
    return result


CASES = [(dialect, flag, way, odd) for dialect, flag in SOUND for way in spots(flag) for odd in ODD]


def everything(dialect, flag, way, odd):
    """All that is done with a flag, as functions that may raise nothing but `FlagError`."""
    flags = {"a": put(flag, way, odd)}
    whole = {"flags": flags, "$evaluators": {"r": 1}} if dialect == "flagd" else flags
    content, path = json.dumps(whole).encode(), "flags.yaml"
    file = FlagFile.parse(content, path, dialect)
    runtime = Runtime(now=datetime(2026, 6, 1, tzinfo=UTC), attributes={"mail": "x"})
    context = Context(today=date(2026, 6, 1), kill_flag="a", base=file, consumers={"x": "cbor", "y": "concat"})
    return [
        lambda: file.state("a"), lambda: file.state("a", "on"), lambda: prove(file, "a", 5, 5, runtime=runtime),
        lambda: raises(file.set("a", "on")), lambda: raises(file.rollout("a", 25, "on")), lambda: raises(file.off("a")),
        lambda: lint_file(content, path, context, dialect), lambda: patch_by_hand(file, "a", "on"),
    ]  # fmt: skip


def nothing_breaks(cases):
    for case in cases:
        for call in everything(*case):
            with suppress(FlagError):
                call()


def test_a_value_of_another_kind_anywhere_in_a_flag():
    nothing_breaks(random.Random(7).sample(CASES, 40))


@pytest.mark.soak
def test_every_value_at_every_place_of_a_flag():
    nothing_breaks(CASES)
