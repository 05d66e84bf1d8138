"""The action starts as fast as was asked for. Each measure is the smallest of a few that take turns."""

import pytest
from action_start import ANSWER, START, bare_sync, import_click, prepared, smallest, version

pytestmark = pytest.mark.soak


def test_from_uv_to_an_answer_it_takes_little_more_than_a_bare_sync():
    sync, action = smallest(bare_sync, prepared, runs=5)
    assert action <= START * sync


def test_an_answer_takes_at_most_twice_as_long_as_click_alone():
    answer, click = smallest(version, import_click, runs=15)
    assert answer <= ANSWER * click
