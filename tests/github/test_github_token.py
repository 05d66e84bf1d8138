"""The token is in no output, whatever goes wrong, and in no argument list."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from github_front import TOKEN, Fault, github_forge
from github_shop import start
from planted import printed
from releasegate.forge.github.connect import Credentials

HARD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from releasegate.cli.app import App
from releasegate.cli.main import run
sys.exit(run(App(sleep=lambda _: None), sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (None, 0),
        (Fault(status=500), 4),
        (Fault(status=403, body=b'{"message": "Forbidden"}'), 4),
        (Fault(truncate=True), 4),
        (Fault(status=200, body=b'{"data": {"repository": 7}}'), 70),
    ],
    ids=["all is well", "500", "403", "truncated", "nonsense, and a bug report"],
)
def test_the_token_is_in_no_output(github, tmp_path, fault, code):
    forge = github_forge(github)
    start(forge)
    github.fault = lambda _: fault
    folders = {"TMPDIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    env = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
    env |= {"GH_TOKEN": TOKEN, "GITHUB_API_URL": github.address, **folders}
    argv = [sys.executable, "-c", HARD, "flags", "off", "banner", "-vv", "--repo", forge.home]
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    kept = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert [text for text in (done.stdout, done.stderr, *kept) if TOKEN in text] == []
    assert "releasegate" in done.stderr


def test_credentials_hide_what_is_secret():
    told = repr(Credentials.of({"GITHUB_TOKEN": TOKEN})) + repr(
        Credentials.of({"RELEASEGATE_APP_ID": "7", "RELEASEGATE_APP_KEY": TOKEN})
    )
    assert TOKEN not in told
    assert "7" in told


def test_the_source_names_no_token():
    sources = Path(__file__).resolve().parents[2] / "src"
    assert [path for path in sources.rglob("*.py") if "plantedToken" in path.read_text()] == []


@pytest.mark.parametrize("options", [{"text": True}, {}], ids=["text", "bytes"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_token_that_a_process_prints_is_noticed(stream, options):
    command = [sys.executable, "-c", f"import os, sys; sys.{stream}.write(os.environ['GH_TOKEN'])"]
    subprocess.run(command, env={"GH_TOKEN": TOKEN}, capture_output=True, check=True, **options)
    assert printed == [command]
    printed.clear()


def test_a_token_in_what_a_test_reads_is_noticed(capsys):
    sys.stdout.write(TOKEN)
    with pytest.raises(AssertionError, match="planted"):
        capsys.readouterr()
