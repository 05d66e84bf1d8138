"""What flagd's in-process evaluators serve.

Source: openfeature-flagd-core 1.0 and 2.0 (Python) and @openfeature/flagd-core 4.0 (npm), with which the vectors of
`tests/flags` are made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from releasegate.errors import FlagError
from releasegate.flags import logic
from releasegate.flags.dialect import Runtime
from releasegate.flags.hashes import murmur3

MOST_WEIGHT = 2**31 - 1
GENERATIONS = {"cbor": "CBOR hash", "concat": "concatenated hash"}
"""How the flag's name and the user key are hashed: by openfeature-flagd-core 2; by its version 1 and all others."""


def evaluator(name: str, flag: Any, whole: Mapping[str, Any], runtime: Runtime) -> Callable[[str], Any]:
    """The value for a user key."""
    if flag["state"] == "DISABLED":
        return lambda _: runtime.default
    variants, targeting = flag["variants"], flag.get("targeting")
    fallback = _value(variants, flag.get("defaultVariant"), runtime)
    if not targeting:
        return lambda _: fallback
    shared = whole.get("$evaluators")
    rule = _resolved(targeting, shared if isinstance(shared, dict) else {})
    logic.check(rule)
    generation = runtime.generation or "cbor"
    own: dict[str, Any] = {"flagKey": name}
    if runtime.now is not None:
        own["timestamp"] = int(runtime.now.timestamp())

    def evaluate(key: str) -> Any:
        def fractional(arguments: Sequence[Any]) -> Any:
            return _fractional(arguments, name, key, generation)

        data = {**runtime.attributes, "targetingKey": key, "$flagd": own}
        found = logic.evaluate(rule, data, {**_OPERATORS, "fractional": fractional})
        return fallback if found is None else _value(variants, found, runtime)

    return evaluate


def _value(variants: Mapping[str, Any], variant: Any, runtime: Runtime) -> Any:
    """A variant's value; the caller's default where there is no such variant, which is an error to the caller."""
    if isinstance(variant, float | list | dict):
        raise FlagError("the targeting ends in a value that is no variant")
    name = str(variant).lower() if isinstance(variant, bool) else "" if variant is None else str(variant)
    found = variants.get(name)
    return runtime.default if found is None else found


def _resolved(rule: Any, shared: Mapping[str, Any], depth: int = 0) -> Any:
    """The rule with each `{"$ref": name}` replaced by the shared rule of that name."""
    if depth > logic.DEEPEST:
        raise FlagError("the targeting rule refers to itself")
    if isinstance(rule, list):
        return [_resolved(item, shared, depth + 1) for item in rule]
    if not isinstance(rule, dict):
        return rule
    if list(rule) == ["$ref"]:
        if rule["$ref"] not in list(shared):
            raise FlagError(f"the targeting refers to `{rule['$ref']}`, which is not in $evaluators")
        return _resolved(shared[rule["$ref"]], shared, depth + 1)
    return {key: _resolved(item, shared, depth + 1) for key, item in rule.items()}


def _fractional(arguments: Sequence[Any], name: str, key: str, generation: str) -> Any:
    """The bucket that the hash of the key falls into; None where the configuration is not sound."""
    if not arguments:
        return None
    buckets, by = arguments, None
    if not isinstance(arguments[0], list):
        by, buckets = arguments[0], arguments[1:]
        if by is None:
            return None
        if not isinstance(by, str) or not by:
            raise FlagError("`fractional` splits by something that is no text, which evaluators do differently")
    weights = [_weight(bucket) for bucket in buckets]
    total = sum(weight for weight in weights if weight is not None)
    if None in weights or not 0 < total <= MOST_WEIGHT:
        return None
    point = murmur3(hash_input(name, key, generation, by)) * total >> 32
    end = 0
    for bucket, weight in zip(buckets, weights, strict=True):
        end += weight or 0
        if point < end:
            return bucket[0]
    return None


def _weight(bucket: Any) -> int | None:
    """A whole number, negative ones as 0, left out as 1; None for what makes the whole rule void."""
    if not isinstance(bucket, list) or len(bucket) not in {1, 2}:
        return None
    weight = bucket[1] if len(bucket) == 2 else 1
    return max(weight, 0) if type(weight) is int else None


def hash_input(name: str, key: str, generation: str, by: str | None = None) -> bytes:
    """The bytes that a generation hashes: both texts one after the other, or as an array of CBOR; or `by` alone."""
    if generation == "concat":
        return (name + key if by is None else by).encode()
    return b"\x82" + cbor_text(name) + cbor_text(key) if by is None else cbor_text(by)


def cbor_text(text: str) -> bytes:
    """A text in canonical CBOR (RFC 8949, major type 3)."""
    raw = text.encode()
    if len(raw) < 24:
        return bytes([0x60 | len(raw)]) + raw
    power = 0 if len(raw) < 2**8 else 1 if len(raw) < 2**16 else 2
    return bytes([0x78 + power]) + len(raw).to_bytes(2**power, "big") + raw


def _starts_with(values: Sequence[Any]) -> bool | None:
    return values[0].startswith(values[1]) if _two_texts(values) else None


def _ends_with(values: Sequence[Any]) -> bool | None:
    return values[0].endswith(values[1]) if _two_texts(values) else None


def _two_texts(values: Sequence[Any]) -> bool:
    return len(values) == 2 and all(isinstance(value, str) for value in values)


_OPERATORS = {"starts_with": _starts_with, "ends_with": _ends_with}
