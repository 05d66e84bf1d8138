"""`status --repo` from a folder that holds nothing."""

import json

from github_front import github_forge
from github_shop import settle, start, told


def test_it_needs_no_checkout(github, hosted, capsys):
    forge = github_forge(github)
    commit = start(forge)
    forge.create_tag("v0.1.0-rc.1", commit, "rc")
    settle(forge)
    assert list(hosted.iterdir()) == []
    code, output, errors = told(hosted, ["status", "--repo", forge.home], capsys)
    lines = output.splitlines()
    assert (code, lines[0]) == (4, f"checkout (production) in {forge.home}"), errors  # nobody asks its Prometheus here
    assert lines[2].startswith("  live      v0.1.0-rc.1 since ")
    flag = "flag checkout-v2 in config/feature-flags.yaml: on 5%, off 95%"
    assert lines[3:4] + lines[5:] == [
        f"  split     5% to the canary ({flag}); the ledger has 0%: somebody else changed it",
        "  running   nothing",
        "  rollback  would take back v0.1.0-rc.1, to NO release that is known to be good",
    ]
    document = json.loads(told(hosted, ["status", "--repo", forge.home, "--format", "json"], capsys)[1])
    assert (document["live"], document["unanswered"], document["exit_code"]) == ("v0.1.0-rc.1", ["measured"], 4)
    assert list(hosted.iterdir()) == []
