"""The effective policy as YAML: every default in its place, and no secret in it."""

import re
from collections.abc import Mapping
from dataclasses import fields
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import yaml

from releasegate.policy.load import FromEnvironment, key_of
from releasegate.policy.model import Policy
from releasegate.policy.section import Secret, Section
from releasegate.policy.units import DURATION, SECONDS, SHARE

MASK = "***"
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def explain(policy: Policy) -> dict[str, Any]:
    """The policy by its YAML keys. What came from the environment is shown as `${NAME}`, other secrets as `***`."""
    return _section(policy)


def explain_text(policy: Policy) -> str:
    """The same as YAML that loads again, apart from masked secrets."""
    text: str = yaml.safe_dump(explain(policy), sort_keys=False, allow_unicode=True, width=110)
    return text


def _section(section: Section) -> dict[str, Any]:
    types = get_type_hints(type(section), include_extras=True)
    shown = {}
    for f in fields(section):  # type: ignore[arg-type]  # every section is a dataclass
        value = getattr(section, f.name)
        if value is not None and value not in ((), {}):
            shown[key_of(f.name)] = _value(types[f.name], value)
    return shown


def _value(kind: Any, value: Any) -> Any:
    if isinstance(value, Section):
        return _section(value)
    if isinstance(value, Mapping):
        return {key: _value(get_args(kind)[1], item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_value(str, item) for item in value]
    return _text(kind, value) if isinstance(value, str) else _quantity(kind, value)


def _text(kind: Any, value: str) -> str:
    if isinstance(value, FromEnvironment):
        return value.written
    return MASK if kind == Secret else CREDENTIALS.sub(MASK, value)


def _quantity(kind: Any, value: Any) -> Any:
    """A number with its unit, where its field (or a member of its union) has one."""
    kinds = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    unit = next((get_args(k)[1] for k in kinds if get_origin(k) is Annotated), None)
    if unit is DURATION:
        return _duration(value)
    if unit is SHARE:
        return f"{value * 100:.10g}%"
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _duration(seconds: float) -> str:
    """In the largest unit that needs no fraction."""
    for name, length in reversed(SECONDS.items()):
        if seconds and round(seconds / length, 9).is_integer():
            return f"{seconds / length:.0f}{name}"
    return f"{seconds:.10g}s"
