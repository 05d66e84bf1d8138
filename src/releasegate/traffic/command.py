"""Traffic that the user's own commands split."""

import re
from collections.abc import Callable, Mapping, Sequence

from releasegate.errors import FenceError, OutsideError
from releasegate.traffic.port import Split

Run = Callable[[Sequence[str], Mapping[str, str]], str]
"""Runs an argv with `{placeholders}` filled in, and returns what it printed."""
SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%?")


class CommandTraffic:
    """Implements `releasegate.traffic.port.Traffic`: `get` prints the canary's percentage, `put` gets `{percent}`.

    Where it is `turned` the commands mean the baseline's percentage.
    """

    def __init__(self, run: Run, get: Sequence[str], put: Sequence[str], *, turned: bool = False) -> None:
        self._run, self._get, self._put, self._turned = run, get, put, turned

    def split(self) -> Split:
        """What `get` prints; all of it is the revision."""
        printed = self._run(self._get, {}).strip()
        found = SHARE.fullmatch(printed.splitlines()[0].strip()) if printed else None
        if found is None or float(found[1]) > 100:
            raise OutsideError(f"{self._get[0]} printed {printed!r}, which is no percentage", remedy="let it print 5%")
        share = (100 - float(found[1])) / 100 if self._turned else float(found[1]) / 100
        return Split(share, printed, f"{_percent(share)}% to the canary, as {self._get[0]} says")

    def preview(self, weight: float) -> str:
        """The command with its percentage."""
        if self.split().weight == weight:
            return ""
        return " ".join(part.replace("{percent}", self._asked(weight)) for part in self._put) + "\n"

    def set_weight(self, weight: float, *, reason: str, expected: str | None = None) -> Split:
        """Run `put`, and read back what became of it. A raise is fenced by `expected`, and made only where it is due.

        Lowering asks nothing first: a `get` that fails or hangs keeps no traffic where it is.
        """
        if expected is not None:
            found = self.split()
            if found.weight == weight:
                return found
            if weight > found.weight and found.revision != expected:
                raise FenceError("the split is not raised: it was changed by somebody else", remedy="look who did")
        self._run(self._put, {"percent": self._asked(weight), "reason": reason})
        after = self.split()
        if after.weight != weight:
            raise OutsideError(f"{self._put[0]} ended well, and {after.description}: {weight:.1%} was asked for")
        return after

    def _asked(self, weight: float) -> str:
        """What `{percent}` is for the canary's `weight`."""
        return _percent(1 - weight if self._turned else weight)


def _percent(weight: float) -> str:
    return f"{round(weight * 100, 6):g}"
