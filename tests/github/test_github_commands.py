"""The same commands say the same things on GitHub as in a local repository, but for ids and addresses."""

import re

import pytest

from github_front import LOGIN, github_forge
from github_shop import settle, start, told
from releasegate.forge.local import LocalForge
from repositories import repository

COMMANDS = [
    ("tag", "rc", "--dry-run"),
    ("tag", "last-good"),
    ("ledger", "verify"),
    ("tag", "rc"),
    ("tag", "rc"),
    ("tag", "release"),
    "settle",
    ("tag", "release", "--dry-run"),
    ("tag", "release"),
    ("tag", "release"),
    ("tag", "last-good"),
    ("tag", "last-good", "--format", "json"),
    ("rollback", "--dry-run"),
    ("flags", "off", "checkout-v2", "--reason", "slow"),
    ("flags", "off", "checkout-v2"),
    ("rollback", "--dry-run", "--format", "json"),
    ("ledger", "verify"),
    ("tag", "rc", "1.4"),
]


def test_github_enterprise_server_has_its_api_below_api_v3(github, hosted, monkeypatch, capsys):
    forge = github_forge(github)
    start(forge)
    monkeypatch.setenv("GITHUB_API_URL", f"{github.address}/api/v3")
    github.exchanges.clear()
    assert told(hosted, ["flags", "off", "banner", "--repo", forge.home], capsys)[0] == 0
    graphql = [exchange.asked for exchange in github.exchanges if exchange.path == "/graphql"]
    rest = [exchange.asked for exchange in github.exchanges if exchange.path != "/graphql"]
    assert set(graphql) == {"/api/graphql"}
    assert [asked for asked in rest if not asked.startswith(f"/api/v3/repos/{forge.home}")] == ["/api/v3/user"]


def played(forge, folder, repo, capsys):
    """What each command prints, with ids and addresses taken out."""
    assert start(forge) == forge.branch_head("main")
    rows = []
    for command in COMMANDS:
        if command == "settle":
            settle(forge)
            continue
        code, *texts = told(folder, [*command, *repo], capsys)
        rows.append((command, code, *(plain(text, forge.home) for text in texts)))
    return rows


def plain(text, home):
    text = re.sub(r"\b[0-9a-f]{40}\b", "SHA", text.replace(home, "HOME"))
    return re.sub(r"\b[0-9a-f]{12}\b", "SHORT", text)


@pytest.mark.parametrize("graphql", [True, pytest.param(False, marks=pytest.mark.soak)], ids=["GraphQL", "REST"])
def test_both_forges_say_the_same(graphql, github, hosted, tmp_path, capsys):
    folder = repository(tmp_path / "repo", LOGIN)
    local = played(LocalForge(folder), folder, (), capsys)
    github.graphql = graphql
    forge = github_forge(github)
    assert played(forge, hosted, ("--repo", forge.home), capsys) == local
    assert [code for _, code, *_ in local] == [0, 3, 3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
