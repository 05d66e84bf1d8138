"""YAML with places, read twice: libyaml with YAML 1.2's scalars, and PyYAML's own parser with YAML 1.1's.

The two differ where runtimes differ (an unquoted `on` is text to one and true to the other), so that an edit on which
both agree is one on which the runtimes agree.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import yaml

from releasegate.errors import FlagError
from releasegate.flags.tree import DEEPEST, Entry, Node, Path, Tree, data, nodes, place, refuse_duplicate

_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z", re.ASCII)
_INFINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


def parse_yaml(text: str, path: str) -> Tree:
    """The tree of a YAML text, by libyaml and the core schema of YAML 1.2; `FlagError` where an edit could not be safe.

    Several documents and a key that stands twice are refused here; anchors, aliases, merge keys and tags are kept as
    hazards of the nodes that have them.
    """
    root = _Composer(text, path, yaml.CSafeLoader, _scalar_of_1_2).whole()
    return Tree(text, root, data(root))


def without_tabs(tree: Tree, path: Path) -> str:
    """The text for the second parser, which takes no tab between values and before comments.

    Where the first one does, the text means the same with a space; on the lines of the value at `path` they stay.
    """
    text, entry = tree.text, tree.entry(path)
    if "\t" not in text:
        return text
    end = text.find("\n", max(entry.value.end, entry.key.end))
    kept = [(text.rfind("\n", 0, entry.key.start) + 1, len(text) if end < 0 else end)]
    kept += [(one.start, one.end) for one in nodes(tree.root) if not one.is_mapping and not one.is_sequence]
    inside = {at for start, end in kept for at in range(start, end)}
    return "".join(" " if one == "\t" and at not in inside else one for at, one in enumerate(text))


def reread_yaml(text: str, path: str) -> Any:
    """The same text through another parser: PyYAML's own, and the scalars of YAML 1.1."""
    return data(_Composer(text, path, yaml.SafeLoader, scalar_of_1_1).whole())


def scalar_of_1_1(text: str, *, plain: bool) -> Any:
    """What a plain scalar means in YAML 1.1: `on`, `yes` and `off` are booleans. Dates stay text."""
    if not plain:
        return text
    for name, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return _construct(name, text)
    return text


def _construct(tag: str, text: str) -> Any:
    """The value of a scalar under one of YAML 1.1's tags; its text where Python has no such value."""
    constructor = yaml.constructor.SafeConstructor()
    try:
        value = constructor.construct_object(yaml.ScalarNode(tag, text))
    except (ValueError, OverflowError, yaml.YAMLError):
        return text
    return text if isinstance(value, date) else value


def _scalar_of_1_2(text: str, *, plain: bool) -> Any:
    """What a plain scalar means in the core schema of YAML 1.2."""
    if not plain:
        return text
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text, 0 if text[:2] in {"0x", "0o"} else 10)
    if _FLOAT.match(text) or _INFINITE.match(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _Composer:
    """Builds nodes from a parser's events."""

    def __init__(self, text: str, path: str, loader: Any, resolve: Any) -> None:
        self.text, self.path, self.resolve = text, path, resolve
        self.anchors = dict[str, Node]()
        self.events: Iterator[Any] = yaml.parse(text, Loader=loader)

    def whole(self) -> Node:
        try:
            return self.document()
        except yaml.reader.ReaderError as error:
            raise FlagError(f"not YAML: {error.reason}", where=self.where(error.position)) from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            index = mark.index if mark else 0
            where = self.where(index)
            if self.text[index : index + 1] == "\t":
                raise FlagError("a tab, which YAML does not take here", where=where, remedy="write spaces") from error
            raise FlagError(f"not YAML: {error.problem}", where=where) from error

    def document(self) -> Node:
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            raise FlagError("the file is empty", where=self.path, remedy="is this the right file?")
        root = self.node(next(self.events), 0)
        next(self.events)
        last = next(self.events)
        if not isinstance(last, yaml.StreamEndEvent):
            where = self.where(_at(last))
            raise FlagError("a second YAML document starts here", where=where, remedy="keep one document in the file")
        return root

    def where(self, offset: int) -> str:
        return place(self.path, self.text, offset)

    def node(self, event: Any, depth: int) -> Node:
        start = _at(event)
        if depth > DEEPEST:
            raise FlagError(f"nested deeper than {DEEPEST} levels", where=self.where(start))
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, start)
        node = self.spelled(event, depth, start)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any, start: int) -> Node:
        if event.anchor not in self.anchors:
            raise FlagError(f"nothing before is anchored as &{event.anchor}", where=self.where(start))
        meant = self.anchors[event.anchor]
        return Node(start, _end(event), meant.value, meant.style, f"an alias (*{event.anchor})")

    def spelled(self, event: Any, depth: int, start: int) -> Node:
        hazard = _hazard(event)
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style
            try:
                value = self.resolve(event.value, plain=plain)
            except ValueError as error:
                raise FlagError("a number with too many digits", where=self.where(start)) from error
            return Node(start, _end(event), value, event.style or "plain", hazard)
        style = "flow" if event.flow_style else "block"
        if isinstance(event, yaml.MappingStartEvent):
            entries, end = self.mapping(depth, start)
            return Node(start, end, entries, style, hazard)
        items, end = self.sequence(depth, start)
        return Node(start, end, items, style, hazard)

    def mapping(self, depth: int, start: int) -> tuple[dict[str, Entry], int]:
        entries, end = dict[str, Entry](), start
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if not isinstance(event, yaml.ScalarEvent):
                raise FlagError("a key that is not a plain name", where=self.where(key.start))
            refuse_duplicate(entries, event.value, self.where(key.start))
            value = self.node(next(self.events), depth + 1)
            entries[event.value] = Entry(key, value)
            end = max(value.end, key.end)
        return entries, _close(event, end)

    def sequence(self, depth: int, start: int) -> tuple[list[Node], int]:
        items, end = list[Node](), start
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, depth + 1))
            end = items[-1].end
        return items, _close(event, end)


def _at(event: Any) -> int:
    offset: int = event.start_mark.index
    return offset


def _end(event: Any) -> int:
    offset: int = event.end_mark.index
    return offset


def _close(event: Any, last: int) -> int:
    """The end of a collection: its closing bracket, or the end of what it holds last if it has none (block style)."""
    return max(last, _end(event)) if _end(event) > _at(event) else last


def _hazard(event: Any) -> str | None:
    if event.anchor is not None:
        return f"an anchor (&{event.anchor})"
    return f"a tag ({event.tag})" if event.tag is not None else None
