"""`gate stamp`: the commit of evidence, written where the gates find it."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.gate import gate
from releasegate.errors import InputError


def stamp(folder, *arguments):
    done = CliRunner().invoke(gate, ["stamp", *arguments], obj=App(directory=folder), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value


@pytest.fixture
def checkout(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("commit", "--quiet", "--allow-empty", "--message", "one", "--date", "2026-11-23T10:00:00Z")
    (tmp_path / "reports").mkdir()
    return tmp_path, git


def test_it_names_head_with_its_time(checkout):
    folder, git = checkout
    assert stamp(folder, "reports") == 0
    document = json.loads((folder / "reports" / "releasegate-subject.json").read_text())
    time = git("show", "-s", "--format=%cI", "HEAD")
    assert document["commit"] == git("rev-parse", "HEAD")
    assert document["committed"].removesuffix("Z") == time.removesuffix("Z").removesuffix("+00:00")
    assert (document["schema"], document["tag"]) == ("releasegate/subject/1", None)


def test_a_commit_that_the_repository_does_not_know_has_no_time(checkout):
    folder, _ = checkout
    assert stamp(folder, "reports", "--commit", "A" * 40, "--tag", "v1.0.0-rc.1") == 0
    document = json.loads((folder / "reports" / "releasegate-subject.json").read_text())
    assert (document["commit"], document["tag"], document["committed"]) == ("a" * 40, "v1.0.0-rc.1", None)


def test_nothing_is_written_in_a_dry_run_or_where_one_folder_is_missing(checkout):
    folder, _ = checkout
    assert stamp(folder, "reports", "--dry-run") == 0
    with pytest.raises(InputError, match="gone: is no folder"):
        stamp(folder, "reports", "gone")
    assert list((folder / "reports").iterdir()) == []
