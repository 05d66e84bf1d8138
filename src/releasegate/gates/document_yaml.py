"""YAML that people write, as plain values, in bounded time and memory."""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from releasegate.errors import InputError

DEEPEST = 40
MOST_NODES = 200_000
"""Values in a file, with its aliases written out."""


class _Loader(yaml.CSafeLoader):
    """Safe YAML with two booleans, no dates and no duplicate keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key `{name}`", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF"))


def read_yaml(text: str, path: str) -> Any:
    """The value of a YAML document; `InputError` with line and column."""
    try:
        _check_size(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise InputError(f"is no YAML: {error.problem or error.context}", where=where) from error
    except yaml.YAMLError as error:
        raise InputError("is no YAML: it holds a control character", where=path, remedy="save it as UTF-8") from error


def _check_size(text: str) -> None:
    """Walk the events, which needs no recursion: the loader itself would follow any depth, and any alias.

    An alias inside what it stands for has no end; one that stands for nothing is the loader's to tell.
    """
    sizes: dict[str | None, int] = {}
    open_: list[tuple[str | None, int]] = []
    size = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            sizes[event.anchor] = MOST_NODES
            open_.append((event.anchor, size))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            sizes[anchor] = size - before
        elif isinstance(event, yaml.ScalarEvent):
            sizes[event.anchor] = 1
        elif isinstance(event, yaml.AliasEvent):
            size += sizes.get(event.anchor, 0)
        size += 1
        if len(open_) > DEEPEST or size > MOST_NODES:
            what = "nested too deeply, or too many values"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)  # type: ignore[arg-type]
