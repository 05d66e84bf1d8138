"""The files that a repository starts with: a policy, and the workflows that call the reusable ones."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from releasegate.canary.power import Plan
from releasegate.policy.presets import PRESETS

ACTION = "releasegate/releasegate"
VERSION = "v1"
SAFE_MODE = "AGENT_SAFE_MODE"
POLICY = "releasegate.yaml"
WEIGHTS = (0.05, 0.1, 0.25, 0.5)
WINDOWS = {1800.0: "30m", 3600.0: "1h", 7200.0: "2h"}
"""What is proposed: the smallest weight, then the shortest window, that catches what is wished for."""
WISHES = (2.0, 5.0)
"""Regressions of the errors, as ratios; the first that this traffic can show is planned for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What lies in the repository; None where there is none."""

    lighthouse: str | None = None
    zap_rules: str | None = None
    flag_file: str | None = None
    flags: tuple[str, ...] = ()
    alembic: str | None = None
    workflows: tuple[str, ...] = ()
    prometheus: str | None = None
    """Where a compose file starts one: `FILE: SERVICE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the person said, or what stands in for it."""

    service: str
    flag: str
    preset: str
    requests: float | None = None
    """A second, both tracks together; None where nobody knows."""
    errors: float = 0.01


@dataclass(frozen=True, slots=True)
class Proposal:
    """A canary for this traffic."""

    weight: float = WEIGHTS[0]
    window: float = 1800.0
    catches: float | None = None
    """The smallest regression of the errors that it shows nine times in ten; None: not known, or none."""


def propose(answers: Answers) -> Proposal:
    """The smallest canary that shows a doubling of the errors; else a fivefold rise; else the largest of all."""
    if answers.requests is None:
        return Proposal()
    number = 3 if PRESETS[answers.preset].histogram else 2
    plans = [
        Plan(answers.requests, answers.errors, weight=weight, window=window, slis=number)
        for weight in WEIGHTS
        for window in WINDOWS
    ]
    chosen = next((plan for wish in WISHES for plan in plans if plan.catches(wish)), plans[-1])
    return Proposal(chosen.weight, chosen.window, chosen.detectable())


def starter_files(found: Found, answers: Answers) -> dict[str, str]:
    """Every file by its path."""
    proposal = propose(answers)
    files = {POLICY: _policy(found, answers, proposal)}
    if found.flag_file is None:
        files["config/feature-flags.yaml"] = (
            f"# Who sees what. A change to this file is live once it is published.\n"
            f"{_yaml(answers.flag)}:\n  enabled: true\n  percentage: 0   # of the users\n{SAFE_MODE}: 0\n"
        )
    taken = "releasegate-" if "release.yml" in found.workflows else ""
    files[f".github/workflows/{taken}release.yml"] = _release(found)
    files[".github/workflows/rollback.yml"] = _caller("rollback", ROLLBACK_INPUTS, "take a release back")
    files[".github/workflows/kill-switch.yml"] = _caller("kill-switch", SWITCH_INPUTS, "stop the agents")
    return files


def _policy(found: Found, answers: Answers, proposal: Proposal) -> str:
    caught = (
        f"shows errors {proposal.catches:.2g}x or worse" if proposal.catches else "`releasegate canary plan` sizes it"
    )
    gates = [
        f"  lighthouse: {{reports: .lighthouseci, config: {found.lighthouse}}}\n" if found.lighthouse else "",
        f"  zap: {{reports: [report_json.json], rules: {found.zap_rules}}}\n" if found.zap_rules else "",
    ]
    gating = (
        f"gates:\n{''.join(gates)}" if any(gates) else "# gates:   # lighthouse, zap and tests: see docs/gates.md\n"
    )
    return f"""\
version: 1
service: {_yaml(answers.service)}
environment: production
{gating}flags:
  file: {found.flag_file or "config/feature-flags.yaml"}
traffic:
  flag: {{name: {_yaml(answers.flag)}}}
canary:
  weight: {proposal.weight:.0%}
  window: {WINDOWS[proposal.window]}   # {caught}
  metrics: {{prometheus: {{url: "${{PROMETHEUS_URL}}"}}}}
  # {PRESETS[answers.preset].labels} has to tell the tracks apart: see docs/label-your-metrics.md
  preset: {{name: {answers.preset}, baseline: stable, canary: canary}}
rollback:
  flags: {{off: [{_yaml(answers.flag)}]}}
kill-switch: {{flag: {SAFE_MODE}, value: 1}}
"""


def _yaml(text: str) -> str:
    """A name as YAML: plain where it can be, else quoted."""
    plain = re.fullmatch(r"[A-Za-z_][\w-]*", text) and text.lower() not in WORDS
    return text if plain else json.dumps(text)


WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""What YAML reads as something else."""
ROLLBACK_INPUTS: Mapping[str, str] = {
    "tag": "The release to go back to; empty for the last known good one",
    "reason": "Why; it can be given afterwards",
    "migrations": "Revert the migrations between the two releases, too",
    "snapshot": "The copy of the data that lets a contract be reverted",
}
SWITCHES = {"migrations"}
"""Inputs that are true or false."""
SWITCH_INPUTS: Mapping[str, str] = {
    "action": "on (the default), off or status",
    "reason": "Why; it can be given afterwards",
    "root-cause": "For off, what happened, in words or as a link",
}
SECRETS = """\
    secrets:
      PROMETHEUS_URL: ${{ secrets.PROMETHEUS_URL }}
      PROMETHEUS_TOKEN: ${{ secrets.PROMETHEUS_TOKEN }}
      RELEASEGATE_APP_ID: ${{ secrets.RELEASEGATE_APP_ID }} # a GitHub App, where the branch is protected
      RELEASEGATE_APP_KEY: ${{ secrets.RELEASEGATE_APP_KEY }}
"""
PERMISSIONS = """\
    permissions:
      contents: write # commits the flag file, pushes tags and the ledger
      issues: write # opens the follow-up issue or the review
      actions: write # starts the workflows that the policy names, and waits for them
      deployments: write # shows what is deployed among the repository's deployments
      checks: write # shows the gates' verdict at the candidate's commit
"""


def _caller(name: str, inputs: Mapping[str, str], purpose: str) -> str:
    asked = "".join(
        f"      {key}:\n        description: {text}\n        type: {'boolean' if key in SWITCHES else 'string'}\n"
        for key, text in inputs.items()
    )
    default = {"action": " || 'on'"}
    given = "".join(f"      {key}: ${{{{ inputs.{key}{default.get(key, '')} }}}}\n" for key in inputs)
    return f"""\
# Run it by hand to {purpose}. Nothing is required, and nobody has to approve.
name: {name}
on:
  workflow_dispatch:
    inputs:
{asked}permissions: {{}}
concurrency:
  group: {name}
  cancel-in-progress: false
jobs:
  {name}:
    name: {name}
{PERMISSIONS}    uses: {ACTION}/.github/workflows/{name}.yml@{VERSION}
    with:
{given}{SECRETS}"""


def _release(found: Found) -> str:
    where = "the artifact of this run with the reports: have a job before this one upload them"
    evidence = f"    #   evidence: evidence # {where}\n" if found.lighthouse or found.zap_rules else ""
    return f"""\
# Run it by hand on the commit to release. Give the environment `production` reviewers.
name: release
on:
  workflow_dispatch:
    inputs:
      tag:
        description: The candidate; empty to go on, else to tag this commit
        type: string
permissions: {{}}
concurrency:
  group: release
  cancel-in-progress: false
jobs:
  rollout:
    name: rollout
{PERMISSIONS}    uses: {ACTION}/.github/workflows/rollout.yml@{VERSION}
    with:
      tag: ${{{{ inputs.tag }}}}
{evidence}{SECRETS}"""
