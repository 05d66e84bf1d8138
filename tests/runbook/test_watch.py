"""The procedure of watching, on a clock and counts of our own."""

from datetime import UTC, datetime, timedelta

import pytest

from releasegate.canary.judge import Judge
from releasegate.canary.recording import DETECT, Header, Line, parse
from releasegate.canary.sli import Kind, Limit, SliSpec
from releasegate.errors import InconclusiveError, PolicyError
from releasegate.metrics.port import Poll
from releasegate.policy.load import load_policy
from releasegate.runbook.watch import header_of, watch

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
POLICY = b"""\
version: 1
service: shop
environment: test
canary:
  weight: 20%
  window: 40s
  interval: 10s
  warm-up: 10s
  false-abort: 2%
  detect: {ratio: 4}
  metrics: {scrape: {baseline: http://127.0.0.1:1/metrics, canary: http://127.0.0.1:2/metrics}}
  slis:
    errors: {ratio: {bad: errors_total, total: requests_total}, limit: 5%, tolerate: 1.5}
    duration: {histogram: seconds, limit: {le: 1, share: 95%}, critical: false}
    queue: {gauge: depth, compare: true}
"""
HEADER = Header(
    id="shop", started=START, interval=10, window=40, weight=0.2,
    slis={"errors": SliSpec(Kind.RATIO), "queue": SliSpec(Kind.GAUGE, limit=9)},
)  # fmt: skip


class FakeClock:
    def __init__(self):
        self.moment = START

    def now(self):
        return self.moment

    def sleep(self, seconds):
        self.moment += timedelta(seconds=max(seconds, 0))


class Script:
    """A source that plays polls in turn, and takes as long over each as it is told."""

    def __init__(self, clock, *polls, takes=0.0):
        self.clock, self.polls, self.takes, self.asked = clock, list(polls), takes, []

    def advance(self, at):
        self.asked.append(at - START.timestamp())
        assert self.clock.now().timestamp() >= at
        self.clock.sleep(self.takes)
        return self.polls.pop(0) if self.polls else BOTH


NOTHING = Poll({})
BASELINE = Poll({"errors": {"baseline": (2, 100), "canary": (0, 0)}, "queue": {"canary": 3.0}})
BOTH = Poll({"errors": {"baseline": (2, 100), "canary": (1, 25)}})
BAD = Poll({"errors": {"baseline": (2, 100), "canary": (25, 25)}})


def run(script, header=HEADER, **options):
    recording, seen, told = [], [], []
    judgement = watch(
        script, header, script.clock, record=recording.append, observe=seen.append, tell=told.append, **options
    )
    (parsed,) = parse(recording, "recording")
    return judgement, parsed, seen, told


def judged(recording):
    judge = Judge(recording.header)
    for line in recording.lines:
        judge.observe(line)
    return judge.finish().document()


def test_the_window_begins_with_the_first_canary_count_and_a_replay_decides_alike():
    script = Script(FakeClock(), NOTHING, BASELINE, BASELINE, BOTH)
    judgement, recording, seen, told = run(script)
    assert recording.header == Header(
        id="shop", started=START + timedelta(seconds=30), interval=10, window=40, weight=0.2, slis=HEADER.slis
    )
    assert recording.lines == (
        Line(-20, BASELINE.counts), Line(-10, BASELINE.counts), Line(0, BOTH.counts),
        *(Line(t, BOTH.counts) for t in (10, 20, 30, 40)),
    )  # fmt: skip
    assert script.asked == [0, 10, 20, 30, 40, 50, 60, 70]
    assert [assessment.t for assessment in seen] == [10, 20, 30, 40]
    assert told == [
        "waiting for the first request on the canary, at most 300 s",
        "errors/canary: no requests between two polls",
    ]
    assert judgement.document() == judged(recording)


def test_an_abort_ends_the_watch():
    script = Script(FakeClock(), NOTHING, BOTH, *[BAD] * 9)
    judgement, recording, seen, _ = run(script)
    assert judgement.decision == "abort"
    assert judgement.decided_at == recording.lines[-1].t == seen[-1].t < 40
    assert judgement.document() == judged(recording)


def test_a_window_in_which_too_little_was_seen_is_extended_as_far_as_it_may_be():
    little = Poll({"errors": {"baseline": (0, 4), "canary": (0, 1)}, "queue": {"baseline": 3.0, "canary": 3.0}})
    script = Script(FakeClock(), NOTHING, *[little] * 99)
    judgement, recording, seen, _ = run(script, max_window=95)
    assert judgement.decision == "inconclusive"
    assert recording.lines[-1].t == seen[-1].t == 100
    assert judgement.document() == judged(recording)


