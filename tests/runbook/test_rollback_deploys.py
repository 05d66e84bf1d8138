"""A service of which nothing splits the traffic: a rollback deploys the release before."""

import json
import os
import sys

import pytest

from releasegate.runbook.rollout import Order
from repositories import committed, git, origin, with_origin
from service import Service, told
from worlds import FLAG_FILE, FLAGS, POLICY

DEPLOY = """\
import sys
if open("deployed").read() == "broken":
    sys.exit("no")
open("deployed", "w").write(" ".join(sys.argv[1:]))
open("deploys", "a").write(sys.argv[2] + "\\n")
"""
PLAIN = f"""\
version: 1
service: shop
environment: test
deploy: {{production: {{command: [{sys.executable}, deploy.py, "{{track}}", "{{tag}}"], repeat: true}}}}
rollback:
  migrations: {{directory: db, status: [cat, rows], revert: ["false"]}}
  integrity: [[cat, rows]]
  flags: {{off: [checkout-v2]}}
  smoke: smoke.yaml
"""
FILES = {
    "releasegate.yaml": PLAIN,
    "deploy.py": DEPLOY,
    FLAG_FILE: FLAGS.decode(),
    "db/0001.sql": "-- releasegate: expand\nCREATE TABLE orders (id integer)\n",
    "rows": "2 orders\n",
    "smoke.yaml": 'checks: {deployed: {command: [grep, -q, "baseline v1.0.0", deployed]}}\n',
}
PLAN = ["mark", "look", "deploy", "migrations", "integrity", "flags", "smoke", "follow-up"]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Two releases, of which git's tags alone tell; the second, with a migration of its own, is deployed."""
    folder = with_origin(tmp_path / "here", origin(tmp_path / "origin"))
    committed(folder, FILES)
    tag(folder, "v1.0.0", "2026-11-20T10:00:00Z")
    committed(folder, {"db/0002.sql": "-- releasegate: expand\nALTER TABLE orders ADD COLUMN item text\n"})
    tag(folder, "v1.1.0-rc.1", "2026-11-21T09:00:00Z")
    tag(folder, "v1.1.0", "2026-11-21T10:00:00Z")
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    (folder / "deployed").write_text("baseline v1.1.0")
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path / "runner"))
    return folder


def tag(folder, name, moment):
    git(folder, "tag", "-a", name, "-m", name, env={**os.environ, "GIT_COMMITTER_DATE": moment})
    git(folder, "push", "--quiet", "origin", name)


@pytest.fixture
def rolled_back(command):
    def call(folder, *arguments):
        code, output, errors = command(folder, "rollback", "--yes", "--format", "json", *arguments)
        result = json.loads(output)
        steps = {step["step"]: (step["state"], step["text"]) for step in result["steps"]}
        return (code, result["headline"], result["leaving"], result["to"]), steps, errors

    return call


def test_it_deploys_the_release_before_and_then_does_the_rest(command, rolled_back, checkout):
    code, output, errors = command(checkout, "rollback", "--dry-run", "--format", "json")
    plan = json.loads(output)
    assert (code, [step["step"] for step in plan["steps"]]) == (0, PLAN), errors
    assert (plan["from"], plan["to"]) == ("v1.1.0", "v1.0.0")
    found, steps, errors = rolled_back(checkout, "--reason", "people complain")
    assert found == (0, "v1.0.0 is back, and every step held", "v1.1.0", "v1.0.0"), (steps, errors)
    assert list(steps) == [*PLAN, "record"]
    assert (checkout / "deployed").read_text() == "baseline v1.0.0"
    assert steps["mark"][1] == "v1.1.0 is marked bad; last known good: v1.0.0"
    assert steps["migrations"][1].startswith("left in place: 1 migration (1 expand); issue ")
    assert "enabled: false" in git(checkout.parent / "origin", "show", f"main:{FLAG_FILE}")
    document = (checkout.parent / "runner/releasegate/rollback-v1.1.0.md").read_text()
    assert "- **What:** from v1.1.0 to v1.0.0\n- **Why:** people complain\n- **Who:** Ada\n" in document
    assert command(checkout, "ledger", "verify")[0] == 0


def test_run_again_it_goes_no_further_back_until_something_newer_is_released(command, rolled_back, checkout):
    rolled_back(checkout)
    found, _, _ = rolled_back(checkout)
    assert found == (0, "v1.0.0 is back, and every step held", "v1.1.0", "v1.0.0")
    assert (checkout / "deploys").read_text() == "v1.0.0\n"
    assert "\n  rollback  has taken back v1.1.0, to v1.0.0\n" in command(checkout, "status")[1]
    committed(checkout, {"code": "3"})
    tag(checkout, "v1.2.0", "2090-01-01T10:00:00Z")
    lines = command(checkout, "status")[1].splitlines()
    assert lines[-1] == "  rollback  would take back v1.2.0, to v1.0.0"
    assert lines[2].startswith("  live      v1.2.0 since 2090-01-01 10:00 UTC (")
    found, _, errors = rolled_back(checkout)
    assert found == (0, "v1.0.0 is back, and every step held", "v1.2.0", "v1.0.0"), errors


@pytest.mark.soak
def test_the_tag_of_a_candidate_is_no_release_that_a_rollback_could_leave(rolled_back, checkout):
    rolled_back(checkout)
    committed(checkout, {"code": "3"})
    tag(checkout, "v1.2.0-rc.1", "2090-01-01T10:00:00Z")
    found, _, _ = rolled_back(checkout)
    assert found == (0, "v1.0.0 is back, and every step held", "v1.1.0", "v1.0.0")


