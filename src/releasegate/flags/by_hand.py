"""The patch for a person, where releasegate makes no edit of its own because it would not be safe."""

from collections.abc import Mapping
from typing import Any

import yaml

from releasegate.errors import FlagError
from releasegate.flags.document import FlagFile, unified_diff
from releasegate.flags.splice import Writer, changed, same


def patch_by_hand(file: FlagFile, name: str, value: Any = None) -> str | None:
    """A diff that writes the flag out on one line, with its aliases and merge keys resolved: off, or set to `value`.

    None where even that could touch another flag: an anchor that others use stands in these lines.
    """
    if name not in file.names():
        return None
    path = (*file.rules.home(), name)
    try:
        whole = _resolved(file.tree.text)
        flag = _at(whole, path)
        changes = file.rules.off(path, flag, None) if value is None else file.rules.set_value(path, flag, value)
        after = changed(whole, changes)
        entry = file.tree.entry(path)
        text = file.tree.text
        spelled = Writer(file.tree, file.path).spell(_at(after, path))
        edited = text[: entry.key.end] + ": " + spelled + text[max(entry.value.end, entry.key.end) :]
        if not same(_resolved(edited), after):
            return None
    except (FlagError, yaml.YAMLError, TypeError, KeyError, ValueError):
        return None
    content = file.content[: len(file.content) - len(text.encode())] + edited.encode()
    return unified_diff(file.content, content, file.path)


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
