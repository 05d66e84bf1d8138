"""What the readers of Python migrations share: calls and their arguments, in a syntax tree that is never executed."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from releasegate.migrations.statement import Statement

UNREAD = "executes what only its own run knows"


def calls(body: ast.AST) -> list[ast.Call]:
    """Every call, in the order of the text."""
    found = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def method(call: ast.Call) -> str:
    """The name of what is called on something: `drop_column` of `op.drop_column(…)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def called(call: ast.Call) -> str:
    """The name of what is called, on something or by itself."""
    return method(call) or (call.func.id if isinstance(call.func, ast.Name) else "")


def constant(call: ast.Call, name: str) -> Any:
    """A keyword's value, where it is a constant."""
    found = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    return found.value if isinstance(found, ast.Constant) else None


def given(call: ast.Call) -> set[str]:
    """The names of the keywords."""
    return {keyword.arg for keyword in call.keywords if keyword.arg is not None}


def text(node: ast.expr) -> str:
    """An argument as a person reads it."""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)[:60]


def executed(sql: ast.expr | None, line: int, dialect: str) -> Iterator[Statement]:
    """What SQL drops or narrows that is handed over as a text, plain or in `sa.text(…)`."""
    if isinstance(sql, ast.Call) and sql.args:
        sql = sql.args[0]
    if isinstance(sql, ast.Constant) and isinstance(sql.value, str):
        from releasegate.migrations.sql import narrowing  # noqa: PLC0415  sqlglot: a tenth of a second

        for found in narrowing(sql.value, dialect):
            yield replace(found, line=sql.lineno + found.line - 1)
    else:
        yield Statement(line, UNREAD, read=False)
