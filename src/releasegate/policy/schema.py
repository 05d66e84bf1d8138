"""The JSON Schema of the policy, made from the classes that the loader reads."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from inspect import getdoc
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from releasegate.policy.load import key_of
from releasegate.policy.model import Policy
from releasegate.policy.section import Section
from releasegate.policy.units import Unit

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
"""A quantity may come from the environment."""


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of releasegate.yaml. A line of the loader's own checks goes further than it can."""
    return {"$schema": DIALECT, "title": "releasegate.yaml", **_section(Policy)}


def _section(cls: type[Any]) -> dict[str, Any]:
    types = get_type_hints(cls, include_extras=True)
    required = [key_of(f.name) for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    schema: dict[str, Any] = {
        "type": "object",
        "description": getdoc(cls),
        "properties": {key_of(f.name): _value(types[f.name]) for f in fields(cls)},
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    if cls.ONE_OF:
        schema["oneOf"] = [{"required": [key_of(name)]} for name in cls.ONE_OF]
    return schema


def _value(kind: Any) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1])
    if origin in {Union, UnionType}:
        return _union([argument for argument in arguments if argument is not type(None)])
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _value(arguments[1])}
    return _plain(kind, origin, arguments)


def _plain(kind: Any, origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _value(arguments[0]), "minItems": 1}
    if issubclass(kind, Section):
        return _section(kind)
    return {"type": PLAIN[kind]}


def _annotated(kind: Any, marker: Any) -> dict[str, Any]:
    if marker == "one or many":
        return {"anyOf": [{"type": "string"}, _value(kind)]}
    if not isinstance(marker, Unit):
        return _value(kind)
    written = {"type": "string", "pattern": marker.pattern}
    choices: list[dict[str, Any]] = [written, VARIABLE]
    if marker.bare:
        choices.append({"type": "number", "minimum": 0})
    return {"anyOf": choices, "description": f"a {marker.name}: {marker.accepted}"}


def _union(kinds: list[Any]) -> dict[str, Any]:
    if len(kinds) == 1:
        return _value(kinds[0])
    return {"anyOf": [_value(kind) for kind in kinds]}
