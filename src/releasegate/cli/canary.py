"""The commands under `releasegate canary`, each loaded when it runs."""

import click

from releasegate.cli.app import Table

# name: (module in releasegate.cli, one line of help). The module holds a click command of the same name.
COMMANDS = {
    "backtest": ("canary_backtest", "Replay the past: how often would healthy releases have been aborted?"),
    "plan": ("canary_plan", "Tell before the release what a canary can catch."),
    "replay": ("canary_replay", "Judge recordings again."),
    "watch": ("canary_watch", "Judge a canary live."),
}


class Canary(Table):
    """The `canary` group."""

    table = COMMANDS


@click.group(cls=Canary)
def canary() -> None:
    """Judge a canary: live, from a recording, or ahead of time."""
