"""The entry point: commands by name, loaded when they are called, and the one place that exits."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn, TextIO, cast

import click

from releasegate import __version__
from releasegate.cli.app import App, Table, UnreadError
from releasegate.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_UNREAD, ReleasegateError, UsageError

# name: (module in releasegate.cli, one line of help). The module holds a click command of that name, with _ for -.
COMMANDS = {
    "action": ("action", "What action.yml runs."),
    "canary": ("canary", "Judge a canary: live, from a recording, or ahead of time."),
    "doctor": ("doctor", "Will the runbook work here? Every line with the fix."),
    "flags": ("flags", "Read and change feature flags, one line at a time."),
    "gate": ("gate", "Turn evidence into a verdict."),
    "kill-switch": ("kill_switch", "Stop the agents; let them run again with care."),
    "init": ("init", "A policy and workflows for this repository."),
    "ledger": ("ledger", "Show and verify what was decided and done."),
    "policy": ("policy", "Explain the policy."),
    "rehearse": ("rehearse", "A whole release on this machine, with nothing to install."),
    "rollback": ("rollback", "Take a release back: traffic first, documents after."),
    "rollout": ("rollout", "Roll a candidate out: gates, 5% behind a judge, and all of it or back."),
    "schema": ("schema", "Print a JSON Schema."),
    "status": ("status", "What is live, what is running, and what a rollback would do."),
    "tag": ("tag", "Release branches and tags."),
}


class Root(Table):
    """The `releasegate` group."""

    table = COMMANDS
    internal = ("action",)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
def releasegate() -> None:
    """Ship a release candidate on evidence, and take it back when the evidence says so."""


def main() -> NoReturn:
    """Run one command and exit with its code."""
    sys.stderr = cast("TextIO", Steady(sys.stderr))
    sys.exit(run(App(), sys.argv[1:]))


def run(app: App, argv: Sequence[str]) -> int:
    """Run one command and return its exit code; no traceback reaches a user."""
    try:
        code = releasegate.main(list(argv), standalone_mode=False, obj=app, prog_name="releasegate")
    except click.ClickException as error:
        code = _shown(error) if _is_help(error) else app.report(_usage(error))
    except ReleasegateError as error:
        code = app.report(error)
    except (KeyboardInterrupt, click.Abort):
        click.echo("releasegate: interrupted", err=True)
        code = EXIT_INTERRUPTED
    except (UnreadError, SystemExit):  # the latter is click's own, where nobody reads a page of help
        code = EXIT_UNREAD
    except Exception:  # noqa: BLE001  the last resort: a bug becomes a log file and exit code 70
        code = _bug()
    return code if isinstance(code, int) else 0


class Steady:
    """Standard error, whose loss (a terminal that was closed, `2>&1 | head -1`) stops nothing that has begun."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if anybody is there."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if anybody is there."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_help(error: click.ClickException) -> bool:
    """Whether this is the help of a group that was called without a command."""
    return isinstance(error, click.UsageError) and error.ctx is not None and error.message == error.ctx.get_help()


def _shown(error: click.ClickException) -> int:
    """Print the message in its own lines."""
    click.echo(error.message, err=True)
    return UsageError.exit_code


def _usage(error: click.ClickException) -> UsageError:
    """Click's own errors (unknown option, missing argument) in our one-line form."""
    usage = isinstance(error, click.UsageError) and error.ctx is not None
    hint = f" (try `{error.ctx.command_path} --help`)" if usage else ""  # type: ignore[attr-defined]
    return UsageError(f"{' '.join(error.format_message().split())}{hint}")


def _bug() -> int:
    """Write the traceback to a file of its own and name that file; where none can be written, name the place."""
    import tempfile  # noqa: PLC0415  a tenth of the start, for what should never happen
    import traceback  # noqa: PLC0415

    text = f"releasegate {__version__}, Python {sys.version}\n{traceback.format_exc()}"
    try:
        with tempfile.NamedTemporaryFile("wb", prefix="releasegate-", suffix=".log", delete=False) as log:
            log.write(text.encode("utf-8", "backslashreplace"))
        what = f"the file {log.name}"
    except OSError as error:
        what = f"this: {' '.join(text.splitlines()[-3:])} (no log file can be written: {error.strerror})"
    click.echo(f"releasegate: this is a bug in releasegate; please report it with {what}", err=True)
    return EXIT_BUG
