"""A job that is cancelled while its canary is watched: the action's own step, started and ended as the runner does it.

The runner starts the script by bash, and a cancel sends SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL. Here each is
sent when what the one before it is for was seen, so that a busy machine changes nothing.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import yaml
from act_runs import ROOT
from test_rollout_workflow import tagged

from releasegate.rehearsal.evidence import write_evidence
from releasegate.rehearsal.rehearse import Options, open_shop
from repositories import git

pytestmark = [pytest.mark.soak, pytest.mark.usefixtures("alone_under_load")]

DEADLINE = 90.0
AGAIN = "--yes --traffic-only --unfinished-only"
FLAGS = "main:config/feature-flags.yaml"


def script():
    """What `action.yml` runs last."""
    return yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][-1]["run"]


class Job:
    """A step of a job, in a process group of its own, as the runner makes it."""

    def __init__(self, house, folder, **inputs):
        folder.mkdir()
        (folder / "script.sh").write_text(script())
        files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        given = {f"RELEASEGATE_INPUT_{name.upper()}": value for name, value in inputs.items()}
        env = {
            **os.environ, **{name: str(file) for name, file in files.items()}, **given, "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(folder), "RELEASEGATE_PYTHON": sys.executable,
        }  # fmt: skip
        self.log, self.outputs = folder / "log", files["GITHUB_OUTPUT"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", folder / "script.sh"],
                cwd=house.repo, env=env, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

    def text(self):
        return self.log.read_text(errors="replace")

    def send(self, number):
        os.killpg(self.process.pid, number)

    def end(self):
        return self.process.wait(DEADLINE)


def wait_for(holds, job):
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, job.text()
        assert job.process.poll() is None, job.text()
        time.sleep(0.1)


@contextmanager
def watched(folder):
    """A house with a canary that takes traffic, and the job that watches it."""
    with open_shop(folder / "shop", Options(scenario="healthy")) as house:
        candidate = tagged(house.repo)
        write_evidence(house.repo / "evidence", candidate, datetime.now(UTC))
        job = Job(house, folder / "job", command="rollout", tag=candidate.name)
        try:
            wait_for(lambda: "evidence against the canary" in job.text(), job)
            assert "percentage: 0 " not in git(house.origin, "show", FLAGS)
            yield house, job
        finally:
            if job.process.poll() is None:
                job.send(signal.SIGKILL)
                job.process.wait()


def is_back(house):
    return "enabled: false" in git(house.origin, "show", FLAGS)


def test_a_cancel_takes_the_traffic_back_and_says_so(tmp_path):
    with watched(tmp_path) as (house, job):
        job.send(signal.SIGINT)
        wait_for(lambda: is_back(house), job)
        job.send(signal.SIGTERM)
        assert job.end() == 130, job.text()
        kinds = git(house.origin, "log", "--format=%s", "releasegate/ledger").splitlines()
        again = Job(house, tmp_path / "again", command="rollback", args=AGAIN, reason="cancelled")
        assert again.end() == 0, again.text()
        assert is_back(house)
    assert kinds[0] == "traffic.lowered (+1): shop rehearsal v1.4.0-rc.1"
    assert "releasegate: interrupted\n" in job.text()
    assert "json<<" not in job.outputs.read_text()  # no result: the last job looks


def test_what_the_last_signal_cuts_off_is_done_by_the_last_job(tmp_path):
    with watched(tmp_path) as (house, job):
        job.send(signal.SIGINT)
        wait_for(lambda: is_back(house), job)
        job.send(signal.SIGTERM)
        job.send(signal.SIGKILL)
        job.end()
        last = Job(house, tmp_path / "last", command="rollout", args="--resume-or-rollback")
        assert last.end() == 3, last.text()
        kinds = git(house.origin, "log", "--format=%s", "releasegate/ledger").splitlines()
        assert is_back(house)
    assert "v1.4.0-rc.1 was taken back: " in last.text()
    assert kinds[0] == "traffic.lowered (+1): shop rehearsal v1.4.0-rc.1"
    assert "rollback.started (+1): shop rehearsal v1.4.0-rc.1" in kinds


def test_a_runner_that_shuts_down_takes_the_traffic_back_too(tmp_path):
    with watched(tmp_path) as (house, job):
        job.send(signal.SIGTERM)
        assert job.end() == 130, job.text()
        assert is_back(house)
