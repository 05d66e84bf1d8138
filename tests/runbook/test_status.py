"""The first question at 3 a.m."""

import json
import subprocess
import sys

import pytest

from releasegate.errors import ForgeError, MetricsError
from releasegate.runbook.journal import Draft
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from releasegate.runbook.status import status
from repositories import committed, git, origin, with_origin
from service import Service
from worlds import FLAG_FILE, FLAGS, LIVE, POLICY, Flow


def asked(service, counts=None, traffic=None):
    world = service.world()
    found = status(world.policy, world.journal, traffic or service.traffic, counts, service.clock.now())
    return found.document, dict(found.lines), found.unanswered


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path)


def test_in_the_middle_of_a_canary(service):
    service.roll_out(order=Order(until="canary"))
    document, lines, unanswered = asked(service, lambda: Flow(service.traffic, {"baseline": 0, "canary": 0}))
    assert unanswered == []
    assert lines == {
        "now": "2026-11-23 10:00 UTC",
        "live": f"v1.0.0 since 2026-11-23 10:00 UTC ({service.forge.resolve(LIVE)[:12]})",
        "split": "5% to the canary (5% in memory)",
        "measured": "5.0% of 40000 requests in 40 s",
        "running": "rollout of v1.1.0-rc.1, 6 of 9 stages done, next: watch; since 2026-11-23 10:00 UTC; run-2",
        "rollback": "would take back v1.1.0-rc.1, to v1.0.0",
    }
    assert (document["live"], document["split"], document["measured"]) == ("v1.0.0", 0.05, 0.05)
    assert document["rollback"] == {"from": "v1.1.0-rc.1", "to": "v1.0.0"}


def test_what_runs_is_told_with_the_link_of_its_job(service):
    """It is the job that last did something, not one that died over a deploy, nor the one that began it."""
    first, job = (f"https://github.com/acme/shop/actions/runs/{number}/attempts/1" for number in (9, 7))
    world = service.world(run="https://github.com/acme/shop/actions/runs/99/attempts/1")
    world.journal.append(Draft("step.claimed", world.subject(), {"step": "old/deploy-canary", "lease": 60}))
    service.roll_out(order=Order(until="production"), run=first)
    service.roll_out(order=Order(until="canary"), run=job)
    document, lines, _ = asked(service)
    assert lines["running"].endswith(f"next: watch; since 2026-11-23 10:00 UTC; {job}")
    assert document["running"]["run"] == job


def test_the_kill_switch_and_the_local_time_beside_utc(service):
    service.options["policy"] = POLICY + b"timezone: Europe/Berlin\nkill-switch: {flag: AGENT_SAFE_MODE, value: 1}\n"
    assert asked(service)[1]["kill switch"] == "off"
    world = service.world()
    world.journal.append(Draft("kill-switch.on", world.subject(), {"reason": "they buy paperclips"}))
    document, lines, _ = asked(service)
    assert lines["now"] == "2026-11-23 10:00 UTC (11:00 Europe/Berlin)"
    assert lines["kill switch"] == "ON: the agents are stopped since 2026-11-23 10:00 UTC (11:00 Europe/Berlin) (Ada)"
    assert document["kill_switch"] is True


def test_after_a_rollback_and_after_a_release(service):
    service.roll_out()
    assert asked(service)[1]["rollback"] == "would take back v1.1.0-rc.1, to v1.0.0"
    Rollback(service.world(), Request(reason="slow"), lambda _: None).run()
    _, lines, _ = asked(service)
    assert (lines["running"], lines["rollback"]) == ("nothing", "has taken back v1.1.0-rc.1, to v1.0.0")
    assert lines["live"].startswith("v1.0.0 since ")


def test_what_somebody_else_changed_and_what_does_not_answer(service):
    service.traffic.weight = 0.3

    class Away(Flow):
        def advance(self, _):
            raise MetricsError("Prometheus does not answer")

    document, lines, unanswered = asked(service, lambda: Away(service.traffic, {}))
    assert lines["split"] == "30% to the canary (30% in memory); the ledger has 0%: somebody else changed it"
    assert (lines["measured"], unanswered) == ("NOT KNOWN: Prometheus does not answer", ["measured"])
    assert document["live"] == "v1.0.0"


def test_a_ledger_that_does_not_answer_is_not_taken_for_an_empty_one(service):
    """Who reads `running: nothing` in the middle of a canary goes back to bed."""
    service.options["policy"] = POLICY + b"kill-switch: {flag: AGENT_SAFE_MODE, value: 1}\n"
    service.roll_out(order=Order(until="canary"))

    def away(*_, **__):
        raise ForgeError("github.com does not answer")

    service.forge.history = away
    document, lines, unanswered = asked(service, lambda: Flow(service.traffic, {"baseline": 0, "canary": 0}))
    silent = dict.fromkeys(["running", "rollback", "kill switch"], "NOT KNOWN: the ledger could not be read")
    assert lines == {
        "now": "2026-11-23 10:00 UTC",
        "live": "NOT KNOWN: github.com does not answer",
        "split": "5% to the canary (5% in memory)",
        "measured": "5.0% of 40000 requests in 40 s",
        **silent,
    }
    assert unanswered == ["live", *silent]
    assert document == {"now": "2026-11-23T10:00:00Z", "split": 0.05, "measured": 0.05}


def test_on_the_command_line(tmp_path):
    folder = with_origin(tmp_path / "here", origin(tmp_path / "origin"))
    committed(folder, {FLAG_FILE: FLAGS.decode(), "releasegate.yaml": POLICY.decode()})
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    command = [sys.executable, "-I", "-m", "releasegate", "status"]
    done = subprocess.run([*command, "--format", "json"], cwd=folder, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["live"], document["split"], document["running"]) == (4, None, 0.0, None), done
    assert document["unanswered"] == ["measured"]
    text = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    assert text.startswith(f"shop (test) in {tmp_path / 'origin'}\n  now       20")
    assert "\n  live      nothing that the ledger knows of\n" in text
    assert "\n  rollback  would take back the canary, to NO release that is known to be good\n" in text
