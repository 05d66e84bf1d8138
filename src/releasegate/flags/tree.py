"""A flag file as a tree of values that know where they stand, whatever its syntax."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from releasegate.errors import DuplicateKeyError, FlagError

Path = tuple[str | int, ...]
"""The way from the root to a value: mapping keys as they are written, sequence indexes from 0."""

DEEPEST = 100
"""Levels of nesting above which a file is no flag file."""

MOST_VALUES = 100_000
"""Values that a file may stand for, with its aliases resolved."""

MERGE = "a merge key (<<)"

BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place: `text[start:end]` is exactly what spells it, without comments around it."""

    start: int
    end: int
    value: Any
    """A scalar; or {key: Entry}; or a list of nodes."""
    style: str
    """`plain`, `'`, `"`, `|` or `>` for a scalar; `flow` or `block` for a collection."""
    hazard: str | None = None
    """What makes an edit here unsafe: an anchor, an alias, a merge key, a tag."""

    @property
    def is_mapping(self) -> bool:
        """Whether this is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_sequence(self) -> bool:
        """Whether this is a sequence."""
        return isinstance(self.value, list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value in a mapping."""

    key: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed text. The data are what the text means to this parser."""

    text: str
    root: Node
    data: Any = field(compare=False)

    def node(self, path: Path) -> Node:
        """The node at `path`; `KeyError` or `IndexError` if there is none."""
        found = self.root
        for step in path:
            found = found.value[step] if found.is_sequence else found.value[step].value
        return found

    def has(self, path: Path) -> bool:
        """Whether a value stands at `path`, whose mapping or sequence is there."""
        above = self.node(path[:-1])
        return above.is_sequence or path[-1] in above.value

    def entry(self, path: Path) -> Entry:
        """The key and value at `path`, whose last step is a mapping key."""
        entry: Entry = self.node(path[:-1]).value[path[-1]]
        return entry

    def hazards(self, path: Path) -> Iterator[tuple[Node, str]]:
        """What makes an edit of the value at `path` unsafe, on the way to it and inside it."""
        for length in range(len(path)):
            above = self.node(path[:length])
            if above.hazard:
                yield above, above.hazard
            if above.is_mapping and is_merge(above.value.get("<<")):
                yield above.value["<<"].key, MERGE
            if above.is_mapping and (key := above.value[path[length]].key).hazard:
                yield key, str(key.hazard)
        yield from _hazards_below(self.node(path))


def _hazards_below(node: Node) -> Iterator[tuple[Node, str]]:
    if node.hazard:
        yield node, node.hazard
    if node.is_mapping:
        for entry in node.value.values():
            if is_merge(entry):
                yield entry.key, MERGE
            yield from _hazards_below(entry.key)
            yield from _hazards_below(entry.value)
    elif node.is_sequence:
        for item in node.value:
            yield from _hazards_below(item)


def nodes(node: Node) -> Iterator[Node]:
    """Every node as it stands in the text; what an alias stands for is not gone into."""
    yield node
    if (node.hazard or "").startswith("an alias"):
        return
    if node.is_mapping:
        for entry in node.value.values():
            yield from nodes(entry.key)
            yield from nodes(entry.value)
    elif node.is_sequence:
        for item in node.value:
            yield from nodes(item)


def is_merge(entry: Entry | None) -> bool:
    """Whether a mapping's entry `<<` merges other mappings into it: only where the key is not quoted."""
    return entry is not None and entry.key.style == "plain" and entry.key.value == "<<"


def data(node: Node) -> Any:
    """The node as mappings, lists and scalars; mapping keys are text, as written. Merge keys are resolved."""
    return _Reader().read(node)


class _Reader:
    """Counts the values, since a few aliases of aliases can stand for billions."""

    def __init__(self) -> None:
        self.left = MOST_VALUES

    def read(self, node: Node) -> Any:
        self.left -= 1
        if self.left < 0:
            raise FlagError(f"more than {MOST_VALUES} values, with its aliases", remedy="is this the right file?")
        if node.is_sequence:
            return [self.read(item) for item in node.value]
        if not node.is_mapping:
            return node.value
        own = {key: self.read(entry.value) for key, entry in node.value.items() if not is_merge(entry)}
        merged = node.value.get("<<")
        if is_merge(merged):
            sources = merged.value.value if merged.value.is_sequence else [merged.value]
            for source in sources:
                own |= {key: value for key, value in (_mapping(self.read(source))).items() if key not in own}
        return own


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def place(path: str, text: str, offset: int) -> str:
    """`file:line:column` (from 1, columns in characters) of an offset."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"{path}:{line}:{column}"


def refuse_duplicate(mapping: Mapping[str, Any], key: str, where: str) -> None:
    """Raise `DuplicateKeyError` if `key` is in `mapping` already."""
    if key in mapping:
        raise DuplicateKeyError(
            f"the key `{key}` stands twice in one mapping", where=where, remedy="keep one of the two"
        )
