"""The kill switch against the rehearsal's shop: what the load reads follows the commit."""

import json

import pytest
import yaml

from releasegate.cli.app import App
from releasegate.cli.main import run
from releasegate.rehearsal.rehearse import Options, open_shop
from releasegate.runbook.outside import fetch
from repositories import git

pytestmark = pytest.mark.usefixtures("alone_under_load")


def test_what_is_committed_is_live_when_the_command_ends(tmp_path, capsys):
    with open_shop(tmp_path, Options()) as house:
        address = yaml.safe_load((house.repo / "releasegate.yaml").read_text())["flags"]["live"]["url"]
        before = json.loads(fetch(address).body)["blob"]
        code = run(App(directory=house.repo), ["kill-switch", "on", "--reason", "a rehearsal", "--format", "json"])
        live = json.loads(fetch(address).body)["blob"]
        flags = git(house.origin, "cat-file", "blob", "main:config/feature-flags.yaml")
        head = git(house.origin, "rev-parse", "main:config/feature-flags.yaml")
    document = json.loads(capsys.readouterr().out)
    assert (code, document["headline"]) == (0, "the agents are stopped")
    assert document["steps"][1]["text"].startswith("live after ")
    assert (live, live != before) == (head, True)
    assert "AGENT_SAFE_MODE: 1" in flags
