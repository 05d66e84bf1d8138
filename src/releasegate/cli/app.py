"""What every command shares: the three common options, output, and the real adapters built when they are asked for."""

import json
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click

from releasegate.cli.quantities import DURATION
from releasegate.errors import InputError, OutsideError, PolicyError, ReleasegateError, RepositoryError

if TYPE_CHECKING:
    from releasegate.canary.judge import Assessment
    from releasegate.forge.github.api import Api
    from releasegate.forge.host import Host
    from releasegate.forge.port import Forge
    from releasegate.policy.model import Policy
    from releasegate.runbook.outside import Shell
    from releasegate.verdict import Verdict

POLICY_PATHS = ("releasegate.yaml", ".github/releasegate.yaml")


class UnreadError(Exception):
    """Nobody reads standard output any more, as after `| head -1`. No `OSError`, of which click makes an exit."""


@dataclass
class App:
    """The composition root's state for one run of the program."""

    policy_path: str | None = None
    output: str = "text"
    verbose: int = 0
    directory: Path = Path()
    repo: str | None = None
    max_wait: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    _forge: "Forge | None" = None
    _api: "Api | None" = None
    _hosted: "Policy | None" = None

    @property
    def json(self) -> bool:
        """Whether standard output is to hold JSON."""
        return self.output == "json"

    def emit(self, document: Mapping[str, Any], text: str) -> None:
        """Print the document with `--format json`, else the text."""
        self.print(to_json(document) if self.json else text.rstrip("\n"))

    def print(self, text: str) -> None:
        """Print a part of the result; `UnreadError` where nobody reads it, `OutsideError` where it cannot be kept."""
        try:
            click.echo(text)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or its end is tried again at the exit
            if isinstance(error, BrokenPipeError):
                raise UnreadError from None
            raise OutsideError(f"standard output cannot be written: {error.strerror}") from error

    def say(self, line: str) -> None:
        """Tell a person something that is no part of the result."""
        click.echo(line, err=True)

    def fold(self, title: str) -> None:
        """Begin a part of the log, which the log of a job folds."""
        self.say(f"▸ {title}")

    def unfold(self) -> None:
        """End that part."""

    def judged(self, verdict: "Verdict") -> None:
        """Take in the verdict of one gate of several."""

    def observe(self, name: str, assessment: "Assessment") -> None:
        """Take in what the judge says of the canary `name` after one poll."""

    def annotate(self, line: str) -> None:
        """Give a workflow command to the runner."""
        self.say(line)

    def report(self, error: ReleasegateError, *, document: bool = True) -> int:
        """Print the error's one line and return its exit code.

        With `--format json` comes its document, unless (`document`) the one that was printed already tells of it.
        """
        self.say(f"releasegate: {error}")
        if self.json and document:
            with suppress(UnreadError, OutsideError):
                self.print(to_json({"schema": "releasegate/error/1", "error": fields_of(error)}))
        return error.exit_code

    def now(self) -> datetime:
        """The present moment, UTC."""
        return datetime.now(UTC)

    def read(self, path: str | PurePath, *, limit: int | None = None) -> bytes:
        """The bytes of a file that the user named; `InputError` if it cannot be read or is above `limit` bytes."""
        target = self.directory / path
        try:
            if limit is not None and target.stat().st_size > limit:
                raise InputError(f"larger than {limit} bytes", where=str(path), remedy="is this the right file?")
            return target.read_bytes()
        except OSError as error:
            raise unread(error, str(path)) from error
        except ValueError as error:  # a null character in a name that a file gave
            raise InputError("no file can have this name", where=ascii(str(path)), remedy="correct the name") from error

    def write(self, path: str | PurePath, content: bytes, *, append: bool = False) -> None:
        """Write or append to a file that the user named; `InputError` where it cannot be written."""
        try:
            with (self.directory / path).open("ab" if append else "wb") as file:
                file.write(content)
        except OSError as error:
            where = str(path)
            raise InputError(f"cannot be written: {error.strerror}", where=where, remedy="name another file") from error
        except ValueError as error:
            raise InputError("no file can have this name", where=ascii(str(path)), remedy="correct the name") from error

    def policy(self) -> "Policy":
        """The policy that the command line names, or the one in its usual places; `PolicyError` without one."""
        found = self.find_policy()
        if found is None:
            raise PolicyError(
                f"no policy: neither {' nor '.join(POLICY_PATHS)} is here",
                remedy="run `releasegate init`, or name one with --policy FILE",
            )
        return found

    def find_policy(self) -> "Policy | None":
        """As `policy`, but None where none is named and none lies in the usual places."""
        from releasegate.policy.load import load_policy  # noqa: PLC0415  keeps `--help` fast

        for path in (self.policy_path,) if self.policy_path else POLICY_PATHS:
            if self.policy_path or (self.directory / path).is_file():
                return load_policy(self.read(path), path, os.environ)
        return None if self.repo in (None, "local") else self._policy_of_the_host()

    def _policy_of_the_host(self) -> "Policy | None":
        """The policy on the default branch of the repository that `--repo` names."""
        from releasegate.policy.load import load_policy  # noqa: PLC0415  keeps `--help` fast

        for path in POLICY_PATHS if self._hosted is None else ():
            found = self.forge().read(path, "HEAD")
            if found is not None:
                self._hosted = load_policy(found.content, f"{self.repo}:{path}", os.environ)
                break
        return self._hosted

    def forge(self) -> "Forge":
        """The forge that the command works on: the same one for the whole run of the program."""
        from releasegate.cli.forge import choose  # noqa: PLC0415  keeps `--help` fast

        if self._forge is None:
            self._forge, self._api = choose(self.directory, self.repo, self.max_wait, self.sleep)
            if self.verbose:
                self.say(f"forge: {self._forge.name}, {self._forge.home}")
        return self._forge

    @property
    def asked_a_forge(self) -> bool:
        """Whether the command had to do with a repository so far."""
        return self._forge is not None

    def shell(self) -> "Shell":
        """What runs the policy's commands in the checkout, and its workflows on the host."""
        from releasegate.cli.clock import SystemClock  # noqa: PLC0415  loaded by the commands that act
        from releasegate.runbook.outside import shell  # noqa: PLC0415
        from releasegate.runbook.workflow import dispatcher  # noqa: PLC0415

        return shell(self.directory, dispatcher(self.host, lambda: self.forge().default_branch(), SystemClock()))

    def host(self) -> "Host":
        """The host of the repository, for what git does not know: workflows, deployments, reviews."""
        self.forge()
        if self._api is not None:
            from releasegate.forge.github.host import GitHubHost  # noqa: PLC0415  keeps `--help` fast

            return GitHubHost(self._api)
        raise RepositoryError(
            "a plain git repository has no workflows, deployments, artifacts, releases or reviews",
            remedy="use a `command` in the policy, or name the repository on GitHub: --repo OWNER/NAME",
        )


