"""A flag file: what its flags say, and the smallest edits that change it."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from types import TracebackType
from typing import Any

from releasegate.errors import FlagError, UnsafeEditError
from releasegate.flags import flagd, goff, plain
from releasegate.flags.dialect import Dialect, State
from releasegate.flags.json_tree import parse_json, reread_json
from releasegate.flags.splice import Change, apply, changed, same
from releasegate.flags.tree import BOM, Path, Tree, is_merge, place
from releasegate.flags.yaml_tree import parse_yaml, reread_yaml, without_tabs

LARGEST = 1 << 20
"""Bytes above which a file is no flag file."""

_WHOLE = Decimal(100)

DIALECTS: Mapping[str, Dialect] = {dialect.NAME: dialect for dialect in (plain, flagd, goff)}


@dataclass(frozen=True, slots=True)
class Removed:
    """The lines of a flag before and after an edit: what takes the edit back, as long as nobody else changed them."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Goal:
    """What an edit is for: `percent` of all keys get the value of `on`."""

    percent: Decimal
    on: str | None
    """A variant's name or value; None for the one that is rolled out by default."""
    taking_back: bool = False
    """Whether this is done also where it cannot be proved: `off`, and the value that is safe."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A checked edit: two parsers read the new content, and nothing but the intended values has changed."""

    file: "FlagFile"
    """As it was before."""
    after: "FlagFile"
    removed: Removed
    goal: Goal | None = None
    """None for a restore, which promises the old lines and nothing else."""

    @property
    def name(self) -> str:
        """The flag."""
        return self.removed.name

    @property
    def before(self) -> bytes:
        """The content that was read."""
        return self.file.content

    @property
    def content(self) -> bytes:
        """The content to write."""
        return self.after.content

    @property
    def changed(self) -> bool:
        """Whether the file is not yet as wanted."""
        return self.before != self.content

    @property
    def diff(self) -> str:
        """The unified diff, which `git apply` and `patch` take; empty without a change."""
        return unified_diff(self.before, self.content, self.file.path)


