"""The user's checks of the data, each by itself: one that fails hides nothing of what the others saw."""

import pytest

from releasegate.errors import OutsideError, VerificationError
from releasegate.runbook.integrity import Integrity


class Checks:
    """`count` and `sum`, which print what they are told to; None fails."""

    def __init__(self, **printed):
        self.printed = printed
        self.integrity = Integrity([["count", "rows"], ["sum"]], self)

    def __call__(self, command, values):
        del values
        printed = self.printed[command[0]]
        if printed is None:
            raise OutsideError(f"{command[0]} exited 1: no")
        return printed


def test_rows_that_vanished_are_told_where_another_check_failed_before():
    checks = Checks(count="orders 5", sum=None)
    with pytest.raises(OutsideError, match=r"^sum exited 1: no$"):
        checks.integrity.look()
    checks.printed = {"count": "orders 0", "sum": "fine"}
    with pytest.raises(VerificationError, match=r"^the data is not what it was: count: orders: 5 rows before, 0 now$"):
        checks.integrity.compare()
    checks.printed = {"count": "orders 0", "sum": None}
    with pytest.raises(VerificationError, match=r": count: orders: 5 rows before, 0 now; sum exited 1: no$"):
        checks.integrity.compare()


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (("orders 5", None),
         "2 integrity checks hold, and none of 5 rows in 1 tables is lost; nothing to compare to: sum"),
        ((None, "fine"), "2 integrity checks hold, and print what they did before; nothing to compare to: count"),
        ((None, None), "2 integrity checks hold, with nothing to compare to"),
    ],
)  # fmt: skip
def test_what_had_nothing_to_compare_to_is_told(before, text):
    checks = Checks(count=before[0], sum=before[1])
    with pytest.raises(OutsideError):
        checks.integrity.look()
    checks.printed = {"count": "orders 5", "sum": "fine"}
    assert checks.integrity.compare() == text


def test_every_check_that_fails_is_told():
    checks = Checks(count=None, sum=None)
    with pytest.raises(OutsideError, match=r"^count exited 1: no; sum exited 1: no$"):
        checks.integrity.look()
    with pytest.raises(OutsideError, match=r"^count exited 1: no; sum exited 1: no$"):
        checks.integrity.compare()
