"""Where a process that is killed works: a forge and a way of splitting traffic, whose effects are counted.

An effect is one thing that is done outside: a commit, a tag, an issue, a command, a workflow's start, a command to
HAProxy. The process can be ended before or after any of them.
"""

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from balancer import ROUTED, shop_of
from github_front import TOKEN, github_forge
from releasegate.errors import OutsideError
from releasegate.forge.github.host import GitHubHost
from releasegate.forge.local import LocalForge
from releasegate.policy.load import load_policy
from releasegate.policy.section import Workflow
from releasegate.runbook.outside import fill
from releasegate.runbook.workflow import dispatcher
from releasegate.traffic.command import CommandTraffic
from releasegate.traffic.flag import FlagTraffic
from repositories import git, repository
from worlds import FLAG_FILE, POLICY, START, route

FLAG = b"traffic: {flag: {name: checkout-v2}}"
PATHS = b"file: k8s/route.yaml, baseline: spec.0.weight, canary: spec.1.weight"
POLICIES = {
    "haproxy": ROUTED,
    "document": POLICY.replace(FLAG, b"traffic: {document: {%s}}" % PATHS),
    "command": POLICY.replace(FLAG, b"traffic: {command: {get: [share], set: [split, '{percent}']}}"),
}
"""What the policy says where no flag splits the traffic."""
ROUTE = {"k8s/route.yaml": b"spec:\n  - {name: stable, weight: 100}\n  - {name: canary, weight: 0}\n"}
DISPATCHED = {
    b'{command: [deploy, staging, "{tag}"], done: [deployed, staging, "{tag}"]}': b"{workflow: deploy-staging.yml}",
    b'{command: [deploy, "{track}", "{tag}"], done: [deployed, "{track}", "{tag}"]}': b"{workflow: deploy.yml}",
}
"""What the policy says where GitHub deploys: its workflows."""


class Clock:
    """A clock that moves only when somebody waits, and goes on where the dead process left it.

    Where two play at once, `together`, one may wait for the other, and gives it a moment.
    """

    def __init__(self, file, start=START, *, together=False):
        self.file, self.together = file, together
        if not file.exists():
            file.write_text(repr(start.timestamp()))

    def now(self):
        return datetime.fromtimestamp(float(self.file.read_text()), UTC)

    def sleep(self, seconds):
        draft = self.file.with_suffix(f".{os.getpid()}")
        draft.write_text(repr((self.now() + timedelta(seconds=max(seconds, 0))).timestamp()))
        draft.replace(self.file)
        if self.together:
            time.sleep(0.02)


class Effects:
    """Counts what is done outside, keeps its names, and ends the process at the one that is meant."""

    def __init__(self, folder, kill):
        self.log, self.kill, self.number = folder / "effects", kill, 0

    def wrap(self, name, act):
        def effect(*arguments, **options):
            self.number += 1
            mine = self.kill is not None and self.number == self.kill[0]
            with self.log.open("a") as log:
                log.write(f"{name(*arguments)}\n")
            if mine and self.kill[1] == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = act(*arguments, **options)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return effect


class Local:
    """A git repository on disk, and commands that leave files."""

    words, host = (), None
    policy = staticmethod(lambda policy: policy)

    def __init__(self, folder, job):
        self.folder, self.directory = folder, folder / "repo"
        self.clock = Clock(folder / "clock", together=job.get("together", False))
        if not self.directory.exists():
            git(repository(self.directory), "switch", "--quiet", "--orphan", "elsewhere")
        self.forge = LocalForge(self.directory)
        commit = self.forge.commit

        def at_its_time(*arguments, **options):
            """The commit's time is the clock's too, as the ledger's verification wants it."""
            os.environ["GIT_AUTHOR_DATE"] = os.environ["GIT_COMMITTER_DATE"] = f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}"
            return commit(*arguments, **options)

        self.forge.commit = at_its_time

    def started(self):
        return []

    def shown(self):
        return []

    def issues(self):
        return len(list((self.directory / ".git/releasegate/issues").glob("*.md")))


