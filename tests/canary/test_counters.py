import math

from hypothesis import given
from hypothesis import strategies as st

from releasegate.canary.counters import SeriesTracker


def increments(*calls):
    tracker = SeriesTracker()
    return [tracker.advance(call) for call in calls]


def test_the_first_call_only_sets_the_marks():
    assert increments({"a": [7.0], "b": [3.0, 5.0]}, {"a": [9.0], "b": [5.0]}) == [0.0, 2.0]


def test_a_reset_counts_the_new_value_in_full():
    assert increments({"a": [100.0]}, {"a": [110.0, 4.0, 6.0]}) == [0.0, 16.0]


def test_a_series_that_appears_later_counts_in_full_even_after_an_empty_start():
    assert increments({}, {"a": [5.0]}, {"a": [8.0], "b": [1.0, 2.0]}) == [0.0, 5.0, 5.0]


def test_a_series_that_vanishes_adds_nothing_and_keeps_its_mark():
    assert increments({"a": [5.0]}, {}, {"a": []}, {"a": [7.0]}) == [0.0, 0.0, 0.0, 2.0]


def test_samples_that_are_no_numbers_are_passed_over():
    assert increments({"a": [5.0]}, {"a": [math.nan, 6.0, math.nan]}, {"a": [6.0, 9.0]}) == [0.0, 1.0, 3.0]


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=6),
    st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_what_was_counted_is_what_was_served_however_often_the_process_restarts(polls, restarts):
    tracker = SeriesTracker()
    tracker.advance({})
    total, served, counted, restart = 0, 0, 0.0, iter(restarts)
    for steps in polls:
        samples = []
        for step in steps:
            # a restart shows only where the counter is seen lower than before
            total = step if next(restart) and step < total else total + step
            served += step
            samples.append(float(total))
        counted += tracker.advance({"a": samples})
    assert counted == served