def test_nothing_is_polled_after_the_end_that_is_asked_for():
    judgement, recording, _, _ = run(Script(FakeClock(), NOTHING, BOTH), until=START.timestamp() + 35)
    assert recording.lines[-1].t == 20
    assert (judgement.decision, judgement.reason) == ("inconclusive", "the recording ends after 20 of 40 s")


def test_polls_that_a_slow_source_misses_are_left_out_and_the_last_one_ends_the_window():
    script = Script(FakeClock(), NOTHING, BOTH, takes=12.0)
    _, recording, _, _ = run(script)
    assert [line.t for line in recording.lines] == [0, 20, 40]


def test_a_window_that_is_no_multiple_of_the_interval_is_watched_to_its_end():
    header = Header(id="shop", started=START, interval=10, window=35, weight=0.2, slis=HEADER.slis)
    _, recording, _, _ = run(Script(FakeClock(), NOTHING, BOTH), header)
    assert recording.lines[-1].t == 40


def test_no_request_on_the_canary_is_inconclusive_and_says_why():
    why = Poll({"errors": {"baseline": (2, 100)}}, {"errors/canary": "no series matches"})
    script = Script(FakeClock(), *[why] * 9)
    with pytest.raises(InconclusiveError) as caught:
        watch(script, HEADER, script.clock, record=pytest.fail, observe=pytest.fail, settle=25)
    assert str(caught.value) == (
        "no request was counted on the canary within 25 s of the change (errors/canary: no series matches); "
        "is traffic reaching it, and does the canary's selector match its series?"
    )
    assert script.asked == [0, 10, 20, 30]


def test_a_problem_is_told_when_it_begins_and_when_it_comes_back():
    problem = Poll({}, {"errors/canary": "no connection"})
    _, _, _, told = run(Script(FakeClock(), NOTHING, BOTH, problem, problem, BOTH, problem))
    assert told[1:] == ["errors/canary: no connection"] * 2


def test_what_is_zero_and_what_became_of_series_is_told_once():
    quiet = Poll({"errors": {"baseline": (0, 100), "canary": (0, 0)}}, {}, ("canary: a new series",))
    _, _, _, told = run(Script(FakeClock(), NOTHING, BOTH, quiet, quiet, quiet))
    assert told[1:] == [
        "canary: a new series",
        "errors/baseline: requests, and none of them bad, between two polls",
        "errors/canary: no requests between two polls",
    ]


@pytest.mark.parametrize(
    ("first", "times"),
    [(NOTHING, [-60, -45, -30, -20, -10, 0]), (BASELINE, [-60, -45, -30, -20, -10, 0])],
)
def test_history_comes_first_up_to_the_first_poll(first, times):
    asked = []

    def history(start):
        asked.append(start - START.timestamp())
        return [Line(t, BASELINE.counts) for t in (-60, -45, -30, -20, -15, 0)]

    _, recording, _, _ = run(Script(FakeClock(), first, BASELINE, BASELINE, BOTH), history=history)
    assert asked == [30]
    assert [line.t for line in recording.lines if line.t <= 0] == times


def test_marks_that_were_set_before_the_change_lose_nothing():
    _, recording, _, _ = run(Script(FakeClock(), BASELINE, BOTH))
    assert [(line.t, line.counts) for line in recording.lines[:2]] == [(-10, BASELINE.counts), (0, BOTH.counts)]


def test_the_header_is_the_policys():
    policy = load_policy(POLICY, "releasegate.yaml", {})
    assert header_of(policy, "shop-1", START, {"duration": (0.5, 1.0)}) == Header(
        id="shop-1", started=START, interval=10.0, window=40.0, weight=0.2, warm_up=10.0, false_abort=0.02,
        detect={**DETECT, Kind.RATIO: 4.0}, early=False,
        slis={
            "errors": SliSpec(Kind.RATIO, tolerate=1.5, limit=0.05),
            "duration": SliSpec(Kind.HISTOGRAM, limit=Limit(1.0, 0.95), critical=False, bounds=(0.5, 1.0)),
            "queue": SliSpec(Kind.GAUGE, compare=True),
        },
    )  # fmt: skip


def test_a_policy_without_a_canary_is_told_so():
    policy = load_policy(b"version: 1\nservice: a\nenvironment: b\n", "releasegate.yaml", {})
    with pytest.raises(PolicyError) as caught:
        header_of(policy, "a", START)
    assert str(caught.value) == ("the policy has no `canary`; say what is watched, for how long, and where counts are")
