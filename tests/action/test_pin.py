"""A release is two commits; the second pins the workflows to the first, and between releases the pins stay."""

import re
import shutil
import subprocess

import pin
import pytest
from act_runs import ROOT

from repositories import git, repository


@pytest.fixture
def house(tmp_path):
    folder = repository(tmp_path / "house")
    shutil.copytree(ROOT / ".github", folder / ".github")
    (folder / "code.py").write_text("print('first')\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


def test_all_workflows_that_are_called_name_one_commit():
    found = {commit for _, commit in pin.pins(ROOT)}
    assert len(found) == 1
    if re.search(r"^## \[\d", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE) is None:
        assert found == {pin.UNRELEASED}  # there is no release that they could run
    else:
        subprocess.run(["git", "-C", ROOT, "merge-base", "--is-ancestor", *found, "HEAD"], check=True)


def test_the_second_commit_pins_the_first_and_is_a_release(house, capsys):
    first = git(house, "rev-parse", "HEAD")
    assert pin.main([first], house) == 0
    git(house, "commit", "--quiet", "-am", "pin")
    assert {commit for _, commit in pin.pins(house)} == {first}
    assert pin.main(["--check"], house) == 0
    assert capsys.readouterr().out == f"pinned to {first}\n"


def test_a_commit_that_changes_more_is_no_release(house, capsys):
    assert pin.main([git(house, "rev-parse", "HEAD")], house) == 0
    (house / "code.py").write_text("print('sneaked in')\n")
    git(house, "commit", "--quiet", "-am", "pin and more")
    assert pin.main(["--check"], house) == 1
    assert "HEAD changes more than the pins: +print('sneaked in')" in capsys.readouterr().out.splitlines()


def test_pins_of_another_commit_are_no_release(house, capsys):
    git(house, "commit", "--quiet", "--allow-empty", "-m", "second")
    assert pin.main(["--check"], house) == 1
    first = git(house, "rev-parse", "HEAD^")
    assert f"rollback.yml is pinned to {pin.UNRELEASED}, not to {first}" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("arguments", [[], ["v1"], ["a" * 39], ["--check", "x"]])
def test_what_is_no_commit_changes_nothing(house, arguments, capsys):
    assert pin.main(arguments, house) == 2
    assert capsys.readouterr().err == "name a commit by its forty hexadecimal digits, or --check\n"
    assert git(house, "status", "--porcelain") == ""
