"""`releasegate flags`: read a flag file, change it by the smallest edit, prove what a flag does."""

from collections.abc import Callable
from typing import Any

import click

from releasegate.cli.app import App, Noun, pass_app
from releasegate.cli.flag_change import Options, change, once, pairs, restore
from releasegate.cli.flag_file import DEFAULT_FILE, about, read_flags, state_of
from releasegate.cli.flag_lint import lint
from releasegate.cli.quantities import written
from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime
from releasegate.flags.document import DIALECTS, FlagFile, share_of
from releasegate.flags.flagd_runtime import GENERATIONS
from releasegate.flags.proof import prove

_on_option = click.option("--on", metavar="VARIANT", help="The variant that is rolled out, where that is not clear.")
_generation_option = click.option(
    "--generation", type=click.Choice(list(GENERATIONS)), help="flagd's hash; both are proved where it is left out."
)


@click.group(cls=Noun)
def flags() -> None:
    """Read and change feature flags, one line at a time."""


def _options(command: Any, *options: Callable[[Any], Any]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command


def _file_options(command: Any) -> Any:
    return _options(
        command,
        click.option("--file", "path", metavar="FILE", help=f"Else the policy's, then {DEFAULT_FILE}."),
        click.option("--dialect", type=click.Choice(list(DIALECTS)), help="By the file's shape where it is left out."),
        click.option("--branch", metavar="NAME", help="The branch whose file is meant; else as the policy says."),
    )


def _change_options(command: Any) -> Any:
    return _options(
        _file_options(command),
        click.option("--in-place", is_flag=True, help="Edit the file on disk and commit nothing."),
        click.option("--patch", metavar="FILE", help="Write a patch (- is standard output) and change nothing else."),
        click.option("--dry-run", is_flag=True, help="Show the change and make none."),
        click.option("--reason", default="", metavar="TEXT", type=written, help="Why; goes into the commit."),
    )


@flags.command("list")
@_file_options
@pass_app
def list_(app: App, path: str | None, dialect: str | None, branch: str | None) -> int:
    """Every flag and what it says now."""
    file = read_flags(app, path, dialect, branch)
    rows = {name: state_of(file, name) for name in file.names()}
    width = max(map(len, rows), default=0)
    text = "\n".join(f"{name:{width}}  {row['text']}" for name, row in rows.items())
    app.emit({**about(file), "flags": rows}, text or "no flags")
    return 0


@flags.command()
@click.argument("name")
@_file_options
@pass_app
def get(app: App, name: str, path: str | None, dialect: str | None, branch: str | None) -> int:
    """What one flag says now."""
    file = read_flags(app, path, dialect, branch)
    file.state(name)  # one flag that cannot be read is no answer; in a list it hides no other
    row = state_of(file, name)
    app.emit({**about(file), "name": name, **row}, str(row["text"]))
    return 0


@flags.command("set")
@click.argument("changes", nargs=-1, required=True, metavar="NAME VALUE [NAME VALUE]...")
@_change_options
@pass_app
def set_(app: App, /, changes: tuple[str, ...], **options: Any) -> int:
    """Give everybody VALUE: on, off, or a variant's name."""

    def edit(name: str, value: str) -> Callable[[FlagFile], Any]:
        return lambda file: file.set(name, value)

    found = pairs(changes, "VALUE")
    title = "Set " + ", ".join(f"{name} to {value}" for name, value in found)
    return change(app, [edit(*pair) for pair in found], title, Options(**options))


@flags.command(context_settings={"ignore_unknown_options": True})
@click.argument("changes", nargs=-1, required=True, metavar="NAME PERCENT [NAME PERCENT]...")
@_on_option
@_change_options
@pass_app
def rollout(app: App, /, changes: tuple[str, ...], on: str | None, **options: Any) -> int:
    """Turn a flag on for PERCENT of all users; a raise is proved first."""

    def edit(name: str, percent: str) -> Callable[[FlagFile], Any]:
        return lambda file: file.rollout(name, percent.removesuffix("%"), on)

    found = pairs(changes, "PERCENT")
    title = "Roll out " + ", ".join(f"{name} to {percent.removesuffix('%')}%" for name, percent in found)
    return change(app, [edit(*pair) for pair in found], title, Options(**options))


@flags.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_on_option
@_change_options
@pass_app
def off(app: App, /, names: tuple[str, ...], on: str | None, **options: Any) -> int:
    """Turn a flag off for everybody, whatever its rules say."""

    def edit(name: str) -> Callable[[FlagFile], Any]:
        return lambda file: file.off(name, on)

    once(names)
    title = f"Switch off {', '.join(names)}"
    return change(app, [edit(name) for name in names], title, Options(**options), dict.fromkeys(names, on))


@flags.command("restore")
@click.argument("name")
@click.option("--from", "source", metavar="FILE", help="What `flags off --format json` printed; else from the ledger.")
@_change_options
@pass_app
def restore_(app: App, /, name: str, source: str | None, **options: Any) -> int:
    """Give a flag the lines back that the last change took away."""
    return restore(app, name, source, Options(**options))


@flags.command("prove")
@click.argument("name")
@click.option("--percent", metavar="PERCENT", help="What should be on; else what the file says.")
@click.option("--keys", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="How many users.")
@_on_option
@_generation_option
@_file_options
@pass_app
def prove_(
    app: App, /, name: str, percent: str | None, keys: int, on: str | None, generation: str | None, **where: Any
) -> int:
    """Evaluate a flag for many users and compare with PERCENT: 0 if it is so, 1 if not."""
    file = read_flags(app, **where)
    share = file.state(name, on).percent if percent is None else percent.removesuffix("%")
    if share is None:
        raise FlagError(
            f"`{name}` has no single percentage", where=file.path, remedy="say what it should be: --percent"
        )
    proof = prove(file, name, share_of(share), keys, on=on, runtime=Runtime(generation=generation))
    untried = file.rules.NOT_RUN_AGAINST
    app.emit(
        {**proof.document(), "not_run_against": untried},
        f"{proof.text}\nnot run against the real evaluator: {untried}",
    )
    return 0 if proof.ok else 1


flags.add_command(lint)
