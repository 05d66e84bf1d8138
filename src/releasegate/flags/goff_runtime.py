"""What GO Feature Flag's evaluation serves.

Source: GO Feature Flag's modules/core, whose WebAssembly build (in gofeatureflag-python-provider) made the vectors of
`tests/flags`. Queries are evaluated as far as one comparison of a text goes; any other is a `FlagError`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime
from releasegate.flags.hashes import fnv1a

PARTS = 1000
"""How finely a percent is divided."""
_QUERY = re.compile(r'\s*([A-Za-z][A-Za-z0-9_:-]*) (eq|==|ne|!=|co|sw|ew) "([^"\\]*)"\s*\Z', re.IGNORECASE)
_Serve = Callable[[str], Any]


def evaluator(name: str, flag: Mapping[str, Any], runtime: Runtime) -> _Serve:
    """The value for a user key."""
    if flag.get("disable") is True or _outside(flag.get("experimentation"), runtime):
        return lambda _: runtime.default
    for step in _listed(flag, "scheduledRollout"):
        if not isinstance(step, dict) or (step.get("date") is not None and _moment(step["date"]) <= _now(runtime)):
            raise FlagError("a scheduled step is in force, which is not evaluated here")
    variations = flag["variations"]
    rules = [_rule(name, rule, runtime, default=False) for rule in _listed(flag, "targeting")]
    default = _rule(name, flag["defaultRule"], runtime, default=True)

    def evaluate(key: str) -> Any:
        for applies, serve in (*rules, default):
            if applies(key):
                found = variations.get(serve(key))
                return runtime.default if found is None else found
        return runtime.default

    return evaluate


def _listed(flag: Mapping[str, Any], key: str) -> list[Any]:
    found = flag.get(key) or []
    if not isinstance(found, list):
        raise FlagError(f"`{key}` is no list")
    return found


def _rule(name: str, rule: Any, runtime: Runtime, *, default: bool) -> tuple[Callable[[str], bool], _Serve]:
    """Whether a rule applies to a key, and the variation that it serves (None: the caller's default)."""
    if not isinstance(rule, dict):
        raise FlagError("a rule of the targeting is no mapping")
    return _applies(rule, runtime, default=default), _serves(name, rule, runtime)


def _applies(rule: Mapping[str, Any], runtime: Runtime, *, default: bool) -> Callable[[str], bool]:
    query = rule.get("query")
    if default or not query:
        applies = default or rule.get("disable") is not True
        return lambda _: applies
    if rule.get("disable") is True:
        return lambda _: False
    match = _QUERY.match(str(query))
    if not match:
        raise FlagError(f"the query `{query}` is not evaluated here")
    attribute, operator, wanted = match[1], match[2].lower(), match[3].lower()

    def applies_to(key: str) -> bool:
        found = {**runtime.attributes, "key": key, "targetingKey": key}.get(attribute)
        return isinstance(found, str) and _COMPARE[operator](found.lower(), wanted)

    return applies_to


def _serves(name: str, rule: Mapping[str, Any], runtime: Runtime) -> _Serve:
    if rule.get("progressiveRollout") is not None:
        return _progressive(name, rule["progressiveRollout"], runtime)
    if rule.get("percentage"):
        return _percentages(name, rule["percentage"])
    variation = _variation(rule.get("variation"))
    return lambda _: variation


def _percentages(name: str, percentages: Any) -> _Serve:
    """The buckets of the variations, in the reverse order of their names; shares are relative to their sum."""
    if not isinstance(percentages, dict) or not all(map(_is_number, percentages.values())):
        raise FlagError("a percentage is no number")
    most, end, buckets = int(sum(percentages.values()) * PARTS), 0.0, list[tuple[int, int, str]]()
    for variation in sorted(percentages, reverse=True):
        start, end = end, end + percentages[variation] * PARTS
        buckets.append((int(start), int(end), variation))

    def serve(key: str) -> Any:
        point = fnv1a((name + key).encode()) % most if most > 0 else 0
        return next((variation for start, end, variation in buckets if start <= point < end), None)

    return serve


def _progressive(name: str, rollout: Any, runtime: Runtime) -> _Serve:
    """From the initial to the end variation, linearly in time."""
    initial, end = (rollout.get(side) if isinstance(rollout, dict) else None for side in ("initial", "end"))
    if (
        not isinstance(initial, dict)
        or not isinstance(end, dict)
        or not {"variation", "date"} <= initial.keys() & end.keys()
    ):
        return lambda _: None
    before, after = _variation(initial["variation"]), _variation(end["variation"])
    first, last, now = _moment(initial["date"]), _moment(end["date"]), _now(runtime)
    if last <= first:
        return lambda _: None
    if now < first:
        return lambda _: before
    low, high = (_share(side.get("percentage", 0)) for side in (initial, end))
    high = high if 0 < high <= 100 else 100
    passed = min((int(now.timestamp()) - int(first.timestamp())) / (int(last.timestamp()) - int(first.timestamp())), 1)
    threshold = int((low + (high - low) * passed) * PARTS)

    def serve(key: str) -> Any:
        return after if fnv1a((name + key).encode()) % (100 * PARTS) < threshold else before

    return serve


def _outside(experiment: Any, runtime: Runtime) -> bool:
    """Whether an experiment has not begun or is over, when the caller's default is served."""
    if not isinstance(experiment, dict):
        return False
    start, end = experiment.get("start"), experiment.get("end")
    return (start is not None and _now(runtime) < _moment(start)) or (end is not None and _now(runtime) > _moment(end))


def _now(runtime: Runtime) -> datetime:
    if runtime.now is None:
        raise FlagError("what the flag serves depends on the time", remedy="drive time from the rollout, not the flag")
    return runtime.now


def _moment(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise FlagError(f"`{text}` is no moment with a time zone", remedy="write 2026-01-31T10:00:00Z")
    return moment


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _variation(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise FlagError(f"the variation `{name}` is no text")
    return name


def _share(value: Any) -> float:
    if not _is_number(value):
        raise FlagError(f"the percentage `{value}` is no number from 0")
    return float(value)


_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__,
    "==": str.__eq__,
    "ne": str.__ne__,
    "!=": str.__ne__,
    "co": str.__contains__,
    "sw": str.startswith,
    "ew": str.endswith,
}
