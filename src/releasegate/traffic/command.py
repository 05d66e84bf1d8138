"""Traffic that the user's own commands split."""

import re
from collections.abc import Callable, Mapping, Sequence

from releasegate.errors import FenceError, OutsideError
from releasegate.traffic.port import Split

Run = Callable[[Sequence[str], Mapping[str, str]], str]
"""Runs an argv with `{placeholders}` filled in, and returns what it printed."""
SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%?")


class CommandTraffic:
    """Implements `releasegate.traffic.port.Traffic`: `get` prints the canary's percentage, `put` gets `{percent}`."""

    def __init__(self, run: Run, get: Sequence[str], put: Sequence[str]) -> None:
        self._run, self._get, self._put = run, get, put

    def split(self) -> Split:
        """What `get` prints; all of it is the revision."""
        printed = self._run(self._get, {}).strip()
        found = SHARE.fullmatch(printed.splitlines()[0].strip()) if printed else None
        if found is None or float(found[1]) > 100:
            raise OutsideError(f"{self._get[0]} printed {printed!r}, which is no percentage", remedy="let it print 5%")
        return Split(float(found[1]) / 100, printed, f"{found[1]}% to the canary, as {self._get[0]} says")

    def preview(self, weight: float) -> str:
        """The command with its percentage."""
        if self.split().weight == weight:
            return ""
        return " ".join(part.replace("{percent}", _percent(weight)) for part in self._put) + "\n"

    def set_weight(self, weight: float, *, reason: str, expected: str | None = None) -> Split:
        """Run `put` unless it is so already, and read back what became of it."""
        found = self.split()
        if found.weight == weight:
            return found
        if weight > found.weight and expected is not None and found.revision != expected:
            raise FenceError("the split is not raised: it was changed by somebody else", remedy="look who did")
        self._run(self._put, {"percent": _percent(weight), "reason": reason})
        after = self.split()
        if after.weight != weight:
            raise OutsideError(f"{self._put[0]} ended well, and {after.description}: {weight:.1%} was asked for")
        return after


def _percent(weight: float) -> str:
    return f"{round(weight * 100, 6):g}"
