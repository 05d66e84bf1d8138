"""What the actions, the workflows and the documents promise each other, and what linters say of them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from act_runs import ROOT
from linting import lint_with_actionlint

from releasegate.cli import action_inputs

ACTIONS = (ROOT / "action.yml", ROOT / "feature-flags" / "action.yml")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REUSABLE = [path for path in WORKFLOWS if "workflow_call:" in path.read_text()]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yml"))
TAKES_BACK = {"rollback.yml", "kill-switch.yml"}
OWN_STEPS = {"working-directory", "python-path", "index-url"}
"""Inputs that action.yml itself reads."""
BIN = Path(sys.executable).parent


def load(path):
    return yaml.load(path.read_text(), yaml.BaseLoader)


def steps(path):
    document = load(path)
    if "runs" in document:
        return document["runs"]["steps"]
    return [step for job in document["jobs"].values() for step in job.get("steps", [job])]


def run(*command, **options):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", ACTIONS, ids=["action", "feature-flags"])
def test_every_input_is_described_forwarded_and_read(path):
    document = load(path)
    last = document["runs"]["steps"][-1]["env"]
    source = Path(action_inputs.__file__).read_text()
    for name, field in document["inputs"].items():
        assert field["description"], name
        assert field.get("required") == "true" or "default" in field, name
        if name in OWN_STEPS:
            assert f"${{{{ inputs.{name}" in path.read_text(), name
        else:
            assert last[f"RELEASEGATE_INPUT_{name.upper().replace('-', '_')}"] == f"${{{{ inputs.{name} }}}}"
            assert f'"{name}"' in source, name
    forwarded = {name.removeprefix("RELEASEGATE_INPUT_") for name in last if name.startswith("RELEASEGATE_INPUT_")}
    assert forwarded == {name.upper().replace("-", "_") for name in document["inputs"].keys() - OWN_STEPS}


@pytest.mark.parametrize("path", ACTIONS, ids=["action", "feature-flags"])
def test_python_is_looked_for_where_none_is_named_and_the_jobs_environment_stays_as_it_is(path):
    """What act does not show: its setup-python is a stand-in."""
    (find,) = [step for step in steps(path) if step.get("uses", "").startswith("actions/setup-python@")]
    assert find["with"] == {"python-version": "3.11 - 3.14", "update-environment": "false"}
    assert find["if"] == "inputs.python-path == ''"


def test_every_output_comes_from_the_step_that_runs():
    for path in ACTIONS:
        for name, field in load(path)["outputs"].items():
            assert field["description"], name
            assert field["value"] == f"${{{{ steps.run.outputs.{name} }}}}"


def test_the_tables_in_the_documents_are_made_from_the_actions():
    assert run(sys.executable, "scripts/tables.py", "--check") == (0, "")


@pytest.mark.parametrize("path", [*ACTIONS, *WORKFLOWS, *EXAMPLES], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_expression_stands_in_a_script_and_what_is_foreign_is_pinned(path):
    for step in steps(path):
        assert "${{" not in step.get("run", "")
        uses = step.get("uses")
        if uses == "./":
            assert path.name == "release.yml"  # the only one that always runs in this repository
        elif uses and not uses.startswith("releasegate/releasegate"):
            assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", uses), uses
    assert "pull_request_target" not in path.read_text()
    assert "secrets: inherit" not in path.read_text()


@pytest.mark.parametrize("path", [*WORKFLOWS, *EXAMPLES], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_workflow_grants_nothing_at_the_top_and_says_why_where_it_grants(path):
    document = load(path)
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        assert isinstance(job["permissions"], dict)
    for line in path.read_text().splitlines():
        if re.match(r"\s+[\w-]+: (read|write)\b", line):
            assert " # " in line, line


def test_every_permission_that_is_granted_has_its_line_in_the_documents():
    table = (ROOT / "docs" / "action.md").read_text().partition("## Permissions, line by line")[2].partition("\n## ")[0]
    rows = {}
    for line in table.splitlines():
        if line.startswith("| `"):
            _, permissions, job, why, _ = line.split("|")
            assert "" not in (job.strip(), why.strip()), line
            rows |= dict.fromkeys(re.findall(r"`([\w-]+: \w+)`", permissions), job)
    for path in [*WORKFLOWS, *EXAMPLES]:
        for job in load(path)["jobs"].values():
            assert {f"{name}: {level}" for name, level in job["permissions"].items()} <= rows.keys(), path
    for path in REUSABLE:
        granted = {name: level for job in load(path)["jobs"].values() for name, level in job["permissions"].items()}
        for name, level in granted.items():
            assert f"`{path.stem}`" in rows[f"{name}: {level}"] or "the same" in rows[f"{name}: {level}"], (path, name)


@pytest.mark.parametrize("path", REUSABLE, ids=lambda path: path.name)
def test_a_reusable_workflow_can_be_called_and_dispatched_alike(path):
    on = load(path)["on"]
    assert on["workflow_call"]["inputs"] == on["workflow_dispatch"]["inputs"]
    inputs = on["workflow_call"]["inputs"]
    assert {"runs-on", "python-path"} <= inputs.keys()
    assert all(job["runs-on"] == "${{ inputs.runs-on }}" for job in load(path)["jobs"].values())
    text = path.read_text()
    assert [name for name in inputs if f"inputs.{name}" not in text] == []
    assert "uses: ./" not in text


@pytest.mark.parametrize("path", REUSABLE, ids=lambda path: path.name)
def test_a_reusable_workflow_hands_every_secret_to_each_of_its_steps_and_needs_none(path):
    secrets = load(path)["on"]["workflow_call"]["secrets"]
    assert secrets.keys() == {"PROMETHEUS_URL", "PROMETHEUS_TOKEN", "RELEASEGATE_APP_ID", "RELEASEGATE_APP_KEY"}
    assert {field["required"] for field in secrets.values()} == {"false"}
    ours = [step for step in steps(path) if step.get("uses", "").startswith("releasegate/releasegate@")]
    assert ours
    for step in ours:
        assert step["env"] == {name: f"${{{{ secrets.{name} }}}}" for name in secrets}


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if path.name in TAKES_BACK], ids=lambda path: path.name)
def test_nothing_stands_before_what_takes_back(path):
    document = load(path)
    assert [name for name, field in document["on"]["workflow_call"]["inputs"].items() if "required" in field] == []
    assert all("environment" not in job for job in document["jobs"].values())
    assert document["concurrency"]["group"].startswith(f"releasegate-{path.stem}-")
    assert document["concurrency"]["cancel-in-progress"] == "false"


def test_a_rollout_waits_for_environments_one_at_a_time_and_its_last_job_for_a_job_that_died():
    """What act ignores."""
    document = load(ROOT / ".github" / "workflows" / "rollout.yml")
    assert document["concurrency"] == {
        "group": "releasegate-rollout-${{ inputs.policy }}", "cancel-in-progress": "false"
    }  # fmt: skip
    jobs = document["jobs"]
    assert {name: job.get("environment") for name, job in jobs.items()} == {
        "gates": None, "staging": "${{ inputs.staging }}", "production": "${{ inputs.production }}", "last": None
    }  # fmt: skip
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "gates": None, "staging": ["gates"], "production": ["gates", "staging"], "last": ["gates", "production"]
    }  # fmt: skip
    died = "always() && needs.production.result != 'skipped' && needs.production.outputs.ended == ''"
    assert jobs["last"]["if"] == died
    assert jobs["last"]["steps"][-1]["with"]["args"] == "--resume-or-rollback"
    (back,) = [step for step in jobs["production"]["steps"] if step.get("if") == "cancelled()"]
    assert back["with"]["args"] == "--yes --traffic-only --unfinished-only"


def test_zizmor_finds_nothing():
    pedantic = (BIN / "zizmor", "--offline", "--no-progress", "--persona", "pedantic")
    code, text = run(*pedantic, "action.yml", "feature-flags", ".github")
    assert code == 0, text
    code, text = run(*pedantic, "--config", "tests/action/zizmor.yml", *EXAMPLES)
    assert code == 0, text


def test_the_schemas_of_github_fit():
    check = (BIN / "check-jsonschema", "--builtin-schema")
    code, text = run(*check, "vendor.github-actions", *ACTIONS)
    assert code == 0, text
    code, text = run(*check, "vendor.github-workflows", *WORKFLOWS, *EXAMPLES)
    assert code == 0, text


def test_shellcheck_finds_nothing():
    code, text = run(BIN / "shellcheck", *sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run")
    assert code == 0, text


def test_actionlint_finds_nothing(tmp_path):
    broken = tmp_path / "broken.yml"
    broken.write_text("on: push\njobs: {a: {runs-on: ubuntu-latest, needs: zzz, steps: [{run: 'true'}]}}\n")
    assert "zzz" in lint_with_actionlint(broken)
    told = lint_with_actionlint(*WORKFLOWS, *EXAMPLES).splitlines()
    newer = ('unknown permission scope "attestations"', 'undefined variable "vars"')  # than this actionlint
    assert [line for line in told if not any(text in line for text in newer)] == []
