"""JSON with places: a tokenizer that knows where every value starts and ends."""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython, absent from the stubs
from typing import Any

import msgspec

from releasegate.errors import FlagError
from releasegate.flags.tree import DEEPEST, Entry, Node, Tree, data, place, refuse_duplicate

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}


def parse_json(text: str, path: str) -> Tree:
    """The tree of a JSON text; `FlagError` where it is not JSON, or where a key stands twice."""
    root = _Reader(text, path).whole()
    return Tree(text, root, data(root))


def reread_json(text: str, path: str) -> Any:
    """The same text through another parser (msgspec's)."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise FlagError(f"a second parser does not read it as JSON: {error}", where=path) from error


class _Reader:
    """One pass over the text; `at` is the offset of the next character."""

    def __init__(self, text: str, path: str) -> None:
        self.text, self.path, self.at = text, path, 0

    def whole(self) -> Node:
        node = self.value(0)
        self.skip()
        if self.at != len(self.text):
            raise self.error("there is more after the end of the JSON document")
        return node

    def error(self, what: str) -> FlagError:
        return FlagError(what, where=place(self.path, self.text, self.at))

    def skip(self) -> str:
        """Pass over white space; the next character, empty at the end."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> None:
        if self.skip() != character:
            raise self.error(f"JSON needs `{character}` here")
        self.at += 1

    def value(self, depth: int) -> Node:
        first = self.skip()
        if depth > DEEPEST:
            raise self.error(f"nested deeper than {DEEPEST} levels")
        if first == "{":
            return self.mapping(depth)
        if first == "[":
            return self.sequence(depth)
        if first == '"':
            return self.string()
        return self.number_or_word()

    def string(self) -> Node:
        start = self.at
        try:
            value, self.at = scanstring(self.text, start + 1, True)  # strict: no control characters
        except json.JSONDecodeError as error:
            self.at = min(error.pos, len(self.text))
            raise self.error(f"not a JSON string: {error.msg}") from error
        return Node(start, self.at, value, '"')

    def number_or_word(self) -> Node:
        start = self.at
        for word, value in _WORDS.items():
            if self.text.startswith(word, start):
                self.at += len(word)
                return Node(start, self.at, value, "plain")
        found = _NUMBER.match(self.text, start)
        if not found:
            raise self.error("not JSON" if self.skip() else "the JSON document ends too early")
        try:
            number = float(found[0]) if found[1] or found[2] else int(found[0])
        except ValueError as error:
            raise self.error("a number with too many digits") from error
        self.at = found.end()
        return Node(start, self.at, number, "plain")

    def mapping(self, depth: int) -> Node:
        start, entries = self.at, dict[str, Entry]()
        self.at += 1
        while self.skip() != "}":
            if entries:
                self.take(",")
            if self.skip() != '"':
                raise self.error("a key in double quotes is needed here")
            key = self.string()
            refuse_duplicate(entries, key.value, place(self.path, self.text, key.start))
            self.take(":")
            entries[key.value] = Entry(key, self.value(depth + 1))
        self.at += 1
        return Node(start, self.at, entries, "flow")

    def sequence(self, depth: int) -> Node:
        start, items = self.at, list[Node]()
        self.at += 1
        while self.skip() != "]":
            if items:
                self.take(",")
            items.append(self.value(depth + 1))
        self.at += 1
        return Node(start, self.at, items, "flow")
