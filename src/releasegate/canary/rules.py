"""Threshold rules on a canary's errors by the minute, as Argo Rollouts, Flagger and most alerting use them.

They are what the judge is compared with on a service's own past. The semantics of the named ones are those of their
documentation: Argo aborts when *more than* `failureLimit` measurements failed, ever; Flagger when `threshold` checks
failed, ever, which it notices one interval later. Neither forgets a failure after a success.
"""

import re
from dataclasses import dataclass
from math import ceil

from releasegate.canary.recording import Recording
from releasegate.errors import InputError
from releasegate.policy.units import NUMBER, level

MINUTE = 60.0
ERRORS_IN_A_ROW = 4
"""Argo Rollouts gives up at the fifth measurement in a row that had no value."""
HOW = "write 'errors > 1%, 5 failures', 'errors > 2x baseline, 3 failures in a row' or 'argo: errors > 1%, 3 failures'"
RULE = re.compile(
    rf"(?:(?P<kind>argo|flagger)\s*:\s*)?errors\s*>\s*(?:(?P<times>{NUMBER})\s*x\s*baseline|(?P<level>{NUMBER}\s*%?))"
    r"(?:\s*,\s*(?P<failures>[0-9]{1,4})\s+failures?(?P<row>\s+in\s+a\s+row)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A minute fails where the canary's share of errors is above a threshold; failures are counted."""

    text: str
    """As it was written."""
    kind: str
    """`argo`, `flagger`, or `plain`: the minute with the given number of failures aborts."""
    threshold: float
    """A share of the requests; with `relative`, a multiple of the baseline's share in the same minute."""
    relative: bool
    failures: int
    in_a_row: bool

    def aborts_at(self, recording: Recording) -> float | None:
        """Seconds after the split flowed at which this rule aborts a recording of the SLI `errors`; None if never."""
        failed = in_a_row = empty = 0
        for minute, counts in minutes(recording):
            fails = self._fails(counts)
            if self.kind == "flagger":
                if failed >= self.failures:
                    return minute * MINUTE
                fails = True if fails is None else fails
            empty = empty + 1 if fails is None else 0
            if self.kind == "argo" and empty > ERRORS_IN_A_ROW:
                return minute * MINUTE
            failed += bool(fails)
            in_a_row = in_a_row + 1 if fails else 0
            counted = in_a_row if self.in_a_row else failed
            if (self.kind == "argo" and counted > self.failures) or (self.kind == "plain" and counted >= self.failures):
                return minute * MINUTE
        return None

    def _fails(self, counts: "Minute") -> bool | None:
        """Whether a minute fails; None where it has no value."""
        if not counts.total:
            return None
        most = self.threshold
        if self.relative:
            if not counts.baseline_total:
                return None
            most *= counts.baseline_bad / counts.baseline_total
        return counts.bad / counts.total > most


@dataclass(slots=True)
class Minute:
    """What both tracks counted in one minute."""

    bad: float = 0.0
    total: float = 0.0
    baseline_bad: float = 0.0
    baseline_total: float = 0.0


def minutes(recording: Recording) -> list[tuple[int, Minute]]:
    """The canary's minutes, the first of which is 1; one in which nothing was polled is left out."""
    found: dict[int, Minute] = {}
    for line in recording.lines:
        if line.t > 0 and "errors" in line.counts:
            minute = found.setdefault(ceil(line.t / MINUTE), Minute())
            tracks = line.counts["errors"]
            bad, total = _pair(tracks.get("canary"))
            minute.bad, minute.total = minute.bad + bad, minute.total + total
            bad, total = _pair(tracks.get("baseline"))
            minute.baseline_bad, minute.baseline_total = minute.baseline_bad + bad, minute.baseline_total + total
    return sorted(found.items())


def _pair(counts: object) -> tuple[float, float]:
    return (counts[0], counts[1]) if isinstance(counts, tuple) else (0.0, 0.0)


def parse_rule(text: str) -> Rule:
    """The rule that `text` writes; `InputError` says how one is written."""
    found = RULE.fullmatch(text.strip())
    if found is None:
        raise InputError(f"`{text}` is no rule", remedy=HOW)
    kind = (found["kind"] or "plain").lower()
    threshold = float(found["times"]) if found["times"] else level(found["level"].strip())
    if not found["times"] and not 0 <= threshold < 1:
        raise InputError(f"`{text}`: a share of errors is below 100%", remedy=HOW)
    failures = int(found["failures"]) if found["failures"] else int(kind != "argo")
    if failures == 0 and kind != "argo":
        raise InputError(f"`{text}`: no failure at all aborts always", remedy=HOW)
    if found["row"] and kind != "plain":
        raise InputError(f"`{text}`: {kind} counts failures whether or not they are in a row", remedy=HOW)
    return Rule(" ".join(text.split()), kind, threshold, bool(found["times"]), failures, bool(found["row"]))
