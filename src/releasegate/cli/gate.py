"""The commands under `releasegate gate`, each loaded when it runs, and what they share."""

import click

from releasegate.cli.app import App, Table
from releasegate.verdict import Verdict

# name: (module in releasegate.cli, one line of help). The module holds a click command of the same name.
GATES = {
    "changes": ("gate_changes", "Judge how each commit came: four eyes, green checks, a ticket."),
    "lighthouse": ("gate_lighthouse", "Judge Lighthouse reports by LHCI's assertions."),
    "lint": ("gate_lint", "Find what is wrong with the gates' own files."),
    "migrations": ("gate_migrations", "Judge what the candidate brings into the database."),
    "run": ("gate_run", "Judge every gate of the policy: one verdict, bound to one commit."),
    "stamp": ("gate_stamp", "Write the commit that evidence belongs to beside it."),
    "tests": ("gate_tests", "Judge JUnit test results."),
    "zap": ("gate_zap", "Judge ZAP reports by risk, rules and what is known."),
}


class Gates(Table):
    """The `gate` group."""

    table = GATES


@click.group(cls=Gates)
def gate() -> None:
    """Turn evidence into a verdict."""


def conclude(app: App, verdict: Verdict, anchor: str | None = None) -> int:
    """Print the verdict as the user asked for it and return the exit code that it stands for.

    In a compatibility mode that is the peer's own. `anchor`: see `cli.gate_outputs.write_outputs`.
    """
    from releasegate.cli.gate_outputs import write_outputs  # noqa: PLC0415  keeps `gate --help` fast
    from releasegate.render.text import text  # noqa: PLC0415  keeps `gate --help` fast

    write_outputs(app, [verdict], anchor)
    app.emit(verdict.document(), text(verdict))
    peer = verdict.extra.get("compatibility")
    return verdict.verdict.exit_code if peer is None else int(peer["exit_code"])
