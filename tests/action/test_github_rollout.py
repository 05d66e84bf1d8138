"""The reusable workflows on GitHub: the emulator, a real Prometheus, the sample service under load, a job's own token.

GitHub's part is played as GitHub plays it: workflows that are dispatched deploy and publish the flag file.
"""

import shutil
from datetime import UTC, datetime

import pytest
import yaml
from act_runs import ROOT

from fakes import Randomness
from github_front import github_forge
from github_shop import push
from planted import JOB
from releasegate.cli.clock import SystemClock
from releasegate.forge.port import Tag
from releasegate.ledger.state import fold
from releasegate.rehearsal.deploy import live, wanted
from releasegate.rehearsal.evidence import write_evidence
from releasegate.rehearsal.house import FLAG_FILE, FLAGS, LIVE, SERVICE, VERSION
from releasegate.rehearsal.rehearse import Options, open_shop
from releasegate.runbook.journal import Draft, Journal
from repositories import git
from servers import await_true

pytestmark = [pytest.mark.soak, pytest.mark.servers, pytest.mark.usefixtures("alone_under_load")]
SCOPE = {"service": SERVICE, "environment": "rehearsal"}
CANDIDATE = f"v{VERSION}-rc.1"
FOLLOW_UP = f"{CANDIDATE} was taken back: find the cause"
REVIEW = "Review: shop (rehearsal): the agents are stopped (AGENT_SAFE_MODE = 1)"


