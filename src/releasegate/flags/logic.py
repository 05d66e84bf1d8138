"""JsonLogic as flagd uses it, as far as all of its evaluators agree.

What they do differently, and what is not here, is a `FlagError`: a rule that cannot be evaluated proves nothing.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from releasegate.errors import FlagError

Operator = Callable[[Sequence[Any]], Any]
DEEPEST = 200
"""Levels of rules in rules, references included."""


def evaluate(rule: Any, data: Mapping[str, Any], operators: Mapping[str, Operator], depth: int = 0) -> Any:
    """The value of `rule` for `data`; `operators` are those of flagd besides JsonLogic's own."""
    if depth > DEEPEST:
        raise FlagError("the targeting rule refers to itself, or is nested too deep to be evaluated")
    if isinstance(rule, list):
        return [evaluate(item, data, operators, depth + 1) for item in rule]
    if not isinstance(rule, dict):
        return rule
    if len(rule) != 1:
        raise FlagError("a rule of the targeting does not have exactly one operator")
    (name, arguments), *_ = rule.items()
    arguments = arguments if isinstance(arguments, list) else [arguments]
    if name in _LAZY:
        return _LAZY[name](arguments, lambda item: evaluate(item, data, operators, depth + 1))
    values = [evaluate(item, data, operators, depth + 1) for item in arguments]
    if name == "var":
        return _var(values, data)
    found = operators.get(name) or _EAGER.get(name)
    if found is None:
        raise FlagError(f"the targeting uses `{name}`, which is not evaluated here")
    return found(values)


def check(rule: Any) -> None:
    """Stop at what one evaluator reads wrongly or refuses without looking at a value, in branches not taken too.

    One of them works out beforehand whatever depends on no user.
    """
    if isinstance(rule, list):
        for item in rule:
            check(item)
    elif isinstance(rule, dict):
        for name, found in rule.items():
            arguments = found if isinstance(found, list) else [found]
            _refuse_odd(name, arguments)
            check(arguments)
        if _is_constant(rule):
            evaluate(rule, {}, {})


def _is_constant(rule: Any) -> bool:
    """Whether a rule of JsonLogic's own operators asks for nothing that a user brings along."""
    if isinstance(rule, list):
        return all(map(_is_constant, rule))
    if not isinstance(rule, dict):
        return True
    return all((name in _EAGER or name in _LAZY) and _is_constant(found) for name, found in rule.items())


def _refuse_odd(name: str, arguments: Sequence[Any]) -> None:
    if name in {"cat", "in"} and any(isinstance(one, dict) and {"or", "and"} & one.keys() for one in arguments):
        raise FlagError(f"`{name}` of the targeting takes what `or` or `and` gives, which evaluators do differently")
    constants = [argument for argument in arguments if not isinstance(argument, dict)]
    if name in {"cat", "starts_with", "ends_with"} and not all(isinstance(constant, str) for constant in constants):
        raise FlagError(f"`{name}` of the targeting has a constant that is no text, which evaluators do differently")


def truth(value: Any) -> bool:
    """What counts as true: everything but null, false, 0, NaN, the empty text and the empty list."""
    return isinstance(value, dict) or (bool(value) and value == value)  # noqa: PLR0124  NaN is not itself


def _if(arguments: Sequence[Any], value: Callable[[Any], Any]) -> Any:
    for at in range(0, len(arguments) - 1, 2):
        if truth(value(arguments[at])):
            return value(arguments[at + 1])
    return value(arguments[-1]) if len(arguments) % 2 else None


def _and(arguments: Sequence[Any], value: Callable[[Any], Any]) -> Any:
    found: Any = None
    for argument in arguments:
        found = value(argument)
        if not truth(found):
            break
    return found


def _or(arguments: Sequence[Any], value: Callable[[Any], Any]) -> Any:
    found: Any = None
    for argument in arguments:
        found = value(argument)
        if truth(found):
            break
    return found


def _var(values: Sequence[Any], data: Mapping[str, Any]) -> Any:
    if not values or not isinstance(values[0], str) or not values[0] or len(values) > 2:
        raise FlagError("a `var` of the targeting has no plain name")
    found: Any = data
    for step in values[0].split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return values[1] if found is None and len(values) == 2 else found


