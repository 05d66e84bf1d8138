"""Files that people write, as plain values: JSON, or YAML by the file's name. Duplicate keys are refused.

YAML is read by its 1.2 rules as far as booleans go: `off` and `on` are words, since in a list of levels they are.
"""

import json
from typing import Any

from releasegate.errors import InputError

LARGEST = 1_000_000
"""Bytes; people write smaller files."""


def read_document(content: bytes, path: str) -> Any:
    """The value of the file at `path`; `InputError` with its line and column where the parser tells them."""
    try:
        text = content.decode("utf-8-sig")
        if path.endswith((".yaml", ".yml")):
            from releasegate.gates.document_yaml import read_yaml  # noqa: PLC0415  most files are JSON

            return read_yaml(text, path)
        return _read_json(text)
    except UnicodeEncodeError as error:
        raise InputError(
            "holds half a character (a lone surrogate, \\ud800 to \\udfff)", where=path, remedy="write the whole one"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8", where=path, remedy="save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise InputError(f"is no JSON: {error.msg}", where=f"{path}:{error.lineno}:{error.colno}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}"[:300], where=path, remedy="correct the file") from error


def _read_json(text: str) -> Any:
    document = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    json.dumps(document, ensure_ascii=False).encode()  # half a character could be written to no output
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"duplicate key `{twice}`")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
