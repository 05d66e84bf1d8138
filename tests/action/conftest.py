"""A repository that uses the actions, and act, which runs its workflows on this machine.

act runs on the host, without docker and without a network of its own. What it cannot fetch stands in for itself:
checkout is act's own (a stand-in where it is given a commit), artifacts are folders, setup-python hands out the Python
that runs the tests, and this checkout's locked uv, so that not every job installs it again
(`test_hostile_repository.py` sees it installed).
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from act_runs import FLAGS, ROOT, SAMPLES, Run, committed, git
from prepare import uv_executable

ACT = Path(sys.executable).with_name("act")
STAND_INS = {
    "actions/checkout": """\
inputs: {ref: {description: commit}, fetch-depth: {description: all}, persist-credentials: {description: ignored}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {REF: "${{ inputs.ref }}"}
      run: git clone --quiet "$SOURCE" . && git checkout --quiet "$REF"
""",
    "actions/setup-python": """\
inputs: {python-version: {description: range}, update-environment: {description: "false"}}
outputs: {python-path: {description: path, value: "${{ steps.here.outputs.python-path }}"}}
runs:
  using: composite
  steps:
    - id: here
      shell: bash
      run: |
        echo "python-path=PYTHON" >> "$GITHUB_OUTPUT"
        ln -sfn "UV" "$RUNNER_TEMP/releasegate-uv"
""",
    "actions/upload-artifact": """\
inputs: {name: {description: name}, path: {description: path}, if-no-files-found: {description: ignored}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}", FROM: "${{ inputs.path }}"}
      run: |
        mkdir -p "$ARTIFACTS/$NAME"
        if [ -d "$FROM" ]; then FROM="$FROM/."; fi
        if [ -e "$FROM" ]; then cp -r "$FROM" "$ARTIFACTS/$NAME"; fi
""",
    "actions/download-artifact": """\
inputs: {name: {description: name}, path: {description: path}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}", TO: "${{ inputs.path }}"}
      run: mkdir -p "$TO" && cp -r "$ARTIFACTS/$NAME/." "$TO"
""",
    "actions/attest": """\
inputs: {subject-path: {description: path}, predicate-type: {description: type}, predicate-path: {description: path}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {SUBJECT: "${{ inputs.subject-path }}"}
      run: sha256sum $SUBJECT >> "$ARTIFACTS/attested" # a glob, as attest takes it
""",
}
"""Stand-ins for GitHub's own actions. Artifacts are folders below $ARTIFACTS; a folder is kept without its own name."""


@pytest.fixture(scope="session")
def action(tmp_path_factory):
    """The files of this checkout that a release holds, and no repository: act copies all there is for every use."""
    folder = tmp_path_factory.mktemp("action") / "releasegate"
    folder.mkdir()
    for name in ("action.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in (".github", "feature-flags", "requirements", "scripts", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory):
    uv = Path(uv_executable()).parents[1]
    folders = {}
    for name, text in STAND_INS.items():
        folder = tmp_path_factory.mktemp("stand-in") / name.rpartition("/")[2]
        folder.mkdir()
        here = text.replace("PYTHON", sys._base_executable).replace("UV", str(uv))
        (folder / "action.yml").write_text(f"name: a stand-in\ndescription: for tests\n{here}")
        folders[name] = folder
    return folders


@pytest.fixture
def artifacts(tmp_path):
    """The folder in which artifacts are kept, each in a folder of its name."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    return folder


@pytest.fixture
def shop(tmp_path):
    """A repository with evidence, a flag file and a policy, and a bare remote."""
    folder = tmp_path / "shop"
    shutil.copytree(SAMPLES / "lighthouse", folder / ".lighthouseci")
    shutil.copy(SAMPLES / "lighthouserc.json", folder)
    (folder / "config").mkdir()
    (folder / "config" / "feature-flags.yaml").write_text(FLAGS)
    policy = {
        "version": 1, "service": "shop", "environment": "production", "traffic": {"flag": {"name": "checkout-v2"}},
        "canary": {
            "metrics": {"prometheus": {"url": "http://127.0.0.1:9"}},
            "slis": {"errors": {"ratio": {"bad": "errors_total", "total": "requests_total"}}},
            "tracks": {"baseline": '{track="stable"}', "canary": '{track="canary"}'},
        },
        "rollback": {"flags": {"off": ["checkout-v2"]}}, "kill-switch": {"flag": "AGENT_SAFE_MODE", "value": 1},
    }  # fmt: skip
    (folder / "releasegate.yaml").write_text(yaml.safe_dump(policy))
    committed(folder)
    origin = tmp_path / "origin.git"
    git(tmp_path, "clone", "--quiet", "--bare", folder, origin)
    git(folder, "remote", "add", "origin", origin)
    git(folder, "fetch", "--quiet", "origin")
    return folder


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    """act, whose steps write to pipes, as on GitHub's runners.

    As it comes, act gives a step a terminal, and does not wait for the rest of what is in it where the step fails: on a
    busy machine the end of its log is lost. Where it finds none to give, it takes pipes and reads them to their end.
    """
    program = tmp_path_factory.mktemp("act") / "act"
    whole = ACT.read_bytes()
    assert whole.count(b"/dev/ptmx") == 1
    program.write_bytes(whole.replace(b"/dev/ptmx", b"/dev/none"))
    program.chmod(0o755)
    return program


@pytest.fixture
def act(action, runner, stand_ins, artifacts, tmp_path):
    """Run a workflow of a repository; every pin of the action and of GitHub's own is mapped to this machine."""

    def run(folder, *, event="push", env=None, inputs=None, workflow=None, secrets=None, options=()):
        if workflow is not None:
            file = folder / ".github" / "workflows" / "test.yml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(workflow)
        command = [
            runner, event, "-P", "ubuntu-latest=-self-hosted", "-P", "self-hosted=-self-hosted",
            "--no-cache-server", "--artifact-server-addr", "127.0.0.1",
            "--action-cache-path", tmp_path / "act", "--actor", "octocat", *options,
        ]  # fmt: skip
        sources = [*folder.glob(".github/workflows/*.yml"), *action.rglob("*.yml")]
        uses = "\n".join(path.read_text() for path in sources)
        places = {"releasegate/releasegate": action, **stand_ins}
        for name, ref in sorted(set(re.findall(r"uses: ([\w-]+/[\w-]+)(?:/[\w./-]+)?@([\w.]+)", uses))):
            if name in places:
                command += ["--local-repository", f"{name}@{ref}={places[name]}"]
        env = {"GIT_CONFIG_GLOBAL": os.devnull, "ARTIFACTS": str(artifacts), "SOURCE": str(folder), **(env or {})}
        settings = {"--env": env, "--input": inputs, "--secret": {"GITHUB_TOKEN": "none-at-all", **(secrets or {})}}
        for option, values in settings.items():
            for name, value in (values or {}).items():
                command += [option, f"{name}={value}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1800)
        return Run(done.returncode, done.stdout + done.stderr)

    return run
