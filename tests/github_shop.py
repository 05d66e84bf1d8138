"""A service's repository, for tests of whole commands."""

import subprocess

from fakes import Randomness
from github_front import TOKEN
from releasegate.cli.app import App
from releasegate.cli.clock import SystemClock
from releasegate.cli.main import run
from releasegate.runbook.journal import Draft, Journal
from repositories import git

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


def start(forge):
    """The first commit: a policy and a flag file."""
    files = {"releasegate.yaml": POLICY, "config/feature-flags.yaml": FLAGS}
    return forge.commit("main", files, "start", parent=None)


def settle(forge):
    """What a rollout leaves in the ledger."""
    journal = Journal(forge, "releasegate/ledger", SystemClock(), Randomness())
    subject = {**SCOPE, "tag": "v0.1.0-rc.1", "commit": forge.resolve("main")}
    journal.append(
        Draft("gates.judged", subject, {"verdict": "pass", "gates": {}}),
        Draft("rollout.started", subject),
        Draft("rollout.settled", subject),
    )


def push(front, repository, folder):
    """What `git push origin HEAD:main` does in `folder`: the same commits, by the API's git objects."""

    def make(kind, **body):
        status, made = front.rest("POST", f"/repos/{repository}/git/{kind}", body)
        assert status == 201, made
        return made.get("sha")

    for commit in git(folder, "rev-list", "--reverse", "HEAD").split():
        form = "--format=%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B"
        parents, *people, message = git(folder, "show", "--no-patch", form, commit).split("\n", 7)
        author, committer = (dict(zip(("name", "email", "date"), people[at : at + 3], strict=True)) for at in (0, 3))
        entries = git(folder, "ls-tree", "-r", commit).splitlines()
        tree = make("trees", tree=[_entry(folder, line) for line in entries])
        made = make("commits", message=message, tree=tree, parents=parents.split(), author=author, committer=committer)
        assert made == commit
    make("refs", ref="refs/heads/main", sha=commit)


def _entry(folder, line):
    """A line of `git ls-tree` as the API takes it."""
    facts, path = line.split("\t")
    mode, kind, blob = facts.split()
    shown = subprocess.run(["git", "cat-file", "blob", blob], cwd=folder, check=True, capture_output=True)
    return {"path": path, "mode": mode, "type": kind, "content": shown.stdout.decode()}


def told(folder, words, capsys, sleep=lambda _: None):
    """What a command says: exit code, output and errors, none of which may hold the token. Nobody waits."""
    capsys.readouterr()
    code = run(App(directory=folder, sleep=sleep), words)
    out, err = capsys.readouterr()
    assert TOKEN not in out + err
    return code, out, err