def _two(name: str, values: Sequence[Any]) -> tuple[Any, Any]:
    if len(values) != 2:
        raise FlagError(f"`{name}` of the targeting takes two arguments")
    return values[0], values[1]


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else str(type(value))


def _loosely_equal(values: Sequence[Any]) -> bool:
    one, other = _two("==", values)
    kinds = {_kind(one), _kind(other)}
    if len(kinds) > 1 and (one is None or other is None) and 0 not in (one, other):
        return False
    if kinds == {str(bool)}:
        raise FlagError("`==` of the targeting compares two booleans, which evaluators do differently")
    if len(kinds) > 1 or isinstance(one, list | dict):
        raise FlagError("`==` of the targeting compares values of different types, which evaluators do differently")
    return bool(one == other)


def _strictly_equal(values: Sequence[Any]) -> bool:
    one, other = _two("===", values)
    if isinstance(one, list | dict):
        raise FlagError("`===` of the targeting compares lists or objects, which evaluators do differently")
    if _kind(one) != _kind(other) and one == other:
        raise FlagError("`===` of the targeting compares a boolean with a number, which evaluators do differently")
    return bool(one == other)


_BETWEEN = ("<", "<=")


def _ordered(name: str, holds: Callable[[Any, Any], bool], values: Sequence[Any]) -> bool:
    if len(values) != 2 and not (len(values) == 3 and name in _BETWEEN):
        raise FlagError(f"`{name}` of the targeting takes two arguments, or three to say between, by `<` or `<=`")
    if len(values) == 3 and None in values:
        raise FlagError(f"`{name}` of the targeting compares with null, which evaluators do differently")
    return all(holds(*_comparable(name, one, other)) for one, other in pairwise(values))


def _comparable(name: str, one: Any, other: Any) -> tuple[Any, Any]:
    if isinstance(one, str) and isinstance(other, str):
        return one, other
    numbers = [0 if value is None else value for value in (one, other)]
    if {_kind(value) for value in numbers} != {"number"}:
        raise FlagError(f"`{name}` of the targeting compares values that are no numbers")
    return numbers[0], numbers[1]


def _in(values: Sequence[Any]) -> bool:
    needle, hay = _two("in", values)
    if needle == hay == "":
        raise FlagError("`in` of the targeting looks for no text in no text, which evaluators do differently")
    if isinstance(hay, str):
        if not isinstance(needle, str | None) or (needle is None and re.search("null|undefined", hay)):
            raise FlagError("`in` of the targeting looks for no text in a text, which evaluators do differently")
        return needle is not None and needle in hay
    if hay is None:
        return False
    if not isinstance(hay, list):
        raise FlagError(
            "`in` of the targeting looks into what is neither text nor list, which evaluators do differently"
        )
    equal = [item for item in hay if needle == item]
    if any(_kind(item) != _kind(needle) for item in equal):
        raise FlagError("`in` of the targeting looks for a boolean among numbers, which evaluators do differently")
    return bool(equal)


def _cat(values: Sequence[Any]) -> str:
    if not all(isinstance(value, str) for value in values):
        raise FlagError("`cat` of the targeting joins values that are no texts")
    return "".join(values)


_LAZY: Mapping[str, Callable[[Sequence[Any], Callable[[Any], Any]], Any]] = {
    "if": _if, "?:": _if, "and": _and, "or": _or,
}  # fmt: skip
_EAGER: Mapping[str, Operator] = {
    "==": _loosely_equal,
    "!=": lambda values: not _loosely_equal(values),
    "===": _strictly_equal,
    "!==": lambda values: not _strictly_equal(values),
    "!": lambda values: not truth(values[0] if values else None),
    "!!": lambda values: truth(values[0] if values else None),
    "<": lambda values: _ordered("<", operator.lt, values),
    "<=": lambda values: _ordered("<=", operator.le, values),
    ">": lambda values: _ordered(">", operator.gt, values),
    ">=": lambda values: _ordered(">=", operator.ge, values),
    "in": _in,
    "cat": _cat,
}
