from dataclasses import replace

import pytest
from canaries import ERRORS, header, judged, steady

from releasegate.canary.judge import Decision, Judge
from releasegate.canary.recording import Line
from releasegate.canary.sli import Kind, Limit, SliSpec

RATE = {"errors": SliSpec(Kind.RATIO), "rate": SliSpec(Kind.THROUGHPUT)}


def facts(judgement):
    return judgement.decision, judgement.decided_at, judgement.cause


def test_a_healthy_canary_is_promoted_when_its_window_ends():
    judgement = judged(header(), steady("errors", (14, 2850), (1, 150)))
    assert facts(judgement) == (Decision.PROMOTE, None, None)
    assert judgement.exit_code == 0
    assert judgement.reason == "no regression in 1800 s, and each SLI would have shown one"
    document = judgement.document()["slis"]["errors"]
    low, estimate, high = document["ratio"]
    assert low < estimate < high
    assert estimate == pytest.approx(1.357, abs=1e-3)
    assert document["detectable"]["ratio"] < 2.0
    assert document["detectable"]["level"] == pytest.approx(document["detectable"]["ratio"] * 14 / 2850)


def test_a_bad_canary_is_aborted_as_soon_as_the_evidence_suffices_and_it_stays_so():
    judge = Judge(header())
    said = [judge.observe(line) for line in steady("errors", (14, 2850), (4, 150))]
    judgement = judge.finish()
    assert judgement.decision is Decision.ABORT
    assert judgement.exit_code == 1
    assert judgement.cause == "worse"
    assert judgement.decided_at == 30
    assert [a.decision for a in said[60:64]] == [Decision.CONTINUE] * 2 + [Decision.ABORT] * 2
    assert judgement.slis["errors"].evidence >= 100
    assert judgement.slis["errors"].log_evidence >= judgement.slis["errors"].line
    assert judgement.reason.startswith("errors: the canary is 5.4x (at least ")


def test_too_little_traffic_is_inconclusive_and_says_what_would_have_shown():
    judgement = judged(header(), steady("errors", (1, 400), (0, 1)))
    assert facts(judgement) == (Decision.INCONCLUSIVE, None, None)
    assert judgement.exit_code == 3
    assert judgement.reason.startswith("errors: too little was seen: no less than ")
    assert judgement.reason.endswith("x would have shown, 5x was asked")


def test_a_baseline_without_errors_has_a_level_and_no_ratio():
    judgement = judged(header(), steady("errors", (0, 2850), (0, 150)))
    seen = judgement.slis["errors"].document()
    assert seen["ratio"] is None
    assert seen["detectable"]["ratio"] is None
    assert 0 < seen["detectable"]["level"] < 0.002
    assert judgement.decision is Decision.INCONCLUSIVE


def test_a_limit_makes_a_rare_event_decidable():
    slis = {"errors": SliSpec(Kind.RATIO, limit=0.01)}
    assert judged(header(slis), steady("errors", (0, 2850), (0, 150))).decision is Decision.PROMOTE


def test_a_few_errors_against_a_baseline_without_any_abort():
    judgement = judged(header(), steady("errors", (0, 2850), (1, 150)))
    assert judgement.decision is Decision.ABORT
    assert judgement.decided_at <= 150  # how clumped they are is not known, so that one or two do not suffice
    assert judgement.slis["errors"].ratio[1:] == (None, None)


def test_both_tracks_above_the_limit_abort_by_the_limit():
    slis = {"errors": SliSpec(Kind.RATIO, limit=0.05)}
    lines = [*steady("errors", (14, 2850), (1, 150), end=0), *steady("errors", (570, 2850), (30, 150), start=1)]
    judgement = judged(header(slis), lines)
    assert (judgement.decision, judgement.cause) == (Decision.ABORT, "limit")
    assert judgement.reason.startswith("errors: the canary is above its limit (evidence ")