class GitHub:
    """A repository of the emulator, where workflows deploy; the job's `github` is the address of its front."""

    def __init__(self, folder, job):
        home = folder / "github"
        if not home.exists():
            home.write_text(job["repository"])
        # Commits have the emulator's time, to which the clock keeps so close that the ledger's verification holds.
        self.clock = Clock(folder / "clock", datetime.now(UTC))
        self.words = ("--repo", home.read_text())
        front = type("Front", (), {"address": job["github"]})
        self.forge = github_forge(front, home.read_text(), private=folder / "private")
        self.directory, self.host = folder, GitHubHost(self.forge.api)
        os.environ.update({"GITHUB_API_URL": job["github"], "GH_TOKEN": TOKEN, "XDG_STATE_HOME": str(folder)})

    def policy(self, policy):
        for command, workflow in DISPATCHED.items():
            policy = policy.replace(command, workflow)
        return policy

    def started(self):
        runs = self.forge.api.get("actions/workflows/deploy.yml/runs", event="workflow_dispatch")["workflow_runs"]
        return sorted(run["display_title"] for run in runs)

    def shown(self):
        """Each deployment with how it stands, and how many verdicts stand at its commit."""
        found = []
        for one in self.forge.api.get("deployments"):
            states = [status["state"] for status in self.forge.api.get(f"deployments/{one['id']}/statuses")]
            checks = self.forge.api.get(f"commits/{one['sha']}/check-runs")["total_count"]
            found.append([one["environment"], one["payload"]["ref"], states[:1], checks])
        return sorted(found)

    def issues(self):
        return len(self.forge.api.get("issues", state="all"))


class Relay:
    """Stands before HAProxy's socket, so that each command that changes something is an effect; `address` is its own.

    The other end is a thread of the process that is killed.
    """

    def __init__(self, target, effects):
        self.target = target
        self.change = effects.wrap(lambda command: command.decode().strip(), self.hand_on)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            channel, _ = self.listener.accept()
            with channel, suppress(OSError):
                command = channel.makefile("rb").readline()
                act = self.change if command.startswith(b"set weight") else self.hand_on
                channel.sendall(act(command))

    def hand_on(self, command):
        host, port = self.target.split(":")
        with socket.create_connection((host, int(port))) as channel:
            channel.sendall(command)
            return channel.makefile("rb").read()


class Place:
    """The forge and the traffic of one process, whose effects are counted where `effects` are given."""

    def __init__(self, folder, job, effects=None):
        self.folder, self.effects = folder, effects
        self.host = {"local": Local, "github": GitHub}[job["forge"]](folder, job)
        self.forge, self.clock = self.host.forge, self.host.clock
        self.seen = self.host.host if effects is None or self.host.host is None else Counted(self.host.host, effects)
        self.act = self.run_command
        if effects is not None:
            self.count()
        self.policy = self.host.policy(POLICIES.get(job["traffic"], POLICY))
        self.traffic = getattr(self, job["traffic"])(job)

    def haproxy(self, job):
        address = job["haproxy"] if self.effects is None else Relay(job["haproxy"], self.effects).address
        return shop_of(address)

    def flag(self, _):
        return FlagTraffic(self.forge, branch="main", path=FLAG_FILE, flag="checkout-v2", warn=lambda _: None)

    def document(self, _):
        return route(self.forge, load_policy(POLICIES["document"], "releasegate.yaml", {}))

    def command(self, _):
        return CommandTraffic(self.shell, ["share"], ["split", "{percent}"])

    def count(self):
        wrap, forge = self.effects.wrap, self.forge
        self.act = wrap(lambda argv, _: " ".join(argv), self.act)
        forge.commit = wrap(lambda branch, *more: f"commit {branch}: {more[1].splitlines()[0]}", forge.commit)
        for name in ("create_tag", "create_branch", "open_issue"):
            setattr(forge, name, wrap(lambda first, *_, name=name: f"{name} {first}", getattr(forge, name)))

    def shell(self, command, values):
        if isinstance(command, Workflow):
            return self.dispatch(command, values)
        argv = fill(command, values)
        if argv[0] == "share":
            file = self.folder / "split"
            return file.read_text() if file.exists() else "0"
        target = self.folder / ("split" if argv[0] == "split" else f"deployed-{argv[1]}")
        if argv[0] != "deployed":
            self.act(argv, target)
        elif not target.exists() or target.read_text() != argv[2]:
            raise OutsideError("deployed exited 1: not there")
        return ""

    def run_command(self, argv, target):
        with (self.folder / "ran").open("a") as log:
            log.write(" ".join(argv) + "\n")
        if argv[0] in ("deploy", "split"):
            target.write_text(argv[-1])

    def dispatch(self, workflow, values):
        return dispatcher(lambda: self.seen, lambda: "main", self.clock)(workflow, values)


SHOWN = {"start_workflow": (0, 3), "deploy": (0, 2), "deployment_status": (1, 2), "check_run": (1,)}
"""What a host is asked that others see, and which of its arguments name the effect."""


class Counted:
    """A host on which everything that is shown or started is an effect."""

    def __init__(self, host, effects):
        self.host = host
        for name, places in SHOWN.items():
            setattr(self, name, effects.wrap(self.named(name, places), getattr(host, name)))

    @staticmethod
    def named(name, places):
        return lambda *asked: f"{name} {', '.join(str(asked[place]) for place in places)}"

    def __getattr__(self, name):
        return getattr(self.host, name)
