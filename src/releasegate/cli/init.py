"""`releasegate init`: a policy and workflows for the repository that it runs in."""

import re
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from typing import Any

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.look import look
from releasegate.cli.quantities import SHARE
from releasegate.errors import InputError
from releasegate.policy.presets import PRESETS
from releasegate.render.starter import POLICY, SAFE_MODE, Answers, Found, propose, starter_files

PRESET = "prometheus-client"
NAME = re.compile(r"[^A-Za-z0-9_-]+")


@click.command(cls=Verb)
@click.option("--service", metavar="NAME", help="What the service is called [the folder's name].")
@click.option("--flag", metavar="NAME", help="The flag that leads to the new version [the first of the flag file].")
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help=f"Whose metrics there are [{PRESET}].")
@click.option("--requests", type=click.FloatRange(min=0, min_open=True), help="Requests a second, on a usual day.")
@click.option("--errors", type=SHARE, help="The share of them that fails [1%].")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show the files, and write none.")
@pass_app
def init(
    app: App, service: str | None, flag: str | None, preset: str | None, requests: float | None,
    errors: float | None, *, yes: bool, dry_run: bool,
) -> int:  # fmt: skip
    """Look at the repository, ask five questions, and write a policy and the workflows that it needs.

    A file that is there already stays as it is. Nothing is written before its diff was shown.
    """
    found = look(app.directory)
    for line in describe(found):
        app.say(line)
    answers = Answers(
        service=service or NAME.sub("-", app.directory.resolve().name).strip("-") or "service",
        flag=flag or next((name for name in found.flags if name != SAFE_MODE), "new-version"),
        preset=preset or PRESET,
        requests=requests,
        errors=0.01 if errors is None else errors,
    )
    given = {"service": service, "flag": flag, "preset": preset, "requests": requests, "errors": errors}
    if not (yes or dry_run or app.json):
        answers = _ask(answers, {name for name, value in given.items() if value is not None})
    files = starter_files(found, answers)
    new = {path: text for path, text in files.items() if not (app.directory / path).exists()}
    for path in files.keys() - new.keys():
        app.say(f"{path} is there already, and stays as it is")
    for path, text in new.items():
        app.say("".join(unified_diff([], text.splitlines(keepends=True), "/dev/null", path)))
    if new and not (yes or dry_run or app.json):
        click.confirm(f"Write these {len(new)} files?", default=True, abort=True, err=True)
    if not dry_run:
        for path, text in new.items():
            _write(app.directory / path, text)
    done = "would write" if dry_run else "wrote"
    left = _next(found, answers)
    steps = [f"{number}. {step}" for number, step in enumerate(left, 1)]
    document = {"schema": "releasegate/init/1", "written": not dry_run, "files": list(new), "next": left}
    app.emit(document, "\n".join([f"{done} {', '.join(new) or 'nothing'}", "next:", *steps]))
    return 0


def describe(found: Found) -> list[str]:
    """What was found, a line each."""
    seen = {
        "Lighthouse CI": found.lighthouse,
        "ZAP rules": found.zap_rules,
        "flag file": found.flag_file and f"{found.flag_file} ({', '.join(found.flags) or 'no flags'})",
        "Alembic": found.alembic,
        "Prometheus": found.prometheus,
        "workflows": ", ".join(found.workflows) or None,
    }
    return [f"found {name}: {value}" if value else f"no {name}" for name, value in seen.items()]


def _ask(answers: Answers, given: set[str]) -> Answers:
    """Ask for what the command line did not say: at most five questions."""
    questions = {
        "service": ("What is the service called?", None),
        "flag": ("Which flag leads to the new version?", None),
        "preset": ("Whose metrics are there?", click.Choice(sorted(PRESETS))),
        "requests": ("How many requests a second on a usual day? (0: not known)", click.FloatRange(min=0)),
        "errors": ("Which share of them fails?", SHARE),
    }
    told: dict[str, Any] = {}
    for name, (question, kind) in questions.items():
        if name in given:
            continue
        default = getattr(answers, name)
        value = click.prompt(question, default=0.0 if default is None else default, type=kind, err=True)
        told[name] = value if name != "requests" or value else None
    return replace(answers, **told)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _next(found: Found, answers: Answers) -> list[str]:
    """What is left to do for a person."""
    proposal = propose(answers)
    steps = [
        "set the secret PROMETHEUS_URL (and PROMETHEUS_TOKEN) where the runner reaches it, else `runs-on` your own"
    ]
    if found.prometheus:
        steps[0] += f": {found.prometheus} is one that only its own network reaches"
    labels = PRESETS[answers.preset].labels
    steps.append(f"see that {labels} tells `stable` from `canary`, or write what it says (docs/label-your-metrics.md)")
    if answers.requests is None:
        steps.append("size the canary: releasegate canary plan --requests N --errors 1%")
    elif proposal.catches is None or proposal.catches > 5:
        steps.append("this service has too little traffic to show a fivefold rise of its errors: widen the window")
    if found.flag_file and SAFE_MODE not in found.flags:
        steps.append(f"running agents? Add {SAFE_MODE} to {found.flag_file}; else remove `kill-switch` from {POLICY}")
    if found.alembic:
        steps.append(
            "a rollback leaves migrations where they are: say in `rollback.migrations` how yours are taken back"
        )
    steps.append("give the environment `production` reviewers, and protect the branch releasegate/ledger")
    return [*steps, "commit the files, then try: releasegate rollback --dry-run"]
