"""LHCI's assertion language, typed: what `lighthouserc.json` asks of the reports.

The language: https://github.com/GoogleChrome/lighthouse-ci/blob/main/docs/configuration.md#assert. What LHCI would
pass over in silence (a misspelt level, aggregation or preset) is an `InputError` that says what to write.
"""

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from releasegate.errors import InputError
from releasegate.gates.lighthouse.presets import PRESETS, USUAL
from releasegate.gates.lighthouse.report import Report, number

LEVELS = ("off", "warn", "error")
METHODS = ("optimistic", "pessimistic", "median", "median-run")
THRESHOLDS = ("minScore", "maxLength", "maxNumericValue")
SETTINGS = ("assertions", "assertMatrix", "preset", "aggregationMethod", "matchingUrlPattern", "budgetsFile")
"""The keys of `ci.assert` that say what is asserted."""
ASSERTING = ("assertions", "assertMatrix", "preset", "budgetsFile")
"""Those of which one is needed."""
PRESET_HELP = f"give --config FILE, or a preset in it: {', '.join(PRESETS)}"


@dataclass(frozen=True, slots=True)
class Assertion:
    """What is asserted of one audit or category."""

    level: str
    """`off`, `warn` or `error`."""
    thresholds: Mapping[str, float]
    """Of `minScore`, `maxLength` and `maxNumericValue`, those that were given."""
    method: str | None = None
    """How several runs become one value; None for the set's own."""
    unknown: tuple[str, ...] = ()
    """Options that LHCI does not know and passes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionSet:
    """The whole of `ci.assert`, or one entry of its `assertMatrix`."""

    assertions: Mapping[str, Assertion]
    """By the key that the user (or the preset) wrote, in LHCI's order."""
    stated: frozenset[str]
    """The keys that the user wrote, as against the preset's."""
    preset: str | None = None
    method: str | None = None
    pattern: re.Pattern[str] | None = None
    """Which pages it is about: searched in their URL; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What is asked of the reports."""

    sets: tuple[AssertionSet, ...]
    matrix: bool = False
    include_passed: bool = False
    """Whether checks that passed are listed too."""


def assert_options(document: Any, path: str) -> Mapping[str, Any]:
    """The `assert` options in what LHCI takes: `{"ci": {"assert": …}}`, or those options alone.

    LHCI itself merges the sections of `ci`, so options under `ci` or `ci.collect` count as well.
    """
    if isinstance(document, list):
        raise InputError("is a list, as budgets are", where=path, remedy="name them with --budgets, or `budgets:`")
    if not isinstance(document, Mapping):
        raise InputError("is no LHCI configuration: not an object", where=path, remedy=PRESET_HELP)
    sections = [document[key] for key in ("ci", "lhci", "ci:client") if isinstance(document.get(key), Mapping)]
    if not sections:
        return document
    ci = {key: value for section in sections for key, value in section.items()}
    parts = [ci[key] for key in ("assert", "collect", "upload") if isinstance(ci.get(key), Mapping)]
    return {key: value for part in parts for key, value in part.items()}


def parse_config(options: Mapping[str, Any], path: str) -> Config:
    """The `assert` options, typed; `InputError` where LHCI would throw, or would pass over a mistake in silence."""
    _refuse_misspelt(options, path)
    matrix = options.get("assertMatrix")
    if matrix is None:
        entries = [options]
    elif any(_given(options, key) for key in ("assertions", "preset", "budgetsFile", "aggregationMethod")):
        raise InputError("cannot use assertMatrix with other options", where=path, remedy="move them into its entries")
    elif isinstance(matrix, list) and all(isinstance(entry, Mapping) for entry in matrix):
        entries = matrix
    else:
        raise InputError("assertMatrix is no list of objects", where=path)
    return Config(
        sets=tuple(_set(entry, path) for entry in entries),
        matrix=matrix is not None,
        include_passed=bool(options.get("includePassedAssertions")),
    )


def usual(reports: Iterable[Report]) -> Config:
    """What is asked where nothing is configured, of the categories that any run holds; of all four where none does."""
    held = {f"categories:{name}" for report in reports for name in report.categories}
    return parse_config({"assertions": {key: USUAL[key] for key in USUAL if key in held} or USUAL}, "")