@dataclass(frozen=True, slots=True)
class FlagFile:
    """A flag file that was read: the dialect, the tree, and what the file is called in messages."""

    path: str
    content: bytes
    dialect: str
    tree: Tree

    @classmethod
    def parse(cls, content: bytes, path: str, dialect: str | None = None) -> "FlagFile":
        """Read a file; `path` tells JSON (`.json`) from YAML. `FlagError` names the place of what is not safe."""
        text, tree = parse_tree(content, path)
        if not isinstance(tree.data, dict):
            where = place(path, text, tree.root.start)
            raise FlagError("not a flag file: it holds no mapping", where=where, remedy="is this the right file?")
        return cls(path, content, _recognise(tree, path, dialect), tree)

    @property
    def rules(self) -> Dialect:
        """The dialect's module."""
        return DIALECTS[self.dialect]

    def names(self) -> Sequence[str]:
        """The flags that are written out in the file, in its order; not what a merge key brings along."""
        try:
            home = self.tree.node(self.rules.home())
        except KeyError:
            return []
        entries = home.value.items() if home.is_mapping else ()
        return [name for name, entry in entries if name != "$schema" and not is_merge(entry)]

    def flags(self) -> dict[str, State]:
        """What every flag says now; `FlagError` if one of them cannot be read."""
        return {name: self.state(name) for name in self.names()}

    def state(self, name: str, on: str | None = None) -> State:
        """What a flag says now; `on` names the variant whose share is asked for, where that is not clear."""
        with self.placed(name):
            return self.rules.state(self.flag(name), on)

    def placed(self, name: str) -> "_Placed":
        """A context in which a dialect's `FlagError`, which knows no places, gets the flag's name and place."""
        return _Placed(self, self.locate(name))

    def flag(self, name: str) -> Any:
        """The flag's own data."""
        found = self.tree.data
        for step in self.locate(name):
            found = found[step]
        return found

    def set(self, name: str, value: Any, *, taking_back: bool = False) -> Edit:
        """Everybody gets `value` (in flagd and GO Feature Flag: a variant's name, or the value of just one variant)."""
        path, goal = self.locate(name), Goal(_WHOLE, str(value), taking_back)
        with self.placed(name):
            return self._edit(name, self.rules.set_value(path, self.flag(name), value), goal)

    def rollout(self, name: str, percent: Decimal | float | str, on: str | None = None) -> Edit:
        """`percent` (0 to 100) of all keys get the on value; `on` names the variant where that is not clear."""
        path, share = self.locate(name), share_of(percent)
        with self.placed(name):
            return self._edit(name, self.rules.rollout(path, self.flag(name), share, on), Goal(share, on))

    def off(self, name: str, on: str | None = None) -> Edit:
        """Nobody gets the on value, whatever the rules were."""
        path = self.locate(name)
        with self.placed(name):
            return self._edit(name, self.rules.off(path, self.flag(name), on), Goal(Decimal(0), on, taking_back=True))

    def restore(self, removed: Removed) -> Edit:
        """The flag's lines as they were before an edit; `FlagError` if they were changed since."""
        self.refuse_hazards(removed.name)
        text, (start, end) = self.tree.text, self.span(removed.name)
        if text.startswith(removed.before, start) and start + len(removed.before) >= end:
            return self._edited(removed.name, text)
        beyond = start + len(removed.after)
        if not text.startswith(removed.after, start) or beyond < end:
            raise FlagError(
                f"`{removed.name}` was changed since, and is not restored over that change",
                where=place(self.path, text, start),
                remedy="set it by hand",
            )
        return self._edited(removed.name, text[:start] + removed.before + text[beyond:])

    def locate(self, name: str) -> Path:
        """The path of a flag; `FlagError` with the nearest name where there is none."""
        names = self.names()
        if name not in names:
            near = get_close_matches(name, names, n=1)
            known = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(names[:10]) or 'none'}"
            raise FlagError(f"there is no flag `{name}`", where=self.path, remedy=known)
        return (*self.rules.home(), name)

    def refuse_hazards(self, name: str) -> None:
        """`FlagError` with the place of what makes an edit of a flag unsafe: anchors, aliases, merge keys, tags."""
        for node, what in self.tree.hazards(self.locate(name)):
            where = place(self.path, self.tree.text, node.start)
            raise UnsafeEditError(
                f"{what} on the way to `{name}`: no safe edit", where=where, remedy="write it out plainly"
            )

    def span(self, name: str) -> tuple[int, int]:
        """Where the flag's key and value stand, from the key's first character to the value's last."""
        entry = self.tree.entry(self.locate(name))
        return entry.key.start, max(entry.value.end, entry.key.end)

    def _edit(self, name: str, changes: Sequence[Change], goal: Goal) -> Edit:
        self.refuse_hazards(name)
        present = [change for change in changes if self.tree.has(change.path)]
        tree = _read_back(apply(self.tree, present, path=self.path), self.path)
        # Keys are added to what stands then: the last value of a mapping may have become shorter.
        text = apply(tree, [change for change in changes if change not in present], path=self.path)
        check(self, text, changes)
        return self._edited(name, text, goal)

    def _edited(self, name: str, text: str, goal: Goal | None = None) -> Edit:
        bom = BOM.encode() if self.content.startswith(BOM.encode()) else b""
        content = bom + text.encode()
        after = FlagFile.parse(content, self.path, self.dialect)
        (start, end), (new_start, new_end) = self.span(name), after.span(name)
        # Comments behind the last value may come to stand inside the flag, or go: what both have behind it stays.
        rest = _common_end(self.tree.text, text, min(len(self.tree.text) - end, len(text) - new_end))
        before, now = (whole[at : len(whole) - rest] for whole, at in ((self.tree.text, start), (text, new_start)))
        return Edit(self, after, Removed(name, before, now), goal)


def _common_end(one: str, other: str, most: int) -> int:
    """How many characters two texts end in alike, `most` at most."""
    return next((count for count in range(most) if one[-1 - count] != other[-1 - count]), most)


class _Placed:
    def __init__(self, file: FlagFile, path: Path) -> None:
        self.file, self.path = file, path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, trace
        if isinstance(error, FlagError) and error.where is None:
            key = self.file.tree.entry(self.path).key
            where = place(self.file.path, self.file.tree.text, key.start)
            raise FlagError(f"`{self.path[-1]}`: {error.what}", where=where, remedy=error.remedy) from error


