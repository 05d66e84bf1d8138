"""The smallest change of a text that changes one value: what is not spelled differently stays byte for byte."""

import copy
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from releasegate.errors import UnsafeEditError
from releasegate.flags.tree import Node, Path, Tree, place
from releasegate.flags.yaml_tree import scalar_of_1_1

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_COLON = re.compile(r"[ \t]*:")


@dataclass(frozen=True, slots=True)
class Change:
    """The value at `path` becomes `value`; the last key of the path is added where its mapping lacks it."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


def apply(tree: Tree, changes: Sequence[Change], *, path: str) -> str:
    """The tree's text with `changes` made; `UnsafeEditError` where one has no safe spelling. `path` is for messages."""
    writer = Writer(tree, path)
    splices = sorted((s for change in changes for s in writer.change(change)), key=lambda s: s.start)
    text, at = [], 0
    for splice in splices:
        if splice.start < at:
            raise writer.error(splice.start, "two changes meet here")
        text += [tree.text[at : splice.start], splice.text]
        at = splice.end
    return "".join(text) + tree.text[at:]


def changed(data: Any, changes: Iterable[Change]) -> Any:
    """What `data` are when `changes` are made."""
    result = copy.deepcopy(data)
    for change in changes:
        above = result
        for step in change.path[:-1]:
            above = above[step]
        above[change.path[-1]] = as_read(change.value)
    return result


_SIMPLE = (bool, int, str)


def same(one: Any, other: Any) -> bool:
    """Whether two readings are equal in values, their types and the order of keys."""
    if type(one) in _SIMPLE and type(other) in _SIMPLE:  # a proof compares ten thousand of them
        return type(one) is type(other) and bool(one == other)
    return json.dumps(one) == json.dumps(other)


def as_read(value: Any) -> Any:
    """Decimals as a parser reads them."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: as_read(item) for key, item in value.items()}
    return [as_read(item) for item in value] if isinstance(value, list) else value


class Writer:
    """Spells values and splices for one tree."""

    def __init__(self, tree: Tree, path: str) -> None:
        self.tree, self.path = tree, path
        self.json = path.lower().endswith(".json")
        self.newline = "\r\n" if "\r\n" in tree.text else "\n"

    def error(self, offset: int, what: str) -> UnsafeEditError:
        """The refusal of an edit, with its place."""
        where = place(self.path, self.tree.text, offset)
        return UnsafeEditError(f"no safe edit: {what}", where=where, remedy="edit by hand")

    def change(self, change: Change) -> list[_Splice]:
        """The splices that make one change."""
        mapping = self.tree.node(change.path[:-1])
        if mapping.is_mapping and change.path[-1] not in mapping.value:
            return [self.insert(mapping, str(change.path[-1]), change.value)]
        node = self.tree.node(change.path)
        if node.style in {"|", ">"}:
            raise self.error(node.start, "the value is a text of several lines")
        if node.style == "block" and not isinstance(change.path[-1], int):
            return self.replace_block(change, node)
        if node.start == node.end:
            if not self.tree.text[: node.start].rstrip().endswith(":"):
                raise self.error(node.start, "the value is missing here")
            return [_Splice(node.end, node.end, " " + self.spell(change.value))]
        return [_Splice(node.start, node.end, self.respell(node, change.value))]

    def replace_block(self, change: Change, node: Node) -> list[_Splice]:
        """`key:` and the lines below it become `key: value`; a comment behind the colon stays."""
        text, key = self.tree.text, self.tree.entry(change.path).key
        colon = _COLON.match(text, key.end)
        start = text.rfind("\n", 0, node.start) + 1
        if not colon or start <= key.start:
            raise self.error(key.start, "the key is not followed by its value in the usual way")
        end = text.find("\n", node.end) + 1
        if end == 0:
            end, start = len(text), len(text[:start].rstrip("\r\n"))
        return [_Splice(colon.end(), colon.end(), " " + self.spell(change.value)), _Splice(start, end, "")]

    def insert(self, mapping: Node, key: str, value: Any) -> _Splice:
        """A new last entry, in the way the mapping is written."""
        text = self.tree.text
        if not mapping.value:
            return _Splice(mapping.start, mapping.end, self.spell({key: value}))
        last = list(mapping.value.values())[-1]
        pair = self.spell({key: value})[1:-1]
        start = text.rfind("\n", 0, last.key.start) + 1
        indent = text[start : last.key.start]
        if mapping.style == "flow":
            alone = not indent.strip()
            return _Splice(last.value.end, last.value.end, f",{self.newline}{indent}{pair}" if alone else f", {pair}")
        line = " " * len(indent) + pair
        if last.value.style in {"|", ">"} and text[last.value.end - 1 : last.value.end] == "\n":
            return _Splice(last.value.end, last.value.end, line + self.newline)
        end = text.find("\n", last.value.end)
        end = len(text) if end < 0 else end - (text[end - 1] == "\r")
        return _Splice(end, end, self.newline + line)

    def respell(self, node: Node, value: Any) -> str:
        """The value in the style of the node that it replaces."""
        old = self.tree.text[node.start : node.end]
        if isinstance(value, bool) and isinstance(node.value, bool):
            word = "true" if value else "false"
            return word.upper() if old.isupper() else word.title() if old.istitle() else word
        if isinstance(value, str) and node.style == "'":
            return "'" + value.replace("'", "''") + "'"
        if isinstance(value, str) and node.style == "plain" and isinstance(node.value, str) and _NAME.match(value):
            alike = type(scalar_of_1_1(value, plain=True)) is type(scalar_of_1_1(old, plain=True))
            return value if alike else self.spell(value)
        return self.spell(value)

    def spell(self, value: Any) -> str:
        """The value on one line: JSON, or in YAML the same with bare keys."""
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.key(key)}: {self.spell(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.spell, value)) + "]"
        if isinstance(value, Decimal):
            return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")
        return json.dumps(value, ensure_ascii=False)

    def key(self, key: str) -> str:
        """A key as the file would write it."""
        bare = not self.json and _NAME.match(key) and isinstance(scalar_of_1_1(key, plain=True), str)
        return key if bare else json.dumps(key, ensure_ascii=False)
