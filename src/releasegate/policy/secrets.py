"""Every secret of a policy, also in the forms in which it travels."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from releasegate.policy.metrics import Basic
from releasegate.policy.section import Secret, Section

SHORTEST = 4
"""Characters; what is shorter says nothing, and masking it would hide the log."""


def secrets_of(section: Section) -> frozenset[str]:
    """The values that no log may show."""
    return frozenset(value for value in _found(section) if len(value) >= SHORTEST)


def _found(section: Section) -> Iterator[str]:
    types = get_type_hints(type(section), include_extras=True)
    for field in fields(section):  # type: ignore[arg-type]  # every section is a dataclass
        yield from _values(types[field.name], getattr(section, field.name))
    if isinstance(section, Basic):
        yield b64encode(f"{section.user}:{section.password}".encode()).decode()


def _values(kind: Any, value: Any) -> Iterator[str]:
    if isinstance(value, Section):
        yield from _found(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _values(get_args(kind)[-1] if get_args(kind) else str, item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _values(str, item)
    elif isinstance(value, str) and (kind == Secret or Secret in get_args(kind)):
        yield value
        yield value.rpartition(" ")[2]  # the token of `Bearer …`
