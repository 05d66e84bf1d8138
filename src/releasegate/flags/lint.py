"""What is wrong with a flag file although every parser takes it: F001 to F015.

Each rule stands for something that silently serves other users than its author meant. `lint_file` gives findings with
the place in the file; `docs/flags.md` explains each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from releasegate.errors import DuplicateKeyError, FlagError
from releasegate.flags import lint_rules
from releasegate.flags.document import FlagFile, is_flipt, parse_tree
from releasegate.flags.tree import Node, Path, Tree, place
from releasegate.flags.yaml_tree import scalar_of_1_1
from releasegate.verdict import Finding, Level

EXPIRY = ("expires", "expiry", "expiration", "expirationDate")
"""Keys, of the flag or its `metadata`, that say until when a flag is meant to live."""
GENERATIONS = ("cbor", "concat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the rules know besides the file."""

    today: date
    kill_flag: str | None = None
    """The flag of the kill switch, for which a caller's default is never safe."""
    base: FlagFile | None = None
    """The file as it was, for F014."""
    used: Mapping[str, str] = field(default_factory=dict)
    """Flags that the code names, to the first place."""
    consumers: Mapping[str, str] = field(default_factory=dict)
    """Who evaluates the file, to flagd's hash generation there."""


def lint_file(content: bytes, path: str, context: Context, dialect: str | None = None) -> tuple[Finding, ...]:
    """All findings; a file that cannot be read is one finding."""
    try:
        _, tree = parse_tree(content, path)
        if isinstance(tree.data, dict) and is_flipt(tree.data):
            return tuple(_flipt(tree, path))
        file = FlagFile.parse(content, path, dialect)
    except DuplicateKeyError as error:
        return (finding("F011", Level.ERROR, error.what, error.where or path),)
    except FlagError as error:
        return (_unusable(error, path),)
    found = [*_keys(file), *_suffix(file), *_code(file, context), *_generations(file, context)]
    for name in file.names():
        found += _of_flag(file, name, context)
    return tuple(sorted(found, key=_in_order(path)))


def _of_flag(file: FlagFile, name: str, context: Context) -> Iterator[Finding]:
    try:
        file.state(name)
    except FlagError as error:
        yield _unusable(error, file.path)
        return
    for rule in _RULES:
        yield from rule(file, name, context)


def _unusable(error: FlagError, path: str) -> Finding:
    title = error.what + (f"; {error.remedy}" if error.remedy else "")
    return Finding(check="file", level=Level.ERROR, title=title, where=error.where or path, unusable=True)


def finding(check: str, level: Level, title: str, where: str) -> Finding:
    """One remark."""
    return Finding(check=check, level=level, title=title, where=where)


def _in_order(path: str) -> Callable[[Finding], tuple[bool, int, str]]:
    """By line in the flag file, then everything elsewhere."""

    def key(one: Finding) -> tuple[bool, int, str]:
        file, _, rest = one.where.rpartition(":")[0].rpartition(":")
        return file != path, int(rest) if file == path else 0, one.check

    return key


def at(file: FlagFile, path: Path) -> str:
    """The place of a key or an item; that of what it is in, where a merge key brings it along."""
    return place(file.path, file.tree.text, _start(file.tree, path))


def _keys(file: FlagFile) -> Iterator[Finding]:
    """F005: words that are text to one YAML and true or false to another, as keys and as values."""
    for node, what in _words(file.tree.root):
        title = f"unquoted `{node.value}` as a {what}: text to YAML 1.2, a boolean to YAML 1.1; put it in quotes"
        yield finding("F005", Level.WARN, title, place(file.path, file.tree.text, node.start))


def _words(node: Node) -> Iterator[tuple[Node, str]]:
    if node.is_mapping:
        for entry in node.value.values():
            if _is_word(entry.key):
                yield entry.key, "key"
            yield from _words(entry.value)
    elif node.is_sequence:
        for item in node.value:
            yield from _words(item)
    elif _is_word(node):
        yield node, "value"


def _is_word(node: Node) -> bool:
    if node.style != "plain" or not isinstance(node.value, str):
        return False
    return isinstance(scalar_of_1_1(node.value, plain=True), bool)


