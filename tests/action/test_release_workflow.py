"""The project's own release: a candidate of two commits, judged by itself, then published once."""

import hashlib
import os
import shutil
import subprocess

import pin
import pytest
from act_runs import ROOT, committed, git

JUNIT = '<testsuite name="t" tests="1"><testcase classname="a" name="b" time="0.1"/></testsuite>'
MAKEFILE = f"test:\n\tmkdir -p reports/tests && echo '{JUNIT}' > reports/tests/test.xml\n"
GH = """\
#!/usr/bin/env bash
echo "$*" >> "$GH_LOG"
[[ "$1 $2" != "release view" ]] || [[ -e "$GH_LOG.there" ]]
"""


@pytest.fixture
def house(action, tmp_path):
    """The files of a release, in a repository whose tests are quick, with a remote."""
    folder = tmp_path / "house"
    shutil.copytree(action, folder)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / ".gitignore").write_text("/dist/\n/reports/\n/.tools\n")
    committed(folder)
    git(tmp_path, "clone", "--quiet", "--bare", folder, tmp_path / "origin.git")
    git(folder, "remote", "add", "origin", tmp_path / "origin.git")
    git(folder, "fetch", "--quiet", "origin")
    (folder / ".tools").symlink_to(ROOT / ".tools")
    return folder


@pytest.fixture
def host(tmp_path):
    """A stand-in for `gh`: the environment with which it is found, and logs what it is asked."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gh").write_text(GH)
    (tmp_path / "bin" / "gh").chmod(0o755)
    return {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "GH_LOG": str(tmp_path / "gh.log")}


def asked(tmp_path):
    return (tmp_path / "gh.log").read_text().splitlines()


def test_a_candidate_is_two_commits_with_its_evidence_and_its_release_is_attested_and_published(
    house, host, act, artifacts, tmp_path
):
    (house / ".github" / "workflows" / "ci.yml").unlink()
    tools = f"ln -sfn {ROOT / '.tools'} .tools && make test"
    release = house / ".github" / "workflows" / "release.yml"
    release.write_text(release.read_text().replace("run: make test", f"run: {tools}"))
    git(house, "commit", "--quiet", "-am", "as act needs it")
    first, origin = git(house, "rev-parse", "HEAD"), tmp_path / "origin.git"
    run = act(
        house, event="workflow_dispatch", inputs={"version": "1.0.0"}, env={**host, "SOURCE": str(origin)},
        options=("-W", ".github/workflows/release.yml"),
    )  # fmt: skip
    assert run.code == 0, run.log
    second = git(origin, "rev-parse", "v1.0.0-rc.1^{commit}")
    assert git(origin, "rev-parse", f"{second}^") == first
    assert git(origin, "show", f"{second}:.github/workflows/rollback.yml").count(f"@{first}") == 1
    assert {path.name for path in artifacts.iterdir()} == {"evidence", "dist", "smoke-checklist", "attested"}
    verdict = (artifacts / "evidence" / "verdict.json").read_text()
    assert '"verdict": "pass"' in verdict
    assert second in verdict
    assert sorted(path.suffix for path in (artifacts / "dist").glob("[!.]*")) == [".gz", ".sha256", ".whl"]
    assert sorted((artifacts / "attested").read_text().splitlines()) == digests(artifacts / "dist")
    assert [git(origin, "rev-parse", f"{tag}^{{commit}}") for tag in ("v1.0.0", "v1")] == [second, second]
    assert [line.split(" --")[0] for line in asked(tmp_path)] == [
        "release view v1.0.0", "release create v1.0.0", "release edit v1.0.0"
    ]  # fmt: skip


def digests(folder):
    """As `sha256sum` prints them in the folder above."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("[!.]*")}
    return sorted(f"{digest}  dist/{name}" for name, digest in found.items())


@pytest.fixture
def candidate(house):
    pin.main([git(house, "rev-parse", "HEAD")], house)
    git(house, "commit", "--quiet", "-am", "pin")
    git(house, "tag", "-a", "v1.0.0-rc.1", "-m", "rc")
    (house / "dist").mkdir()
    (house / "dist" / "x.whl").write_text("")
    return house


def publish(house, host, name):
    return subprocess.run(
        ["bash", "scripts/publish.sh", name], cwd=house, env={**os.environ, **host}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_publishing_tags_once_and_may_be_run_again(candidate, host, tmp_path):
    done = publish(candidate, host, "v1.0.0-rc.1")
    assert done.returncode == 0, done.stderr
    (tmp_path / "gh.log.there").touch()
    assert publish(candidate, host, "v1.0.0-rc.1").returncode == 0
    head = git(candidate, "rev-parse", "HEAD")
    assert [git(tmp_path / "origin.git", "rev-parse", f"{tag}^{{commit}}") for tag in ("v1.0.0", "v1")] == [head, head]
    create = "release create v1.0.0 --draft --verify-tag --title v1.0.0 --notes See CHANGELOG.md. dist/x.whl"
    view, edit = "release view v1.0.0", "release edit v1.0.0 --draft=false"
    assert asked(tmp_path) == [view, create, edit, view, edit]


@pytest.mark.parametrize("name", ["v1.0.0", "v1.0.0-rc.1; true", "main"])
def test_what_is_no_candidate_is_not_published(candidate, host, tmp_path, name):
    done = publish(candidate, host, name)
    assert (done.returncode, done.stderr) == (2, f"{name} is no candidate\n")
    assert git(tmp_path / "origin.git", "tag") == ""


def test_a_release_that_is_another_commit_is_not_moved(candidate, host, tmp_path):
    git(candidate, "tag", "-a", "v1.0.0", "-m", "old", "HEAD^")
    done = publish(candidate, host, "v1.0.0-rc.1")
    assert (done.returncode, done.stderr) == (1, "v1.0.0 is another commit already\n")
    assert git(tmp_path / "origin.git", "tag") == ""
