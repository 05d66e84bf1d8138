"""Alembic migrations to the operations that drop or narrow, by their syntax tree: the file is not executed."""

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from releasegate.migrations.sql import narrowing as narrowing_sql
from releasegate.migrations.statement import Statement

NARROWS = {
    "drop_table": "drops the table {}",
    "drop_column": "drops the column {}",
    "rename_table": "renames {}",
    "create_check_constraint": "adds a constraint ({}), which the release before may break",
    "create_exclude_constraint": "adds a constraint ({}), which the release before may break",
    "create_foreign_key": "adds a constraint ({}), which the release before may break",
    "create_primary_key": "adds a constraint ({}), which the release before may break",
    "create_unique_constraint": "adds a constraint ({}), which the release before may break",
}
ON_TABLE = {"drop_column", "rename_table", "drop_table"}
"""Operations whose first argument is the table."""


@dataclass(frozen=True, slots=True)
class Script:
    """An Alembic migration, as far as its text tells."""

    statements: Sequence[Statement]
    """What its way up drops or narrows, or what cannot be read of it."""
    empty: bool
    """Whether its way up does nothing, as that of a merge."""
    no_way_back: str | None
    """Why its way down cannot work, if that can be seen."""


def read(text: str, dialect: str) -> Script | None:
    """The migration in `text`, or None where it is none: no function `upgrade`.

    `SyntaxError` or `ValueError` if it is no Python; `RecursionError` or `MemoryError` if it is nested too deeply.
    """
    with warnings.catch_warnings(action="ignore"):  # of escapes in somebody else's texts
        module = ast.parse(text)
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    ups = [name for name in functions if name == "upgrade" or name.startswith("upgrade_")]
    if not ups:
        return None
    bodies = _reached(functions, ups)
    made = {_text(call.args[0]) for body in bodies for call in _calls(body) if _method(call) == "create_table"}
    statements = [found for body in bodies for call in _calls(body) for found in _told(call, dialect, made)]
    empty = all(_is_empty(functions[name]) for name in ups)
    return Script(statements, empty, None if empty else _no_way_back(functions))


def _reached(functions: dict[str, ast.FunctionDef], first: Sequence[str]) -> list[ast.FunctionDef]:
    """The functions that the way up runs through."""
    seen: list[str] = []
    ahead = list(first)
    while ahead:
        name = ahead.pop(0)
        if name in functions and name not in seen:
            seen.append(name)
            ahead += [call.func.id for call in _calls(functions[name]) if isinstance(call.func, ast.Name)]
    return [functions[name] for name in seen]


def _calls(body: ast.AST) -> list[ast.Call]:
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _method(call: ast.Call) -> str:
    """The name of what is called on something: `op.drop_column`, `batch.drop_column`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _told(call: ast.Call, dialect: str, made: set[str]) -> Iterator[Statement]:
    """What one call drops or narrows."""
    method = _method(call)
    first = _text(call.args[0]) if call.args else ""
    new_table = bool(call.args) and first in made and method not in ("execute", "rename_table")
    if method == "execute":
        yield from _executed(call, dialect)
    elif new_table:
        return
    elif method in NARROWS:
        columns = method == "drop_column" and len(call.args) > 1
        yield Statement(call.lineno, NARROWS[method].format(f"{first}.{_text(call.args[1])}" if columns else first))
    elif method == "create_index" and _keyword(call, "unique") is True:
        yield Statement(call.lineno, "makes rows unique, which the release before may break")
    elif method == "add_column":
        yield from _column(call)
    elif method == "alter_column":
        yield from (Statement(call.lineno, what) for what in _altered(call, ".".join(map(_text, call.args[:2]))))


def _altered(call: ast.Call, name: str) -> Iterator[str]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if _keyword(call, "nullable") is False:
        yield f"{name} must be filled from now on"
    if "type_" in given:
        yield f"changes the type of {name}"
    if "new_column_name" in given:
        yield f"renames {name}"
    default = given.get("server_default")
    if isinstance(default, ast.Constant) and default.value is None:
        yield f"{name} has no default any more"


def _column(call: ast.Call) -> Iterator[Statement]:
    """A new column that everybody who inserts a row must fill."""
    for column in (argument for argument in call.args if isinstance(argument, ast.Call)):
        given = {keyword.arg for keyword in column.keywords}
        computed = any(isinstance(part, ast.Call) and _is_given(part) for part in column.args)
        if _keyword(column, "nullable") is False and "server_default" not in given and not computed:
            name = _text(column.args[0]) if column.args else "?"
            what = f"adds the column {name}, which must be filled and has no default in the database"
            yield Statement(call.lineno, what)


def _is_given(part: ast.Call) -> bool:
    name = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
    return name in ("Computed", "Identity")


def _executed(call: ast.Call, dialect: str) -> Iterator[Statement]:
    """SQL that is handed over as a text, plain or in `sa.text`."""
    given = call.args[0] if call.args else None
    if isinstance(given, ast.Call) and given.args:
        given = given.args[0]
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        for found in narrowing_sql(given.value, dialect):
            yield replace(found, line=given.lineno + found.line - 1)
    else:
        yield Statement(call.lineno, "executes what only its own run knows", read=False)


def _no_way_back(functions: dict[str, ast.FunctionDef]) -> str | None:
    """Why the way down cannot work."""
    downs = [node for name, node in functions.items() if name == "downgrade" or name.startswith("downgrade_")]
    if not downs:
        return "it has no downgrade"
    if all(_is_empty(node) for node in downs):
        return "its downgrade does nothing"
    raised = next((node for down in downs for node in down.body if isinstance(node, ast.Raise)), None)
    return None if raised is None else f"its downgrade raises on line {raised.lineno}"


def _is_empty(function: ast.FunctionDef) -> bool:
    """Whether there is nothing but a docstring and `pass`."""
    return all(
        isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in function.body
    )


def _keyword(call: ast.Call, name: str) -> Any:
    """A keyword's value, where it is a constant."""
    found = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    return found.value if isinstance(found, ast.Constant) else None


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)[:60]