class Hosted:
    """The shop of a rehearsal, whose repository is GitHub's: what a workflow does there, and what it left."""

    def __init__(self, house, front, act):
        self.house, self.front, self.act = house, front, act
        self.forge = github_forge(front, front.repository())
        self.journal = Journal(self.forge, "releasegate/ledger", SystemClock(), Randomness())
        self.change_policy()
        house.git(house.repo, "remote", "set-url", "origin", f"https://github.com/{self.forge.home}.git")
        house.commit("on GitHub")
        push(front, self.forge.home, house.repo)
        self.commit = git(house.repo, "rev-parse", "HEAD")
        self.begin(git(house.repo, "rev-parse", f"{LIVE}^{{commit}}"))
        front.reset()
        front.stub.jobs = {"deploy.yml": self.deploy, "publish-flags.yml": self.publish}
        front.stub.run(self.commit)["id"] = 1  # the number that act gives a run

    def change_policy(self):
        file = self.house.repo / "releasegate.yaml"
        policy = yaml.safe_load(file.read_text())
        prometheus = policy["canary"]["metrics"]["prometheus"]
        self.secrets = {
            "GITHUB_TOKEN": JOB,
            "PROMETHEUS_URL": prometheus["url"],
            "PROMETHEUS_TOKEN": "Bearer t0ken-1234",
        }
        prometheus |= {"url": "${PROMETHEUS_URL}", "headers": {"Authorization": "${PROMETHEUS_TOKEN}"}}
        policy["deploy"] = {stage: {"workflow": "deploy.yml"} for stage in ("staging", "production")}
        policy["flags"]["publish"] = {"workflow": "publish-flags.yml"}
        file.write_text(yaml.safe_dump(policy))

    def begin(self, commit):
        """The first release, as its own rollout left it."""
        self.forge.create_tag(LIVE, commit, "The first")
        subject = {**SCOPE, "tag": LIVE, "commit": commit}
        self.journal.append(
            Draft("release.candidate", subject),
            Draft("gates.judged", subject, {"verdict": "pass", "stage": "gates", "gates": {}}),
            Draft("rollout.settled", subject),
            Draft("release.tagged", subject, {"release": LIVE}),
        )

    def deploy(self, inputs):
        wanted(self.house.deployed, inputs["track"]).write_text(inputs["tag"])
        await_true(lambda: live(self.house.deployed, inputs["track"]).read_text() == inputs["tag"], "the deploy")

    def publish(self, _):
        """The flag service of the shop reads a repository of its own."""
        content = self.forge.read(FLAG_FILE, "main").content
        tree = self.house.root / "published"
        if not tree.exists():
            git(self.house.root, "clone", "--quiet", self.house.origin, tree)
        (tree / FLAG_FILE).write_bytes(content)
        git(tree, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--allow-empty", "-am", "published")
        git(tree, "push", "--quiet")

    def run(self, workflow, **inputs):
        folder = self.house.repo / ".github" / "workflows"
        shutil.rmtree(folder, ignore_errors=True)  # act looks at one workflow alone
        folder.mkdir(parents=True)
        shutil.copy(ROOT / ".github" / "workflows" / workflow, folder)
        env = {"GITHUB_API_URL": self.front.address}
        run = self.act(self.house.repo, event="workflow_dispatch", inputs=inputs, secrets=self.secrets, env=env)
        assert ("t0ken" in run.log, "⚙  ***" in run.log) == (False, True)
        return run

    def left(self):
        """What the ledger, the service and GitHub say."""
        ask = self.forge.api.get
        runs = [live(self.house.deployed, track).read_text() for track in ("baseline", "canary", "staging")]
        shown = [
            (one["environment"], ask(f"deployments/{one['id']}/statuses")[0]["state"])
            for one in ask("deployments")[::-1]
        ]
        checks = ask(f"commits/{self.commit}/check-runs")["check_runs"]
        return {
            "tags": {tag.name for tag in self.forge.tags("v*")}, "live": fold(self.journal.events(), SCOPE).live,
            "runs": runs, "flags": self.forge.read(FLAG_FILE, "main").content.decode(), "shown": shown,
            "checks": {one["name"].split()[-1]: one["conclusion"] for one in checks},
            "issues": sorted(one["title"] for one in ask("issues", state="all")),
            "started": sorted(self.front.stub.workflows.values()),
        }  # fmt: skip


def test_without_evidence_it_stops_with_it_everybody_gets_it_and_both_ways_back_work(
    program, tmp_path, github, act, artifacts
):
    program("prometheus")
    with open_shop(tmp_path / "shop", Options(prometheus=True)) as house:
        shop = Hosted(house, github, act)
        left = {
            "tags": {LIVE, CANDIDATE}, "live": LIVE, "runs": [LIVE] * 3, "flags": FLAGS, "shown": [], "issues": [],
            "checks": {"gates": "action_required"}, "started": [],
        }  # fmt: skip
        (artifacts / "evidence").mkdir()
        stops_before_anything_is_deployed(shop)
        assert shop.left() == left

        reaches_everybody(shop, artifacts)
        closed = FLAGS.replace("enabled: true", "enabled: false")
        left |= {"tags": {LIVE, CANDIDATE, "v1.4.0"}, "live": CANDIDATE, "runs": [CANDIDATE] * 3, "flags": closed}
        left |= {"shown": [("staging", "success"), ("rehearsal", "success")]}
        left |= {"checks": {"gates": "success", "staging-gates": "success"}}
        left |= {"started": ["deploy.yml"] * 3 + ["publish-flags.yml"] * 3}
        assert shop.left() == left

        is_rolled_back(shop)
        left |= {"live": LIVE, "runs": [LIVE, CANDIDATE, CANDIDATE], "issues": [FOLLOW_UP]}
        left |= {"shown": [("staging", "success"), ("rehearsal", "inactive"), ("rehearsal", "success")]}
        left |= {"started": ["deploy.yml"] * 4 + ["publish-flags.yml"] * 3}
        assert shop.left() == left

        stops_the_agents(shop)
        left |= {"flags": closed.replace("MODE: 0", "MODE: 1"), "issues": [REVIEW, FOLLOW_UP]}
        left |= {"started": ["deploy.yml"] * 4 + ["publish-flags.yml"] * 4}
        assert shop.left() == left


def stops_before_anything_is_deployed(shop):
    run = shop.run("rollout.yml", evidence="evidence")
    part = run.step("Tag and judge the evidence")
    assert (run.code, part.code, part.outputs("tag")[0]) == (1, 3, CANDIDATE), run.log
    assert f"{CANDIDATE} stopped at `gates`: " in part.summary
    assert "Deploy to staging" not in run.log


def reaches_everybody(shop, artifacts):
    now = datetime.now(UTC)
    candidate = Tag(CANDIDATE, shop.commit, "", annotated=True, time=now)
    write_evidence(artifacts / "evidence" / "evidence", candidate, now)
    run = shop.run("rollout.yml", evidence="evidence")
    assert (run.code, run.outputs("decision")[-1], set(run.outputs("tag"))) == (0, "promote", {CANDIDATE}), run.log
    part = run.step("Send a few percent to the canary, watch, and complete or take back")
    assert "v1.4.0 is live for everybody" in part.summary
    assert part.summary.count("xychart-beta") == 4
    assert "- [x] checkout" in (artifacts / "smoke-checklist" / "smoke-checklist.md").read_text()
    kept = {path.name for path in (artifacts / "rollout").rglob("*")}
    assert {"report.html", "recording.jsonl"} <= kept
    assert part.outputs("report")[0].rpartition("/")[2] in kept


def is_rolled_back(shop):
    run = shop.run("rollback.yml", reason="it burns")
    part = run.step("Roll back")
    assert (run.code, part.summary.splitlines()[1:-1]) == (0, part.printed[-10:]), run.log
    assert part.printed[-10] == "traffic is back, and every step held"


def stops_the_agents(shop):
    run = shop.run("kill-switch.yml", reason="they buy paperclips")
    part = run.step("Throw the switch")
    assert (run.code, part.summary.splitlines()[1]) == (0, "the agents are stopped"), run.log
    assert shop.forge.history("main")[-1].message.count("they buy paperclips") == 1
