"""JUnit XML, of any runner, to a verdict: a suite passes if tests ran and none of them failed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from junitparser import Error, Failure, Skipped, xunit2

from releasegate.errors import InconclusiveError
from releasegate.gates.xml import parse
from releasegate.verdict import Evidence, Finding, Level, Subject, Verdict, conclude

SLOWEST = 5
"""How many of the slowest tests a verdict names."""
_SHOWN = 300
NOT_RUN = ("notrun", "disabled", "suppressed", "skipped")
"""What GoogleTest says in `status` and `result` of a test that did not run; it writes no `<skipped>` there."""


class State(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    FLAKY = "flaky"
    """It passed when it was run again."""
    SKIPPED = "skipped"
    FAILED = "failed"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class Case:
    """One test."""

    id: str
    """`classname.name`, or the name alone."""
    name: str
    state: State
    message: str
    """The first line of why it did not pass."""
    seconds: float
    where: str
    """`file:line` where the report has it, else the report."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One report."""

    path: str
    cases: tuple[Case, ...]
    untold: int
    """Failures and errors that the report counts and that no test of it shows."""
    missing: int
    """Tests that the report counts and does not show, beside those failures."""
    started: datetime | None
    """When the first test began; None where the report gives no time zone."""


def read_suite(content: bytes, path: str) -> Suite:
    """The tests in `content`; `InconclusiveError` where it is no JUnit XML, or not safe to read."""
    root = parse(content, path)
    if root.tag not in ("testsuites", "testsuite"):
        what = f"is no JUnit report: its root is <{root.tag[:60]}>"
        raise InconclusiveError(what, where=path, remedy="was another file meant?")
    cases = tuple(_case(element, path) for element in root.iter("testcase"))
    shown = sum(case.state in (State.FAILED, State.ERRORED) for case in cases)
    counted = [_count(root, name) for name in ("failures", "errors")]
    if root.tag == "testsuites" and counted == [0, 0]:
        counted = [_count(suite, name) for suite in root.findall("testsuite") for name in ("failures", "errors")]
    times = [time for time in (_moment(suite.get("timestamp")) for suite in root.iter("testsuite")) if time]
    untold = max(0, sum(counted) - shown)
    return Suite(path, cases, untold, max(0, _missing(root) - untold), min(times, default=None))


def _missing(root: Any) -> int:
    """How many more tests the suites count than they show; a suite of suites sums those, and tells nothing new.

    pytest counts subtests and errors of a teardown as tests, and Catch2 (whose host is always `tbd`) assertions.
    """
    suites = [suite for suite in root.iter("testsuite") if suite.find("testsuite") is None]
    if root.get("name") == "pytest tests":
        return 0
    told = [suite for suite in suites if suite.get("name") != "pytest" and suite.get("hostname") != "tbd"]
    return sum(max(0, _count(suite, "tests") - len(suite.findall("testcase"))) for suite in told)


def _case(element: Any, path: str) -> Case:
    case = xunit2.TestCase.fromelem(element)  # type: ignore[no-untyped-call]
    state, message = _state(case)
    if state is State.PASSED and (element.get("status") in NOT_RUN or element.get("result") in NOT_RUN):
        state = State.SKIPPED
    classname, name = element.get("classname"), element.get("name") or "(no name)"
    file, line = element.get("file"), element.get("line")
    place = f"{file}:{line}" if file and line else file
    try:
        seconds = float((element.get("time") or "0").replace(",", ""))
    except ValueError:
        seconds = 0.0
    return Case(
        id=f"{classname}.{name}" if classname else name,
        name=name,
        state=state,
        message=message,
        seconds=seconds if math.isfinite(seconds) and seconds >= 0 else 0.0,
        where=place or path,
    )


def _state(case: Any) -> tuple[State, str]:
    """The worst that a test reports of itself."""
    results = [(kind, one) for kind in (Error, Failure, Skipped) for one in case.result if isinstance(one, kind)]
    states = {Error: State.ERRORED, Failure: State.FAILED, Skipped: State.SKIPPED}
    if results:
        kind, result = results[0]
        return states[kind], _first_line(result)
    again = case.interim_result
    return (State.FLAKY, _first_line(again[0])) if again else (State.PASSED, "")


def _first_line(result: Any) -> str:
    said = str(result.message or result.text or result.type or "").strip()
    return said.splitlines()[0][:_SHOWN] if said else ""