@pytest.mark.soak
def test_a_lightweight_tag_on_an_older_commit_is_newer_than_a_rollback_by_its_version(rolled_back, checkout):
    committed(checkout, {"code": "3"})
    rolled_back(checkout)
    git(checkout, "tag", "v1.2.0")
    git(checkout, "push", "--quiet", "origin", "v1.2.0")
    found, _, errors = rolled_back(checkout)
    assert found == (0, "v1.0.0 is back, and every step held", "v1.2.0", "v1.0.0"), errors


@pytest.mark.soak
def test_a_release_that_an_earlier_rollback_left_is_no_newer_one(rolled_back, checkout):
    committed(checkout, {"code": "3"})
    tag(checkout, "v1.2.0", "2026-11-22T10:00:00Z")
    rolled_back(checkout)
    twice = [rolled_back(checkout, "--to", "v1.0.0")[0] for _ in range(2)]
    assert twice == [(0, "v1.0.0 is back, and every step held", "v1.1.0", "v1.0.0")] * 2


@pytest.mark.soak
def test_a_ledger_that_is_away_at_first_gets_the_whole_rollback_and_not_the_end_of_an_older_one(
    command, rolled_back, checkout
):
    rolled_back(checkout)
    answers_again = 'import os\nif os.path.exists("away"):\n    os.remove("away")\n'
    committed(checkout, {"code": "3", "deploy.py": DEPLOY + answers_again})
    tag(checkout, "v1.2.0", "2090-01-01T10:00:00Z")
    (checkout / "away").touch()
    hook = checkout.parent / "origin/hooks/update"
    hook.write_text(f'#!/bin/sh\n[ "$1" != refs/heads/releasegate/ledger ] || [ ! -e {checkout}/away ]\n')
    hook.chmod(0o755)
    found, steps, errors = rolled_back(checkout)
    assert found == (4, "v1.0.0 is back; mark the release bad failed", "v1.2.0", "v1.0.0"), (steps, errors)
    recorded = [json.loads(line) for line in command(checkout, "ledger", "export")[1].splitlines()]
    ends = [(one["kind"], one["data"]["from"]) for one in recorded if one["kind"].startswith("rollback.")]
    both = ("rollback.started", "rollback.finished")
    assert ends == [(kind, release) for release in ("v1.1.0", "v1.2.0") for kind in both]
    assert "has taken back v1.2.0, to v1.0.0" in command(checkout, "status")[1]


def test_a_deploy_that_fails_is_not_called_back_and_the_same_command_goes_on(command, rolled_back, checkout):
    (checkout / "deployed").write_text("broken")
    found, steps, _ = rolled_back(checkout)
    assert found == (4, "v1.1.0 IS NOT TAKEN BACK: deploy v1.0.0 by hand, now", "v1.1.0", "v1.0.0")
    assert (steps["deploy"][0], steps["flags"][0]) == ("failed", "done")
    assert steps["record"][1] == "it stays unfinished, so that nothing is rolled out and the same command goes on"
    last = command(checkout, "rollback", "--yes")[1].splitlines()[-2:]
    assert last[0] == "# where everybody has the bad release: deploy v1.0.0"
    assert last[1].endswith(" deploy.py baseline v1.0.0")
    (checkout / "deployed").write_text("baseline v1.1.0")
    found, _, errors = rolled_back(checkout)
    assert found == (0, "v1.0.0 is back, and every step held", "v1.1.0", "v1.0.0"), errors


def test_to_a_release_that_is_named_or_to_one_that_nobody_knows(command, rolled_back, checkout):
    committed(checkout, {"code": "3"})
    tag(checkout, "v1.2.0", "2026-11-22T10:00:00Z")
    found, _, errors = rolled_back(checkout, "--to", "v1.0.0")
    assert found == (0, "v1.0.0 is back, and every step held", "v1.2.0", "v1.0.0"), errors
    before = git(checkout.parent / "origin", "for-each-ref")
    unknown = "--to: there is no release `v9.9.9`; the newest are: v1.0.0, v1.1.0, v1.2.0"
    assert command(checkout, "rollback", "--yes", "--to", "v9.9.9") == (2, "", f"releasegate: {unknown}\n")
    assert (git(checkout.parent / "origin", "for-each-ref"), (checkout / "deploys").read_text()) == (before, "v1.0.0\n")


WITHOUT = "\n".join(line for line in PLAIN.splitlines() if not line.startswith("deploy"))
NEITHER = "no `traffic` and no `deploy.production` in the policy; say how it is deployed"
FLIP = "no `traffic` in the policy; run it without --traffic-only: it deploys"
ROLLOUT = "no `canary` and `traffic` in the policy; say how traffic is split and what is measured"


@pytest.mark.parametrize(
    ("policy", "words", "said"),
    [
        (PLAIN, ["rollback", "--traffic-only"], FLIP),
        (WITHOUT, ["rollback"], NEITHER),
        (PLAIN, ["rollout"], ROLLOUT),
    ],
)
def test_what_cannot_be_done_is_said_at_once(command, checkout, policy, words, said):
    (checkout / "releasegate.yaml").write_text(policy)
    code, output, errors = command(checkout, *words)
    assert (code, output, errors) == (2, "", f"releasegate: {said}\n")


def test_without_a_canary_it_flips_and_waits_for_no_counts(tmp_path):
    service = Service(tmp_path)
    service.roll_out(order=Order(until="canary"))
    head, _, tail = POLICY.partition(b"canary:\n")
    service.options["policy"] = head + tail[tail.index(b"rollback:") :]
    result = service.roll_back()
    assert (result.exit_code, result.headline, service.traffic.weight) == (
        0, "traffic is back, and every step held", 0,
    ), told(result)  # fmt: skip
    assert "return" not in told(result)