def unread(error: OSError, path: str) -> InputError:
    """What is said of a file that cannot be read."""
    remedies = {FileNotFoundError: "is the path right, and was it made?", IsADirectoryError: "name a file in it"}
    return InputError(f"cannot be read: {error.strerror}", where=path, remedy=remedies.get(type(error)))


def fields_of(error: ReleasegateError) -> dict[str, Any]:
    """An error as a document tells of it."""
    return {"what": error.what, "where": error.where, "remedy": error.remedy, "exit_code": error.exit_code}


def to_json(document: Mapping[str, Any]) -> str:
    """One line of JSON; a number that is not finite is a bug, and raises.

    What no UTF-8 can hold (half a surrogate pair, as in a file's name that is none) is written as its escape.
    """
    return json.dumps(document, allow_nan=False, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def _set(field: str) -> Any:
    """A callback that puts an option's value into the run's `App`, whether it stood before or after the command."""

    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value:
            setattr(ctx.ensure_object(App), field, value)

    return callback


def _common_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--policy"],
            metavar="FILE",
            expose_value=False,
            callback=_set("policy_path"),
            help=f"The policy; else {', then '.join(POLICY_PATHS)}.",
        ),
        click.Option(
            ["--format"],
            type=click.Choice(["text", "json"]),
            expose_value=False,
            callback=_set("output"),
            help="What standard output holds.",
        ),
        click.Option(
            ["--repo"],
            metavar="OWNER/NAME",
            expose_value=False,
            callback=_set("repo"),
            help="Work on GitHub, without a checkout; `local`: through git alone.",
        ),
        click.Option(
            ["--max-wait"],
            metavar="DURATION",
            expose_value=False,
            type=DURATION,
            callback=_set("max_wait"),
            help="How long to wait for GitHub's limits in all; 2m.",
        ),
        click.Option(["-v", "--verbose"], count=True, expose_value=False, callback=_set("verbose"), help="Say more."),
    ]


class Verb(click.Command):
    """A command that takes the common options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_common_options())


class Noun(click.Group):
    """A group whose commands, and which itself, take the common options."""

    command_class = Verb

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_common_options())


class Table(Noun):
    """A group of commands in modules of their own: each is imported only when it runs, so that `--help` is quick."""

    table: Mapping[str, tuple[str, str]]
    """A command's name to its module below `releasegate.cli`, and its line of help."""
    internal: Collection[str] = ()
    """Those that are not for people."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands for people, by name."""
        del ctx
        return sorted(self.table.keys() - set(self.internal))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of `cmd_name` and return its command."""
        del ctx
        if cmd_name not in self.table:
            return None
        module = import_module(f"releasegate.cli.{self.table[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name][1]) for name in self.list_commands(ctx)])


pass_app: Callable[[Callable[..., Any]], Callable[..., Any]] = click.make_pass_decorator(App)
