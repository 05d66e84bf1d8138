"""Where the action's packages come from: the index of an input alone, and nobody where the cache holds them all."""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from act_runs import ROOT
from prepare import uv_executable

from servers import answering

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def prepare(tmp_path):
    """Run what the actions run first; gives its exit code and all that it printed."""

    def run(*, uv=True, index="", **environment):
        temporary = tmp_path / "runner"
        temporary.mkdir(exist_ok=True)
        if uv and not (temporary / "releasegate-uv").exists():
            (temporary / "releasegate-uv").symlink_to(Path(uv_executable()).parents[1])
        inputs = {"RELEASEGATE_PYTHON": sys._base_executable, "RELEASEGATE_INDEX": index}
        runner = {"RUNNER_TEMP": str(temporary), "GITHUB_OUTPUT": str(tmp_path / "output")}
        done = subprocess.run(
            ["bash", ROOT / "scripts" / "action-prepare.sh"], capture_output=True, text=True, check=False,
            env={**os.environ, **runner, **inputs, **environment},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def index():
    """An index that holds nothing; gives its address, with a password in it, and what it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments):
            pass

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"{address.replace('//', '//reader:hunter2@')}/simple", asked


def test_uv_itself_is_asked_for_at_the_index_of_the_input(prepare, index):
    address, asked = index
    code, printed = prepare(uv=False, index=address, PIP_INDEX_URL=NOBODY, PIP_NO_INDEX="1")
    assert (code, set(asked)) == (4, {"/simple/uv/"}), printed
    assert printed.count("hunter2") == 1
    assert printed.startswith(f"::add-mask::{address}\n")


def test_the_packages_are_asked_for_at_the_index_of_the_input(prepare, index, tmp_path):
    address, asked = index
    (tmp_path / "cold").mkdir()
    cold = {"HOME": str(tmp_path / "cold"), "XDG_CACHE_HOME": str(tmp_path / "cold"), "UV_INDEX_URL": NOBODY}
    code, printed = prepare(index=address, **cold)
    assert (code, "/simple/click/" in asked, printed.count("hunter2")) == (4, True, 1), printed
    assert {path.split("/")[1] for path in asked} == {"simple"}
    name = f"runtime-{sys.version_info.major}.{sys.version_info.minor}"
    last = printed.splitlines()[-1]
    assert last.startswith(f"releasegate: could not prepare {name}: `uv` exited 1, as said above; is the package ")


def test_nobody_is_asked_for_what_the_cache_holds(prepare, tmp_path):
    assert prepare()[0] == 0  # the cache holds it now
    code, printed = prepare(HTTP_PROXY=NOBODY, HTTPS_PROXY=NOBODY, ALL_PROXY=NOBODY)
    assert code == 0, printed
    python = Path((tmp_path / "output").read_text().splitlines()[-1].removeprefix("python="))
    answer = subprocess.run([python, "-I", "-m", "releasegate", "--version"], capture_output=True, check=True)
    assert answer.stdout
