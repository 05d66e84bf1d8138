"""`releasegate init`: what it finds, what it writes, and that what it writes works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from act_runs import ROOT, git
from click.testing import CliRunner
from linting import lint_with_actionlint

from releasegate.cli.app import App
from releasegate.cli.init import init
from releasegate.cli.look import look
from releasegate.flags.document import FlagFile
from releasegate.policy.load import load_policy
from releasegate.render.starter import Answers, Found, propose, starter_files
from repositories import write

CALLERS = {".github/workflows/kill-switch.yml", ".github/workflows/release.yml", ".github/workflows/rollback.yml"}
SHOP = {
    "lighthouserc.json": "{}",
    ".zap/rules.tsv": "10010\tIGNORE\n",
    "config/feature-flags.yaml": "# Who sees what.\nnew-cart:\n  enabled: true\n  percentage: 0\n",
    "alembic.ini": "[alembic]\n",
    "compose.yaml": "services:\n  metrics:\n    image: docker.test/prom/prometheus:v3\n",
    ".github/workflows/release.yml": "on: push\n",
}


def invoke(folder, *arguments, answers=None):
    return CliRunner().invoke(init, arguments, obj=App(directory=folder), input=answers)


def test_everything_that_lies_there_is_found(tmp_path):
    write(tmp_path, SHOP)
    assert look(tmp_path) == Found(
        lighthouse="lighthouserc.json",
        zap_rules=".zap/rules.tsv",
        flag_file="config/feature-flags.yaml",
        flags=("new-cart",),
        alembic="alembic.ini",
        workflows=("release.yml",),
        prometheus="compose.yaml: metrics",
    )


def test_what_cannot_be_read_counts_as_not_there(tmp_path):
    write(tmp_path, {"config/feature-flags.yaml": "{{{", "compose.yaml": "services: [*x]\n", "lighthouserc.json": ""})
    assert look(tmp_path) == Found(lighthouse="lighthouserc.json")


def test_an_empty_repository_gets_all_that_it_needs(tmp_path):
    folder = tmp_path / "My Shop"
    folder.mkdir()
    result = invoke(folder, "--yes", "--requests", "500", "--errors", "1%")
    assert result.exit_code == 0, result.output
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {"releasegate.yaml", "config/feature-flags.yaml", *CALLERS}
    policy = load_policy((folder / "releasegate.yaml").read_bytes(), "p", {"PROMETHEUS_URL": "http://127.0.0.1:9"})
    assert (policy.service, policy.traffic.flag.name, policy.canary.weight) == ("My-Shop", "new-version", 0.05)
    file = FlagFile.parse((folder / "config/feature-flags.yaml").read_bytes(), "f")
    assert list(file.names()) == ["new-version", "AGENT_SAFE_MODE"]
    assert "wrote releasegate.yaml, config/feature-flags.yaml" in result.stdout
    assert all(f"+++ {path}" in result.stderr for path in written)


def test_what_is_there_stays_as_it_is(tmp_path):
    write(tmp_path, SHOP | {"releasegate.yaml": "mine\n"})
    result = invoke(tmp_path, "--yes")
    assert result.exit_code == 0
    assert (tmp_path / "releasegate.yaml").read_text() == "mine\n"
    assert (tmp_path / ".github/workflows/release.yml").read_text() == "on: push\n"
    assert (tmp_path / ".github/workflows/releasegate-release.yml").is_file()
    assert "releasegate.yaml is there already, and stays as it is" in result.stderr
    assert "5. a rollback leaves migrations where they are" in result.stdout


def test_it_asks_at_most_five_questions_and_writes_nothing_without_a_yes(tmp_path):
    write(tmp_path, SHOP)
    before = sorted(tmp_path.rglob("*"))
    result = invoke(tmp_path, answers="cart\n\nenvoy\n40\n0.5%\nn\n")
    assert result.exit_code == 1
    asked = [line for line in result.stderr.splitlines() if "?" in line and not line.startswith("+")]
    assert len(asked) == 6, asked  # five questions, and whether to write
    assert "+service: cart" in result.stderr
    assert "+  flag: {name: new-cart}" in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_writes_nothing_and_says_so(tmp_path):
    command = [sys.executable, "-m", "releasegate", "init", "--dry-run", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert document["written"] is False
    assert set(document["files"]) == {"releasegate.yaml", "config/feature-flags.yaml", *CALLERS}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("requests", "weight", "window"),
    [(None, 0.05, 1800), (1000, 0.05, 1800), (20, 0.05, 7200), (10, 0.1, 7200), (0.01, 0.5, 7200)],
)
def test_the_canary_fits_the_traffic(requests, weight, window):
    answers = Answers(service="s", flag="f", preset="prometheus-client", requests=requests)
    found = propose(answers)
    assert (found.weight, found.window) == (weight, window)


@pytest.mark.parametrize("name", ["on", "a b", "x: y", "#", "'", "${{ github.token }}", "é"])
def test_any_name_is_written_so_that_it_is_read_again(name):
    answers = Answers(service="s", flag=name, preset="envoy")
    text = starter_files(Found(), answers)["releasegate.yaml"]
    assert yaml.safe_load(text)["traffic"]["flag"]["name"] == name


def test_linters_find_nothing_in_the_workflows(tmp_path):
    assert invoke(tmp_path, "--yes").exit_code == 0
    workflows = sorted((tmp_path / ".github" / "workflows").glob("*.yml"))
    bin_ = Path(sys.executable).parent
    for command in (
        [bin_ / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows],
        [
            bin_ / "zizmor",
            "--offline",
            "--no-progress",
            "--persona",
            "pedantic",
            "--config",
            ROOT / "tests" / "action" / "zizmor.yml",
            *workflows,
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert lint_with_actionlint(*workflows) == ""


@pytest.fixture
def begun(shop):
    """The shop with what `init` writes, pushed; gives a function that leaves one of the workflows alone."""
    for name in ("releasegate.yaml", "config/feature-flags.yaml"):
        (shop / name).unlink()
    assert invoke(shop, "--yes", "--flag", "checkout-v2").exit_code == 0

    def only(workflow, settle="1s"):
        for name in {path.rpartition("/")[2] for path in CALLERS} - {workflow}:
            (shop / ".github" / "workflows" / name).unlink()
        policy = (shop / "releasegate.yaml").read_text()
        (shop / "releasegate.yaml").write_text(policy.replace("window: 30m", f"settle: {settle}\n  window: 30m"))
        git(shop, "add", "--all")
        git(shop, "commit", "--quiet", "-m", "init")
        git(shop, "push", "--quiet", "origin", "main")
        return shop

    return only


NO_PROMETHEUS = {"PROMETHEUS_URL": "http://127.0.0.1:9"}


def flags_of(shop):
    return git(shop.parent / "origin.git", "show", "main:config/feature-flags.yaml")


def test_the_written_kill_switch_runs(begun, act):
    shop = begun("kill-switch.yml")
    run = act(shop, event="workflow_dispatch", secrets=NO_PROMETHEUS)
    assert run.code == 0, run.log
    assert "the agents are stopped" in run.printed
    assert "AGENT_SAFE_MODE: 1" in flags_of(shop)


@pytest.mark.soak
def test_the_written_rollback_runs(begun, act):
    shop = begun("rollback.yml")
    run = act(shop, event="workflow_dispatch", secrets=NO_PROMETHEUS, inputs={"reason": "it burns"})
    assert "✓ flip the traffic: flag checkout-v2 in config/feature-flags.yaml: off" in run.printed, run.log
    seen = "✗ see the traffic return: traffic was not seen to return within 1 s: no count could be read; "
    assert any(line.startswith(seen) for line in run.printed)
    assert (run.code, "exit status 4" in run.log) == (1, True)
    assert "enabled: false" in flags_of(shop)
    assert "it burns" in git(shop.parent / "origin.git", "log", "-1", "--format=%B", "main")


@pytest.mark.soak
def test_the_written_release_runs_up_to_evidence_that_is_too_old(begun, act):
    shop = begun("release.yml")
    before = flags_of(shop)
    run = act(shop, event="workflow_dispatch", secrets=NO_PROMETHEUS)
    told = "v0.1.0-rc.1 stopped at `gates`: lighthouse inconclusive: this evidence tells no commit; "
    assert any(line.startswith(told) for line in run.printed), run.log
    assert (run.code, "exit status 3" in run.log) == (1, True)
    assert git(shop.parent / "origin.git", "tag", "--list") == "v0.1.0-rc.1"
    assert flags_of(shop) == before
    assert not any(f"[rollout/rollout/{job}]" in run.log for job in ("staging", "production", "last"))
