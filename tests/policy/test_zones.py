"""The local time that stands beside UTC, on machines with and without the table of time zones."""

import sys
import zoneinfo
from datetime import UTC, date, datetime

import pytest

from releasegate.policy.load import load_policy
from releasegate.policy.zones import beside, day, unknown

LATE = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
POLICY = b"version: 1\nservice: shop\nenvironment: production\ntimezone: Europe/Berlin\n"


@pytest.fixture
def no_table(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("tzdata.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()


def test_the_time_there_and_the_day_that_it_is_there():
    assert beside(LATE, "Europe/Berlin", "%H:%M") == " (00:30 Europe/Berlin)"
    assert beside(LATE, "UTC", "%H:%M") == ""
    assert (day(LATE, "Europe/Berlin"), day(LATE, "UTC")) == (date(2026, 11, 24), date(2026, 11, 23))
    assert [unknown(name) for name in ("Europe/Berlin", "UTC", "Mars/Base")] == [False, False, True]


@pytest.mark.usefixtures("no_table")
def test_without_the_table_a_policy_still_holds_and_times_are_told_in_utc():
    assert load_policy(POLICY, "releasegate.yaml", {}).timezone == "Europe/Berlin"
    assert beside(LATE, "Europe/Berlin", "%H:%M") == ""
    assert day(LATE, "Europe/Berlin") == date(2026, 11, 23)
