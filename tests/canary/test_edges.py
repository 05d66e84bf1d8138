"""The edges of the judge's parts: where a comparison turns, and what is said there, word for word."""

from dataclasses import replace

import pytest
from canaries import header, judged, steady

from releasegate.canary.dispersion import Dispersion
from releasegate.canary.judge import Decision, _times
from releasegate.canary.mean import MeanMonitor
from releasegate.canary.monitor import Moment, bursty
from releasegate.canary.power import Plan
from releasegate.canary.recording import Line, encode_header, encode_line, parse
from releasegate.canary.rules import parse_rule
from releasegate.canary.sli import Kind, SliSpec
from releasegate.canary.throughput import ThroughputMonitor
from releasegate.errors import InputError

GOOD = Plan(200.0, 0.005)
POLL = Moment(weight=0.05, seconds=15.0, elapsed=1 / 120, warming=False)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"rate": 0}, "requests"),
        ({"errors": 0}, "errors"),
        ({"errors": 1}, "errors"),
        ({"weight": 0}, "weight"),
        ({"weight": 1}, "weight"),
        ({"window": 14.9}, "window"),
        ({"interval": 0, "window": 1}, "interval"),
        ({"false_abort": 0}, "false-abort"),
        ({"false_abort": 1}, "false-abort"),
        ({"tolerate": 0.99}, "tolerate"),
        ({"dispersion": 0.99}, "dispersion"),
        ({"slis": 0}, "slis"),
    ],
)
def test_a_plan_that_cannot_be_names_what_cannot(change, name):
    with pytest.raises(InputError) as error:
        replace(GOOD, **change)
    assert str(error.value) == f"no canary can have such {name}"


def test_a_plan_may_go_to_the_edges():
    for change in ({"window": 15}, {"interval": 0.5}, {"tolerate": 1}, {"dispersion": 1}, {"slis": 1}):
        assert replace(GOOD, **change).detectable() is not None
    assert GOOD.catches(GOOD.detectable())
    assert replace(GOOD, rate=0.02).detectable() is None


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (None, "worse than"),
        ((None, 2.0, None), "worse than"),
        ((1.5, None, 4.0), "above (at least 1.5x)"),
        ((1.5, 2.0, None), "2x (at least 1.5x)"),
    ],
)
def test_how_much_worse_is_said_as_far_as_it_is_known(ratio, said):
    assert _times(ratio) == said


def test_only_slis_that_are_not_critical_are_warned_of():
    slis = {"errors": SliSpec(Kind.RATIO), "rate": SliSpec(Kind.THROUGHPUT, critical=False)}
    lines = [
        Line(line.t, {**line.counts, "rate": {track: counts[1] for track, counts in line.counts["errors"].items()}})
        for line in steady("errors", (14, 2850), (1, 150))
    ]
    judgement = judged(header(slis), lines)
    assert judgement.reason == "no regression in 1800 s, and each SLI would have shown one"
    assert {name: sli.decision for name, sli in judgement.slis.items()} == dict.fromkeys(slis, Decision.PROMOTE)


def early(slis, counts):
    """When a canary with the same counts every poll is promoted early; None if it is not."""
    lines = [Line(15.0 * number, counts) for number in range(-20, 121)]
    judgement = judged(header(slis, early=True), lines)
    assert judgement.decision is Decision.PROMOTE, judgement.reason
    return judgement.decided_at


def test_early_goes_by_what_each_kind_of_sli_must_exclude():
    queue = {"queue": SliSpec(Kind.GAUGE, limit=100.0)}
    assert early(queue, {"queue": {"baseline": 10.0, "canary": 10.0}}) < 900
    rate = {"rate": SliSpec(Kind.THROUGHPUT)}
    soon = early(rate, {"rate": {"baseline": 2850.0, "canary": 150.0}})
    assert 0 < soon < early(rate, {"rate": {"baseline": 2910.0, "canary": 90.0}})
    strict = {"rate": SliSpec(Kind.THROUGHPUT, starved_below=0.9)}
    assert soon < early(strict, {"rate": {"baseline": 2850.0, "canary": 150.0}})


