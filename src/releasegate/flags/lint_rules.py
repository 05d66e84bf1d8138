"""What each dialect's flags can be remarked on: F001 to F004, F007 to F009, F012."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from releasegate.errors import FlagError
from releasegate.flags.dialect import on_variant, variant_name
from releasegate.flags.plain import state as state_of_plain
from releasegate.flags.tree import Node, Path
from releasegate.verdict import Level


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about one flag."""

    check: str
    level: Level
    text: str
    path: Path
    """From the flag to what is remarked on; empty for the flag itself."""


def flagd(flag: Any, today: date, *, kill: bool) -> Iterator[Remark]:
    """A flag of flagd."""
    del today
    variants = flag.get("variants")
    default = flag.get("defaultVariant")
    yield from _variants(variants, "variants")
    if default is not None and variant_name(default) not in variants:
        yield Remark("F004", Level.ERROR, f"the default `{default}` is no variant", ("defaultVariant",))
    targeting = flag.get("targeting")
    for path, buckets in _found(targeting, "fractional", ("targeting",)):
        yield from _buckets(buckets, variants, path)
    if kill and (flag.get("state") == "DISABLED" or default is None):
        key = "state" if flag.get("state") == "DISABLED" else "variants"
        yield Remark("F007", Level.ERROR, _UNSAFE, (key,))
    alone = isinstance(targeting, dict) and list(targeting) == ["fractional"]
    if targeting and not alone and _is_off(variants, default) and _serves(targeting, _on(variants)):
        text = "looks off, and its targeting can still serve the on variant"
        yield Remark("F008", Level.WARN, text, ("targeting",))


def goff(flag: Any, today: date, *, kill: bool) -> Iterator[Remark]:
    """A flag of GO Feature Flag."""
    variations, rule = flag["variations"], flag["defaultRule"]
    yield from _variants(variations, "variations")
    rules: list[tuple[Path, Any]] = [(("defaultRule",), rule)]
    rules += [(("targeting", number), one) for number, one in enumerate(_list(flag.get("targeting")))]
    for path, one in rules:
        yield from _rule(one, variations, path)
    if kill and flag.get("disable") is True:
        yield Remark("F007", Level.ERROR, _UNSAFE, ("disable",))
    if not _is_off(variations, rule.get("variation")) or "percentage" in rule:
        return
    live = [one for _, one in rules[1:] if isinstance(one, dict) and one.get("disable") is not True]
    if any(_serves(one, _on(variations)) for one in live):
        text = "looks off, and its targeting can still serve the on variation"
        yield Remark("F008", Level.WARN, text, ("targeting",))
    if flag.get("scheduledRollout"):
        text = f"is off, and a scheduled step can turn it on again (today is {today.isoformat()})"
        yield Remark("F009", Level.ERROR, text, ("scheduledRollout",))
    if rule.get("progressiveRollout") is not None:
        text = "is off, and a progressive rollout turns it on again"
        yield Remark("F009", Level.ERROR, text, ("defaultRule", "progressiveRollout"))


def plain(flag: Any, today: date, *, kill: bool) -> Iterator[Remark]:
    """A flag of the plain dialect, which holds nothing that its form does not say."""
    del today, kill
    if isinstance(flag, dict) and flag.get("percentage") and state_of_plain(flag).percent == 0:
        text = "looks off, and still says a percentage that a reader of that key alone would serve"
        yield Remark("F008", Level.WARN, text, ("percentage",))


def fractionals(node: Node) -> Iterator[tuple[Node, Node]]:
    """Every `fractional` of a flag: the key and its buckets."""
    if node.is_mapping:
        for key, entry in node.value.items():
            if key == "fractional":
                yield entry.key, entry.value
            yield from fractionals(entry.value)
    elif node.is_sequence:
        for item in node.value:
            yield from fractionals(item)


def bucket_names(buckets: Node) -> list[str]:
    """The variants of the buckets, in their order."""
    items = buckets.value if buckets.is_sequence else []
    names = [item.value[0].value for item in items if item.is_sequence and item.value]
    return [variant_name(name) for name in names if not isinstance(name, dict | list)]


_UNSAFE = "the kill switch's flag hands back each caller's own default, which may be the unsafe one"


