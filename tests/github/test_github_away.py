"""GitHub hangs or refuses while a router splits the traffic: it goes back at once, and the ledger is told later."""

import os
import sys

import pytest

from balancer import Balancer, free_ports, running
from github_front import Fault, github_forge
from github_shop import POLICY, start, told
from releasegate.cli import rollback
from releasegate.cli.clock import SystemClock
from releasegate.ledger.state import fold
from releasegate.runbook.journal import Journal
from servers import free_port

pytestmark = pytest.mark.servers


@pytest.fixture
def traffic(program, tmp_path):
    with running(Balancer(program, tmp_path, free_ports())) as balancer:
        traffic = balancer.traffic()
        traffic.set_weight(0.05, reason="")
        yield traffic


@pytest.fixture
def forge(github, hosted, traffic):
    """A repository whose policy lies at hand."""
    forge = github_forge(github)
    start(forge)
    haproxy = f"haproxy: {{sockets: [{traffic.sockets[0]}], backend: shop, baseline: stable, canary: canary}}"
    policy = POLICY.replace(b"flag: {name: checkout-v2}", haproxy.encode())
    (hosted / "releasegate.yaml").write_bytes(policy)
    return forge


def test_the_events_of_a_rollback_without_github_are_recorded_by_the_next_command(
    hosted, github, forge, traffic, monkeypatch, capsys
):
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{free_port()}")
    code, out, err = told(hosted, ["rollback", "--traffic-only", "--yes", "--repo", forge.home], capsys)
    assert (code, traffic.split().weight) == (4, 0.0), err
    first, flip, record = out.splitlines()
    assert first == "traffic is back; record it failed"
    assert flip == "  ✓ flip the traffic: shop of 1 HAProxy: 0.0% to canary"
    assert record.startswith("  ✗ record it: the ledger could not be written (GitHub did not answer")
    monkeypatch.setenv("GITHUB_API_URL", github.address)
    assert told(hosted, ["tag", "rc", "--commit", forge.resolve("main"), "--repo", forge.home], capsys)[0] == 0
    events = Journal(forge, "releasegate/ledger", SystemClock(), os.urandom).events()
    assert [event.kind for event in events] == ["traffic.lowered", "rollout.aborted", "release.candidate"]
    assert (fold(events).split.weight, all("waited" in event.data for event in events[:2])) == (0.0, True)


def in_terminal(folder, monkeypatch, capsys, typed, *words):
    person, terminal = os.openpty()
    os.write(person, typed)
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        answer = told(folder, words, capsys)
    os.close(person)
    return answer


def test_a_host_that_hangs_keeps_nobody_from_being_asked(hosted, github, forge, traffic, monkeypatch, capsys):
    github.fault = lambda _: Fault(stall=True) if traffic.split().weight else None
    monkeypatch.setattr(rollback, "PATIENT", 0.2)
    words = ("rollback", "--traffic-only", "--repo", forge.home)
    code, out, err = in_terminal(hosted, monkeypatch, capsys, b"y\n\n", *words)
    assert (code, out.splitlines()[0]) == (0, "traffic is back, and every step held"), err
    asked = f"{forge.home}: take checkout (production) back from the canary to what was live before? Now: shop of 1 H"
    assert (err.startswith(asked), traffic.split().weight) == (True, 0.0), err


def test_the_reason_that_is_given_afterwards_is_told_in_the_document_and_the_issue(
    hosted, forge, monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path / "runner"))
    policy = (hosted / "releasegate.yaml").read_bytes()
    policy = policy.replace(b"window: 10m", b"window: 10m\n  settle: 1s\n  interval: 1s")
    (hosted / "releasegate.yaml").write_bytes(policy)
    typed, words = b"y\nthe till  <is> slow\n", ("rollback", "--repo", forge.home)
    for _ in range(2):
        code, out, err = in_terminal(hosted, monkeypatch, capsys, typed, *words)
        assert (code, out.splitlines()[0]) == (4, "traffic is back; see the traffic return failed"), (
            err
        )  # no Prometheus
        text = (tmp_path / "runner" / "releasegate" / "rollback-canary.md").read_text()
        assert "\n- **Why:** the till &lt;is> slow\n- **Who:** Ada\n- **When:** " in text
        [issue] = forge.api.get("issues", state="all")
        [comment] = forge.api.get(f"issues/{issue['number']}/comments")
        assert comment["body"].splitlines()[0] == "Why: the till <is> slow"
