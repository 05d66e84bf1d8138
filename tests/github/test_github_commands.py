"""The same commands say the same things on GitHub as in a local repository, but for ids and addresses."""

import re

import pytest

from fakes import Randomness
from github_front import LOGIN, TOKEN, github_forge
from releasegate.cli.app import App
from releasegate.cli.clock import SystemClock
from releasegate.cli.main import run
from releasegate.forge.local import LocalForge
from releasegate.runbook.journal import Draft, Journal
from repositories import repository

POLICY = b"""version: 1
service: checkout
environment: production
traffic: {flag: {name: checkout-v2}}
canary:
  weight: 5%
  window: 10m
  metrics: {prometheus: {url: 'http://127.0.0.1:9'}}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis: {rate: {throughput: http_requests_total}}
rollback: {flags: {off: [banner]}}
"""
FLAGS = b"""# what is on
flags:
  checkout-v2:
    state: ENABLED
    variants: {"on": true, "off": false}
    defaultVariant: "off"
    targeting: {fractional: [["on", 5], ["off", 95]]}
  banner:
    state: ENABLED
    variants: {"on": true, "off": false}
    defaultVariant: "on"
"""
SCOPE = {"service": "checkout", "environment": "production"}
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


def settle(forge):
    """What a rollout leaves in the ledger."""
    journal = Journal(forge, "releasegate/ledger", SystemClock(), Randomness())
    subject = {**SCOPE, "tag": "v0.1.0-rc.1", "commit": forge.resolve("main")}
    journal.append(
        Draft("gates.judged", subject, {"verdict": "pass", "gates": {}}),
        Draft("rollout.started", subject),
        Draft("rollout.settled", subject),
    )


def played(forge, folder, repo, capsys):
    """What each command prints, with ids and addresses taken out."""
    start = forge.commit("main", {"releasegate.yaml": POLICY, "config/feature-flags.yaml": FLAGS}, "start", parent=None)
    assert start == forge.branch_head("main")
    told = []
    for command in COMMANDS:
        if command == "settle":
            settle(forge)
            continue
        capsys.readouterr()
        code = run(App(directory=folder), [*command, *repo])
        out, err = capsys.readouterr()
        assert TOKEN not in out + err
        told.append((command, code, *(plain(text, forge.home) for text in (out, err))))
    return told


def plain(text, home):
    text = re.sub(r"\b[0-9a-f]{40}\b", "SHA", text.replace(home, "HOME"))
    text = re.sub(r"\b[0-9a-f]{12}\b", "SHORT", text)
    return text.replace(" on GitHub", "").replace("on the host", "")


@pytest.fixture
def quiet(monkeypatch):
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("graphql", [True, False], ids=["GraphQL", "REST"])
def test_both_forges_say_the_same(graphql, quiet, github, tmp_path, monkeypatch, capsys):
    del quiet
    folder = repository(tmp_path / "repo", LOGIN)
    local = played(LocalForge(folder), folder, (), capsys)
    github.graphql = graphql
    forge = github_forge(github)
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", github.address)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    empty = tmp_path / "empty"
    empty.mkdir()
    hosted = played(forge, empty, ("--repo", forge.home), capsys)
    assert hosted == local
    assert [code for _, code, *_ in local] == [0, 3, 3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
