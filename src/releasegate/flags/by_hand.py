"""The patch for a person, where releasegate makes no edit of its own because it would not be safe."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from releasegate.errors import FlagError
from releasegate.flags.document import FlagFile, unified_diff
from releasegate.flags.splice import Writer, changed, same
from releasegate.flags.tree import Node, data, nodes

_ANCHOR = re.compile(r"&\S+\s+")


def patch_by_hand(file: FlagFile, name: str, value: Any = None) -> str | None:
    """A diff that writes the flag out on one line, with its aliases and merge keys resolved: off, or set to `value`.

    Where others use an anchor that goes with these lines, its value is written out there as well. None where it is not
    sure that nothing else changes.
    """
    content = _written_out(file, name, None, value)
    return None if content is None else unified_diff(file.content, content, file.path)


def patch_off(file: FlagFile, names: Mapping[str, str | None]) -> str:
    """One diff that switches off all of `names` (to the variant of which nobody gets it), as far as that is sure."""
    now = file
    for name, on in names.items():
        try:
            now = now.off(name, on).after
        except FlagError:
            content = _written_out(now, name, on, None)
            now = now if content is None else FlagFile.parse(content, file.path, file.dialect)
    return unified_diff(file.content, now.content, file.path)


def _written_out(file: FlagFile, name: str, on: str | None, value: Any) -> bytes | None:
    if name not in file.names():
        return None
    path = (*file.rules.home(), name)
    try:
        whole = _resolved(file.tree.text)
        flag = _at(whole, path)
        changes = file.rules.off(path, flag, on) if value is None else file.rules.set_value(path, flag, value)
        after = changed(whole, changes)
        edited = next((text for text in _texts(file, name, _at(after, path)) if _reads_as(text, after)), None)
    except (FlagError, yaml.YAMLError, TypeError, KeyError, ValueError):
        return None
    bom = file.content[: len(file.content) - len(file.tree.text.encode())]
    return None if edited is None else bom + edited.encode()


def _reads_as(text: str, wanted: Any) -> bool:
    try:
        return same(_resolved(text), wanted)
    except yaml.YAMLError:  # an alias of what is not there any more
        return False


def _texts(file: FlagFile, name: str, flag: Any) -> Iterator[str]:
    """The text with the flag on one line; then also with what else is named in it written out where it is used."""
    writer, text = Writer(file.tree, file.path), file.tree.text
    key, end = file.tree.entry((*file.rules.home(), name)).key, file.span(name)[1]
    line = (key.end, end, ": " + writer.spell(flag))
    yield _replaced(text, [line])
    inside = [node for node in nodes(file.tree.root) if key.start <= node.start < end]
    named = {node.hazard: node for node in inside if node.hazard}
    uses = [
        (node.start, node.end, _spelled(writer, named[anchor]))
        for node in nodes(file.tree.root)
        if not key.start <= node.start < end and (anchor := _anchor_of(node)) in named
    ]
    yield _replaced(text, [line, *uses])


def _anchor_of(node: Node) -> str | None:
    """The hazard of the node that an alias means."""
    hazard = node.hazard or ""
    return hazard.replace("an alias (*", "an anchor (&") if hazard.startswith("an alias") else None


def _spelled(writer: Writer, node: Node) -> str:
    """An anchored value without its anchor: as it is written, where that is one line."""
    written = _ANCHOR.sub("", writer.tree.text[node.start : node.end], count=1)
    return writer.spell(data(node)) if "\n" in written else written


def _replaced(text: str, splices: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def _resolved(text: str) -> Any:
    """The data with aliases and merge keys resolved, keys and dates as text."""
    return _plain(yaml.load(text, Loader=_TextLoader))  # noqa: S506  a safe loader that knows no dates


class _TextLoader(yaml.SafeLoader):
    """YAML 1.1 without dates, so that a value is always one that JSON has."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