def test_a_shared_outage_is_held_and_inconclusive_if_it_lasts():
    lines = [*steady("errors", (14, 2850), (1, 150), end=60), *steady("errors", (285, 2850), (15, 150), start=61)]
    judge = Judge(header())
    said = [judge.observe(line) for line in lines]
    assert said[-2].reason == "held: the baseline itself is far worse than before (errors since 960 s)"
    assert facts(judge.finish()) == (Decision.INCONCLUSIVE, None, None)
    assert judge.finish().reason.endswith("far worse than before since 960 s: a shared outage")


def test_judging_goes_on_after_a_shared_outage():
    calm, bad = ((14, 2850), (1, 150)), ((285, 2850), (15, 150))
    lines = [*steady("errors", *calm, end=60), *steady("errors", *bad, start=61, end=80)]
    assert judged(header(), [*lines, *steady("errors", *calm, start=81)]).decision is Decision.PROMOTE


@pytest.mark.parametrize(("silent_from", "decided_at"), [(1, 15), (60, 900)])
def test_a_silent_canary_is_found_at_once_also_after_it_was_healthy(silent_from, decided_at):
    lines = []
    for poll in range(-60, 121):
        canary = 0 if poll >= silent_from else 150
        counts = {"errors": {"baseline": (14, 2850)}, "rate": {"baseline": 2850}}
        if poll > 0:
            counts = {
                "errors": {"baseline": (14, 2850), "canary": (0, canary)},
                "rate": {"baseline": 2850, "canary": canary},
            }
        lines.append(Line(poll * 15.0, counts))
    judgement = judged(header(RATE), lines)
    assert facts(judgement) == (Decision.ABORT, decided_at, "silent")
    assert judgement.reason.startswith("rate: no request reaches the canary (evidence ")


def test_a_starved_canary_is_told_from_a_silent_one():
    judgement = judged(header({"rate": SliSpec(Kind.THROUGHPUT)}), steady("rate", 2950, 40))
    assert (judgement.decision, judgement.cause) == (Decision.ABORT, "starved")


def test_a_track_that_gets_no_traffic_without_a_throughput_sli_is_inconclusive():
    judgement = judged(header(), steady("errors", (14, 2850), (0, 0)))
    assert judgement.decision is Decision.INCONCLUSIVE
    assert judgement.reason == "errors: too little was seen: no regression at all would have shown, 5x was asked"


def test_what_is_missed_is_judged_with_the_next_poll_of_both_tracks():
    whole = list(steady("errors", (28, 5700), (2, 300), start=1, end=60, interval=30.0))
    halves = []
    for poll in range(1, 121):
        tracks = {"baseline": (14, 2850)}
        if poll % 2 == 0:
            tracks["canary"] = (2, 300)  # the poll before failed for the canary, so that this one has both
        halves.append(Line(poll * 15.0, {"errors": tracks}))
    past = list(steady("errors", (14, 2850), None, end=0))
    one, other = judged(header(), past + whole), judged(header(), past + halves)
    assert one.document() == other.document()


def test_prometheus_away_for_the_last_quarter_promotes_nothing():
    lines = [line if line.t <= 1200 else replace(line, counts={}) for line in steady("errors", (14, 2850), (1, 150))]
    judgement = judged(header(), lines)
    assert facts(judgement) == (Decision.INCONCLUSIVE, None, None)
    assert judgement.reason == "errors: no counts of both tracks since 1200 s"


def test_a_recording_that_ends_before_its_window_is_inconclusive():
    judgement = judged(header(), steady("errors", (14, 2850), (1, 150), end=100))
    assert facts(judgement) == (Decision.INCONCLUSIVE, None, None)
    assert judgement.reason == "the recording ends after 1500 of 1800 s"


def test_after_its_window_an_inconclusive_canary_may_still_be_promoted():
    lines = list(steady("errors", (1, 380), (0, 3), end=900))
    judge = Judge(header())
    decisions = [judge.observe(line).decision for line in lines]
    assert decisions[60 + 120] is Decision.INCONCLUSIVE
    assert judge.finish().decision is Decision.PROMOTE
    assert judge.finish().decided_at is None


