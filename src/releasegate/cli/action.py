"""`releasegate action`: what action.yml runs.

Inputs arrive by environment, and no shell reads them. What the command emits also goes to the step's outputs and
summary. While it runs, the runner obeys no workflow command in what is printed: evidence comes from outside.
"""

import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from releasegate.cli import actions
from releasegate.cli.action_inputs import command_line, settings
from releasegate.cli.app import App, pass_app, to_json
from releasegate.errors import OutsideError, ReleasegateError
from releasegate.render.text import printable, text
from releasegate.verdict import SCHEMA

if TYPE_CHECKING:
    from releasegate.canary.judge import Assessment
    from releasegate.policy.model import Policy
    from releasegate.verdict import Verdict

DECISIONS = ("abort", "inconclusive", "continue", "promote")
"""The worst first."""
MOST_CHARTED = 5
"""Canaries whose evidence the summary charts; `canary replay` may judge thousands."""


SAVE = (
    "save each as .git/releasegate/outbox/ID.json in a clone, and the next command there that writes the ledger brings"
    " it along"
)


@dataclass
class Step(App):
    """The `App` of one step of a workflow: it keeps what it tells, to hand it on when the command has ended."""

    documents: list[Mapping[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """What the summary is to show."""
    own_summary: bool = False
    """Whether the command itself writes the verdict into the summary, as gates do."""
    annotations: list[str] = field(default_factory=list)
    canaries: dict[str, list["Assessment"]] = field(default_factory=dict)
    """What the judge said of each canary, poll by poll."""
    stopped: str | None = None
    """The token that lets the runner listen again; None while it does."""
    folded: bool = False
    """Whether a part of the log is open that the runner folds."""

    def emit(self, document: Mapping[str, Any], text: str) -> None:
        """Print, and keep."""
        self.unfold()
        super().emit(document, text)
        self.documents.append(document)
        if document.get("schema") != SCHEMA or not self.own_summary:
            self.texts.append(text)

    def observe(self, name: str, assessment: "Assessment") -> None:
        """Keep it for the charts."""
        if name in self.canaries or len(self.canaries) < MOST_CHARTED:
            self.canaries.setdefault(name, []).append(assessment)

    def find_policy(self) -> "Policy | None":
        """The policy, once its secrets are masked."""
        from releasegate.policy.secrets import secrets_of  # noqa: PLC0415  loaded where there is a policy

        policy = super().find_policy()
        if policy is not None:
            self.mask(secrets_of(policy))
        return policy

    def mask(self, values: Iterable[str]) -> None:
        """Have the runner hide `values` in all that follows."""
        self._command(*(f"::add-mask::{actions.escaped(value)}" for value in sorted(values)))

    def fold(self, title: str) -> None:
        """Open a group, after the one that may be open: groups do not nest."""
        if os.environ.get("GITHUB_ACTIONS") != "true":
            super().fold(title)
            return
        self.unfold()
        self._command(f"::group::{actions.escaped(printable(title))}")
        self.folded = True

    def unfold(self) -> None:
        """Close the group that is open."""
        if self.folded:
            self._command("::endgroup::")
        self.folded = False

    def judged(self, verdict: "Verdict") -> None:
        """Fold the findings of each gate below its one line."""
        title, *findings = text(verdict).splitlines()
        self.fold(title)
        for line in findings or ["  no findings"]:
            self.say(line)
        self.unfold()

    def _command(self, *lines: str) -> None:
        """Let the runner obey `lines`, and nothing else."""
        if lines and os.environ.get("GITHUB_ACTIONS") == "true":
            asked = self.stopped
            self.listen()
            for line in lines:
                self.say(line)
            if asked:
                self.stop_listening()

    def stop_listening(self) -> None:
        """Keep the runner from obeying workflow commands in what is printed from now on."""
        if os.environ.get("GITHUB_ACTIONS") == "true":
            self.stopped = secrets.token_hex(16)
            self.say(f"::stop-commands::{self.stopped}")

    def listen(self) -> None:
        """Let the runner obey again."""
        if self.stopped:
            self.say(f"::{self.stopped}::")
        self.stopped = None

    def annotate(self, line: str) -> None:
        """Keep a workflow command until the runner listens again."""
        self.annotations.append(line)

    def report(self, error: ReleasegateError, *, document: bool = True) -> int:
        """Print the error, and keep it for the annotations and the summary."""
        self.unfold()
        self.annotate(actions.workflow_command("error", str(error)))
        self.texts.append(f"releasegate: {error}")
        return super().report(error, document=document)


@click.command(hidden=True)
@pass_app
def action(app: App) -> int:
    """Run the command that the inputs of an action name."""
    from releasegate.cli.main import run  # noqa: PLC0415  it loads this module by its name

    step = Step(directory=app.directory)
    found = settings(os.environ)
    key = os.environ.get("RELEASEGATE_APP_KEY", "").split("\n")  # a masked value is one line
    step.mask(filter(None, [found.get("GITHUB_TOKEN"), *(line.strip() for line in key)]))
    os.environ.update(found)
    step.stop_listening()
    try:
        words = command_line(os.environ)
        step.own_summary = any(word.startswith("--markdown=") for word in words)
        code = run(step, words)
    except ReleasegateError as error:
        code = step.report(error)
    step.unfold()
    _tell_what_waits(step)
    step.listen()
    for line in step.annotations:
        step.say(line)
    actions.set_outputs(os.environ, _outputs(step.documents, os.environ))
    actions.append_summary(os.environ, step.texts, _charts(step.canaries))
    return code


def _tell_what_waits(step: Step) -> None:
    """Print the events that could not be recorded: the machine may be thrown away with them, and the log is kept."""
    if not step.asked_a_forge:
        return
    from releasegate.cli.world import own_folder  # noqa: PLC0415  it loads the procedures
    from releasegate.runbook.outbox import Outbox  # noqa: PLC0415

    waiting = Outbox(own_folder(step.forge()) / "outbox").waiting()
    if waiting:
        count = "1 event waits" if len(waiting) == 1 else f"{len(waiting)} events wait"
        step.fold(f"{count} to be recorded: {SAVE}")
        for event in waiting:
            step.say(to_json(structs.asdict(event)))
        step.unfold()


def _charts(canaries: Mapping[str, Sequence["Assessment"]]) -> str:
    """The evidence as charts."""
    if not canaries:
        return ""
    from releasegate.render.mermaid import evidence_charts  # noqa: PLC0415  only after a canary

    return "\n".join(evidence_charts(name, seen) for name, seen in canaries.items())


def _outputs(documents: Sequence[Mapping[str, Any]], environ: Mapping[str, str]) -> dict[str, str]:
    """The step's outputs, as far as the documents hold them."""
    decisions = [document["decision"] for document in documents if document.get("decision") in DECISIONS]
    found = {
        "verdict": next((document["verdict"] for document in documents if "verdict" in document), None),
        "decision": min(decisions, key=DECISIONS.index, default=None),
        "tag": next((document["tag"] for document in documents if document.get("tag")), None),
        "report": next((document["report"] for document in documents if document.get("report")), None),
        "json": _write(documents, environ.get("RUNNER_TEMP")) if documents else None,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _write(documents: Sequence[Mapping[str, Any]], folder: str | None) -> Path:
    """Keep the documents in a file of their own: one is JSON, several are JSON lines."""
    try:
        handle, name = tempfile.mkstemp(prefix="releasegate-", suffix=".json", dir=folder or None)
        with open(handle, "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  it is open already
            file.writelines(f"{to_json(document)}\n" for document in documents)
    except OSError as error:
        raise OutsideError(f"the result cannot be written: {error.strerror}", where=folder) from error
    return Path(name)
