"""The command line that an action's inputs stand for. A named input stays one argument, whatever it holds."""

import shlex
from collections.abc import Mapping

import click

from releasegate.cli.gate_outputs import Judging
from releasegate.errors import InputError

PREFIX = "RELEASEGATE_INPUT_"
OPTIONS = ("policy", "config", "file", "reason", "snapshot", "root-cause")
"""Inputs that are options of the same name."""
TAG_OPTIONS = {"rollback": "--to", "gate run": "--tag"}
"""Where the input `tag` is an option; elsewhere it is an argument."""
BOOLEANS = {**dict.fromkeys(("true", "True", "TRUE"), True), **dict.fromkeys(("", "false", "False", "FALSE"), False)}
"""As GitHub's own actions read them."""


class Inputs:
    """The inputs by the names that action.yml gives them; one that was not passed on is empty."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._given = {
            name.removeprefix(PREFIX).lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith(PREFIX)
        }

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str) -> str:
        """The input as it is, without the space around it."""
        return self._given.get(name, "").strip()

    def lines(self, name: str) -> list[str]:
        """The lines that hold something."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def words(self, name: str) -> list[str]:
        """The words, quoted as in a shell, but read by none; `InputError` for a quote without its end."""
        try:
            return shlex.split(self.text(name))
        except ValueError as error:
            raise InputError(f"the input `{name}` cannot be read: {error}", remedy="close the quotes") from error

    def switch(self, name: str) -> bool:
        """Whether the input is `true`; `InputError` for what is neither true nor false."""
        value = self.text(name)
        if value not in BOOLEANS:
            raise InputError(f"the input `{name}` is `{value}`", remedy="write true or false")
        return BOOLEANS[value]


SETTINGS = {"token": "GITHUB_TOKEN", "github-api-url": "GITHUB_API_URL"}
"""Inputs that are variables of the environment; never arguments, which every process of the machine can read."""


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that inputs stand for. An input that is given and empty takes the variable away: it is empty."""
    inputs = Inputs(environ)
    return {variable: inputs.text(name) for name, variable in SETTINGS.items() if name in inputs}


def command_line(environ: Mapping[str, str]) -> list[str]:
    """The arguments of `releasegate`; `InputError` names the input that is not usable."""
    inputs = Inputs(environ)
    words, arguments = _flag_change(inputs) if "flag" in inputs else _command(inputs)
    options = [f"--{name}={inputs.text(name)}" for name in OPTIONS if inputs.text(name)]
    if inputs.switch("dry-run"):
        options.append("--dry-run")
    if environ.get("RUNNER_DEBUG") == "1":
        options.append("-v")
    tag = inputs.text("tag")
    if tag and " ".join(words) in TAG_OPTIONS:
        options.append(f"{TAG_OPTIONS[' '.join(words)]}={tag}")
    elif tag:
        arguments.append(tag)
    more = [*_mode(inputs), *_judging(words, environ), *inputs.words("args")]
    return [*words, *options, *more, *(["--", *arguments] if arguments else [])]


def _command(inputs: Inputs) -> tuple[list[str], list[str]]:
    words = inputs.words("command")
    if not words or words[0] == "action":
        raise InputError("the input `command` names no command", remedy="such as `gate lighthouse`")
    return words, inputs.lines("reports")


def _flag_change(inputs: Inputs) -> tuple[list[str], list[str]]:
    flag, value, percentage = (inputs.text(name) for name in ("flag", "value", "percentage"))
    if not flag:
        raise InputError("the input `flag` is empty", remedy="name the flag")
    if bool(value) == bool(percentage):
        raise InputError("`value` and `percentage`: exactly one is needed", remedy="`value: off` takes a flag back")
    if value == "off":
        return ["flags", "off"], [flag]
    return (["flags", "set"], [flag, value]) if value else (["flags", "rollout"], [flag, percentage])


def _mode(inputs: Inputs) -> list[str]:
    modes = {"": [], "commit": [], "in-place": ["--in-place"], "patch": ["--patch=-"]}
    if inputs.text("mode") not in modes:
        raise InputError(f"the input `mode` is `{inputs.text('mode')}`", remedy="write commit, patch or in-place")
    return modes[inputs.text("mode")]


def _judging(words: list[str], environ: Mapping[str, str]) -> list[str]:
    """A gate annotates the run and writes the step's summary."""
    from releasegate.cli.main import releasegate  # noqa: PLC0415  it loads this module by its name

    command: click.Command | None = releasegate
    for word in words:
        command = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
    if not isinstance(command, Judging):
        return []
    summary = environ.get("GITHUB_STEP_SUMMARY")
    return ["--annotations", *([f"--markdown={summary}"] if summary else [])]
