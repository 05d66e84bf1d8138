"""flagd's dialect (OpenFeature): `flags: {name: {state, variants, defaultVariant, targeting}}`.

Three traps are its own: targeting beats the default variant; `state: DISABLED` hands back the caller's default; and
weights of `fractional` are relative and whole, so that a lone 5 is everybody and 2.5 is nobody.
Source: the flag schema `https://flagd.dev/schema/v0/flags.json`, and the evaluators that the vectors are made with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from releasegate.errors import FlagError
from releasegate.flags import flagd_runtime
from releasegate.flags.dialect import (
    Runtime,
    State,
    is_switch,
    needed,
    off_variant,
    on_variant,
    variant_name,
    variant_named,
)
from releasegate.flags.splice import Change
from releasegate.flags.tree import Path

NAME = "flagd"
NOT_RUN_AGAINST = (
    "the flagd daemon and its Go, Java, .NET, PHP and Rust providers (run: Python core 1 and 2, npm core 4)"
)
MOST_WEIGHT = flagd_runtime.MOST_WEIGHT
_HUNDRED = Decimal(100)


def home() -> Path:
    """The flags are below `flags`."""
    return ("flags",)


def recognises(data: Mapping[str, Any]) -> bool:
    """`flags` is a mapping whose values have `state` and `variants`."""
    flags = data.get("flags")
    return isinstance(flags, dict) and bool(flags) and all(_is_flag(flag) for flag in flags.values())


def state(flag: Any, on: str | None = None) -> State:
    """The default variant, and the share of a single top-level `fractional`."""
    variants, default = _variants(flag), flag.get("defaultVariant")
    value = variants.get(variant_name(default)) if default is not None else None
    if flag["state"] == "DISABLED":
        return State(value=None, percent=None, text="disabled: every caller gets its own default")
    targeting = flag.get("targeting")
    shown = variant_name(default) if default is not None else "the caller's default"
    wanted = on_variant(variants, on) if on is not None or is_switch(variants) else None
    if not targeting:
        percent = None if default is None or wanted is None else _HUNDRED * (variant_name(default) == wanted)
        return State(value=value, percent=percent, text=shown)
    weights = _weights(targeting)
    if weights is None or len(weights) != len(targeting["fractional"]):
        return State(value=value, percent=None, text=f"targeting rules, else {shown}")
    total = sum(weights.values())
    shares = {variant: _HUNDRED * weight / total for variant, weight in weights.items()}
    text = ", ".join(f"{variant} {share.normalize():f}%" for variant, share in shares.items())
    return State(value=value, percent=shares.get(wanted, Decimal(0)) if wanted else None, text=text)


def set_value(path: Path, flag: Any, value: Any) -> list[Change]:
    """The variant of that name or value, for everybody: default and targeting alike, and the flag enabled."""
    return _serve(path, flag, variant_named(_variants(flag), value))


def rollout(path: Path, flag: Any, percent: Decimal, on: str | None) -> list[Change]:
    """The weights of a single top-level `fractional`; one is written where there is no targeting yet."""
    variants = _variants(flag)
    on = on_variant(variants, on)
    changes = [Change((*path, "state"), "ENABLED")]
    targeting = flag.get("targeting")
    found = _weights(targeting)
    if not targeting or list(found or ()) == [on]:
        weights = _split(percent, 100)
        fractional = [[on, weights[0]], [off_variant(variants, on, flag.get("defaultVariant")), weights[1]]]
        return needed([*changes, Change((*path, "targeting"), {"fractional": fractional})], path, flag)
    if found is None or on not in found or len(targeting["fractional"]) != 2:
        raise FlagError(
            f"the targeting is not one `fractional` over `{on}` and one other variant",
            remedy="write the rule by hand, or take it away with `flags off`",
        )
    weights = _split(percent, sum(found.values()))
    for index, variant in enumerate(found):
        bucket = targeting["fractional"][index]
        weight = weights[0] if variant == on else weights[1]
        at = (*path, "targeting", "fractional", index)
        changes.append(Change((*at, 1), weight) if len(bucket) == 2 else Change(at, [variant, weight]))
    return needed(changes, path, flag)


def off(path: Path, flag: Any, on: str | None) -> list[Change]:
    """The off variant for everybody."""
    variants = _variants(flag)
    return _serve(path, flag, off_variant(variants, on_variant(variants, on), flag.get("defaultVariant")))


def on_value(flag: Any, on: str | None) -> Any:
    """The value of the variant that is rolled out."""
    variants = _variants(flag)
    return variants[on_variant(variants, on)]


def evaluators(runtime: Runtime) -> Sequence[tuple[str, Runtime]]:
    """Both generations of the hash, unless one is given: the same file splits users differently in each."""
    generations = [runtime.generation] if runtime.generation else list(flagd_runtime.GENERATIONS)
    return [(f"flagd, {flagd_runtime.GENERATIONS[each]}", replace(runtime, generation=each)) for each in generations]


def evaluator(name: str, flag: Any, whole: Mapping[str, Any], runtime: Runtime) -> Callable[[str], Any]:
    """As flagd's in-process evaluators do it."""
    _variants(flag)
    return flagd_runtime.evaluator(name, flag, whole, runtime)


