"""`releasegate flags lint`: what is wrong with a flag file although every parser takes it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

import click

from releasegate.cli.app import App, pass_app
from releasegate.cli.flag_file import DEFAULT_FILE, flag_path, in_repository
from releasegate.cli.gate import conclude
from releasegate.cli.gate_outputs import Judging
from releasegate.errors import InputError
from releasegate.flags.document import DIALECTS, LARGEST, FlagFile
from releasegate.flags.flagd_runtime import GENERATIONS
from releasegate.flags.lint import Context, lint_file
from releasegate.policy.model import Policy
from releasegate.verdict import Evidence, Verdict
from releasegate.verdict import conclude as outcome_of

LARGEST_SOURCE = 10_000_000
"""Bytes above which a file of the code is not looked through."""


@click.command(cls=Judging)
@click.option("--file", "path", metavar="FILE", help=f"Else the policy's, then {DEFAULT_FILE}.")
@click.option("--dialect", type=click.Choice(list(DIALECTS)), help="By the file's shape where it is left out.")
@click.option("--base", metavar="REVISION", help="Compare the order of the buckets with the file there (F014).")
@click.option(
    "--code", metavar="GLOB", multiple=True, help="Files whose flags have to be there (F013); with --pattern."
)
@click.option("--pattern", metavar="REGEX", help="How the code asks for a flag: its one group is the name.")
@click.option("--consumer", metavar="NAME=HASH", multiple=True, help=f"Who evaluates it: {' or '.join(GENERATIONS)}.")
@pass_app
def lint(app: App, /, path: str | None, dialect: str | None, base: str | None, **more: Any) -> int:
    """Find what silently serves other users than was meant: F001 to F015."""
    started = app.now()
    policy = app.find_policy()
    found = flag_path(path, policy)
    content = app.read(found, limit=LARGEST)
    context = Context(
        today=started.date(),
        kill_flag=policy.kill_switch.flag if policy and policy.kill_switch else None,
        base=_base(app, found, base, dialect),
        used=dict(_used(app, policy, more["code"], more["pattern"])),
        consumers=_consumers(policy, more["consumer"]),
    )
    findings = lint_file(content, found, context, dialect)
    told = f"{len(findings)} remark{'' if len(findings) == 1 else 's'} on {found}"
    verdict = Verdict(
        gate="flags", verdict=outcome_of(findings), summary=told, findings=findings,
        evidence=(Evidence.of(found, content),), started=started, finished=app.now(),
    )  # fmt: skip
    return conclude(app, verdict, found)


def _base(app: App, path: str, revision: str | None, dialect: str | None) -> FlagFile | None:
    """The file at another revision; None where it was not there yet."""
    if revision is None:
        return None
    found = app.forge().read(in_repository(app, path), revision)
    return None if found is None else FlagFile.parse(found.content, path, dialect)


def _consumers(policy: Policy | None, given: Sequence[str]) -> dict[str, str]:
    if not given:
        return dict(policy.flags.consumers) if policy else {}
    consumers = {}
    for pair in given:
        name, _, generation = pair.partition("=")
        if generation not in GENERATIONS:
            raise click.UsageError(f"`{pair}`: write NAME={' or NAME='.join(GENERATIONS)}")
        consumers[name] = generation
    return consumers


def _used(app: App, policy: Policy | None, globs: Sequence[str], pattern: str | None) -> Iterator[tuple[str, str]]:
    """The flags that the code asks for, each with the first place where it does."""
    references = policy.flags.references if policy else None
    globs = globs or (references.paths if references else ())
    pattern = pattern or (references.pattern if references else None)
    if not globs:
        return
    if pattern is None:
        raise click.UsageError("--code needs --pattern: how the code asks for a flag")
    compiled, seen = _compiled(pattern), set[str]()
    for file in sorted({file for glob in globs for file in _matching(app, glob)}):
        shown = file.relative_to(app.directory).as_posix()
        text = app.read(shown, limit=LARGEST_SOURCE).decode("utf-8", "replace")
        for match in compiled.finditer(text):
            if match[1] not in seen:
                seen.add(match[1])
                yield match[1], f"{shown}:{text.count(chr(10), 0, match.start()) + 1}:1"


def _matching(app: App, glob: str) -> list[Path]:
    """The files below the folder that match; `InputError` where there are none: a typo is no clean bill of health."""
    try:
        inside = ".." not in PurePath(glob).parts
        found = [file for file in app.directory.glob(glob) if file.is_file()] if inside else []
    except (ValueError, NotImplementedError):  # empty, or from the root
        found = []
    if not found:
        raise InputError(
            f"no file of the code matches `{glob}`", remedy="write a glob below this folder, such as src/**/*.py"
        )
    return found


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"`{pattern}` is no regular expression: {error}") from error
    if compiled.groups != 1:
        raise InputError(f"`{pattern}` needs exactly one group, for the flag's name")
    return compiled
