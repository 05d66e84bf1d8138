"""`releasegate schema`."""

import json
from pathlib import Path
from typing import Any

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.errors import InputError

FLAGS = Path("feature-flags") / "plain.schema.json"


@click.command("schema", cls=Verb)
@click.argument("name", type=click.Choice(["policy", "verdict", "flags"]))
@pass_app
def schema(app: App, name: str) -> int:
    """Print the JSON Schema of a policy, a verdict or a flag file."""
    document = _schema(name)
    app.emit(document, json.dumps(document, indent=2, ensure_ascii=False))
    return 0


def _schema(name: str) -> dict[str, Any]:
    from releasegate.policy.schema import policy_schema  # noqa: PLC0415  keeps `--help` fast
    from releasegate.render.verdict_schema import verdict_schema  # noqa: PLC0415

    if name == "flags":
        return _flags_schema()
    return policy_schema() if name == "policy" else verdict_schema()


def _flags_schema() -> dict[str, Any]:
    """The flag file's schema, which lies beside the action that sets flags."""
    for root in Path(__file__).resolve().parents:
        if (root / FLAGS).is_file():
            document: dict[str, Any] = json.loads((root / FLAGS).read_bytes())
            return document
    raise InputError(f"{FLAGS} is not part of this installation", remedy="it lies in releasegate's repository")
