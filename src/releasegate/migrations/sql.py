"""SQL to the statements that drop or narrow. sqlglot reads the SQL; a statement that it cannot read is told as such."""

import logging
import re
from collections.abc import Iterator, Sequence

from sqlglot import exp, tokenize
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokenizer_core import Token

from releasegate.migrations.statement import Statement

logging.getLogger("sqlglot").addHandler(logging.NullHandler())  # what it does not take apart is told as a statement

LONGEST = 500_000
"""Characters that are read: a few seconds' work. Whoever loads data in a migration declares it."""
DOWN = re.compile(r"\s*--\s*(?:\+(?:goose|migrate)\s+down|migrate:down|@down|@undo)\b", re.IGNORECASE)
UP = re.compile(r"\s*--\s*(?:\+(?:goose|migrate)\s+up|migrate:up|@up)\b", re.IGNORECASE)
"""goose, sql-migrate and dbmate keep both ways in one file."""
HARMLESS = re.compile(
    r"(CREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|PROCEDURE|EXTENSION|TRIGGER|POLICY|ROLE|USER)|ANALYZE|VACUUM|LOCK"
    r"|ALTER\s+TYPE\s+\S+\s+ADD\s+VALUE|ALTER\s+TABLE\s.*\s(VALIDATE\s+CONSTRAINT|OWNER\s+TO|ATTACH\s+PARTITION)"
    r"|REINDEX|CLUSTER|REFRESH|NOTIFY|SHOW|EXPLAIN|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that sqlglot does not take apart, and that neither drop nor narrow."""
HARMFUL = re.compile(
    r"(DROP|RENAME|REASSIGN|ALTER\s.*\b(RENAME|SET\s+SCHEMA|DETACH|DROP|ADD\s+(CHECK|EXCLUDE|CONSTRAINT)))\b",
    re.IGNORECASE | re.DOTALL,
)

STATEMENTS = {
    *("Alter", "Analyze", "Comment", "Commit", "Copy", "Create", "Delete", "Describe", "Drop", "Grant", "Insert"),
    *("LoadData", "Merge", "Pragma", "Refresh", "Revoke", "Rollback", "Select", "Semicolon", "Set", "Subquery"),
    *("Transaction", "TruncateTable", "Union", "Update", "Use", "Values"),
}
"""What sqlglot calls the statements that it takes apart."""


def narrowing(text: str, dialect: str) -> Sequence[Statement]:
    """The statements of `text` that drop or narrow, or cannot be read, in their order.

    Only what a release before this one may stumble over counts: what is done to a table that this file makes does not.
    """
    if len(text) > LONGEST:
        return [Statement(1, f"cannot be read: longer than {LONGEST} characters", read=False)]
    text = _up(text)
    try:
        tokens = tokenize(text, dialect=dialect)
    except SqlglotError:
        return [Statement(1, "this is no SQL that can be read", read=False)]
    found: list[Statement] = []
    made: set[str] = set()
    for chunk in _chunks(tokens):
        source = text[chunk[0].start : chunk[-1].end + 1]
        try:
            parsed = Dialect.get_or_raise(dialect).parser(error_level=ErrorLevel.RAISE).parse(chunk, text)
        except (SqlglotError, RecursionError):  # nested too deeply
            parsed = [None]
        for tree in (exp.Command(this=source) if one is None else one for one in parsed):
            found.extend(Statement(chunk[0].line, what, read) for what, read in _told(tree, source, made))
            if isinstance(tree, exp.Create) and tree.kind == "TABLE" and not tree.args.get("exists"):
                made.add(_name(tree))
    return found


def _up(text: str) -> str:
    """The lines of the way up, at their places."""
    kept: list[str] = []
    down = False
    for line in text.splitlines():
        down = bool(DOWN.match(line)) or (down and not UP.match(line))
        kept.append("" if down else line)
    return "\n".join(kept)


def _chunks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of each statement."""
    chunk: list[Token] = []
    for token in tokens:
        if token.token_type.name == "SEMICOLON":
            if chunk:
                yield chunk
            chunk = []
        else:
            chunk.append(token)
    if chunk:
        yield chunk


def _told(tree: exp.Expr, source: str, made: set[str]) -> Iterator[tuple[str, bool]]:
    """What a statement drops or narrows, and whether it could be read."""
    if isinstance(tree, exp.Command):
        yield from _command(source)
    elif isinstance(tree, exp.Alter) and _name(tree) not in made:
        for action in tree.args.get("actions") or []:
            yield from ((what, True) for what in _action(action, tree.kind or "TABLE", _name(tree)))
    elif isinstance(tree, exp.Create) and tree.args.get("unique") and _table_of(tree) not in made:
        yield f"makes rows of {_table_of(tree)} unique", True
    elif isinstance(tree, exp.Create) and tree.kind == "TABLE" and tree.args.get("replace") and _name(tree) not in made:
        yield f"drops and makes anew the table {_name(tree)}", True
    elif type(tree).__name__ not in STATEMENTS:  # sqlglot takes `nonsense here` for a column with another name
        yield f"cannot be read: {_short(source)}", False
    else:
        yield from ((what, True) for what in _plain(tree, made))


def _command(source: str) -> Iterator[tuple[str, bool]]:
    if HARMFUL.match(source):
        yield f"drops, renames or narrows: {_short(source)}", True
    elif not HARMLESS.match(source):
        yield f"cannot be read: {_short(source)}", False


def _short(source: str) -> str:
    return " ".join(source.split())[:60]


def _plain(tree: exp.Expr, made: set[str]) -> Iterator[str]:
    """Statements that are no ALTER."""
    if isinstance(tree, exp.Drop):
        for name in _dropped(tree):
            if tree.kind != "INDEX" and name not in made:
                yield f"drops the {(tree.kind or 'object').lower()} {name}"
    elif isinstance(tree, exp.TruncateTable):
        yield f"empties {', '.join(table.sql() for table in tree.expressions)}"
    elif isinstance(tree, exp.Revoke):
        yield "takes a right away"
    for delete in tree.find_all(exp.Delete):
        where = delete.args.get("where")
        if (where is None or where.find(exp.Column) is None) and _name(delete) not in made:
            yield f"deletes every row of {_name(delete)}"


def _action(action: exp.Expr, kind: str, table: str) -> Iterator[str]:
    """One action of an ALTER."""
    if isinstance(action, exp.Drop) and action.kind not in ("CONSTRAINT", "INDEX", "FOREIGN KEY"):
        for name in _dropped(action):
            yield f"drops the {(action.kind or 'column').lower()} {table}.{name}"
    elif isinstance(action, exp.AlterColumn | exp.ModifyColumn):
        yield from _column(action, f"{table}.{action.this.name}")
    elif isinstance(action, exp.AlterRename | exp.RenameColumn) and kind != "INDEX":
        yield f"renames {table}" + (f".{action.this.name}" if isinstance(action, exp.RenameColumn) else "")
    elif isinstance(action, exp.AddConstraint):
        if not all(isinstance(item, exp.IndexColumnConstraint) for item in action.expressions):  # MySQL's index
            yield f"adds a constraint to {table}, which the release before may break"
    elif isinstance(action, exp.ColumnDef) and _must_be_filled(action):
        yield f"adds the column {table}.{action.name}, which must be filled and has no default"


def _column(action: exp.Expr, name: str) -> Iterator[str]:
    if action.args.get("rename_from") is not None:
        yield f"renames {name}"
    if action.args.get("dtype") is not None or isinstance(action, exp.ModifyColumn):
        yield f"changes the type of {name}"
    elif action.args.get("allow_null") is False:
        yield f"{name} must be filled from now on"
    elif action.args.get("drop") and not action.args.get("allow_null"):
        yield f"{name} has no default any more"


def _must_be_filled(column: exp.ColumnDef) -> bool:
    """Whether a new column takes a value from everybody who inserts a row."""
    kinds = [constraint.kind for constraint in column.constraints]
    given = exp.DefaultColumnConstraint | exp.GeneratedAsIdentityColumnConstraint | exp.ComputedColumnConstraint
    needed = any(isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null") for kind in kinds)
    return needed and not any(isinstance(kind, given) for kind in kinds)


def _dropped(tree: exp.Expr) -> list[str]:
    return [item.sql() for item in tree.args.get("tables") or [] if item is not None]


def _table_of(tree: exp.Expr) -> str:
    """The table of an index."""
    table = tree.find(exp.Table)
    return "a table" if table is None else str(table.sql())


def _name(tree: exp.Expr) -> str:
    """The table that a statement is about, as it is written."""
    table = tree.this if isinstance(tree.this, exp.Table) else tree.find(exp.Table)
    return "a table" if table is None else str(table.sql())
