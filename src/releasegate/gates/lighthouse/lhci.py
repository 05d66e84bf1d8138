"""What LHCI itself says about the runs of one page: its assertion results, computed as it computes them.

The rules, each checked against @lhci/utils 0.15.1: a threshold is compared with one value a run, aggregated over the
runs; a run without a value is left out, unless the method is pessimistic; an audit that is missing in any run is an
`auditRan` failure; without a threshold `minScore` 0.9 holds. JavaScript's NaN is None here and "NaN" in a document.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from releasegate.errors import InputError
from releasegate.gates.lighthouse.assertions import Assertion, AssertionSet
from releasegate.gates.lighthouse.presets import KNOWN_AUDITS
from releasegate.gates.lighthouse.report import Audit, Report, number

DEFAULT_MIN_SCORE = 0.9
LONGEST_DESCRIPTION = 4000
"""Where links are looked for, in characters; Lighthouse's own have under 1,000."""
OPERATORS = {"auditRan": ">=", "minScore": ">=", "maxLength": "<=", "maxNumericValue": "<="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One of LHCI's assertion results."""

    name: str
    """`auditRan`, `minScore`, `maxLength` or `maxNumericValue`."""
    expected: float
    actual: float | None
    """None is NaN: there was no value."""
    values: tuple[float | None, ...]
    passed: bool
    message: str | None = None
    prop: str | None = None
    """`auditProperty`: the category, table row or timing."""
    key: str = ""
    """The assertion's key, as it was written."""
    audit: str = ""
    level: str = ""
    url: str = ""
    title: str = ""
    link: str = ""

    def document(self) -> dict[str, Any]:
        """LHCI's own result object."""
        optional = {
            "message": self.message,
            "auditProperty": self.prop,
            "auditTitle": self.title,
            "auditDocumentationLink": self.link,
        }
        return {
            "name": self.name,
            "expected": self.expected,
            "actual": _nan(self.actual),
            "values": [_nan(value) for value in self.values],
            "operator": OPERATORS[self.name],
            "passed": self.passed,
            "auditId": self.audit,
            "level": self.level,
            "url": self.url,
            **{name: value for name, value in optional.items() if value},
        }


def _nan(value: float | None) -> float | str:
    """A number that JSON can hold, else JavaScript's name of it."""
    if value is None or math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"


def results(asked: AssertionSet, runs: Sequence[Report], url: str, *, median_categories: bool = False) -> list[Result]:
    """LHCI's results of one assertion set on the runs of one page; `InputError` where it throws.

    `median_categories` mends its median-run, which takes the best run for categories.
    """
    found: list[Result] = []
    middle = [representative(runs)]
    for key in dict.fromkeys(kebab(key) for key in asked.assertions):
        assertion = asked.assertions.get(key)
        if assertion is None or assertion.level == "off":
            continue
        audit, *props = [part for part in re.split(r"[.:]", key) if part] or [""]
        method = assertion.method or asked.method or "optimistic"
        about_category = audit == "categories" and bool(props) and not median_categories
        chosen = middle if method == "median-run" and not about_category else runs
        title, link = _words(audit, runs)
        found += [
            replace(result, key=key, audit=audit, level=assertion.level, url=url, title=title, link=link)
            for result in _assess(audit, props, assertion, method, chosen)
        ]
    return found


def representative(runs: Sequence[Report]) -> Report:
    """The run nearest to the median of First Contentful Paint and Time to Interactive (the upper of two middles)."""

    def value(run: Report, audit: str) -> float:
        return (run.audits[audit].numeric or 0) if audit in run.audits else 0

    def middle(audit: str) -> float:
        return sorted(value(run, audit) for run in runs)[len(runs) // 2]

    paint, interactive = middle("first-contentful-paint"), middle("interactive")

    def distance(run: Report) -> float:
        across, along = paint - value(run, "first-contentful-paint"), interactive - value(run, "interactive")
        return across * across + along * along

    return min(runs, key=distance)


def kebab(text: str, *, alphanumeric: bool = False) -> str:
    """LHCI's kebab case: a hyphen between a small and a capital letter, then small letters."""
    text = re.sub(r"([a-z])([A-Z])", r"\1-\2", text)
    if alphanumeric:
        text = re.sub(r"(?i:[^a-z0-9])+", "-", text, flags=re.ASCII).strip("-")
    return text.lower()


def _assess(
    audit: str, props: Sequence[str], assertion: Assertion, method: str, runs: Sequence[Report]
) -> list[Result]:
    """The results of one assertion, by the kind of its key."""
    audits = [run.audits.get(audit) for run in runs]
    if audit == "performance-budget":
        return _budget_rows(audits)
    if audit == "categories" and props:
        return _category(props, assertion, method, runs)
    if audit == "resource-summary" and props:
        if len(props) != 2 or props[1] not in ("size", "count"):
            raise InputError(
                f'Invalid resource-summary assertion "{".".join(props)}"',
                remedy="write resource-summary:<type>:size or resource-summary:<type>:count",
            )
        return _named(audits, assertion, method, ".".join(props), lambda found: _resource(found, *props))
    if audit == "user-timings" and props:
        timing = kebab("-".join(props), alphanumeric=True)
        return _named(audits, assertion, method, timing, lambda found: _timing(found, timing))
    return _standard(audits, assertion, method, audit)


def _category(props: Sequence[str], assertion: Assertion, method: str, runs: Sequence[Report]) -> list[Result]:
    if len(props) != 1:
        raise InputError(f'Invalid resource-summary assertion "{".".join(props)}"', remedy="write categories:<name>")
    if any(not run.has_categories for run in runs):
        raise InputError("a report has no categories, but one is asserted", where=runs[0].path)
    scores = [Audit(score=run.categories[props[0]]) if props[0] in run.categories else None for run in runs]
    return [replace(result, prop=props[0]) for result in _standard(scores, assertion, method)]


def _named(
    audits: Iterable[Audit | None],
    assertion: Assertion,
    method: str,
    prop: str,
    pick: Callable[[Sequence[Mapping[str, Any]]], Audit | None],
) -> list[Result]:
    """The results of one row of a table, taken as an audit of its own."""
    picked: list[Audit | None] = []
    for audit in audits:
        row = None if audit is None or audit.rows is None else pick(audit.rows)
        picked.append(None if row is None or audit is None else _with_value(audit, row))
    return [replace(result, prop=prop) for result in _standard(picked, assertion, method)]


def _with_value(audit: Audit, row: Audit) -> Audit:
    return replace(audit, numeric=row.numeric, numeric_given=row.numeric_given)


def _resource(rows: Sequence[Mapping[str, Any]], kind: str, quantity: str) -> Audit | None:
    """The row of a resource type, with its bytes (`transferSize` from Lighthouse 6 on) or its count of requests."""
    row = next((row for row in rows if row.get("resourceType") == kind), {})
    names = ("size", "transferSize") if quantity == "size" else ("requestCount",)
    name = next((name for name in names if name in row), None)
    return None if name is None else Audit(numeric=number(row[name]), numeric_given=True)


def _timing(rows: Sequence[Mapping[str, Any]], timing: str) -> Audit | None:
    """The first mark or measure of that name: a measure's duration, a mark's start, both in milliseconds."""
    for row in rows:
        name = row.get("name")
        if isinstance(name, str) and kebab(name, alphanumeric=True) == timing:
            duration = number(row.get("duration"))
            value = number(row.get("startTime")) if duration is None else duration
            return Audit(numeric=value, numeric_given=duration is not None or "startTime" in row)
    return None


def _budget_rows(audits: Iterable[Audit | None]) -> list[Result]:
    """What Lighthouse itself found over the budgets that were given when it ran: each row once."""
    found: dict[str, Result] = {}
    for row in (row for audit in audits if audit is not None for row in audit.rows or ()):
        size, over = number(row.get("size")) or number(row.get("transferSize")), number(row.get("sizeOverBudget"))
        if over:
            _add_row(found, f"{row.get('resourceType')}.size", size, over)
        digits = re.search(r"[0-9]{1,15}", str(row.get("countOverBudget") or ""))
        if digits:
            _add_row(found, f"{row.get('resourceType')}.count", number(row.get("requestCount")), int(digits[0]))
    return list(found.values())


def _add_row(found: dict[str, Result], prop: str, actual: float | None, over: float) -> None:
    row = Audit(score=0, numeric=actual, numeric_given=actual is not None)
    limit = 0 if actual is None else actual - over
    found.setdefault(prop, replace(_threshold([row], "pessimistic", "maxNumericValue", limit), prop=prop))


def _standard(
    audits: Sequence[Audit | None], assertion: Assertion, method: str, audit: str | None = None
) -> list[Result]:
    """`auditRan` where it is missing in any run, else one result a threshold."""
    ran = [audit for audit in audits if audit is not None]
    if len(ran) != len(audits):
        values = tuple(float(audit is not None) for audit in audits)
        unknown = audit is not None and audit not in KNOWN_AUDITS
        message = f'"{audit}" is not a known audit.' if unknown else None
        return [Result(name="auditRan", expected=1, actual=0, values=values, passed=False, message=message)]
    thresholds = assertion.thresholds or {"minScore": DEFAULT_MIN_SCORE}
    order = ("maxLength", "maxNumericValue", "minScore")
    return [_threshold(ran, method, name, thresholds[name]) for name in order if name in thresholds]


def _threshold(audits: Sequence[Audit], method: str, name: str, expected: float) -> Result:
    """One threshold against the value that the method makes of the runs."""
    given = [_value(audit, name) for audit in audits]
    values = tuple(value for value in given if value is not None)
    if not values or (method == "pessimistic" and len(values) != len(given)):
        return Result(
            name=name,
            expected=expected,
            actual=None,
            values=tuple(given),
            passed=False,
            message=_no_value(audits, method, name),
        )
    actual = _aggregate(values, method, name)
    passed = actual >= expected if OPERATORS[name] == ">=" else actual <= expected
    return Result(name=name, expected=expected, actual=actual, values=values, passed=passed)


def _value(audit: Audit, name: str) -> float | None:
    """What a threshold looks at; not applicable counts as 1 and informative as 0 where there is no score."""
    if name == "maxLength":
        return audit.length
    if name == "maxNumericValue":
        return audit.numeric
    return {"notApplicable": 1, "informative": 0}.get(audit.mode) if audit.score is None else audit.score


def _no_value(audits: Sequence[Audit], method: str, name: str) -> str:
    """LHCI's words for an audit without a value: absent is another thing than invalid."""
    if name == "minScore" or any(not audit.numeric_given for audit in audits):
        return f'Audit did not produce a value at all. "{name}" might not be a valid assertion for this audit.'
    advice = (
        'Try using an aggregationMethod other than "pessimistic".'
        if method == "pessimistic"
        else "If this is reproducible, please file an issue on GitHub."
    )
    return f"Audit failed to produce a valid value. {advice}"


def _aggregate(values: Sequence[float], method: str, name: str) -> float:
    """One value of several runs: the median, else the best (optimistic) or the worst (pessimistic).

    For median-run there is one value, or LHCI's best category of all runs.
    """
    if method == "median":
        ordered, half = sorted(values), (len(values) - 1) // 2
        return ordered[half] if len(values) % 2 else (ordered[half] + ordered[half + 1]) / 2
    smallest = (method == "optimistic" and name.startswith("max")) or (method == "pessimistic" and name == "minScore")
    return min(values) if smallest else max(values)


def _words(audit: str, runs: Sequence[Report]) -> tuple[str, str]:
    """An audit's title and the link to its documentation, from the first run that did not score 1."""
    found = [run.audits[audit] for run in runs if audit in run.audits]
    chosen = next((one for one in found if one.score != 1), found[0] if found else Audit())
    links: list[str] = re.findall(r"\[[^\]]+?\]\((https?://.*?)\)", chosen.description[:LONGEST_DESCRIPTION])
    guides = [link for link in links if "web.dev" in link or "developers.google.com/web" in link]
    best = next((link for link in guides if "web.dev" in link), (guides or links[-1:] or [""])[0])
    return chosen.title, best
