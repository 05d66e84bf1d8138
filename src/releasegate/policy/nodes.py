"""YAML text to nodes that know their line and column; what a policy has no use for is refused here."""

from typing import Any, NoReturn

import yaml

from releasegate.errors import PolicyError

MOST_BYTES = 1_000_000
DEEPEST = 40


def compose(content: bytes, path: str) -> yaml.MappingNode:
    """The root mapping of the YAML document in `content`; `PolicyError` with `path`, line and column."""
    text = _decode(content, path)
    try:
        _check_events(text, path)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = place(path, mark) if mark else path
        raise PolicyError(f"not YAML: {error.problem or error.context}", where=where, remedy=_remedy(error)) from error
    except yaml.YAMLError as error:
        raise PolicyError("not YAML: it holds a control character", where=path, remedy="save it as UTF-8") from error
    if root is None:
        raise PolicyError("empty", where=path, remedy="a policy begins with `version: 1`, `service:`, `environment:`")
    if not isinstance(root, yaml.MappingNode):
        raise PolicyError("not a mapping", where=place(path, root.start_mark), remedy="begin with `version: 1`")
    return root


def place(path: str, mark: Any) -> str:
    """`file:line:column`, both counted from 1."""
    return f"{path}:{mark.line + 1}:{mark.column + 1}"


def _decode(content: bytes, path: str) -> str:
    if len(content) > MOST_BYTES:
        raise PolicyError(f"larger than {MOST_BYTES} bytes", where=path, remedy="is this the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyError("not UTF-8", where=f"{path}:{line}", remedy="save it as UTF-8") from error


def _check_events(text: str, path: str) -> None:
    """Walk the events, which needs no recursion: the composer would follow aliases and any depth."""
    depth, documents = 0, 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if depth > DEEPEST:
            _refuse(event, path, "nested too deeply", "a policy needs no more than a few levels")
        if documents > 1:
            _refuse(event, path, "a second document begins here", "one file is one policy: remove the `---`")
        if getattr(event, "anchor", None) is not None:
            _refuse(event, path, "anchors and aliases are not read", "write the value out")
        if getattr(event, "tag", None) is not None:
            _refuse(event, path, "a tag (`!…`) is not read", "remove it")


def _refuse(event: yaml.Event, path: str, what: str, remedy: str) -> NoReturn:
    raise PolicyError(what, where=place(path, event.start_mark) if event.start_mark else path, remedy=remedy)


def _remedy(error: yaml.MarkedYAMLError) -> str | None:
    if "tab" in str(error.problem) or "start any token" in str(error.problem):
        return "indent with spaces, not tabs, and quote values that begin with % @ ` or a tab"
    return None
