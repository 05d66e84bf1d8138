"""Tests offline work on a service in staging, and writes what came of it as JUnit.

    python -m releasegate.rehearsal.offline_sync URL FOLDER TAG COMMIT

The report goes to FOLDER, with the file that binds it to the commit. The pages are tried in a Chromium where there is
one (CHROME_PATH, or a usual name); without, the protocol that they speak is tried all the same. It exits with 0 once
the report is written: the gate judges the report.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from releasegate.errors import OutsideError, VerificationError
from releasegate.gates.subject import SUBJECT_FILE, Stamp, write_stamp
from releasegate.rehearsal.offline_sync.browser import Browser, installed
from releasegate.rehearsal.offline_sync.cases import Case, by_protocol, in_browser
from releasegate.rehearsal.offline_sync.line import Line

REPORT = "offline-sync.xml"
SHORT = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108  its folder there has a random name
"""Where the browser's files lie: it makes a socket, whose path must not be longer than some hundred bytes."""


def main() -> int:
    """0 once the report is written."""
    url, folder, tag, commit = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    report = JUnitXml("offline-sync")
    report.add_testsuite(tried("offline-sync.protocol", url))
    program = installed(os.environ)
    if program is not None:
        report.add_testsuite(tried("offline-sync.browser", url, program))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUBJECT_FILE).write_bytes(write_stamp(Stamp(commit, tag)))
    report.write(str(folder / REPORT))
    return 0


def tried(name: str, url: str, program: str | None = None) -> TestSuite:
    """Run the tests in the browser `program`, or those by the protocol."""
    suite = TestSuite(name)
    suite.timestamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    with ExitStack() as open_things:
        line = open_things.enter_context(Line(url))
        try:
            cases = by_protocol(url, line)
            if program is not None:
                home = tempfile.TemporaryDirectory("-browser", "releasegate-", SHORT, ignore_cleanup_errors=True)
                folder = Path(open_things.enter_context(home))
                cases = in_browser(url, line, open_things.enter_context(Browser(program, folder)))
        except OutsideError as error:
            return _without_browser(suite, error)
        _run(suite, cases)
    return suite


def _run(suite: TestSuite, cases: Mapping[str, Case]) -> None:
    for title, case in cases.items():
        told = TestCase(title, classname=suite.name)
        started = time.monotonic()
        try:
            case()
        except VerificationError as error:
            told.result = [Failure(str(error))]
        except OutsideError as error:
            told.result = [Error(str(error))]
        told.time = round(time.monotonic() - started, 3)
        suite.add_testcase(told)


def _without_browser(suite: TestSuite, error: OutsideError) -> TestSuite:
    """A browser that does not start on this machine says nothing about the candidate, unless it was asked for."""
    case = TestCase("a browser", classname=suite.name)
    case.result = [(Error if os.environ.get("CHROME_PATH") else Skipped)(str(error))]
    suite.add_testcase(case)
    return suite


if __name__ == "__main__":
    sys.exit(main())
