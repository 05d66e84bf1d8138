"""Preparing the environment, as the first thing that a newcomer waits for."""

import os
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from servers import answering
from test_house import ROOT


@pytest.fixture
def slow_index():
    """A package index that takes a request and answers nothing; gives its address and the event of a request."""
    asked, over = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.set()
            over.wait()

        def log_message(self, *arguments):
            pass

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"{address}/simple", asked
        over.set()


@pytest.fixture
def interruptible():
    """What runs in the background ignores SIGINT, and hands that down."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def prepare(tmp_path, index):
    return subprocess.Popen(
        [sys._base_executable, ROOT / "scripts" / "prepare.py", "runtime", tmp_path / "tools", tmp_path / "uv"],
        env={**os.environ, "PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.usefixtures("interruptible")
def test_control_c_in_the_middle_is_one_line_and_130(tmp_path, slow_index):
    index, asked = slow_index
    process = prepare(tmp_path, index)
    assert asked.wait(60)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate()
    assert (process.returncode, printed) == (130, "")
    assert "releasegate: installing uv (once)\n" in said
    assert said.endswith("releasegate: interrupted; the next run begins anew\n")
    assert "Traceback" not in said
    assert not (tmp_path / "uv" / ".releasegate-lock").exists()


def test_an_index_that_holds_nothing_is_told_with_the_way_out(tmp_path):
    process = prepare(tmp_path, "file:///nowhere")
    printed, said = process.communicate()
    assert (process.returncode, printed) == (4, "")
    assert re.fullmatch(
        r"releasegate: could not prepare runtime-3\.[0-9]+: `python[0-9.]*` exited 1, as said above; "
        r"is the package index reachable \(PIP_INDEX_URL and UV_DEFAULT_INDEX name another one\), "
        r"and pip installed \(Debian: python3-pip\)\?",
        said.splitlines()[-1],
    )
