"""Row counts and checksums as an integrity check prints them, and what was lost between two of them.

Two forms, by the whole of what is printed: one line each, `name rows [checksum]`; or a JSON object, name to
`{"rows": 120, "checksum": "9a3f"}`, where the checksum may be left out. Anything else is compared as a text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from releasegate.runbook.outside import shown

LINE = re.compile(r"(\S+)\s+(\d{1,18})(?:\s+(\S+))?")


@dataclass(frozen=True, slots=True)
class Table:
    """What was counted of one table."""

    rows: int
    checksum: str | None = None


def read(text: str) -> Mapping[str, Table] | None:
    """The tables in what a check printed, or None where it is not in this form."""
    return _from_json(text) if text.lstrip().startswith("{") else _from_lines(text)


def losses(before: str, after: str) -> Iterator[str]:
    """What was there before and is not now, one clause each.

    Rows may be added, since other people go on working; a table that was empty may go. A checksum counts only while
    the number of rows is the same.
    """
    old, new = read(before), read(after)
    if old is None:
        if before != after:
            yield f"{shown(before)!r} before, {shown(after)!r} now"
    elif new is None:
        yield f"counts before, {shown(after)!r} now"
    else:
        for name, table in old.items():
            yield from _lost(name, table, new.get(name))


def _lost(name: str, old: Table, new: Table | None) -> Iterator[str]:
    if new is None:
        if old.rows:
            yield f"{name}: {old.rows} rows before, nothing is told of it now"
    elif new.rows < old.rows:
        yield f"{name}: {old.rows} rows before, {new.rows} now"
    elif old.checksum is not None and new.checksum is None:
        yield f"{name}: checksum {old.checksum} before, none now"
    elif old.checksum is not None and new.rows == old.rows and new.checksum != old.checksum:
        yield f"{name}: {old.rows} rows as before, but checksum {old.checksum} before, {new.checksum} now"


def _from_lines(text: str) -> Mapping[str, Table] | None:
    found = [LINE.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    tables = {match[1]: Table(int(match[2]), match[3]) for match in found if match is not None}
    return tables if tables and len(tables) == len(found) else None


def _from_json(text: str) -> Mapping[str, Table] | None:
    try:
        told = json.loads(text)
        return {name: Table(_rows(one["rows"]), _checksum(one.get("checksum"))) for name, one in told.items()} or None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _rows(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def _checksum(value: object) -> str | None:
    return None if value is None else str(value)
