"""Fixtures that several rooms share."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from planted import holding, in_text, printed
from releasegate.cli.app import App
from releasegate.cli.main import run

settings.register_profile("house", deadline=None)  # a slow machine is no fault of the code
# Mutation testing compares runs: the same examples each time, none remembered, and no time spent on a smaller one.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("house")

DEBIANS_POSTGRESQL = os.pathsep.join(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)))
"""Where Debian keeps what is not on PATH."""
PACKAGES = {"postgres": "postgresql", "initdb": "postgresql", "promtool": "prometheus"}
"""Debian's package of a program, where it has another name."""
REQUIRE_SERVERS = "RELEASEGATE_REQUIRE_SERVERS"
"""Set it to turn "not installed: skipped" into a failure."""


@pytest.fixture
def capsys(capsys):
    """Pytest's own; whatever a test reads of the output is looked through for the planted token."""
    read = capsys.readouterr

    def readouterr():
        seen = read()
        assert not in_text(seen.out + seen.err)
        return seen

    capsys.readouterr = readouterr
    return capsys


@pytest.fixture
def command(capsys):
    """Call the program in a folder, in this process: `command(folder, "flags", "list")`; exit code, output, errors."""

    def call(folder, *arguments):
        code = run(App(directory=folder), arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail a test that left a planted token in its output, its log, its error or the output of a process."""
    report = yield
    told = [report.longreprtext, *(text for _, text in report.sections)]
    if any(map(in_text, told)) or printed:
        report.outcome, report.longrepr = "failed", f"a planted token came out in {item.nodeid} ({call.when}) {printed}"
        printed.clear()
    return report


@pytest.fixture(scope="session", autouse=True)
def _temporary_files(tmp_path_factory):
    """What the program and its children leave in the folder of temporary files goes with what the tests leave."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("t")))
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _processes_are_listened_to():
    """Note every process that prints a planted token to whoever waits for it: act, a command, git below the program."""
    communicate = subprocess.Popen.communicate

    def listen(process, *arguments, **options):
        seen = communicate(process, *arguments, **options)
        if any(map(in_text, filter(None, seen))):
            words = [process.args] if isinstance(process.args, str) else process.args
            printed.append([word for word in map(str, words) if not in_text(word)])
        return seen

    subprocess.Popen.communicate = listen
    yield
    subprocess.Popen.communicate = communicate


def pytest_collection_modifyitems(items):
    """Those that wait for one another come first, so that one worker has them all and the other one the rest.

    On a break of mutation testing, run the quickest tests first: the first that fails is enough.
    """
    items.sort(key=lambda item: "alone_under_load" not in item.fixturenames)
    measured = Path("mutmut-stats.json")
    if os.environ.get("MUTANT_UNDER_TEST") and measured.exists():
        seconds = json.loads(measured.read_text())["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0))


@pytest.fixture(autouse=True)
def _note_real_data(request, record_property):
    """Mark a test on real reports in the JUnit file, so that the number of them can be printed."""
    if request.node.get_closest_marker("data"):
        record_property("data", "real")


@pytest.fixture(scope="session")
def data():
    """The folder of real reports, which lies outside the repository."""
    folder = os.environ.get("RELEASEGATE_DATA")
    if not folder:
        pytest.skip("RELEASEGATE_DATA is not set")
    assert Path(folder).is_dir(), f"RELEASEGATE_DATA names {folder}, which is no folder"
    return Path(folder)


@pytest.fixture(scope="session")
def program():
    """Find a real server or browser by name: `program("prometheus")` gives its path, or skips with the reason."""

    def find(name):
        found = shutil.which(name) or shutil.which(name, path=DEBIANS_POSTGRESQL)
        if found:
            return found
        reason = f"{name} is not installed (Debian: apt-get install {PACKAGES.get(name, name)})"
        if os.environ.get(REQUIRE_SERVERS):
            pytest.fail(f"{REQUIRE_SERVERS} is set, but {reason}")
        pytest.skip(reason)

    return find


@pytest.fixture
def alone_under_load(tmp_path_factory):
    """One service under load at a time: two on two cores starve each other, and a judge then sees too little."""
    with (tmp_path_factory.getbasetemp().parent / "load.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def node_programs():
    """The folder of the Node programs that tests run, prepared there first."""
    script = Path(__file__).resolve().parent.parent / "scripts" / "node.py"
    done = subprocess.run([sys.executable, script, "test"], check=True, capture_output=True, text=True)
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def github_server(node_programs, tmp_path_factory):
    """An emulator of GitHub behind a front that checks what is sent; one for all tests of a process."""
    from github_front import serve  # noqa: PLC0415  only these tests need it

    with serve(node_programs, tmp_path_factory.mktemp("github")) as front:
        yield front


@pytest.fixture
def github(github_server, tmp_path):
    """The front with nothing recorded yet; whatever a test sent must have been as GitHub describes it.

    No request's address or body and no file that the test left holds the token.
    """
    github_server.reset()
    yield github_server
    github_server.vouch()
    assert holding(tmp_path) == []
