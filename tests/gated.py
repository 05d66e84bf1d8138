"""The gates as a person runs them in a checkout, and what a rollout leaves in its ledger."""

import json

from click.testing import CliRunner

from fakes import Randomness
from releasegate.cli.app import App
from releasegate.cli.clock import SystemClock
from releasegate.cli.gate import gate
from releasegate.forge.local import LocalForge
from releasegate.runbook.journal import Draft, Journal


def run(folder, *arguments):
    """The verdict document and the exit code."""
    done = CliRunner().invoke(gate, [*arguments, "--format", "json"], obj=App(directory=folder), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout), done.return_value


def release(folder, tag, commit, data=None):
    """A candidate that was judged, rolled out and settled, as a rollout leaves it in the ledger."""
    subject = {"service": "shop", "environment": "production", "tag": tag, "commit": commit}
    ledger = Journal(LocalForge(folder), "releasegate/ledger", SystemClock(), Randomness())
    ledger.append(
        Draft("release.candidate", subject),
        Draft("gates.judged", subject, {"verdict": "pass", "stage": "gates", "gates": {}, **(data or {})}),
        Draft("rollout.started", subject),
        Draft("rollout.settled", subject),
    )
