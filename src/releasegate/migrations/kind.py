"""A migration file to its kind, and to what its author should know."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from releasegate.migrations.script import read as read_script
from releasegate.migrations.statement import Statement
from releasegate.verdict import Finding, Level

HEADER = 60
"""Lines in which a file may say what it is."""
DECLARATION = re.compile(r"\s*(?:--|#|//)\s*releasegate:\s*([\w-]+)\s*(?::\s*(.*?))?\s*")
SUFFIXES = (".sql", ".py", ".json", ".yaml", ".yml", ".xml", ".js", ".ts", ".rb", ".php", ".go", ".sh")
DOWN_NAME = re.compile(r".*[._-](down|undo|revert|rollback)\.\w+|U\d.*__.*\.sql")
NO_MIGRATION = {"env.py", "conftest.py", "setup.py", "manage.py"}
DOWN_FOLDERS = {"down", "undo", "revert", "rollback", "verify"}
"""Where the tools that keep both ways in files of their own put the way down: it is no migration by itself."""


class Kind(StrEnum):
    """What a migration does to the release before it, in the order of the care that it takes."""

    EXPAND = "expand"
    """The release before runs on it: something is added."""
    CONTRACT = "contract"
    """The release before does not: something is dropped or narrowed. A revert brings back the form, not the data."""
    IRREVERSIBLE = "irreversible"


CARE = tuple(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration file."""

    path: str
    kind: Kind
    """What it is treated as."""
    declared: Kind | None
    """What its author says; None where nobody said it."""
    why: str
    """Where the kind comes from, in a few words."""
    statements: Sequence[Statement] = ()
    """What drops or narrows in it, or cannot be read."""
    mistaken: str | None = None
    """A declaration that is none."""

    @property
    def told(self) -> str:
        """One line for a person."""
        return f"{self.path}: {self.kind} ({self.why})"

    def findings(self) -> Iterator[Finding]:
        """What its author should change, or know."""
        if self.mistaken is not None:
            yield _finding(self.path, "declaration", Level.ERROR, self.mistaken)
        elif self.declared is None and self.kind is Kind.CONTRACT:
            title = "nobody declared this migration, so that it is treated as a contract"
            yield _finding(self.path, "undeclared", Level.WARN, title)
        for statement in self.statements if self.declared is Kind.EXPAND else ():
            where = f"{self.path}:{statement.line}"
            level, check = (Level.ERROR, "expand") if statement.read else (Level.WARN, "unread")
            yield _finding(where, check, level, f"declared expand, but: {statement.what}")


def read(path: str, content: bytes, directory: str, dialect: str) -> Migration | None:
    """The migration at `path`, or None where this file is none."""
    if not _is_migration(path, directory):
        return None
    text = content.decode("utf-8", "replace")
    statements: Sequence[Statement] = ()
    no_way_back = None
    if path.endswith(".sql"):
        from releasegate.migrations.sql import narrowing  # noqa: PLC0415  sqlglot: a tenth of a second

        statements = narrowing(text, dialect)
    elif path.endswith(".py"):
        script = read_script(text, dialect)
        if script.empty:
            return Migration(path=path, kind=Kind.EXPAND, declared=None, why="it changes nothing")
        statements, no_way_back = script.statements, script.no_way_back
    return _judged(path, text, directory, statements, no_way_back)


def by_kind(found: Sequence[Migration]) -> str:
    """How many there are of each kind: `2 expand, 1 contract`; empty where there are none."""
    return ", ".join(f"{count} {kind}" for kind in Kind if (count := sum(one.kind is kind for one in found)))


def _is_migration(path: str, directory: str) -> bool:
    """Whether a file in the folder of migrations is one, by its name."""
    *folders, name = _parts(path, directory)
    hidden = any(part.startswith((".", "__")) for part in (*folders, name))
    down = DOWN_NAME.fullmatch(name) is not None or not DOWN_FOLDERS.isdisjoint(folders)
    return name.endswith(SUFFIXES) and name not in NO_MIGRATION and not hidden and not down


def _parts(path: str, directory: str) -> list[str]:
    """The folders below the one of the migrations, and the file's name."""
    return path.removeprefix(f"{directory}/").split("/")


def _judged(
    path: str, text: str, directory: str, statements: Sequence[Statement], no_way_back: str | None
) -> Migration:
    """Put together what the author says and what the file does; the more careful one holds."""
    said, mistaken = _said(text)
    folder = [Kind(part) for part in _parts(path, directory)[:-1] if part in CARE]
    declared = max([*(kind for kind, _ in said), *folder], key=CARE.index, default=None)
    kind, why = declared or Kind.CONTRACT, "declared" if declared else "not declared"
    reasons = [reason for one, reason in said if one is kind and reason]
    if reasons:
        why = f"declared: {reasons[0]}"
    harmful = [statement for statement in statements if statement.read]
    if kind is Kind.EXPAND and harmful:
        kind, why = Kind.CONTRACT, f"declared expand, but line {harmful[0].line}: {harmful[0].what}"
    if no_way_back is not None and kind is not Kind.IRREVERSIBLE:
        kind, why = Kind.IRREVERSIBLE, no_way_back
    return Migration(path=path, kind=kind, declared=declared, why=why, statements=statements, mistaken=mistaken)


def _said(text: str) -> tuple[list[tuple[Kind, str]], str | None]:
    """What the header declares, with its reason; and what is no declaration."""
    said: list[tuple[Kind, str]] = []
    mistaken = None
    for line in text.splitlines()[:HEADER]:
        found = DECLARATION.fullmatch(line)
        if found is None:
            continue
        if found[1] in CARE:
            said.append((Kind(found[1]), found[2] or ""))
        else:
            near = get_close_matches(found[1], CARE, n=1)
            meant = f"did you mean `{near[0]}`?" if near else f"write {', '.join(CARE)}"
            mistaken = f"`{found[1]}` is no kind of migration; {meant}"
    return said, mistaken


def _finding(where: str, check: str, level: Level, title: str) -> Finding:
    return Finding(check=check, level=level, title=title, where=where)
