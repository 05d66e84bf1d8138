"""Will the policy's workflows run, be found again, and leave the artifacts that the gates read?"""

import re
from collections.abc import Iterator, Mapping

from releasegate.forge.host import Health
from releasegate.policy.model import Policy, Run
from releasegate.runbook.ci import in_staging, names_of
from releasegate.runbook.doctor import green, red, yellow
from releasegate.verdict import Finding

FOLDER = ".github/workflows/"
NAMED = re.compile(r"^run-name:.*inputs\.id", re.MULTILINE)


def workflows(health: Health, policy: Policy) -> Iterator[Finding]:
    """One line for all that is well, and one for each fault."""
    faults = [fault for key, run in _named(policy).items() for fault in _faults(health, key, run.workflow or "")]
    yield from faults
    if not faults and _named(policy):
        yield green("workflows", ", ".join(dict.fromkeys(run.workflow or "" for run in _named(policy).values())))
    yield from _artifacts(health, policy)


def _named(policy: Policy) -> Mapping[str, Run]:
    """The key of the policy to what it runs, where that is a workflow."""
    runs = {
        "release.ci": policy.release.ci,
        "deploy.staging": policy.deploy.staging,
        "deploy.production": policy.deploy.production,
        "staging-tests": policy.staging_tests,
        "flags.publish": policy.flags.publish,
    }
    return {key: run for key, run in runs.items() if run is not None and run.workflow is not None}


def _faults(health: Health, key: str, file: str) -> Iterator[Finding]:
    text = health.workflows.get(FOLDER + file)
    ci = key == "release.ci"
    if text is None:
        yield red("workflows", f"there is no {file} on the default branch ({key})", "add it, or mend its name")
    elif "workflow_dispatch" not in text:
        light = yellow if ci else red
        yield light("workflows", f"{file} cannot be started ({key})", "add `on: workflow_dispatch` to it")
    elif not ci and not NAMED.search(text):
        fix = "add `run-name: … ${{ inputs.id }}` to it"
        yield red("workflows", f"a run of {file} would not be found again ({key})", fix)


def _artifacts(health: Health, policy: Policy) -> Iterator[Finding]:
    """A name that stands nowhere in the workflow's file may still be made up while it runs: then it is not red."""
    sources = {
        "release.ci": (policy.release.ci, names_of(policy.gates, lambda gate: not in_staging(policy, gate))),
        "staging-tests": (policy.staging_tests, names_of(policy.gates, lambda gate: in_staging(policy, gate))),
    }
    for key, (run, names) in sources.items():
        if names and (run is None or run.workflow is None):
            fix = f"name it: {key}: {{workflow: …}}"
            yield red("artifacts", f"no workflow leaves {', '.join(names)} ({key})", fix)
            continue
        file = run.workflow if run is not None else ""
        text = health.workflows.get(f"{FOLDER}{file}", "")
        missing = [name for name in names if not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text)]
        if missing:
            fix = "see that actions/upload-artifact gives it this `name`"
            yield yellow("artifacts", f"{file} does not name {', '.join(missing)}", fix)
        elif names:
            yield green("artifacts", f"{file} names {', '.join(names)}")