def require_assertions(options: Mapping[str, Any], path: str) -> None:
    """`InputError` where the options say nothing about what is asserted, as `lhci assert` has it."""
    if not asserts(options, path):
        raise InputError("asserts nothing", where=path, remedy=PRESET_HELP)


def asserts(options: Mapping[str, Any], path: str) -> bool:
    """Whether the options say what is asserted; `InputError` for a key that was meant to."""
    _refuse_misspelt(options, path)
    return any(key in options for key in ASSERTING)


def _given(options: Mapping[str, Any], key: str) -> bool:
    """Whether `key` holds what JavaScript takes as true: an empty object is, an empty string is not."""
    value = options.get(key)
    return isinstance(value, Mapping | list) or bool(value)


def _refuse_misspelt(options: Mapping[str, Any], path: str) -> None:
    for key in options:
        near = [] if key in SETTINGS else get_close_matches(str(key), SETTINGS, 1, 0.85)
        if near:
            raise InputError(f"unknown key `{key}`", where=path, remedy=f"write `{near[0]}`")


def _set(entry: Mapping[str, Any], path: str) -> AssertionSet:
    _refuse_misspelt(entry, path)
    stated = entry.get("assertions") or {}
    if not isinstance(stated, Mapping):
        raise InputError("`assertions` is no object", where=path)
    preset = entry.get("preset") or None
    if preset is not None and (not isinstance(preset, str) or preset not in PRESETS):
        raise InputError(f"unknown preset `{preset}`"[:200], where=path, remedy=f"write one of {', '.join(PRESETS)}")
    merged = merge(PRESETS[preset], stated) if preset else stated
    return AssertionSet(
        assertions={str(key): _assertion(str(key), value, path) for key, value in merged.items()},
        stated=frozenset(map(str, stated)),
        preset=preset,
        method=_method(entry.get("aggregationMethod"), path),
        pattern=_pattern(entry.get("matchingUrlPattern"), path),
    )


def merge(under: Any, over: Any) -> Any:
    """As LHCI merges a preset with the user's assertions: objects by key, lists by position."""
    if isinstance(under, Mapping) and isinstance(over, Mapping):
        return {**under, **{key: merge(under.get(key), value) for key, value in over.items()}}
    if isinstance(under, list) and isinstance(over, list):
        return [merge(u, o) for u, o in zip(under, over, strict=False)] + under[len(over) :] + over[len(under) :]
    return over


def _assertion(key: str, value: Any, path: str) -> Assertion:
    """`"warn"` or `["warn", {…}]`, typed. A null or false value is off, as in LHCI (and as YAML 1.1 reads `off`)."""
    level, options = (
        (value[0], value[1] if len(value) > 1 else {}) if isinstance(value, list) and value else (value, {})
    )
    level = "off" if level is None or level is False or level == "" else level
    if level not in LEVELS or not isinstance(options, Mapping):
        raise InputError(
            f"`{key}` is asserted as {value!r}"[:200],
            where=path,
            remedy='write "error", or ["error", {"minScore": 0.9}]',
        )
    thresholds = {name: _threshold(key, name, options[name], path) for name in THRESHOLDS if name in options}
    unknown = tuple(str(name) for name in options if name not in (*THRESHOLDS, "aggregationMethod"))
    return Assertion(level, thresholds, _method(options.get("aggregationMethod"), path), unknown)


def _threshold(key: str, name: str, value: Any, path: str) -> float:
    limit = number(value)
    if limit is None:
        raise InputError(f"`{key}`: {name} is {value!r}"[:200], where=path, remedy="write a number")
    return limit


def _method(value: Any, path: str) -> str | None:
    if value is not None and value not in METHODS:
        raise InputError(
            f"unknown aggregationMethod {value!r}"[:200], where=path, remedy=f"write one of {', '.join(METHODS)}"
        )
    return value or None


def _pattern(value: Any, path: str) -> re.Pattern[str] | None:
    """JavaScript's `new RegExp(value)` as Python's, for what URL patterns use."""
    if not value:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", value), re.ASCII)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise InputError(f"matchingUrlPattern {value!r} is no regular expression: {error}"[:300], where=path) from error
