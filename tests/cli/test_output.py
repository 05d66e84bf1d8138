"""What is printed where nobody reads it, and one JSON document on standard output."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from releasegate.cli.app import App
from releasegate.cli.main import Steady, releasegate, run
from repositories import committed, git, origin, with_origin

PROGRAM = [sys.executable, "-I", "-m", "releasegate"]
FILE = "config/feature-flags.yaml"
FLAGS = "checkout-v2: {enabled: true, percentage: 50}\n"
POLICY = """\
version: 1
service: shop
environment: production
flags: {publish: {command: ["false"]}}
"""
CHANGES_NOTHING = {
    "canary backtest", "canary plan", "canary replay", "canary watch", "doctor", "flags get", "flags lint",
    "flags list", "flags prove", "gate changes", "gate lighthouse", "gate lint", "gate migrations", "gate run",
    "gate tests", "gate zap", "kill-switch status", "ledger export", "ledger index", "ledger show", "ledger verify",
    "policy explain", "rehearse", "schema", "status", "tag last-good",
}  # fmt: skip
"""Commands that read, and write no file but one that an option of theirs names."""


def commands(group=releasegate, words=()):
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_every_command_that_changes_anything_has_a_dry_run():
    found = dict(commands())
    dry = {name for name, command in found.items() if any("--dry-run" in option.opts for option in command.params)}
    assert found.keys() - dry == CHANGES_NOTHING


@pytest.mark.parametrize("arguments", [["schema", "policy"], ["flags", "lint", "--help"], ["--version"]])
def test_a_reader_that_goes_away_is_141_and_no_word(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as unread:  # noqa: PTH123  it is open already
        done = subprocess.run([*PROGRAM, *arguments], stdout=unread, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_is_one_line_and_4():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "schema", "policy"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (
        4, "releasegate: standard output cannot be written: No space left on device\n",
    )  # fmt: skip


def test_without_standard_output_a_command_still_ends_well():
    done = subprocess.run(["bash", "-c", f"'{sys.executable}' -I -m releasegate schema policy >&- 2>&-"], check=False)
    assert done.returncode == 0


def test_a_listener_that_goes_away_stops_nothing():
    class Gone:
        encoding = "utf-8"

        def write(self, text):
            raise BrokenPipeError(text)

        def flush(self):
            raise OSError

    steady = Steady(Gone())
    assert (steady.write("what was done"), steady.flush(), steady.encoding) == (13, None, "utf-8")


def test_a_bug_without_a_place_for_its_log_is_70_and_one_line(tmp_path, monkeypatch, capsys):
    class Broken(App):
        def find_policy(self):
            raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert run(Broken(), ["policy", "explain"]) == 70
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("releasegate: this is a bug in releasegate; please report it with this: ")
    assert err.endswith("ZeroDivisionError: a bug of ours (no log file can be written: No such file or directory)\n")


@pytest.fixture
def repo(tmp_path):
    folder = with_origin(tmp_path / "repo", origin(tmp_path / "origin.git"))
    committed(folder, {FILE: FLAGS, "releasegate.yaml": POLICY})
    git(folder, "push", "--quiet", "origin", "main")
    return folder


def test_a_look_leaves_nothing_among_the_temporary_files(repo, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (repo / "releasegate.yaml").write_text(f"{POLICY}traffic: {{flag: {{name: checkout-v2}}}}\n")
    environment = {name: value for name, value in os.environ.items() if name != "RUNNER_TEMP"}
    look = [*PROGRAM, "rollback", "--dry-run"]
    done = subprocess.run(
        look, cwd=repo, env={**environment, "TMPDIR": str(temporary)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, [*temporary.iterdir()]) == (0, []), done
    assert "1. set the canary's weight to 0\n" in done.stdout


def call(repo, capsys, *arguments):
    code = run(App(directory=repo), [*arguments, "--format", "json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def test_a_flag_that_is_committed_and_not_live_is_one_document(repo, capsys):
    code, found, err = call(repo, capsys, "flags", "off", "checkout-v2")
    error = found.pop("error")
    assert (code, error["exit_code"], found["live"]) == (4, 4, "")
    assert found["commit"] == git(repo.parent / "origin.git", "rev-parse", "main")
    assert err.startswith(f"releasegate: {error['what']}")
    assert error["what"].startswith("committed, but ")


def test_a_patch_on_standard_output_is_one_document(repo, capsys):
    code, found, err = call(repo, capsys, "flags", "off", "checkout-v2", "--patch", "-")
    assert (code, err, found["schema"]) == (0, "", "releasegate/flag-change/1")
    git(repo, "apply", "-", input=found["diff"])
    assert (repo / FILE).read_text() == "checkout-v2: {enabled: false, percentage: 0}\n"


def test_a_patch_for_a_person_is_one_document(repo, capsys):
    (repo / FILE).write_text("b: &x true\na: *x\n")
    code, found, err = call(repo, capsys, "flags", "off", "a", "--in-place")
    error = found["error"]
    assert (code, error["exit_code"], found["schema"]) == (4, 4, "releasegate/patch/1")
    assert error["what"].startswith("NOT OFF: ")
    assert error["what"] in err
    assert found["diff"].endswith("-a: *x\n+a: false\n")