def test_warming_up_is_not_compared_but_held_against_the_limit():
    bad_start = [*steady("errors", (14, 2850), (9, 150), end=8), *steady("errors", (14, 2850), (1, 150), start=9)]
    assert judged(header(warm_up=120.0), bad_start).decision is Decision.PROMOTE
    assert judged(header(), bad_start).decision is Decision.ABORT
    limited = {"errors": SliSpec(Kind.RATIO, limit=0.01)}
    judgement = judged(header(limited, warm_up=120.0), bad_start)
    assert (judgement.decision, judgement.cause) == (Decision.ABORT, "limit")
    assert judgement.decided_at <= 120


def test_early_promotes_as_soon_as_the_upper_bound_is_under_what_must_be_detected():
    judgement = judged(header(early=True), steady("errors", (14, 2850), (1, 150)))
    assert judgement.decision is Decision.PROMOTE
    assert 60 < judgement.decided_at < 900
    assert judgement.slis["errors"].ratio[2] < 5


def test_a_candidate_that_gets_its_traffic_again_is_watched_for_a_whole_window_more_and_keeps_its_evidence():
    lines = list(steady("errors", (14, 2850), (0.7, 150), end=160))
    once = judged(header(again=(600.0,)), lines)
    assert facts(once) == (Decision.PROMOTE, None, None)
    assert once.reason == "no regression in 2400 s, and each SLI would have shown one"
    said = "its first 600 s are what an earlier run of the same candidate saw"
    assert once.slis["errors"].notes == (said,)
    short = judged(header(again=(600.0,)), lines[:-1])
    assert short.reason == "the recording ends after 2385 of 2400 s"
    worse = [*steady("errors", (14, 2850), (2, 150), end=3), *steady("errors", (14, 2850), (3, 150), start=4, end=20)]
    anew = [replace(line, t=line.t - 45.0) for line in worse if not 0 < line.t <= 45]
    carried, alone = judged(header(again=(45.0,)), worse), judged(header(), anew)
    assert carried.decision is alone.decision is Decision.ABORT
    assert carried.decided_at - 45.0 < alone.decided_at


def test_each_time_that_it_gets_its_traffic_it_warms_up():
    bad = [range(1, 5), range(41, 45), range(81, 85)]
    lines = [
        replace(line, counts={"errors": {"baseline": (14, 2850), "canary": (9, 150)}})
        if any(line.t / 15 in polls for polls in bad)
        else line
        for line in steady("errors", (14, 2850), (0.7, 150), end=200)
    ]
    assert judged(header(warm_up=60.0, again=(600.0, 1200.0)), lines).decision is Decision.PROMOTE
    for again in ((), (600.0,), (1200.0,)):
        assert judged(header(warm_up=60.0, again=again), lines).decision is Decision.ABORT


def test_early_promotes_nothing_by_an_earlier_run_alone():
    lines = list(steady("errors", (14, 2850), (1, 150)))
    alone = judged(header(early=True), lines).decided_at
    assert judged(header(early=True, again=(1200.0,)), lines).decided_at == 1215 > alone


def test_an_sli_that_is_not_critical_only_warns():
    slis = {"errors": SliSpec(Kind.RATIO, critical=False), "rate": SliSpec(Kind.THROUGHPUT)}
    lines = [
        Line(line.t, {**line.counts, "rate": {track: counts[1] for track, counts in line.counts["errors"].items()}})
        for line in steady("errors", (14, 2850), (4, 150))
    ]
    judgement = judged(header(slis), lines)
    assert judgement.decision is Decision.PROMOTE
    assert judgement.slis["errors"].decision is Decision.ABORT
    assert judgement.slis["errors"].decided_at == 30
    assert judgement.reason.endswith(
        "would have shown one; warning: errors, which is not critical, would have aborted after 30 s"
    )


def test_nothing_critical_decides_nothing():
    judgement = judged(header({"errors": SliSpec(Kind.RATIO, critical=False)}), steady("errors", (14, 2850), (8, 150)))
    assert facts(judgement) == (Decision.INCONCLUSIVE, None, None)
    assert judgement.reason.startswith("no SLI is critical, so nothing decides; warning: errors, ")