def _count(element: Any, name: str) -> int:
    text = element.get(name) or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a run of tests, beyond that none fails."""

    must_run: Sequence[str] = ()
    """Patterns (`*`, `?`) of tests each of which has to have run: a skipped test did not."""
    before: Mapping[str, State] | None = None
    """How the tests ended the last time, by id: what failed then is not new."""


def states(suites: Iterable[Suite]) -> dict[str, State]:
    """How each test ended; the worst, where a name stands twice."""
    order = list(State)
    found: dict[str, State] = {}
    for case in (case for suite in suites for case in suite.cases):
        found[case.id] = max(found.get(case.id, State.PASSED), case.state, key=order.index)
    return found


def failing(suites: Iterable[Suite]) -> list[str]:
    """The ids of the tests that failed, for the ledger to keep."""
    return sorted(name for name, state in states(suites).items() if state in (State.FAILED, State.ERRORED))


def judge(
    suites: Sequence[Suite],
    wanted: Wanted,
    evidence: Sequence[Evidence],
    subject: Subject,
    started: datetime,
    finished: datetime,
    *,
    gate: str = "tests",
    problems: Sequence[Finding] = (),
) -> Verdict:
    """The verdict on `suites`. `problems` are findings on evidence that could not be read."""
    cases = [case for suite in suites for case in suite.cases]
    findings = (
        *problems,
        *_nothing_ran(cases, suites),
        *(_untold(suite) for suite in suites if suite.untold),
        *(_partial(suite) for suite in suites if suite.missing),
        *_must_run(cases, wanted.must_run),
        *sorted((_finding(case, wanted) for case in cases if case.state is not State.PASSED), key=_weight),
    )
    return Verdict(
        gate=gate,
        verdict=conclude(findings),
        summary=_summary(cases, findings),
        findings=findings,
        evidence=tuple(evidence),
        subject=subject,
        started=started,
        finished=finished,
        extra={"tests": _figures(cases)},
    )


def _nothing_ran(cases: Sequence[Case], suites: Sequence[Suite]) -> list[Finding]:
    if not suites or any(case.state is not State.SKIPPED for case in cases) or any(suite.untold for suite in suites):
        return []
    what = f"no test ran: all {len(cases)} were skipped" if cases else "no test ran: the reports hold none"
    where = ", ".join(suite.path for suite in suites[:3])
    return [Finding(check="tests", level=Level.ERROR, title=what, expected=">= 1", observed="0", where=where,
                    unusable=True)]  # fmt: skip


def _untold(suite: Suite) -> Finding:
    return Finding(
        check="counts",
        level=Level.ERROR,
        title="the report counts failures that no test of it shows; did the runner itself fail?",
        expected="0",
        observed=str(suite.untold),
        where=suite.path,
    )


def _partial(suite: Suite) -> Finding:
    return Finding(
        check="counts",
        level=Level.ERROR,
        title="the report is partial: it counts tests that it does not show; was the runner stopped?",
        expected=str(len(suite.cases) + suite.missing),
        observed=str(len(suite.cases)),
        where=suite.path,
        unusable=True,
    )


def _must_run(cases: Sequence[Case], patterns: Sequence[str]) -> list[Finding]:
    findings = []
    for pattern in patterns:
        found = [case for case in cases if fnmatchcase(case.id, pattern) or fnmatchcase(case.name, pattern)]
        if not any(case.state is not State.SKIPPED for case in found):
            findings.append(
                Finding(
                    check=pattern,
                    level=Level.ERROR,
                    title="has to run, and did not",
                    expected="to have run",
                    observed="skipped" if found else "missing",
                    where=found[0].where if found else "",
                )
            )
    return findings


_LEVELS = {
    State.FAILED: Level.ERROR, State.ERRORED: Level.ERROR, State.FLAKY: Level.WARN, State.SKIPPED: Level.INFO,
}  # fmt: skip


def _finding(case: Case, wanted: Wanted) -> Finding:
    failed = case.state in (State.FAILED, State.ERRORED)
    last = None if wanted.before is None else wanted.before.get(case.id)
    new = failed and last not in (State.FAILED, State.ERRORED) if wanted.before is not None else None
    return Finding(
        check=case.id,
        level=_LEVELS[case.state],
        title=f"{'newly ' if new else ''}{case.state}" + (f": {case.message}" if case.message else ""),
        expected="passed" if failed else "",
        observed=case.state.value,
        where=case.where,
        details={"state": case.state.value, "seconds": case.seconds, "new": new},
    )


def _weight(finding: Finding) -> tuple[int, bool, str]:
    level = (Level.ERROR, Level.WARN, Level.INFO).index(finding.level)
    return level, not finding.details["new"], finding.check


def _figures(cases: Sequence[Case]) -> Mapping[str, Any]:
    """How many tests ended how, and the slowest."""
    slowest = sorted(cases, key=lambda case: (-case.seconds, case.id))[:SLOWEST]
    return {
        **{state.value: sum(case.state is state for case in cases) for state in State},
        "slowest": [{"test": case.id, "seconds": case.seconds} for case in slowest if case.seconds],
    }


def _summary(cases: Sequence[Case], findings: Sequence[Finding]) -> str:
    counts = [(sum(case.state is state for case in cases), state) for state in reversed(State)]
    told = ", ".join(f"{count} {state}" for count, state in counts if count) or "no tests"
    new = sum(bool(finding.details.get("new")) for finding in findings)
    slow = max(cases, key=lambda case: case.seconds, default=None)
    slowest = f"; slowest: {slow.id} ({slow.seconds:.1f} s)" if slow is not None and slow.seconds else ""
    unusable = next((f"{finding.title}; " for finding in findings if finding.unusable), "")
    return f"{unusable}{told}{f', {new} of them newly' if new else ''}{slowest}"
