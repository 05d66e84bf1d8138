"""The forms, beside text and JSON, in which every gate's verdict can be had."""

from collections.abc import Sequence
from typing import Any

import click

from releasegate.cli.app import POLICY_PATHS, App, Verb, to_json
from releasegate.errors import InputError
from releasegate.verdict import Verdict

ANCHORS = (*POLICY_PATHS, ".zap/rules.tsv", "lighthouserc.json", "README.md", "README.rst", "README")
"""Files that a SARIF result may point at where its finding lies in no file of the checkout."""
_META = "releasegate.outputs"
_HELP = {
    "sarif": "Write SARIF for code scanning.",
    "sarif_anchor": "The file of the checkout that SARIF results without one point at.",
    "junit": "Write JUnit XML.",
    "markdown": "Append Markdown, as to $GITHUB_STEP_SUMMARY.",
}


class Judging(Verb):
    """A command that ends in `cli.gate.conclude` and takes the options of the outputs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, text in _HELP.items():
            option = f"--{name.replace('_', '-')}"
            self.params.append(click.Option([option], metavar="FILE", expose_value=False, callback=_keep, help=text))
        self.params.append(
            click.Option(
                ["--annotations"], is_flag=True, expose_value=False, callback=_keep, help="Annotate the GitHub run."
            )
        )


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    ctx.meta.setdefault(_META, {})[param.name] = value


def write_outputs(app: App, verdicts: Sequence[Verdict], anchor: str | None = None) -> None:
    """Write what the command line asked for; `InputError` where a file cannot be written.

    `anchor` is one more file that a SARIF result may point at.
    """
    context = click.get_current_context(silent=True)
    asked = context.meta.get(_META, {}) if context else {}
    if asked.get("sarif"):
        from releasegate.render.sarif import sarif  # noqa: PLC0415  only where it is asked for

        log = sarif(verdicts, _anchor(app, asked.get("sarif_anchor"), anchor), lambda path: _is_file(app, path))
        app.write(asked["sarif"], to_json(log).encode())
    if asked.get("junit"):
        from releasegate.render.junit import junit  # noqa: PLC0415  only where it is asked for

        app.write(asked["junit"], junit(verdicts))
    if asked.get("markdown"):
        from releasegate.render.markdown import markdown  # noqa: PLC0415  only where it is asked for

        app.write(asked["markdown"], f"{markdown(verdicts)}\n".encode(), append=True)
    if asked.get("annotations"):
        from releasegate.render.annotations import annotations  # noqa: PLC0415  only where it is asked for

        for line in annotations(verdicts, lambda path: _is_file(app, path)):
            app.annotate(line)


def _is_file(app: App, path: str) -> bool:
    try:
        return (app.directory / path).is_file()
    except ValueError:  # a report may hold a null character where a path is
        return False


def _anchor(app: App, asked: str | None, known: str | None) -> str:
    """A file of the checkout, relative to it."""
    paths = (asked,) if asked else (*ANCHORS, known or "")
    found = next((path for path in paths if _is_file(app, path)), None)
    if found is None or found.startswith("/") or ".." in found.split("/"):
        raise InputError(
            "GitHub shows a SARIF result only in a file of the checkout",
            where=asked,
            remedy="name one, by its path from the root, with --sarif-anchor",
        )
    return found