def test_a_changed_weight_is_a_stratum_of_its_own():
    first = list(steady("errors", (14, 2850), (1, 150), end=60))
    then = list(steady("errors", (11, 2250), (4, 750), start=61))
    then[0] = replace(then[0], weight=0.25)
    judgement = judged(header(), first + then)
    assert judgement.decision is Decision.PROMOTE
    assert (
        judgement.slis["errors"].detectable.ratio
        < judged(header(), steady("errors", (14, 2850), (1, 150))).slis["errors"].detectable.ratio
    )


def test_evidence_is_carried_over_a_change_of_weight():
    before = list(steady("errors", (14, 2850), None, end=0))
    small = list(steady("errors", (14, 2850), (2, 150), start=1, end=6))
    large = list(steady("errors", (11, 2250), (6, 750), start=7))
    large[0] = replace(large[0], weight=0.25)
    whole = judged(header(), [*before, *small, *large])
    assert judged(header(), [*before, *small]).decision is Decision.INCONCLUSIVE
    alone = judged(header(weight=0.25), [*before, *(replace(line, t=line.t - 90.0, weight=None) for line in large)])
    assert whole.decision is alone.decision is Decision.ABORT
    assert whole.decided_at - 90.0 < alone.decided_at
    assert whole.slis["errors"].notes == ("the canary's weight was 5%, 25%: each poll is judged by its own",)


def test_what_was_missed_and_what_was_not_compared_is_said():
    lines = [
        replace(line, counts={}) if line.t in {300.0, 315.0} else line
        for line in steady("errors", (14, 2850), (1, 150))
    ]
    judgement = judged(header(warm_up=60.0), lines)
    assert judgement.slis["errors"].notes == (
        "2 of 120 polls lacked a track; the next one that had both holds it all",
        "in its first 60 s the canary warmed up and was not compared",
    )


def test_slower_requests_abort_by_the_histogram_and_faster_ones_do_not():
    slis = {"duration": SliSpec(Kind.HISTOGRAM, bounds=(0.1, 0.25, 0.5, 1.0))}
    usual = (2000, 600, 200, 40, 10)
    slower, faster = (70, 50, 20, 8, 2), (135, 12, 3, 0, 0)
    judgement = judged(header(slis), steady("duration", usual, slower))
    assert (judgement.decision, judgement.cause) == (Decision.ABORT, "worse")
    assert judgement.decided_at <= 60
    low, estimate, high = judgement.slis["duration"].ratio
    assert 1 < low < estimate < high
    judgement = judged(header(slis), steady("duration", usual, faster))
    assert judgement.decision is Decision.PROMOTE
    assert judgement.slis["duration"].ratio[2] < 1


def test_a_few_requests_that_hang_abort_by_the_histogram():
    slis = {"duration": SliSpec(Kind.HISTOGRAM, bounds=(0.1, 0.25, 0.5, 1.0))}
    judgement = judged(header(slis), steady("duration", (2000, 600, 200, 40, 10), (98, 32, 10, 2, 8)))
    assert judgement.decision is Decision.ABORT
    assert judgement.decided_at <= 120


def test_a_latency_limit_is_held_whatever_the_baseline_does():
    slis = {"duration": SliSpec(Kind.HISTOGRAM, bounds=(0.1, 0.25, 0.5, 1.0), limit=Limit(1.0, 0.95))}
    judgement = judged(header(slis), steady("duration", (2000, 600, 200, 40, 600), (100, 30, 10, 2, 31)))
    assert (judgement.decision, judgement.cause) == (Decision.ABORT, "limit")


