"""GitHub Actions: who started the job, and what a step hands on to those after it (outside of Actions, nothing)."""

import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from releasegate.errors import OutsideError


def runner_identity(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The name and GitHub's own no-reply address of whoever started the job; None outside of Actions."""
    login, number = environ.get("GITHUB_ACTOR"), environ.get("GITHUB_ACTOR_ID")
    if environ.get("GITHUB_ACTIONS") != "true" or not login:
        return None
    return login, f"{f'{number}+' if number else ''}{login}@users.noreply.github.com"


MOST_SUMMARY = 200_000
"""Characters of text in a step's summary; GitHub refuses one of 1 MiB."""


def workflow_command(name: str, message: str) -> str:
    """A command for the runner on one line: a message cannot begin another one."""
    return f"::{name} title=releasegate::{escaped(message)}"


def escaped(message: str) -> str:
    """The text of a workflow command, on one line."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def append_summary(environ: Mapping[str, str], texts: Sequence[str], markdown: str = "") -> None:
    """Show texts in the step's summary, as text: no Markdown and no HTML in them is read as such. Then `markdown`."""
    file = environ.get("GITHUB_STEP_SUMMARY")
    if not file or not texts:
        return
    shown = "\n".join(texts)[:MOST_SUMMARY]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    _write(file, f"{fence}text\n{shown}\n{fence}\n{markdown}")


def set_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Write the step's `outputs`."""
    _append(environ.get("GITHUB_OUTPUT"), outputs)


def set_environment(environ: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Set `variables` in the environment of the job's later steps."""
    _append(environ.get("GITHUB_ENV"), variables)


def _append(file: str | None, values: Mapping[str, str]) -> None:
    """Append in the heredoc form, whose delimiter nobody can foresee: a value cannot smuggle in another name."""
    if not file:
        return
    entries = []
    for name, value in values.items():
        delimiter = f"end-{secrets.token_hex(16)}"
        entries.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _write(file, "".join(entries))


def _write(file: str, text: str) -> None:
    try:
        with Path(file).open("a", encoding="utf-8", errors="replace") as out:
            out.write(text)
    except OSError as error:
        raise OutsideError(f"the runner's file cannot be written: {error.strerror}", where=file) from error
