"""The JSON Schema of the verdict document."""

from typing import Any

from releasegate.verdict import SCHEMA, Level, Outcome

TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
MOMENT = {"type": "string", "format": "date-time", "description": "RFC 3339, UTC"}


def verdict_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `releasegate/verdict/1`, which every gate prints with `--format json`."""
    finding = {
        "check": TEXT,
        "level": {"enum": [level.value for level in Level]},
        "title": TEXT,
        "expected": TEXT,
        "observed": TEXT,
        "where": TEXT,
        "waived": TEXT_OR_NULL,
        "details": {"type": "object"},
    }
    evidence = {
        "path": TEXT,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "bytes": {"type": "integer", "minimum": 0},
    }
    verdict = {
        "schema": {"const": SCHEMA},
        "gate": TEXT,
        "verdict": {"enum": [outcome.value for outcome in Outcome]},
        "summary": TEXT,
        "findings": {"type": "array", "items": _object(finding)},
        "evidence": {"type": "array", "items": _object(evidence)},
        "subject": _object({"tag": TEXT_OR_NULL, "commit": TEXT_OR_NULL}),
        "started": MOMENT,
        "finished": MOMENT,
        "releasegate": TEXT,
    }
    # A compatibility mode adds members of its own.
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        **_object(verdict),
        "additionalProperties": True,
    }


def _object(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}
