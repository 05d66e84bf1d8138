"""A service's repository, for tests of whole commands."""

from fakes import Randomness
from github_front import TOKEN
from releasegate.cli.app import App
from releasegate.cli.clock import SystemClock
from releasegate.cli.main import run
from releasegate.runbook.journal import Draft, Journal

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


def told(folder, words, capsys, sleep=lambda _: None):
    """What a command says: exit code, output and errors, none of which may hold the token. Nobody waits."""
    capsys.readouterr()
    code = run(App(directory=folder, sleep=sleep), words)
    out, err = capsys.readouterr()
    assert TOKEN not in out + err
    return code, out, err
