"""Work that is done without a network: the sample's pages in a real browser, and the test that judges a candidate."""

import os
import subprocess
import sys

import pytest
from junitparser import JUnitXml

from releasegate.cli.app import App
from releasegate.cli.main import run

COMMIT = "5" * 40
MODULE = [sys.executable, "-I", "-X", "utf8", "-m"]
PROTOCOL = [
    "the app can be installed",
    "work queued without a network arrives once and in order",
    "work whose answer was lost is sent again and kept once",
    "work that is refused holds up nothing",
]
PAGES = [
    "the pages open without a network",
    "work added without a network waits, also when the page is opened again",
    "it is sent once and in order when the network is back, though an answer gets lost",
    "the staff sees it",
]


@pytest.fixture
def staging(request):
    """The address of a candidate in staging, in the scenario that the test asks for."""
    options = ["--port", "0", "--track", "staging", "--scenario", getattr(request, "param", "healthy")]
    command = [*MODULE, "releasegate.rehearsal.sample.app", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


def tried(address, folder, **environment):
    """What each test came to: its name and the first words of what is wrong."""
    command = [*MODULE, "releasegate.rehearsal.offline_sync", address, str(folder), "v1.4.0-rc.1", COMMIT]
    known = {key: value for key, value in os.environ.items() if key != "CHROME_PATH"}
    subprocess.run(command, check=True, env={**known, **environment}, timeout=300)
    suites = list(JUnitXml.fromfile(str(folder / "offline-sync.xml")))
    return {case.name: [(type(one).__name__, one.message) for one in case.result] for suite in suites for case in suite}


def judged(folder, capsys):
    report = str(folder / "offline-sync.xml")
    code = run(App(directory=folder), ["gate", "tests", report, "--commit", COMMIT])
    return code, capsys.readouterr().out.splitlines()[0]


@pytest.mark.servers
def test_the_pages_in_a_browser_lose_nothing_and_do_nothing_twice(staging, tmp_path, program, capsys):
    found = tried(staging, tmp_path, CHROME_PATH=program("chromium"))
    assert found == {name: [] for name in [*PROTOCOL, *PAGES]}
    assert judged(tmp_path, capsys)[0] == 0


@pytest.mark.parametrize("staging", ["lost-work"], indirect=True)
def test_a_candidate_that_loses_work_is_found_without_a_browser(staging, tmp_path, capsys):
    found = tried(staging, tmp_path, PATH="")
    assert found == {
        PROTOCOL[0]: [],
        PROTOCOL[1]: [("Failure", "asked for queued 1, queued 2, queued 3, queued 4; there is queued 1, queued 3")],
        PROTOCOL[2]: [],
        PROTOCOL[3]: [("Failure", "asked for refused 2; there is nothing")],
    }
    code, line = judged(tmp_path, capsys)
    assert (code, "2 failed, 2 passed" in line) == (1, True), line


@pytest.mark.soak
@pytest.mark.servers
@pytest.mark.parametrize("staging", ["lost-work"], indirect=True)
def test_a_candidate_that_loses_work_is_found_in_a_browser(staging, tmp_path, program):
    found = tried(staging, tmp_path, CHROME_PATH=program("chromium"))
    [(kind, message)] = found[PAGES[2]]
    assert (kind, message.startswith("asked for browser 1, browser 2, browser 3; there is browser ")) == (
        "Failure", True,
    )  # fmt: skip


@pytest.mark.parametrize("asked_for", [True, False])
def test_a_browser_that_does_not_start_is_told(staging, tmp_path, asked_for):
    broken = tmp_path / "bin" / "chromium"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    broken.chmod(0o755)
    found = tried(
        staging, tmp_path, PATH=f"{broken.parent}:/bin", **({"CHROME_PATH": str(broken)} if asked_for else {})
    )
    [(kind, message)] = found.pop("a browser")
    assert (kind, "its last words: no display" in message) == ("Error" if asked_for else "Skipped", True), message
    assert list(found) == PROTOCOL