def _suffix(file: FlagFile) -> Iterator[Finding]:
    if file.dialect == "flagd" and file.path.lower().endswith(".yml"):
        title = "flagd's Python file resolver reads only `.yaml` as YAML, and serves every caller's default from `.yml`"
        yield finding("F006", Level.WARN, title, f"{file.path}:1:1")


def _code(file: FlagFile, context: Context) -> Iterator[Finding]:
    names = set(file.names())
    for name, where in context.used.items():
        if name not in names:
            title = f"the code asks for `{name}`, which {file.path} does not have: it gets its own default"
            yield finding("F013", Level.ERROR, title, where)


def _generations(file: FlagFile, context: Context) -> Iterator[Finding]:
    kinds = {generation for generation in context.consumers.values() if generation in GENERATIONS}
    if file.dialect != "flagd" or len(kinds) < 2:
        return
    who = ", ".join(f"{name} ({generation})" for name, generation in context.consumers.items())
    for name in file.names():
        path = (*file.rules.home(), name)
        if any(True for _ in lint_rules.fractionals(file.tree.node(path))):
            title = f"`{name}` is split by different hashes: the same user is in for one and out for the other: {who}"
            yield finding("F015", Level.WARN, title, at(file, path))


def _expired(file: FlagFile, name: str, context: Context) -> Iterator[Finding]:
    """F013: a flag that outlived the day its author gave it."""
    path = (*file.rules.home(), name)
    flag = file.flag(name)
    homes: Sequence[tuple[Path, Any]] = ((path, flag), ((*path, "metadata"), _mapping(flag).get("metadata")))
    for home, data in homes:
        for key in EXPIRY:
            value = _mapping(data).get(key)
            if value is None:
                continue
            try:
                until = date.fromisoformat(str(value)[:10])
            except ValueError:
                title = f"`{name}`: `{value}` is no date; write 2027-01-31"
                yield finding("F013", Level.WARN, title, at(file, (*home, key)))
                continue
            if until < context.today:
                title = f"`{name}` is stale: it was meant to live until {until.isoformat()}"
                yield finding("F013", Level.WARN, title, at(file, (*home, key)))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dialect(file: FlagFile, name: str, context: Context) -> Iterator[Finding]:
    """What the dialect's own rules say, and F007 and F014."""
    path = (*file.rules.home(), name)
    for remark in lint_rules.REMARKS[file.dialect](file.flag(name), context.today, kill=name == context.kill_flag):
        yield finding(remark.check, remark.level, f"`{name}`: {remark.text}", at(file, (*path, *remark.path)))


def _start(tree: Tree, path: Path) -> int:
    try:
        return tree.node(path).start if isinstance(path[-1], int) else tree.entry(path).key.start
    except KeyError:
        return _start(tree, path[:-1])


def _order(file: FlagFile, name: str, context: Context) -> Iterator[Finding]:
    """F014: buckets in another order serve the same shares to other users."""
    base = context.base
    if base is None or base.dialect != file.dialect or name not in base.names() or file.dialect != "flagd":
        return
    path = (*file.rules.home(), name)
    before = [lint_rules.bucket_names(node) for _, node in lint_rules.fractionals(base.tree.node(path))]
    for (where, node), old in zip(lint_rules.fractionals(file.tree.node(path)), before, strict=False):
        new = lint_rules.bucket_names(node)
        if [bucket for bucket in old if bucket in new] != [bucket for bucket in new if bucket in old]:
            title = (
                f"`{name}`: the buckets were {', '.join(old)} and are {', '.join(new)}: each variant changes its users"
            )
            yield finding("F014", Level.ERROR, title, place(file.path, file.tree.text, where.start))


def _flipt(tree: Tree, path: str) -> Iterator[Finding]:
    """F010, the one rule for a file that is recognised and not edited."""
    for node in tree.node(("flags",)).value:
        flag = {key: entry.value for key, entry in node.value.items()}
        boolean = "type" in flag and flag["type"].value == "BOOLEAN_FLAG_TYPE"
        off = "enabled" not in flag or flag["enabled"].value is False
        if boolean and off and "rollouts" in flag and flag["rollouts"].value:
            title = f"`{flag['key'].value}`: rollouts are looked at before `enabled: false`, and can still serve true"
            yield finding("F010", Level.ERROR, title, place(path, tree.text, node.value["rollouts"].key.start))


_RULES = (_dialect, _expired, _order)
