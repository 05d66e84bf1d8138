"""An empty folder from which commands work on the front with `--repo`."""

import pytest

from github_front import TOKEN


@pytest.fixture
def hosted(github, tmp_path, monkeypatch):
    for name in ("GITHUB_TOKEN", "GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", github.address)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder
