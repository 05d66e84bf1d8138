"""GO Feature Flag's dialect: `name: {variations, defaultRule, targeting, scheduledRollout, experimentation}`.

Its traps: `targeting` rules and steps that are due beat the default rule; percentages are relative to their sum, so
that a lone 5 is everybody; `disable: true`, an experiment outside of its dates and a percentage for a user without a
key all hand back the caller's own default. Source: `.schema/flag-schema.json` and modules/core of GO Feature Flag.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from releasegate.errors import FlagError
from releasegate.flags import goff_runtime
from releasegate.flags.dialect import Runtime, State, is_switch, needed, off_variant, on_variant, variant_named
from releasegate.flags.splice import Change
from releasegate.flags.tree import Path

NAME = "goff"
NOT_RUN_AGAINST = "the relay proxy and the Go module itself (run: its WebAssembly build in the Python provider 1.3)"
_HUNDRED = Decimal(100)
_RULES: Mapping[str, Any] = {"targeting": [], "scheduledRollout": [], "experimentation": {}}
"""What can serve another value than the default rule, and its neutral value."""


def home() -> Path:
    """The flags are the file's own keys."""
    return ()


def recognises(data: Mapping[str, Any]) -> bool:
    """Every value has `variations` and `defaultRule`."""
    flags = [flag for name, flag in data.items() if name != "$schema"]
    return bool(flags) and all(_is_flag(flag) for flag in flags)


def state(flag: Any, on: str | None = None) -> State:
    """The default rule's variation or percentages, where nothing comes before it."""
    variations, rule = _variations(flag), flag["defaultRule"]
    if flag.get("disable") is True:
        return State(value=None, percent=None, text="disabled: every caller gets its own default")
    wanted = on_variant(variations, on) if on is not None or is_switch(variations) else None
    shares = _shares(rule)
    value = None if rule.get("percentage") else variations.get(next(iter(shares), ""))
    text = ", ".join(f"{variation} {share.normalize():f}%" for variation, share in shares.items())
    before = [key for key in _RULES if flag.get(key)] + ["progressiveRollout"] * (
        rule.get("progressiveRollout") is not None
    )
    if before:
        return State(value=value, percent=None, text=f"{', '.join(before)}, else {text or 'nothing'}")
    if not shares:
        raise FlagError("the default rule has neither a variation nor percentages")
    text = next(iter(shares)) if len(shares) == 1 else text
    return State(value=value, percent=shares.get(wanted, Decimal(0)) if wanted else None, text=text)


def set_value(path: Path, flag: Any, value: Any) -> list[Change]:
    """The variation of that name or value, with or without a user key, and the flag not disabled."""
    return _serve(path, flag, {"variation": variant_named(_variations(flag), value)})


def rollout(path: Path, flag: Any, percent: Decimal, on: str | None) -> list[Change]:
    """The percentages of the default rule; targeting rules stay, and steps that would change it are refused."""
    variations = _variations(flag)
    if percent * goff_runtime.PARTS % 1:
        raise FlagError(f"{percent}% is finer than this dialect holds", remedy="use at most three decimals")
    driven = [key for key in ("scheduledRollout", "experimentation") if flag.get(key)]
    if driven:
        raise FlagError(f"`{driven[0]}` would change it", remedy="take it away with `flags off`, then roll out")
    on = on_variant(variations, on)
    off = off_variant(variations, on, None)
    rule = flag["defaultRule"]
    found = rule.get("percentage")
    changes = [Change((*path, "disable"), False)] if flag.get("disable") is True else []
    if isinstance(found, dict) and set(found) == {on, off} and rule.get("progressiveRollout") is None:
        at = (*path, "defaultRule", "percentage")
        changes += [Change((*at, on), percent), Change((*at, off), _HUNDRED - percent)]
    elif found and not (isinstance(found, dict) and set(found) <= {on, off}):
        raise FlagError(f"the percentages are not those of `{on}` and one other variation", remedy="set them by hand")
    else:
        changes.append(Change((*path, "defaultRule"), {"percentage": {on: percent, off: _HUNDRED - percent}}))
    return needed(changes, path, flag)


def off(path: Path, flag: Any, on: str | None) -> list[Change]:
    """The off variation for everybody, and nothing that could change it later."""
    variations = _variations(flag)
    default = flag["defaultRule"].get("variation")
    return _serve(path, flag, {"variation": off_variant(variations, on_variant(variations, on), default)})


def on_value(flag: Any, on: str | None) -> Any:
    """The value of the variation that is rolled out."""
    variations = _variations(flag)
    return variations[on_variant(variations, on)]


def evaluators(runtime: Runtime) -> Sequence[tuple[str, Runtime]]:
    """There is one."""
    return [("GO Feature Flag", runtime)]


def evaluator(name: str, flag: Any, whole: Mapping[str, Any], runtime: Runtime) -> Callable[[str], Any]:
    """As GO Feature Flag's own module does it."""
    del whole
    _variations(flag)
    return goff_runtime.evaluator(name, flag, runtime)


def _is_flag(flag: Any) -> bool:
    return (
        isinstance(flag, dict)
        and isinstance(flag.get("variations"), dict)
        and isinstance(flag.get("defaultRule"), dict)
    )


def _variations(flag: Any) -> Mapping[str, Any]:
    if not _is_flag(flag):
        raise FlagError("not a flag of GO Feature Flag: it needs `variations` and `defaultRule`")
    variations: Mapping[str, Any] = flag["variations"]
    return variations


def _shares(rule: Mapping[str, Any]) -> dict[str, Decimal]:
    """Variation to percent."""
    found = rule.get("percentage")
    if not found:
        return {rule["variation"]: _HUNDRED} if isinstance(rule.get("variation"), str) else {}
    values = found.values() if isinstance(found, dict) else [None]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1e6 for v in values) or not sum(
        values
    ):
        raise FlagError("a percentage is no number from 0")
    total = sum(Decimal(str(v)) for v in values)
    return {variation: _HUNDRED * Decimal(str(v)) / total for variation, v in found.items()}


def _serve(path: Path, flag: Any, rule: dict[str, Any]) -> list[Change]:
    changes = [Change((*path, key), neutral) for key, neutral in _RULES.items() if flag.get(key)]
    if flag.get("disable") is True:
        changes.append(Change((*path, "disable"), False))
    at = (*path, "defaultRule")
    alone = set(flag["defaultRule"]) == {"variation"}
    changes.append(Change((*at, "variation"), rule["variation"]) if alone else Change(at, rule))
    return needed(changes, path, flag)
