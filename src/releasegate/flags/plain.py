"""The plain dialect: `name: true`, `AGENT_SAFE_MODE: 1`, `name: {enabled: true, percentage: 5}`.

A key is on if `int(sha256(name + ":" + key).hexdigest()[:8], 16) % 10000 < percentage * 100`: a share has two decimals,
and a key that is on at 5% is on at 25%.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime, State, needed
from releasegate.flags.splice import Change
from releasegate.flags.tree import Path

NAME = "plain"
NOT_RUN_AGAINST = "your own code, which has to evaluate this dialect as docs/flags.md defines it"
_PAIRS = (("false", "true"), ("off", "on"), ("no", "yes"), ("0", "1"))
_HUNDRED = Decimal(100)


def home() -> Path:
    """The flags are the file's own keys."""
    return ()


def recognises(data: Mapping[str, Any]) -> bool:
    """Some value is a switch or a mapping with `enabled`, and any other is a setting: a text or a number."""
    flags = [flag for name, flag in data.items() if name != "$schema"]
    others = [flag for flag in flags if _switch(flag) is None and not _is_rollout(flag)]
    return len(others) < len(flags) and all(isinstance(flag, str | int | float) for flag in others)


def state(flag: Any, on: str | None = None) -> State:
    """On or off, or the percentage."""
    del on
    if _is_rollout(flag):
        enabled, percent = _switch(flag["enabled"]), _percentage(flag)
        if not enabled:
            return State(value=False, percent=Decimal(0), text="off")
        text = "on" if percent == _HUNDRED else f"on for {percent.normalize():f}%"
        return State(value=percent == _HUNDRED, percent=percent, text=text)
    switch = _switch(flag)
    if switch is None:
        if isinstance(flag, dict | list) or flag is None:
            raise FlagError("neither a switch nor {enabled, percentage}")
        return State(value=flag, percent=None, text=str(flag))
    return State(value=switch, percent=_HUNDRED if switch else Decimal(0), text="on" if switch else "off")


def set_value(path: Path, flag: Any, value: Any) -> list[Change]:
    """A switch is written in the style that is found there; any other scalar keeps its type."""
    state(flag)
    wanted = _switch(value)
    if _is_rollout(flag) or _switch(flag) is not None:
        if wanted is None:
            raise FlagError(f"`{value}` is neither on nor off", remedy="use one of true, false, on, off, 1, 0")
        return _switched(path, flag, on=wanted)
    if isinstance(flag, str):
        value = str(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise FlagError(f"`{value}` is no number, and the flag holds one")
    return needed([Change(path, value)], path, flag)


def rollout(path: Path, flag: Any, percent: Decimal, on: str | None) -> list[Change]:
    """The percentage of a mapping; a bare switch becomes a mapping, unless 0 or 100 can be said with a switch."""
    del on
    state(flag)
    if percent != round(percent, 2):
        raise FlagError(f"{percent}% is finer than this dialect holds", remedy="use at most two decimals")
    if _is_rollout(flag):
        changes = [Change((*path, "percentage"), percent)]
        if percent > 0:
            changes.insert(0, Change((*path, "enabled"), _as_found(flag["enabled"], on=True)))
        return needed(changes, path, flag)
    if _switch(flag) is None:
        raise FlagError("the flag is no switch", remedy="make it true, false or {enabled, percentage}")
    if percent in {0, 100}:
        return _switched(path, flag, on=percent == _HUNDRED)
    return [Change(path, {"enabled": True, "percentage": percent})]


def off(path: Path, flag: Any, on: str | None) -> list[Change]:
    """Not enabled, and no percentage either, for a reader that looks at one of them."""
    del on
    if _switch(flag) is None and not _is_rollout(flag):
        raise FlagError("the flag is no switch", remedy="use `flags set` with the value that is safe")
    return _switched(path, flag, on=False)


def on_value(flag: Any, on: str | None) -> Any:
    """True, unless `on` says off; of a flag that is no switch, what it says."""
    now = state(flag)
    if now.percent is None:
        return now.value
    if on is not None and _switch(on) is None:
        raise FlagError(f"there is no variant `{on}`", remedy="a flag of this dialect is on or off")
    return on is None or _switch(on)


def evaluators(runtime: Runtime) -> Sequence[tuple[str, Runtime]]:
    """The definition above is the only one."""
    return [("plain dialect", runtime)]


def evaluator(name: str, flag: Any, whole: Mapping[str, Any], runtime: Runtime) -> Callable[[str], Any]:
    """As the module says; a flag that is no switch is its value for everybody."""
    del whole, runtime
    now = state(flag)
    if now.percent is None:
        return lambda _: now.value
    threshold, prefix = float(now.percent) * 100, hashlib.sha256(f"{name}:".encode())

    def evaluate(key: str) -> bool:
        digest = prefix.copy()
        digest.update(key.encode())
        return int.from_bytes(digest.digest()[:4], "big") % 10000 < threshold

    return evaluate


def _switched(path: Path, flag: Any, *, on: bool) -> list[Change]:
    if not _is_rollout(flag):
        return needed([Change(path, _as_found(flag, on=on))], path, flag)
    changes = [Change((*path, "enabled"), _as_found(flag["enabled"], on=on))]
    if "percentage" in flag:
        changes.append(Change((*path, "percentage"), _HUNDRED if on else Decimal(0)))
    return needed(changes, path, flag)


def _switch(value: Any) -> bool | None:
    """Whether a switch is on; None for what is no switch."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return bool(value) if value in {0, 1} else None
    words = [pair.index(value.lower()) for pair in _PAIRS if isinstance(value, str) and value.lower() in pair]
    return bool(words[0]) if words else None


def _as_found(found: Any, *, on: bool) -> Any:
    """On or off in the words that are there: `1` stays a number, `"yes"` a word, `True` keeps its capital."""
    if isinstance(found, bool):
        return on
    if isinstance(found, int):
        return int(on)
    word = next(pair[on] for pair in _PAIRS if found.lower() in pair)
    return word.upper() if found.isupper() else word.title() if found.istitle() else word


def _is_rollout(flag: Any) -> bool:
    return isinstance(flag, dict) and _switch(flag.get("enabled")) is not None


def _percentage(flag: Mapping[str, Any]) -> Decimal:
    found = flag.get("percentage", 100)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 100:
        raise FlagError(f"the percentage `{found}` is no number from 0 to 100")
    return Decimal(str(found))
