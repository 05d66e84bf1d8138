"""Django migrations to the operations that drop or narrow, by their syntax tree: the file is not executed."""

import ast
from collections.abc import Iterator, Sequence

from releasegate.migrations.calls import UNREAD, called, constant, executed, given, text
from releasegate.migrations.statement import Script, Statement

NARROWS = {
    "DeleteModel": "drops the table of {}",
    "RemoveField": "drops the column {}",
    "RenameModel": "renames {}",
    "RenameField": "renames {}",
    "AlterModelTable": "renames the table of {}",
    "AlterField": "changes {}",
    "AddConstraint": "adds a constraint to {}, which the release before may break",
    "AlterUniqueTogether": "adds a constraint to {}, which the release before may break",
}
HARMLESS = {"CreateModel", "AddIndex", "RemoveIndex", "RenameIndex", "RemoveConstraint", "AlterModelOptions"}
HARMLESS |= {"AlterModelManagers", "AlterModelTableComment", "AddField"}
ON_FIELD = {"RemoveField", "RenameField", "AlterField", "AddField"}
KEPT_APART = {"ManyToManyField", "GeneratedField", "GenericRelation"}
"""Fields that nobody fills who inserts a row."""


def read(module: ast.Module, dialect: str) -> Script | None:
    """The migration, or None where it is none: no class `Migration`."""
    found = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Migration"]
    if not found:
        return None
    listed = [value for node in found[0].body if (value := _assigned(node)) is not None]
    operations = [one for value in listed for one in _operations(value)]
    known = [one for one in operations if isinstance(one, ast.Call)]
    unread = [Statement(one.lineno, UNREAD, read=False) for one in operations if not isinstance(one, ast.Call)]
    statements: list[Statement] = []
    made: set[str | None] = set()
    for call in known:
        if called(call) == "CreateModel":
            made.add(_model(call))
        if _model(call) not in made:
            statements += _told(call, dialect)
    return Script([*unread, *statements], not operations, _no_way_back(known))


def _assigned(node: ast.stmt) -> ast.expr | None:
    """What a statement makes of `operations`."""
    if isinstance(node, ast.Assign):
        return node.value if any(ast.unparse(target) == "operations" for target in node.targets) else None
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return node.value if ast.unparse(node.target) == "operations" else None
    return None


def _operations(listed: ast.expr) -> Iterator[ast.expr]:
    """The operations on the database, one by one; what is no plain list is given as it is."""
    if not isinstance(listed, ast.List):
        yield listed
        return
    for one in listed.elts:
        if isinstance(one, ast.Call) and called(one) == "SeparateDatabaseAndState":
            inner = _argument(one, 0, "database_operations")
            yield from _operations(inner) if inner is not None else ()
        else:
            yield one


def _told(call: ast.Call, dialect: str) -> Iterator[Statement]:
    """What one operation drops or narrows."""
    name = called(call)
    if name in NARROWS:
        yield Statement(call.lineno, NARROWS[name].format(_about(call)))
    elif name == "AddField" and _must_be_filled(call):
        what = f"adds the column {_about(call)}, which must be filled and has no default in the database"
        yield Statement(call.lineno, what)
    elif name == "RunSQL":
        yield from executed(_argument(call, 0, "sql"), call.lineno, dialect)
    elif name not in HARMLESS:
        yield Statement(call.lineno, UNREAD, read=False)


def _must_be_filled(call: ast.Call) -> bool:
    """Whether a new column takes a value from the release before: Django's own default is not in the database."""
    field = _argument(call, 2, "field")
    if not isinstance(field, ast.Call):
        return True
    return constant(field, "null") is not True and "db_default" not in given(field) and called(field) not in KEPT_APART


def _no_way_back(operations: Sequence[ast.Call]) -> str | None:
    for call in operations:
        name, way = called(call), {"RunSQL": (1, "reverse_sql"), "RunPython": (1, "reverse_code")}
        if name in way and _argument(call, *way[name]) is None:
            return f"its {name} on line {call.lineno} has no {way[name][1]}"
    return None


def _argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    if len(call.args) > position:
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _model(call: ast.Call) -> str | None:
    """The model that an operation is about, in small letters, as Django compares them."""
    found = _argument(call, 0, "model_name") or _argument(call, 0, "name")
    return None if found is None else text(found).lower()


def _about(call: ast.Call) -> str:
    """`model` or `model.field`."""
    parts = [_argument(call, 0, "model_name") or _argument(call, 0, "old_name") or _argument(call, 0, "name")]
    if called(call) in ON_FIELD:
        parts.append(_argument(call, 1, "name") or _argument(call, 1, "old_name"))
    return ".".join(text(part) for part in parts if part is not None)