def test_nothing_is_promoted_early_while_nothing_can_be_said():
    slis = {"errors": SliSpec(Kind.RATIO, limit=0.05)}
    lines = [Line(15.0 * number, {"errors": {"baseline": (0, 2850), "canary": (0, 150)}}) for number in range(121)]
    judgement = judged(header(slis, early=True), lines)
    assert (judgement.decision, judgement.decided_at) == (Decision.PROMOTE, None)


def test_a_line_is_one_of_plain_json():
    line = encode_line(Line(15, {"größe": {"canary": 1}}, weight=0.5))
    assert line == '{"t": 15, "weight": 0.5, "größe": {"canary": 1}}'
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            encode_line(Line(15, {"rate": {"canary": number}}))


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ("1", 'errors holds no tracks; write {"baseline": …, "canary": …}'),
        ('{"stable": [1, 2]}', "errors: stable is no track; tracks are baseline and canary"),
        ('{"canary": [0, 9007199254740993]}', "errors: canary: a ratio is a list of 2 counts here, 0 or more"),
    ],
)
def test_what_is_wrong_with_a_poll_and_what_to_write(errors, said):
    with pytest.raises(InputError) as error:
        list(parse([encode_header(header()), f'{{"t": 15, "errors": {errors}}}'], "file"))
    assert str(error.value) == f"file:2: {said}"


def test_the_largest_count_is_a_count():
    line = '{"t": 15, "errors": {"canary": [0, 9007199254740992]}}'
    (recording,) = parse([encode_header(header()), line], "file")
    assert recording.lines == (Line(15, {"errors": {"canary": (0, 2**53)}}),)


@pytest.mark.parametrize(("text", "fits"), [("errors > 0%", True), ("errors > 99%", True), ("errors > 100%", False)])
def test_a_rule_has_a_share_below_all(text, fits):
    if fits:
        assert parse_rule(text).text == text
    else:
        with pytest.raises(InputError):
            parse_rule(text)


def test_a_dispersion_is_noted_from_thirteen_tenths_on():
    assert bursty("errors", 1.29, lacks="", lacked="") == ()
    for spread, shown in ((1.3, "1.3"), (99.4, "99"), (187.3, "187")):
        (note,) = bursty("errors", spread, lacks="", lacked="")
        assert note == (
            f"errors come in clumps: they vary {shown} times as much as independent ones, "
            f"and a finding takes {shown} times as long"
        )
    assert bursty("errors", 1.0, lacks="no history", lacked="no history") == (
        "no history: errors were taken to vary 1 times as much as independent ones",
    )


def test_what_was_supposed_at_first_stays_noted():
    at_first = "no history: errors were taken at first to vary 3 times as much as independent ones"
    assert bursty("errors", 1.0, lacks="", lacked="no history") == (at_first,)
    assert bursty("errors", 1.3, lacks="", lacked="no history")[0] == at_first


def test_a_history_without_an_event_is_no_missing_history():
    learned = Dispersion()
    assert learned.lacks == "no history"
    learned.add((0.0,), 100.0)
    assert learned.lacks == "no history"  # one poll has no neighbour
    learned.add((0.0,), 100.0)
    assert learned.lacks == "none were seen before"
    learned.add((1.0,), 100.0)
    assert learned.lacks == ""


def test_throughput_says_silent_only_after_a_poll_without_a_request():
    monitor = ThroughputMonitor(0.5)
    assert (monitor.parts[0].cause, monitor.interval()) == ("starved", None)
    assert monitor.notes() == ("no history: requests were taken to vary 3 times as much as independent ones",)
    monitor.update(10.0, 0.0, POLL)
    assert (monitor.parts[0].cause, monitor.interval()[1]) == ("silent", 0.0)
    assert monitor.notes() == ("no history: requests were taken to vary 3 times as much as independent ones",)
    monitor.update(10.0, 1.0, POLL)
    assert monitor.parts[0].cause == "starved"
    assert monitor.interval()[1] == pytest.approx(1 / (0.05 * 21))
    monitor.update(10.0, 1.0, POLL)
    # the second of two polls was compared with the first, and they are alike
    assert monitor.notes() == ("no history: requests were taken at first to vary 3 times as much as independent ones",)


def test_a_mean_over_nothing_is_no_outage():
    monitor = MeanMonitor(1.0, None)
    assert not monitor.outage((0.0, 10.0), (5.0, 10.0))
    assert not monitor.outage((5.0, 10.0), (0.0, 0.0))
