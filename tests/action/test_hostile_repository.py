"""What the judged repository, or the job's environment, holds changes nothing in what judges it."""

import os
import re
import subprocess
import sys

import pytest
from act_runs import ROOT
from prepare import uv_executable

NOWHERE = "http://127.0.0.1:9/simple"
BOOBY_TRAP = "import pathlib\npathlib.Path({marker!r}).write_text('hijacked')\nraise SystemExit(0)\n"
MODULES = (
    "yaml.py",
    "releasegate/__init__.py",
    "releasegate/__main__.py",
    "sitecustomize.py",
    "click.py",
    "pip/__main__.py",
)
SETTINGS = {
    "uv.toml": f'index-url = "{NOWHERE}"\n',
    "pyproject.toml": f'[tool.uv]\nindex-url = "{NOWHERE}"\n[build-system]\nrequires = ["evil"]\n',
    "pip.conf": f"[global]\nindex-url = {NOWHERE}\n",
}
VARIABLES = {
    "PYTHONPATH": ".", "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": "yaml.py", "PIP_CONFIG_FILE": "pip.conf",
    "PIP_INDEX_URL": NOWHERE, "UV_INDEX_URL": NOWHERE, "UV_CONFIG_FILE": "uv.toml", "UV_PYTHON": "2.7",
    "UV_EXCLUDE_NEWER": "2001-01-01", "VIRTUAL_ENV": "/nowhere",
}  # fmt: skip
GATE = """\
on: push
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: releasegate/releasegate@v1
        with:
          command: gate lighthouse
          reports: .lighthouseci
          config: lighthouserc.json
          python-path: PYTHON
"""


def plant(folder, marker):
    for name in MODULES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(BOOBY_TRAP.format(marker=str(marker)))
    for name, text in SETTINGS.items():
        (folder / name).write_text(text)


def test_a_hostile_repository_and_environment_change_nothing(shop, act, tmp_path):
    marker = tmp_path / "marker"
    plant(shop, marker)
    # No stand-in hands out uv here: it is installed as on a new runner.
    run = act(shop, workflow=GATE.replace("PYTHON", sys._base_executable), env=VARIABLES)
    assert run.code == 0, run.log
    assert "releasegate: installing uv (once)" in run.printed
    assert run.outputs("verdict")[0] == "pass"
    assert not marker.exists()


@pytest.mark.parametrize("module", ["yaml", "releasegate", "pip"])
def test_the_planted_modules_would_do_harm_to_a_plain_python(tmp_path, module):
    marker = tmp_path / "marker"
    plant(tmp_path, marker)
    subprocess.run([sys.executable, "-m", module], cwd=tmp_path, check=False, capture_output=True)
    assert marker.read_text() == "hijacked"


def test_the_planted_variables_would_do_harm_to_a_plain_python(tmp_path):
    marker = tmp_path / "marker"
    plant(tmp_path, marker)
    planted = {**os.environ, "PYTHONPATH": VARIABLES["PYTHONPATH"]}
    subprocess.run([sys.executable, "-c", "pass"], cwd=tmp_path, env=planted, check=False, capture_output=True)
    assert marker.read_text() == "hijacked"  # sitecustomize.py


def test_the_planted_pip_conf_would_do_harm_to_a_plain_pip(tmp_path):
    plant(tmp_path, tmp_path / "marker")
    planted = {**os.environ, "PIP_CONFIG_FILE": VARIABLES["PIP_CONFIG_FILE"]}
    command = [sys._base_executable, "-I", "-m", "pip", "config", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=planted, check=True, capture_output=True, text=True)
    assert f"global.index-url='{NOWHERE}'" in done.stdout.splitlines()


@pytest.mark.parametrize("settings", ["uv.toml", "pyproject.toml"])
def test_the_planted_settings_would_do_harm_to_a_plain_uv(tmp_path, settings):
    (tmp_path / settings).write_text(SETTINGS[settings])
    once = {**os.environ, "UV_HTTP_RETRIES": "0"}
    command = [uv_executable(), "pip", "compile", "--no-cache", "-"]
    done = subprocess.run(command, cwd=tmp_path, env=once, input="click", capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "127.0.0.1:9" in done.stderr


def test_a_package_that_is_not_the_locked_one_is_refused(tmp_path):
    locked = re.search(r"^click==\S+", (ROOT / "requirements" / "runtime.txt").read_text(), re.MULTILINE)[0]
    (tmp_path / "lock.txt").write_text(f"{locked} --hash=sha256:{'0' * 64}\n")
    command = [
        uv_executable(), "--no-config", "pip", "install", "--require-hashes", "--no-deps", "--target", tmp_path / "to",
        "-r", tmp_path / "lock.txt",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"Hash mismatch for `{locked}`" in done.stderr
    assert not (tmp_path / "to" / "click").exists()
