"""The repository that a rehearsal plays in: a checkout with a bare remote, a policy and a release that is live."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from releasegate.forge.git import Git
from releasegate.rehearsal.processes import python_module

SERVICE = "shop"
FLAG = "checkout-v2"
FLAG_FILE = "config/feature-flags.yaml"
LIVE = "v1.3.0"
"""The release that users have when the rehearsal begins."""
VERSION = "1.4.0"
"""The version that the rehearsal releases."""
REPORT = "report.html"
OFFLINE = "evidence/offline-sync"
"""Where the tests in staging leave their report, in the checkout."""
WEIGHT = 0.05
INTERVAL = 1
WINDOW = 30
MAX_WINDOW = 36
"""Seconds until when a machine that is too busy to send the load may go on; the whole release stays within a minute."""
FLAGS = f"""\
# Who sees what. A change to this file is live as soon as it is on the main branch.
{FLAG}:
  enabled: true
  percentage: 0   # of the users get the new checkout
AGENT_SAFE_MODE: 0
"""
SMOKE = """\
checks:
  page:     {{url: "{baseline}/", contains: "<html"}}
  checkout: {{url: "{baseline}/healthz", contains: "ok"}}
"""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the rehearsal's processes listen: `http://127.0.0.1:PORT` without a path."""

    baseline: str
    canary: str
    staging: str
    load: str
    prometheus: str | None = None


class House:
    """The folders of one rehearsal below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repo = root / "repo"
        self.origin = root / "origin.git"
        self.deployed = root / "deployed"
        self.logs = root / "logs"
        self.verdicts = root / "verdicts"
        self.report = root / REPORT

    def build(self, addresses: Addresses) -> None:
        """Make the repository, its bare remote and the first release; everything below `root` is new."""
        for folder in (self.repo, self.deployed, self.logs, self.verdicts):
            folder.mkdir(parents=True)
        self.git(self.root, "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        self.git(self.root, "init", "--quiet", "--initial-branch=main", str(self.repo))
        self.git(self.repo, "config", "user.name", "rehearsal")
        self.git(self.repo, "config", "user.email", "rehearsal@localhost")
        self.git(self.repo, "remote", "add", "origin", str(self.origin))
        self.write(
            {
                "releasegate.yaml": yaml.safe_dump(self.policy(addresses), sort_keys=False),
                FLAG_FILE: FLAGS,
                "smoke.yaml": SMOKE.format(baseline=addresses.baseline),
                "VERSION": f"{LIVE}\n",
                ".gitignore": "/evidence/\n",
            }
        )
        self.commit("The shop as users have it")
        self.git(self.repo, "tag", "-a", LIVE, "-m", f"{SERVICE} {LIVE}")
        self.write({"VERSION": f"v{VERSION}\n"})
        self.commit("A new checkout")
        self.git(self.repo, "push", "--quiet", "origin", "main", LIVE)

    def policy(self, addresses: Addresses) -> dict[str, object]:
        """The policy, as a team would write it."""
        command = python_module("releasegate.rehearsal.deploy", str(self.deployed), "{track}", "{tag}")
        offline = [addresses.staging, OFFLINE, "{tag}", "{commit}"]
        return {
            "version": 1,
            "service": SERVICE,
            "environment": "rehearsal",
            "release": {"tags": "v*", "branch": "main"},
            "gates": {
                "lighthouse": {"reports": "evidence/lighthouse", "config": "evidence/lighthouse/lighthouserc.json"},
                "zap": {"reports": ["evidence/zap/zap.json"], "rules": "evidence/zap/rules.tsv", "fail-on": "high"},
                "tests": {"offline-sync": {"junit": f"{OFFLINE}/*.xml"}},
            },
            "deploy": {stage: {"command": [*command], "repeat": True} for stage in ("staging", "production")},
            "staging-tests": {"command": python_module("releasegate.rehearsal.offline_sync", *offline), "repeat": True},
            "flags": {"file": FLAG_FILE, "live": {"url": f"{addresses.load}/live", "contains": "{blob}"}},
            "traffic": {"flag": {"name": FLAG}},
            "canary": {
                "weight": f"{WEIGHT:.0%}",
                "window": f"{WINDOW}s",
                "max-window": f"{MAX_WINDOW}s",
                "interval": f"{INTERVAL}s",
                "settle": "15s",
                "on-inconclusive": "rollback",
                # Half a minute at 5% of the load shows three times the errors. What is asked for is the default, five
                # times, so that a machine which is too busy to send the load has seen enough with half of it.
                "detect": {"throughput": 10, "mean": 6},
                **self._metrics(addresses),
                "slis": {
                    "errors": {
                        "ratio": {"bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"},
                    },
                    "duration": {"histogram": "http_request_duration_seconds", "tolerate": 1.2},
                    "rate": {"throughput": "http_requests_total"},
                    "agent-cost": {
                        "mean": {"sum": "agent_task_cost_usd_sum", "count": "agent_task_cost_usd_count"},
                        "tolerate": 1.2,
                    },
                },
            },
            "rollback": {"flags": {"off": [FLAG]}, "smoke": "smoke.yaml"},
            "kill-switch": {"flag": "AGENT_SAFE_MODE", "value": 1},
        }

    def _metrics(self, addresses: Addresses) -> dict[str, object]:
        if addresses.prometheus:
            tracks = {track: f'{{track="{track}"}}' for track in ("baseline", "canary")}
            return {"metrics": {"prometheus": {"url": addresses.prometheus}}, "tracks": tracks}
        pages = {"baseline": addresses.baseline, "canary": addresses.canary}
        return {"metrics": {"scrape": {track: f"{address}/metrics" for track, address in pages.items()}}}

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the checkout."""
        for path, text in files.items():
            target = self.repo / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def commit(self, message: str) -> None:
        """Commit everything in the checkout."""
        self.git(self.repo, "add", "--all")
        self.git(self.repo, "commit", "--quiet", "-m", message)

    @staticmethod
    def git(directory: Path, *arguments: str) -> None:
        """Run git as if nobody had configured it; `RepositoryError` where it fails, or is not installed."""
        Git(directory).ok(*arguments, env={"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