def test_dearer_tasks_abort_beyond_what_is_tolerated():
    costs = [(300 + 40 * (poll % 3 - 1), 300.0) for poll in range(200)]
    slis = {"cost": SliSpec(Kind.MEAN, tolerate=1.2)}

    def lines(times):
        for poll in range(-60, 121):
            total, tasks = costs[poll + 60]
            tracks = {"baseline": (total, tasks)}
            if poll > 0:
                tracks["canary"] = (times * costs[(poll * 7) % 100][0] / 10, tasks / 10)
            yield Line(poll * 15.0, {"cost": tracks})

    assert judged(header(slis), lines(2.0)).decision is Decision.ABORT
    judgement = judged(header(slis), lines(1.15))
    assert judgement.decision is Decision.PROMOTE
    assert judgement.slis["cost"].ratio[1] == pytest.approx(1.15, rel=0.02)


@pytest.mark.parametrize(
    ("level", "decision", "cause"),
    [(55.0, Decision.PROMOTE, None), (180.0, Decision.ABORT, "limit")],
)
def test_a_queue_is_held_against_its_limit(level, decision, cause):
    slis = {"queue": SliSpec(Kind.GAUGE, limit=100.0)}
    lines = [
        Line(
            poll * 15.0,
            {
                "queue": {"baseline": 50.0 + poll % 5, "canary": level + poll % 7}
                if poll > 0
                else {"baseline": 50.0 + poll % 5}
            },
        )
        for poll in range(-60, 121)
    ]
    judgement = judged(header(slis), lines)
    assert (judgement.decision, judgement.cause) == (decision, cause)


def test_a_queue_is_compared_where_the_policy_says_so():
    slis = {"queue": SliSpec(Kind.GAUGE, compare=True)}
    lines = [
        Line(
            poll * 15.0,
            {
                "queue": {"baseline": 50.0 + poll % 5, "canary": 90.0 + poll % 7}
                if poll > 0
                else {"baseline": 50.0 + poll % 5}
            },
        )
        for poll in range(-60, 121)
    ]
    judgement = judged(header(slis), lines)
    assert (judgement.decision, judgement.cause) == (Decision.ABORT, "worse")


def test_one_budget_is_shared_by_all_slis_and_limits():
    alone = Judge(header(ERRORS)).observe(Line(0.0, {})).slis["errors"].line
    slis = {**ERRORS, "duration": SliSpec(Kind.HISTOGRAM, bounds=(1.0,)), "rate": SliSpec(Kind.THROUGHPUT)}
    shared = Judge(header(slis)).observe(Line(0.0, {})).slis["errors"].line
    assert alone == pytest.approx(4.605, abs=1e-3)
    assert shared == pytest.approx(5.416, abs=1e-3)


def test_clumps_in_the_history_are_allowed_for_and_reported():
    clumps = [Line(poll * 15.0, {"errors": {"baseline": (70 if poll % 5 == 0 else 0, 2850)}}) for poll in range(-60, 1)]
    sick = steady("errors", (14, 2850), (4, 150), start=1)
    judgement = judged(header(), [*clumps, *sick])
    assert judgement.decision is Decision.ABORT
    assert judgement.decided_at > 30  # when the same canary is aborted where errors are independent
    (note,) = judgement.slis["errors"].notes
    assert note.startswith("bad events come in clumps: they vary 28 times as much as independent ones, ")


def test_an_incident_in_the_history_is_reported_and_not_trimmed():
    lines = [
        replace(line, counts={"errors": {"baseline": (700, 2850)}}) if -450 < line.t <= -300 else line
        for line in steady("errors", (14, 2850), (1, 150))
    ]
    judgement = judged(header(), lines)
    said = judgement.slis["errors"].notes
    assert len(said) == 2
    assert said[1] == "an incident 315 s before the canary counts as part of how bursty the baseline is"


def test_no_history_is_a_conservative_start_and_said():
    judge = Judge(header())
    said = judge.observe(Line(15.0, {"errors": {"baseline": (14, 2850), "canary": (1, 150)}}))
    assert said.slis["errors"].notes == (
        "no history: bad events were taken to vary 3 times as much as independent ones",
    )
    decided = {
        start: judged(header(), steady("errors", (14, 2850), (4, 150), start=start)).decided_at for start in (-60, 1)
    }
    assert decided[-60] < decided[1]
