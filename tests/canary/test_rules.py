"""Threshold rules: how they are written, and that they abort when the peers' own do."""

from datetime import UTC, datetime
from math import inf

import canary_peers as peers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.canary.recording import Header, Line, Recording
from releasegate.canary.rules import Rule, parse_rule
from releasegate.canary.sli import Kind, SliSpec
from releasegate.errors import InputError

HEADER = Header("x", datetime(2026, 1, 1, tzinfo=UTC), 30, 600, 0.05, {"errors": SliSpec(Kind.RATIO)})


def recording(canary, baseline=(1, 100)):
    """Half-minute polls of these `(bad, total)` of the canary."""
    lines = [Line(-30, {"errors": {"baseline": (9, 10)}})]
    lines += [Line(30 * n, {"errors": {"baseline": baseline, "canary": c}}) for n, c in enumerate(canary, start=1)]
    return Recording(HEADER, tuple(lines))


def minutes(*canary):
    """Whole minutes of these `(bad, total)`."""
    return recording([poll for counts in canary for poll in (counts, (0, 0))])


counts = st.tuples(st.integers(0, 3), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(counts, min_size=20, max_size=40), st.integers(0, 5))
def test_argo_and_flagger_abort_when_their_algorithms_do(polls, failures):
    played = recording(polls)
    argo = parse_rule(f"argo: errors > 5%, {failures} failures").aborts_at(played)
    assert (inf if argo is None else argo) == peers.argo(played, 0.05, failures)
    flagger = parse_rule(f"flagger: errors > 5%, {failures + 1} failures").aborts_at(played)
    assert (inf if flagger is None else flagger) == peers.flagger(played, 0.05, failures + 1)


@pytest.mark.parametrize(
    ("text", "aborts_at"),
    [
        ("errors > 5%", 60),
        ("errors > 6%", 180),
        ("errors > 5%, 2 failures", 180),
        ("errors > 5%, 2 failures in a row", 240),
        ("ERRORS>0.05 , 3  failures", 240),
        ("errors > 5%, 4 failures", None),
        ("errors > 6.5x baseline", 180),
        ("errors > 9x baseline", None),
    ],
)
def test_a_plain_rule_counts_failed_minutes(text, aborts_at):
    # A minute without a request is no failure, and does not end a row either way: it has no share of errors.
    assert parse_rule(text).aborts_at(minutes((6, 100), (0, 100), (7, 100), (7, 100), (0, 100))) == aborts_at


def test_a_minute_without_requests_fails_only_for_flagger_and_argo_gives_up_after_five():
    empty = minutes(*[(0, 0)] * 8)
    rules = ("errors > 1%", "flagger: errors > 1%, 3 failures", "argo: errors > 1%, 3 failures")
    assert [parse_rule(rule).aborts_at(empty) for rule in rules] == [None, 240, 300]


def test_what_a_rule_is_made_of():
    assert parse_rule("Argo:  errors > 1%") == Rule("Argo: errors > 1%", "argo", 0.01, False, 0, False)
    assert parse_rule("errors > 2x baseline, 3 failures in a row") == Rule(
        "errors > 2x baseline, 3 failures in a row", "plain", 2.0, True, 3, True
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("latency > 1s", "`latency > 1s` is no rule"),
        ("errors >= 1%", "`errors >= 1%` is no rule"),
        ("errors > 5", "`errors > 5`: a share of errors is below 100%"),
        ("errors > 1%, 0 failures", "`errors > 1%, 0 failures`: no failure at all aborts always"),
        (
            "flagger: errors > 1%, 2 failures in a row",
            "`flagger: errors > 1%, 2 failures in a row`: flagger counts failures whether or not they are in a row",
        ),
    ],
)
def test_what_is_no_rule(text, what):
    with pytest.raises(InputError) as caught:
        parse_rule(text)
    assert (caught.value.what, caught.value.remedy.startswith("write 'errors > 1%, 5 failures'")) == (what, True)
