"""Fixtures that several rooms share."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import Phase, settings

settings.register_profile("house", deadline=None)  # a slow machine is no fault of the code
# Mutation testing compares runs: the same examples each time, none remembered, and no time spent on a smaller one.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("house")

REQUIRE_SERVERS = "RELEASEGATE_REQUIRE_SERVERS"
"""Set it to turn "not installed: skipped" into a failure."""


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
        found = shutil.which(name)
        if found:
            return found
        reason = f"{name} is not installed (Debian: apt-get install {name})"
        if os.environ.get(REQUIRE_SERVERS):
            pytest.fail(f"{REQUIRE_SERVERS} is set, but {reason}")
        pytest.skip(reason)

    return find
