"""Alembic migrations to the operations that drop or narrow, by their syntax tree: the file is not executed."""

import ast
from collections.abc import Iterable, Iterator

from releasegate.migrations.calls import called, calls, constant, executed, given, method, text
from releasegate.migrations.statement import Script, Statement

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
EXECUTES = {"execute", "exec_driver_sql", "executemany", "executescript"}
"""What hands SQL over: of `op`, a connection, a session or a cursor."""
BRANCHES = (
    *(ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.Try, ast.TryStar, ast.For, ast.While),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
)
"""What stands in them may run, or may not."""


def read(module: ast.Module, dialect: str) -> Script | None:
    """The migration, or None where it is none: no function `upgrade`."""
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    ups = [name for name in functions if name == "upgrade" or name.startswith("upgrade_")]
    if not ups:
        return None
    seen: set[str] = set()
    statements = [one for up in ups for one in _judged(_run(functions, up, seen), dialect)]
    empty = all(_is_empty(functions[name]) for name in ups)
    return Script(statements, empty, None if empty else _no_way_back(functions))


def _run(functions: dict[str, ast.FunctionDef], name: str, seen: set[str]) -> Iterator[tuple[ast.Call, bool]]:
    """The calls of a function and of the helpers that it runs through, as they run, and whether each surely does."""
    if name not in functions or name in seen:
        return
    seen.add(name)
    body = functions[name]
    branches = [node for node in ast.walk(body) if isinstance(node, BRANCHES) and node is not body]
    maybe = {id(call) for branch in branches for call in calls(branch)}
    for call in calls(body):
        yield call, id(call) not in maybe
        if isinstance(call.func, ast.Name):
            for inner, surely in _run(functions, call.func.id, seen):
                yield inner, surely and id(call) not in maybe


def _judged(run: Iterable[tuple[ast.Call, bool]], dialect: str) -> Iterator[Statement]:
    """What the calls drop or narrow; what is done to a table after it was surely made here does not count."""
    made: set[str] = set()
    for call, surely in run:
        table = _table(call)
        if method(call) == "rename_table" or table not in made:
            yield from _told(call, dialect)
        if method(call) == "create_table" and table is not None and surely and "if_not_exists" not in given(call):
            made.add(table)


def _table(call: ast.Call) -> str | None:
    """The table that an operation on `op` names, with its schema; None where the text alone does not tell."""
    name, names = method(call), [one.value if isinstance(one, ast.Constant) else None for one in call.args]
    if len(names) < {"create_table": 1, "drop_table": 1, "create_foreign_key": 5}.get(name, 2):  # a batch names none
        return None
    table = names[1] if name.startswith("create_") and name != "create_table" else names[0]
    schema = [ast.unparse(one.value) for one in call.keywords if one.arg in ("schema", "source_schema")]
    return ".".join([*schema, table]) if isinstance(table, str) else None


def _told(call: ast.Call, dialect: str) -> Iterator[Statement]:
    """What one call drops or narrows."""
    name = method(call)
    first = text(call.args[0]) if call.args else ""
    if name in EXECUTES:
        yield from executed(call.args[0] if call.args else None, call.lineno, dialect)
    elif name in NARROWS:
        columns = name == "drop_column" and len(call.args) > 1
        yield Statement(call.lineno, NARROWS[name].format(f"{first}.{text(call.args[1])}" if columns else first))
    elif name == "create_index" and constant(call, "unique") is True:
        yield Statement(call.lineno, "makes rows unique, which the release before may break")
    elif name == "add_column":
        yield from _column(call)
    elif name == "alter_column":
        yield from (Statement(call.lineno, what) for what in _altered(call, ".".join(map(text, call.args[:2]))))


def _altered(call: ast.Call, name: str) -> Iterator[str]:
    values = {keyword.arg: keyword.value for keyword in call.keywords}
    if constant(call, "nullable") is False:
        yield f"{name} must be filled from now on"
    if "type_" in values:
        yield f"changes the type of {name}"
    if "new_column_name" in values:
        yield f"renames {name}"
    default = values.get("server_default")
    if isinstance(default, ast.Constant) and default.value is None:
        yield f"{name} has no default any more"


def _column(call: ast.Call) -> Iterator[Statement]:
    """A new column that everybody who inserts a row must fill."""
    for column in (argument for argument in call.args if isinstance(argument, ast.Call)):
        computed = any(isinstance(part, ast.Call) and called(part) in ("Computed", "Identity") for part in column.args)
        if constant(column, "nullable") is False and "server_default" not in given(column) and not computed:
            name = text(column.args[0]) if column.args else "?"
            what = f"adds the column {name}, which must be filled and has no default in the database"
            yield Statement(call.lineno, what)


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
