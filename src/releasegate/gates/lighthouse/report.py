"""A Lighthouse report, of version 5 to 13, as the few facts that a gate needs.

Single reports, the steps of a user flow (`steps[].lhr`) and PageSpeed Insights' answer (`lighthouseResult`) are read.
Shapes: https://github.com/GoogleChrome/lighthouse/blob/main/types/lhr/lhr.d.ts and `audit-result.d.ts`; fields are
found by their presence and never by the version, since forks and wrappers rewrite it.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from releasegate.errors import InputError

TABLES = ("resource-summary", "user-timings", "performance-budget")
"""The audits whose table rows can be asserted one by one."""

MOST_VALUES = 2_000_000
"""In one file: of a hundred bytes of memory and more each. Lighthouse's own reports have some 25,000."""


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit's result."""

    title: str = ""
    description: str = ""
    score: float | None = None
    """0 to 1; None where there is none (not applicable, manual, failed)."""
    mode: str = ""
    """`scoreDisplayMode`."""
    numeric: float | None = None
    """`numericValue`, in the audit's own unit; None where it is no finite number."""
    numeric_given: bool = False
    """Whether the report has a `numericValue` at all."""
    length: int = 0
    """How many rows the table of details has."""
    rows: tuple[Mapping[str, Any], ...] | None = None
    """The rows themselves, of the audits in `TABLES`; None where there is no table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One Lighthouse run of one page, or one step of a user flow."""

    path: str
    version: str
    requested_url: str
    final_url: str | None
    """`finalUrl`, by which LHCI groups; absent in the steps of a flow that are no navigation."""
    displayed_url: str | None
    """`finalDisplayedUrl`, what the address bar showed at the end."""
    fetched: datetime | None
    """When the run was made, UTC."""
    gather_mode: str
    """`navigation`, `timespan` or `snapshot`."""
    form_factor: str
    """`mobile`, `desktop`, or empty where the report does not tell."""
    benchmark_index: float | None
    """How fast the machine was; the covariate of all timings."""
    runtime_error: str | None
    """The code and message of the error that ended the run, or None."""
    categories: Mapping[str, float | None]
    has_categories: bool
    audits: Mapping[str, Audit]
    step: str = ""
    """The name of the flow's step."""

    @property
    def url(self) -> str:
        """The page: what the address bar showed, else the final URL, else the one that was asked for."""
        return self.displayed_url or self.final_url or self.requested_url


class _Details(msgspec.Struct):
    items: Any = None


class _Counted(msgspec.Struct):
    items: list[msgspec.Raw] = []


class _Audit(msgspec.Struct):
    title: Any = None
    description: Any = None
    score: Any = None
    scoreDisplayMode: Any = None  # noqa: N815  as the report spells it
    numericValue: Any = msgspec.UNSET  # noqa: N815
    details: msgspec.Raw = msgspec.Raw()


class _Category(msgspec.Struct):
    score: Any = None


class _Lhr(msgspec.Struct):
    audits: dict[str, _Audit | None] | msgspec.UnsetType = msgspec.UNSET
    categories: dict[str, _Category | None] | msgspec.UnsetType | None = msgspec.UNSET
    lighthouseVersion: Any = None  # noqa: N815
    requestedUrl: Any = None  # noqa: N815
    finalUrl: Any = None  # noqa: N815
    finalDisplayedUrl: Any = None  # noqa: N815
    fetchTime: Any = None  # noqa: N815
    gatherMode: Any = None  # noqa: N815
    runtimeError: Any = None  # noqa: N815
    configSettings: Any = None  # noqa: N815
    environment: Any = None


class _Step(msgspec.Struct):
    lhr: _Lhr
    name: Any = None


class _File(_Lhr):
    steps: list[_Step] | msgspec.UnsetType = msgspec.UNSET
    lighthouseResult: _Lhr | msgspec.UnsetType = msgspec.UNSET  # noqa: N815


_FILE, _COUNTED = msgspec.json.Decoder(_File), msgspec.json.Decoder(_Counted)


