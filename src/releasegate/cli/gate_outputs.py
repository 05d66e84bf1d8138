"""The forms, beside text and JSON, in which every gate's verdict can be had."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
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

        log = sarif(verdicts, _anchor(app, asked.get("sarif_anchor"), anchor), partial(_in_checkout, app))
        app.write(asked["sarif"], to_json(log).encode())
    if asked.get("junit"):
        from releasegate.render.junit import junit  # noqa: PLC0415  only where it is asked for

        app.write(asked["junit"], junit(verdicts))
    if asked.get("markdown"):
        from releasegate.render.markdown import markdown  # noqa: PLC0415  only where it is asked for

        app.write(asked["markdown"], f"{markdown(verdicts)}\n".encode(), append=True)
    if asked.get("annotations"):
        from releasegate.render.annotations import annotations  # noqa: PLC0415  only where it is asked for

        for line in annotations(verdicts, partial(_in_checkout, app)):
            app.annotate(line)


def _in_checkout(app: App, path: str) -> str | None:
    """The address of a file from the root of the checkout, which may lie above the folder that is worked in.

    None where there is no such file, or not in the checkout.
    """
    here = app.directory.absolute()
    root = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    file = Path(os.path.normpath(here / path))
    try:
        return file.relative_to(root).as_posix() if file.is_file() else None
    except ValueError:  # it lies elsewhere, or a report has a null character where a path is
        return None


def _anchor(app: App, asked: str | None, known: str | None) -> str:
    """A file of the checkout, from its root."""
    paths = (asked,) if asked else (*ANCHORS, known or "")
    anchor = next((found for path in paths if (found := _in_checkout(app, path))), None)
    if anchor is None:
        raise InputError(
            "GitHub shows a SARIF result only in a file of the checkout",
            where=asked,
            remedy="name one, by its path from here, with --sarif-anchor",
        )
    return anchor
