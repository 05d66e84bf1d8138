"""`rules.tsv`, the file that ZAP's packaged scans read, held to what ZAP does with it.

`<id><TAB><LEVEL><TAB><text>[<TAB><message>]`, comments with `#` in the first column. What ZAP would overlook (a space
before the id, a byte order mark, an id that can never match) is an error here, with what to write instead. Two things
go beyond ZAP: an id may be an `alertRef` (`10055-4`), and a rule is taken from the report alone, whatever its risk.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from releasegate.errors import InputError
from releasegate.gates.zap.report import Alert

LEVELS = ("PASS", "IGNORE", "INFO", "WARN", "FAIL", "OUTOFSCOPE")
_ID = re.compile(r"-1|[0-9]+(-[0-9]+)?")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what to do with the alerts of one rule."""

    level: str
    """PASS, IGNORE, INFO, WARN or FAIL."""
    line: int
    message: str = ""
    """The team's own message, from the fourth column."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One OUTOFSCOPE line: addresses that do not count, for one id or for all (`*`)."""

    id: str
    address: re.Pattern[str]
    """Matched from the start of the address, as ZAP does."""
    line: int


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole rules file."""

    path: str = ""
    levels: Mapping[str, Rule] = field(default_factory=dict)
    """By `pluginId` or `alertRef`."""
    scopes: Sequence[Scope] = ()

    def of(self, alert: Alert) -> Rule | None:
        """The rule for `alert`: the one for its `alertRef`, else the one for its rule."""
        return self.levels.get(alert.ref) or self.levels.get(alert.plugin)

    def in_scope(self, alert: Alert, uri: str) -> bool:
        """Whether an instance of `alert` at `uri` counts."""
        ids = ("*", alert.plugin, alert.ref)
        return not any(scope.id in ids and scope.address.match(uri) for scope in self.scopes)


def read_rules(content: bytes, path: str) -> Rules:
    """The rules in `content`; `InputError` with line and column, and with what to write instead."""
    if content.startswith(b"\xef\xbb\xbf"):
        raise InputError(
            "begins with a byte order mark, so that ZAP would not find the first id",
            where=f"{path}:1:1",
            remedy="save it as UTF-8 without BOM",
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        fault = content.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8", where=f"{path}:{fault}", remedy="save it as UTF-8 without BOM") from error
    levels: dict[str, Rule] = {}
    scopes: list[Scope] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            _take(line.rstrip(), f"{path}:{number}", number, levels, scopes)
    return Rules(path, levels, tuple(scopes))


def _take(line: str, where: str, number: int, levels: dict[str, Rule], scopes: list[Scope]) -> None:
    """Put one line's rule into `levels` or `scopes`."""
    key, level, text, message = _columns(line, where)
    if level == "OUTOFSCOPE":
        address = _pattern(text if not message else f"{text}\t{message}", f"{where}:{len(key) + len(level) + 3}")
        scopes.extend(Scope(_id(part, key, where), address, number) for part in key.split(","))
        return
    if "," in key:
        lines = " and ".join(f"`{part.strip()}<TAB>{level}<TAB>…`" for part in key.split(",")[:2])
        what = f"a list of ids ({_quoted(key)}) is for OUTOFSCOPE alone"
        raise InputError(what, where=f"{where}:1", remedy=f"write one line for each: {lines}")
    if key == "*":
        raise InputError("`*` is for OUTOFSCOPE alone", where=f"{where}:1", remedy="name the rule's id")
    if _id(key, key, where) in levels:
        what = f"rule {key} stands on line {levels[key].line} already"
        raise InputError(what, where=f"{where}:1", remedy="keep one of the two lines")
    levels[key] = Rule(level, number, message)


def _columns(line: str, where: str) -> tuple[str, str, str, str]:
    """Id, level, text and message of a line."""
    columns = line.split("\t")
    if line[0].isspace():
        first = line.strip()
        remedy = "put the `#` into the first column" if first.startswith("#") else "begin the line with the rule's id"
        raise InputError("begins with a space, so that ZAP would not know it", where=f"{where}:1", remedy=remedy)
    if len(columns) == 1:
        words = line.split(None, 2)
        example = "<TAB>".join([*words, "(name)"][:3]) if len(words) > 1 else f"{words[0]}<TAB>WARN<TAB>(name)"
        what = "has no tabs between its columns"
        raise InputError(what, where=f"{where}:1", remedy=f"write `{_quoted(example, quote='')}`")
    if columns[1] not in LEVELS:
        meant = columns[1].strip().upper()
        remedy = f"write {meant}" if meant in LEVELS else f"write one of {', '.join(LEVELS)}"
        raise InputError(
            f"{_quoted(columns[1])} is no level", where=f"{where}:{len(columns[0]) + 2}", remedy=f"{remedy} (exactly)"
        )
    if len(columns) == 2:
        what = "has two columns, and ZAP wants three"
        remedy = f"write `{columns[0]}<TAB>{columns[1]}<TAB>(name)`"
        raise InputError(what, where=where, remedy=remedy)
    if len(columns) > 4:
        what = f"has {len(columns)} columns, and ZAP takes four at most"
        raise InputError(what, where=where, remedy="put spaces in place of the tabs after the fourth column")
    return columns[0], columns[1], columns[2], columns[3] if len(columns) == 4 else ""


def _id(part: str, key: str, where: str) -> str:
    """`part` of the first column, if a rule can have it as its id."""
    if part == "*" or _ID.fullmatch(part):
        return part
    remedy = f"write {part.strip()}" if _ID.fullmatch(part.strip()) else "write the rule's number, such as 10038"
    raise InputError(f"{_quoted(part)} is no rule id", where=f"{where}:{key.index(part) + 1}", remedy=remedy)


def _pattern(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        what = f"{_quoted(text)} is no regular expression: {error}"
        raise InputError(
            what, where=where, remedy=r"escape dots and brackets, as in https://example\.com/.*"
        ) from error


def _quoted(text: str, quote: str = "'") -> str:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{quote}{shown}{quote}"
