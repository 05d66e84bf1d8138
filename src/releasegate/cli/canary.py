"""The commands under `releasegate canary`, each loaded when it runs."""

from importlib import import_module

import click

from releasegate.cli.app import Noun

# name: (module in releasegate.cli, one line of help). The module holds a click command of the same name.
COMMANDS = {
    "backtest": ("canary_backtest", "Replay the past: how often would healthy releases have been aborted?"),
    "plan": ("canary_plan", "Tell before the release what a canary can catch."),
    "replay": ("canary_replay", "Judge recordings again."),
    "watch": ("canary_watch", "Judge a canary live."),
}


class Canary(Noun):
    """The `canary` group. A command's module is imported only when that command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by name."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of `cmd_name` and return its command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"releasegate.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above, without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=Canary)
def canary() -> None:
    """Judge a canary: live, from a recording, or ahead of time."""