def unified_diff(before: bytes, after: bytes, path: str) -> str:
    """The diff of two contents, with the mark that patches carry for a missing line end."""
    old, new = (_lines(content.decode()) for content in (before, after))
    end = "\n\\ No newline at end of file\n"
    diff = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else line + end for line in diff)


def _lines(text: str) -> list[str]:
    """The lines with their ends; only a line feed ends one, as in git."""
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


def parse_tree(content: bytes, path: str) -> tuple[str, Tree]:
    """The text without its BOM, and its tree, whatever the dialect."""
    text = _text(content, path)
    return text, _parse(text, path)


def _text(content: bytes, path: str) -> str:
    if len(content) > LARGEST:
        raise FlagError(f"larger than {LARGEST} bytes", where=path, remedy="is this the right file?")
    try:
        return content.decode().removeprefix(BOM)
    except UnicodeDecodeError as error:
        raise FlagError(f"not UTF-8 (byte {error.start})", where=path, remedy="save it as UTF-8") from error


def _parse(text: str, path: str) -> Tree:
    return parse_json(text, path) if path.lower().endswith(".json") else parse_yaml(text, path)


def _recognise(tree: Tree, path: str, wanted: str | None) -> str:
    """The dialect by its shape; `FlagError` where none or several fit."""
    if wanted is not None and wanted not in DIALECTS:
        raise FlagError(f"there is no dialect `{wanted}`", remedy=f"use one of {', '.join(DIALECTS)}")
    where = place(path, tree.text, tree.root.start)
    if is_flipt(tree.data):
        raise FlagError(
            "this is a file of Flipt, which is not edited here", where=where, remedy="use Flipt's own tools"
        )
    fitting = [name for name, dialect in DIALECTS.items() if dialect.recognises(tree.data)]
    if wanted is not None:
        return wanted
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise FlagError(f"fits several dialects: {', '.join(fitting)}", where=where, remedy="name it: --dialect")
    if _is_list(tree.data):
        raise FlagError(
            "flags as a list, which only flagd's daemon reads, are not edited here",
            where=where,
            remedy="write them as a mapping",
        )
    seen = ", ".join(list(tree.data)[:5]) or "nothing"
    raise FlagError(f"not a flag file of a known shape (top level: {seen})", where=where, remedy="name it: --dialect")


def is_flipt(data: Mapping[str, Any]) -> bool:
    """Flipt lists its flags, each with a `key` and no `state`."""
    return _is_list(data) and not any("state" in flag for flag in data["flags"])


def _is_list(data: Mapping[str, Any]) -> bool:
    """Whether the flags are a list with their names as `key`."""
    flags = data.get("flags")
    return isinstance(flags, list) and all(isinstance(flag, dict) and "key" in flag for flag in flags)


def share_of(percent: Decimal | float | str) -> Decimal:
    """A percentage from 0 to 100; `FlagError` for anything else."""
    try:
        share = Decimal(str(percent))
    except InvalidOperation:
        share = Decimal("nan")
    if not (share.is_finite() and 0 <= share <= 100):
        raise FlagError(f"{percent} is no percentage", remedy="use a number from 0 to 100")
    return share


def _read_back(text: str, path: str) -> Tree:
    try:
        return _parse(text, path)
    except FlagError as error:
        what = f"no safe edit: the result cannot be read ({error.what})"
        raise UnsafeEditError(what, where=path, remedy="edit by hand") from error


def check(file: FlagFile, text: str, changes: Sequence[Change]) -> None:
    """`UnsafeEditError` unless both parsers see the intended changes in the new text, and no other."""
    result = _read_back(text, file.path)
    if not same(result.data, changed(file.tree.data, changes)):
        what = "no safe edit: the result does not read as intended"
        raise UnsafeEditError(what, where=file.path, remedy="edit by hand")
    if not changes:
        return
    flag, hidden = changes[0].path[: len(file.rules.home()) + 1], [Change(one.path, "changed") for one in changes]
    before, again = (changed(_reread(tree, file.path, flag), hidden) for tree in (file.tree, result))
    if not same(before, again):
        what = "no safe edit: two parsers disagree on the result"
        raise UnsafeEditError(what, where=file.path, remedy="edit by hand")


def _reread(tree: Tree, path: str, flag: Path) -> Any:
    if path.lower().endswith(".json"):
        return reread_json(tree.text, path)
    return reread_yaml(without_tabs(tree, flag), path)