def parse(content: bytes, path: str) -> tuple[Report, ...]:
    """The runs in one file; `InputError` if it is no Lighthouse report, is cut short or has the wrong shape."""
    if not content or content.isspace():
        raise InputError("is empty", where=path, remedy="run Lighthouse again")
    if content.count(b",") > MOST_VALUES:
        raise InputError(f"holds more than {MOST_VALUES} values", where=path, remedy="is this a Lighthouse report?")
    try:
        file = _FILE.decode(content.removeprefix(b"\xef\xbb\xbf"))
        reports = _unwrap(file, path)
    except RecursionError as error:
        raise InputError("is nested too deeply for a Lighthouse report", where=path) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(f"is no Lighthouse report: {error}", where=path, remedy="run Lighthouse again") from error
    if not reports:
        raise InputError("holds no Lighthouse run", where=path, remedy="hand over the JSON that Lighthouse wrote")
    return reports


def _unwrap(file: _File, path: str) -> tuple[Report, ...]:
    """The report in the file itself, in its PageSpeed wrapper, or in each step of its flow."""
    if file.audits is not msgspec.UNSET:
        return (_report(file, path),)
    if file.lighthouseResult is not msgspec.UNSET:
        return (_report(file.lighthouseResult, path),)
    steps = [] if file.steps is msgspec.UNSET else file.steps
    return tuple(replace(_report(step.lhr, path), step=_text(step.name)) for step in steps)


def _report(lhr: _Lhr, path: str) -> Report:
    if lhr.audits is msgspec.UNSET:
        raise InputError("holds no Lighthouse run", where=path, remedy="hand over the JSON that Lighthouse wrote")
    settings, environment = _mapping(lhr.configSettings), _mapping(lhr.environment)
    categories = {} if lhr.categories is msgspec.UNSET or lhr.categories is None else lhr.categories
    return Report(
        path=path,
        version=_text(lhr.lighthouseVersion),
        requested_url=_text(lhr.requestedUrl),
        final_url=_text(lhr.finalUrl) or None,
        displayed_url=_text(lhr.finalDisplayedUrl) or None,
        fetched=moment(lhr.fetchTime),
        gather_mode=_text(lhr.gatherMode) or "navigation",
        form_factor=_text(settings.get("formFactor")) or _text(settings.get("emulatedFormFactor")),
        benchmark_index=number(environment.get("benchmarkIndex")),
        runtime_error=_runtime_error(lhr.runtimeError),
        categories={name: number(category.score) for name, category in categories.items() if category is not None},
        has_categories=lhr.categories is not msgspec.UNSET and lhr.categories is not None,
        audits={name: _audit(name, audit) for name, audit in lhr.audits.items() if audit is not None},
    )


def _audit(name: str, audit: _Audit) -> Audit:
    return Audit(
        title=sys.intern(_text(audit.title)),  # the same in all runs: once in memory
        description=sys.intern(_text(audit.description)),
        score=number(audit.score),
        mode=_text(audit.scoreDisplayMode),
        numeric=number(audit.numericValue),
        numeric_given=audit.numericValue is not msgspec.UNSET,
        length=_length(audit.details),
        rows=_rows(audit.details) if name in TABLES else None,
    )


def _length(details: msgspec.Raw) -> int:
    """How many items the details list, without building them: some hold thousands. What is no list has none."""
    if not details:
        return 0
    try:
        return len(_COUNTED.decode(details).items)
    except msgspec.ValidationError:
        return 0


def _rows(details: msgspec.Raw) -> tuple[Mapping[str, Any], ...] | None:
    if not details:
        return None
    try:
        items = msgspec.json.decode(details, type=_Details).items
    except msgspec.ValidationError:
        return None
    return tuple(item for item in items if isinstance(item, dict)) if isinstance(items, list) else None


def _runtime_error(value: Any) -> str | None:
    """`code: message`; Lighthouse 3 and 4 wrote the code `NO_ERROR` for none."""
    if value is None or (isinstance(value, dict) and value.get("code") == "NO_ERROR"):
        return None
    error = _mapping(value)
    return f"{_text(error.get('code')) or 'UNKNOWN'}: {_text(error.get('message'))}".rstrip(": ")


def number(value: Any) -> float | None:
    """`value` if it is a finite JSON number, else None. An integer beyond 2**53 is rounded, as JavaScript does it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        rounded = float(value)
    except OverflowError:
        return None
    if not math.isfinite(rounded):
        return None
    return value if abs(rounded) < 2**53 else rounded


def moment(value: Any) -> datetime | None:
    """The RFC 3339 time in `value`, UTC (also where it names no zone), or None if it is no time."""
    try:
        parsed = datetime.fromisoformat(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def major(version: str) -> int | None:
    """The first number of a Lighthouse version; timings and scores of two majors are not comparable."""
    head = version.partition(".")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 4 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
