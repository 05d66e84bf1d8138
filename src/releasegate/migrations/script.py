"""A migration that is written in Python, read by its syntax tree: Alembic's or Django's."""

import ast
import warnings

from releasegate.migrations import alembic, django
from releasegate.migrations.statement import Script, Statement


def read(text: str, dialect: str) -> Script:
    """The migration in `text`; what is neither Alembic's nor Django's, or no Python, is unread."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in somebody else's texts
            module = ast.parse(text)
        found = alembic.read(module, dialect) or django.read(module, dialect)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Script([Statement(1, "this is no Python that can be read", read=False)])
    return found or Script([Statement(1, "this is neither Alembic's nor Django's", read=False)])