def _variants(variants: Mapping[str, Any], key: str) -> Iterator[Remark]:
    kinds = {_kind(value) for value in variants.values()}
    if len(kinds) > 1:
        yield Remark("F012", Level.ERROR, f"variants of different types: {', '.join(sorted(kinds))}", (key,))


def _kind(value: Any) -> str:
    for kind, name in ((bool, "boolean"), (int | float, "number"), (str, "text"), (dict, "object"), (list, "list")):
        if isinstance(value, kind):
            return name
    return "null"


def _found(data: Any, key: str, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value below `key`, however deep, with its path."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in items:
        if step == key:
            yield (*path, step), value
        yield from _found(value, key, (*path, step))


def _buckets(buckets: Any, variants: Mapping[str, Any], path: Path) -> Iterator[Remark]:
    """F001 to F003 of one `fractional`."""
    lists = [(number, one) for number, one in enumerate(_list(buckets)) if _is_bucket(one)]
    if len(lists) == 1:
        yield Remark("F001", Level.ERROR, "one bucket alone is 100%, whatever its weight: weights are relative", path)
    for number, one in lists:
        if len(one) == 2 and isinstance(one[1], float):
            text = f"the weight {one[1]} is no whole number: the whole rule serves nobody"
            yield Remark("F002", Level.ERROR, text, (*path, number))
        if not isinstance(one[0], dict | list) and variant_name(one[0]) not in variants:
            text = f"the bucket `{one[0]}` is no variant: these users get an error, and the caller's default"
            yield Remark("F003", Level.ERROR, text, (*path, number))
    weights = [one[1] for _, one in lists if len(one) == 2 and isinstance(one[1], int)]
    if len(weights) == len(lists) > 1 and not _is_power_of_ten(sum(weights)):
        yield Remark("F001", Level.WARN, f"the weights are relative and add up to {sum(weights)}, not 100", path)


def _is_power_of_ten(total: int) -> bool:
    """100, and what a finer share is written with: 1000, 10000, …"""
    return total >= 100 and str(total).strip("0") == "1"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_bucket(value: Any) -> bool:
    return isinstance(value, list) and len(value) in {1, 2}


def _rule(rule: Any, variations: Mapping[str, Any], path: Path) -> Iterator[Remark]:
    """F001, F003 and F004 of one rule of GO Feature Flag."""
    if not isinstance(rule, dict):
        return
    variation, shares = rule.get("variation"), rule.get("percentage")
    if variation is not None and variation not in list(variations):
        yield Remark("F004", Level.ERROR, f"`{variation}` is no variation", (*path, "variation"))
    if not isinstance(shares, dict):
        return
    for name in shares:
        if name not in variations:
            yield Remark("F003", Level.ERROR, f"`{name}` is no variation", (*path, "percentage", name))
    numbers = [share for share in shares.values() if isinstance(share, int | float)]
    if len(shares) == 1:
        text = "one percentage alone is 100%, whatever it says: percentages are relative to their sum"
        yield Remark("F001", Level.ERROR, text, (*path, "percentage"))
    elif abs(sum(numbers) - 100) > 1e-9:
        text = f"the percentages are relative and add up to {sum(numbers):g}, not 100"
        yield Remark("F001", Level.WARN, text, (*path, "percentage"))


def _on(variants: Mapping[str, Any]) -> str | None:
    try:
        return on_variant(variants, None)
    except FlagError:
        return None


def _is_off(variants: Mapping[str, Any], default: Any) -> bool:
    on = _on(variants)
    return default is not None and on is not None and variant_name(default) != on


def _serves(rule: Any, on: str | None) -> bool:
    """Whether a variant's name stands anywhere in a rule as a value, a bucket or a key with a share."""
    if isinstance(rule, dict):
        return any((key == on and bool(value)) or _serves(value, on) for key, value in rule.items())
    if isinstance(rule, list):
        dead = len(rule) == 2 and rule[1] == 0 and type(rule[1]) is int
        return not dead and any(_serves(item, on) for item in rule)
    return not isinstance(rule, float) and rule is not None and variant_name(rule) == on


REMARKS: Mapping[str, Callable[..., Iterator[Remark]]] = {"plain": plain, "flagd": flagd, "goff": goff}
