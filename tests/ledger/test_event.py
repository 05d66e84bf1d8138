"""Events as bytes: what is written is read back, and nothing else is taken for an event."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.errors import InputError
from releasegate.ledger.event import Actor, Event, decode, encode, moment_of, ulid

MOMENT = datetime(2026, 11, 23, 10, 0, 0, 123000, tzinfo=UTC)
MILLISECONDS = 1795428000123
EXAMPLE = Event(
    id=ulid(MILLISECONDS, bytes(range(10))),
    time=MOMENT,
    kind="rollout.started",
    actor=Actor("Ada", verified=False),
    run="local",
    subject={"service": "checkout", "environment": "production", "tag": "v1.0.0-rc.1"},
    data={"from": None},
)
TEXT = """{
  "id": "01M83XJ8BV000G40R40M30E209",
  "time": "2026-11-23T10:00:00.123000Z",
  "kind": "rollout.started",
  "actor": {
    "name": "Ada",
    "verified": false
  },
  "run": "local",
  "subject": {
    "service": "checkout",
    "environment": "production",
    "tag": "v1.0.0-rc.1"
  },
  "data": {
    "from": null
  }
}
"""


def test_an_event_is_a_readable_file_with_its_own_place():
    assert encode(EXAMPLE).decode() == TEXT
    assert EXAMPLE.path == f"events/2026/11/23/{EXAMPLE.id}.json"
    assert decode(TEXT.encode(), "x") == EXAMPLE


def test_a_ulid_is_as_its_specification_says():
    assert ulid(0, bytes(10)) == "0" * 26
    assert ulid((1 << 48) - 1, b"\xff" * 10) == "7" + "Z" * 25
    assert ulid(1469918176385, bytes(10))[:10] == "01ARYZ6S41"  # the example of the specification
    for time, randomness in ((1 << 48, bytes(10)), (-1, bytes(10)), (0, bytes(9))):
        with pytest.raises(ValueError, match="a ULID is made of"):
            ulid(time, randomness)


@given(st.integers(0, 253402300799999), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ulids_hold_their_moment_and_sort_by_it(milliseconds, one, two):
    assert moment_of(ulid(milliseconds, one)) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert ulid(milliseconds, one) < ulid(milliseconds + 1, two)
    assert (ulid(milliseconds, one) < ulid(milliseconds, two)) == (one < two)


names = st.text(min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(names, st.text()), st.dictionaries(names, values), st.text(), st.booleans())
def test_whatever_is_recorded_is_read_back(subject, data, name, verified):
    full = {"service": "s", "environment": "e", **subject}
    event = Event(EXAMPLE.id, MOMENT, "a-b.c", Actor(name, verified), name, full, data)
    assert decode(encode(event), "x") == event


def changed(**fields):
    return json.dumps({**json.loads(TEXT), **fields})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        (TEXT[:-4], "Expecting ',' delimiter: line 17 column 3 (char 323)"),
        ("[]", "Expected `object`, got `array`"),
        (TEXT.replace('"run"', '"walk"'), "Object contains unknown field `walk`"),
        (changed(more=1), "Object contains unknown field `more`"),
        (changed(subject={"service": 1}), "Expected `str`, got `int` - at `$.subject[...]`"),
        (changed(subject={"service": "x"}), "the subject names no service and environment"),
        (changed(time="2026-11-23T10:00:00+01:00"), "`2026-11-23T10:00:00+01:00` is no time in UTC (RFC 3339)"),
        (changed(time="2026-11-23"), "`2026-11-23` is no time in UTC (RFC 3339)"),
        (changed(time="2026-02-30T10:00:00Z"), "day is out of range for month"),
        (changed(time=5), "Expected `str`, got `int` - at `$.time`"),
        (changed(id="01ARZ3NDEKTSV4RRFFQ69G5FAU"), "`01ARZ3NDEKTSV4RRFFQ69G5FAU` is no ULID of our time"),
        (changed(id="7" + "Z" * 25), f"`7{'Z' * 25}` is no ULID of our time"),
        (changed(id="../../x"), "`../../x` is no ULID of our time"),
        (changed(time="9999-12-31T23:59:59Z"), "`9999-12-31T23:59:59Z` is no time of a release"),
        (changed(kind="Rollout"), "`Rollout` is no kind"),
        (TEXT.replace('"from": null', '"from": NaN'), "NaN is no number of JSON"),
        (TEXT.replace('"from": null', '"weight": 1e999'), "1e999 is no number of JSON"),
        (TEXT.replace('"from": null', f'"lease": 1{"0" * 400}'), "10000000000000000000 is no number of JSON"),
        (TEXT.replace('"from": null', '"from": 1, "from": 2'), "the key `from` stands twice"),
        ("[" * 100_000, "nested too deeply"),
        (TEXT.replace("null", "[" * 32 + "]" * 32), "nested too deeply"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_anything_else_is_no_event(content, reason):
    with pytest.raises(InputError) as caught:
        decode(content if isinstance(content, bytes) else content.encode(), "events/x.json")
    assert str(caught.value) == f"events/x.json: not an event: {reason}"


@given(st.binary())
def test_arbitrary_bytes_are_an_event_or_an_error(content):
    try:
        decode(content, "x")
    except InputError:
        pass
    else:
        raise AssertionError(content)


def test_what_json_cannot_hold_is_not_written():
    with pytest.raises(ValueError, match="Out of range float"):
        encode(Event(EXAMPLE.id, MOMENT, "a.b", EXAMPLE.actor, "x", EXAMPLE.subject, {"x": float("nan")}))