def _is_flag(flag: Any) -> bool:
    return isinstance(flag, dict) and "state" in flag and isinstance(flag.get("variants"), dict)


def _variants(flag: Any) -> Mapping[str, Any]:
    if not _is_flag(flag) or flag["state"] not in ("ENABLED", "DISABLED"):
        raise FlagError("not a flag of flagd: it needs `variants`, and `state` ENABLED or DISABLED")
    variants: Mapping[str, Any] = flag["variants"]
    return variants


def _weights(targeting: Any) -> dict[str, int] | None:
    """Variant to weight, if the whole rule is one `fractional` with the key implied and sound weights."""
    if not isinstance(targeting, dict) or list(targeting) != ["fractional"]:
        return None
    weights = dict[str, int]()
    buckets = targeting["fractional"]
    for bucket in buckets if isinstance(buckets, list) else [None]:
        if not isinstance(bucket, list) or len(bucket) not in {1, 2}:
            return None
        weight = bucket[1] if len(bucket) == 2 else 1
        if isinstance(bucket[0], dict | list) or type(weight) is not int or weight < 0:
            return None
        weights[variant_name(bucket[0])] = weights.get(variant_name(bucket[0]), 0) + weight
    return weights if 0 < sum(weights.values()) <= MOST_WEIGHT else None


def _split(percent: Decimal, total: int) -> tuple[int, int]:
    """Whole weights of on and off: out of the total that is there if it can hold the share, else of a power of ten."""
    for parts in (total, *(10**power for power in range(2, 10))):
        weight = percent * parts / _HUNDRED
        if weight == weight.to_integral_value():
            return int(weight), parts - int(weight)
    raise FlagError(f"{percent}% is finer than this dialect holds", remedy="use at most seven decimals")


def _serve(path: Path, flag: Any, variant: str) -> list[Change]:
    """`variant` for everybody, whatever the rules were and with or without a user key."""
    changes = [Change((*path, "state"), "ENABLED"), Change((*path, "defaultVariant"), variant)]
    targeting = flag.get("targeting")
    weights = _weights(targeting)
    if weights is not None and variant in weights and len(weights) == len(targeting["fractional"]):
        changes += _whole(path, targeting["fractional"], variant, sum(weights.values()))
    elif targeting:
        changes.append(Change((*path, "targeting"), {}))
    return needed(changes, path, flag)


def _whole(path: Path, buckets: list[Any], variant: str, total: int) -> list[Change]:
    """All the weight to one variant; the rule stays for the next rollout."""
    changes = []
    for index, bucket in enumerate(buckets):
        at, weight = (*path, "targeting", "fractional", index), total if variant_name(bucket[0]) == variant else 0
        changes.append(Change((*at, 1), weight) if len(bucket) == 2 else Change(at, [bucket[0], weight]))
    return changes
