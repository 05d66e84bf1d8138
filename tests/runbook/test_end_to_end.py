"""Real parts together: HAProxy, PostgreSQL, Prometheus, two processes of a service under load, GitHub's emulator.

Three releases one after the other through the command line: a good one, a bad one that takes itself back, and the next.
`pytest -s` prints how long users met the bad one.
"""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from balancer import Balancer, free_ports
from balancer import running as balancing
from databases import COUNT, MIGRATE, SCRIPTS
from fakes import Randomness
from github_front import TOKEN, github_forge
from releasegate.cli.clock import SystemClock
from releasegate.ledger.state import fold
from releasegate.rehearsal.processes import Processes
from releasegate.rehearsal.shop import Shop
from releasegate.runbook.journal import Draft, Journal
from servers import await_true, postgresql, prometheus, query

pytestmark = [pytest.mark.soak, pytest.mark.servers, pytest.mark.usefixtures("alone_under_load")]
RATE = 400
"""Requests a second through HAProxy."""
DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "rollout": "rollout.md", "rollout v1.2.0-rc.1": "procedures.md", "status": "rollback.md",
    "rollback --dry-run": "procedures.md", "rollback --yes": "rollback.md",
}  # fmt: skip
"""Which page shows what a command prints."""
SCOPE = {"service": "shop", "environment": "production"}
DEPLOY = """#!/bin/sh
{python} migrate.py up && exec {python} -I -m releasegate.rehearsal.deploy {deployed} "$@"
"""
CI = """#!{python}
import json, sys
from pathlib import Path
folder = Path("reports")
folder.mkdir(exist_ok=True)
case = '<testcase classname="shop" name="sells"/>'
(folder / "regression.xml").write_text('<testsuite name="regression" tests="1" failures="0">' + case + '</testsuite>')
stamp = dict(schema="releasegate/subject/1", tag=sys.argv[1], commit=sys.argv[2])
(folder / "releasegate-subject.json").write_text(json.dumps(stamp))
"""
POLICY = """\
version: 1
service: shop
environment: production
release: {{ci: {{command: [./ci.py, "{{tag}}", "{{commit}}"], repeat: true}}}}
gates: {{tests: {{regression: {{junit: reports/*.xml}}}}}}
deploy: {{production: {{command: [./deploy.sh, "{{track}}", "{{tag}}"], repeat: true}}}}
traffic: {{haproxy: {{sockets: ["{socket}"], backend: shop, baseline: stable, canary: canary}}}}
canary:
  weight: 20%
  window: 30s
  max-window: 90s
  interval: 1s
  settle: 30s
  detect: {{ratio: 3.4, throughput: 10}}
  metrics: {{prometheus: {{url: "{prometheus}"}}}}
  tracks: {{baseline: '{{track="baseline"}}', canary: '{{track="canary"}}'}}
  slis:
    errors: {{ratio: {{bad: 'http_requests_total{{code=~"5.."}}', total: http_requests_total}}}}
    rate: {{throughput: http_requests_total}}
rollback:
  migrations: {{directory: db, status: {status}, revert: {revert}}}
  integrity: [["{python}", count.py]]
  smoke: smoke.yaml
"""
FIRST = """\
-- releasegate: expand
CREATE TABLE orders (id integer PRIMARY KEY, item text, price integer);
INSERT INTO orders VALUES (1, 'tea', 3), (2, 'cup', 8)
"""
EXPAND = "-- releasegate: expand\nALTER TABLE orders ADD COLUMN {0} text"


class House:
    """Everything that runs; `bad` are the versions that fail."""

    def __init__(self, folder, front, ports, database):
        self.folder, self.front, self.ports, self.database = folder, front, ports, database
        self.forge = github_forge(front)
        self.journal = Journal(self.forge, "releasegate/ledger", SystemClock(), Randomness())
        self.checkout, self.deployed, self.bad = folder / "checkout", folder / "deployed", set()
        for made in (self.checkout / "db", self.deployed, folder / "logs"):
            made.mkdir(parents=True)
        self.url = f"postgresql://app@127.0.0.1:{database}/postgres"

    def begin(self, prometheus_url):
        """The first release, as its own rollout left it."""
        scripts = {
            "ci.py": CI.format(python=sys.executable),
            "deploy.sh": DEPLOY.format(python=sys.executable, deployed=self.deployed),
        }
        tool = {"status": SCRIPTS % "status", "revert": SCRIPTS % 'down, "{count}"'}
        socket = f"127.0.0.1:{self.ports['admin']}"
        policy = POLICY.format(python=sys.executable, socket=socket, prometheus=prometheus_url, **tool)
        health = f'checks: {{page: {{url: "http://127.0.0.1:{self.ports["stable"]}/healthz", contains: ok}}}}'
        files = {
            "releasegate.yaml": policy,
            "smoke.yaml": health,
            "migrate.py": MIGRATE,
            "count.py": COUNT,
        }
        commit = self.commit({**files, **scripts, "db/0001.sql": FIRST}, None)
        for name in scripts:
            (self.checkout / name).chmod(0o755)
        self.run([sys.executable, "migrate.py", "up"])
        self.forge.create_tag("v1.0.0", commit, "The first")
        subject = {**SCOPE, "tag": "v1.0.0", "commit": commit}
        self.journal.append(
            Draft("release.candidate", subject),
            Draft("gates.judged", subject, {"verdict": "pass", "stage": "gates", "gates": {}}),
            Draft("rollout.settled", subject),
            Draft("release.tagged", subject, {"release": "v1.0.0"}),
        )

    def commit(self, files, parent):
        """A commit on GitHub, and the same files in the checkout."""
        for path, text in files.items():
            (self.checkout / path).write_text(text)
        encoded = {path: text.encode() for path, text in files.items()}
        return self.forge.commit("main", encoded, "The next", parent=parent)

    def release(self, column):
        """Commit a migration that adds `column`, and roll it out: the exit code, what it printed and what it told."""
        number = len(list((self.checkout / "db").iterdir())) + 1
        self.commit({f"db/{number:04}.sql": EXPAND.format(column)}, self.forge.branch_head("main"))
        return self.releasegate("rollout")

    def releasegate(self, *words):
        command = [sys.executable, "-I", "-m", "releasegate", *words, "--repo", self.forge.home]
        done = self.run(command, check=False)
        return done.returncode, done.stdout, done.stderr

    def run(self, command, *, check=True):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
        environment |= {
            "DATABASE_URL": self.url, "GITHUB_API_URL": self.front.address, "GH_TOKEN": TOKEN,
            "XDG_STATE_HOME": str(self.folder),
        }  # fmt: skip
        return subprocess.run(
            command, cwd=self.checkout, env=environment, check=check, capture_output=True, text=True, timeout=600
        )

    def options(self, tag):
        return ["--seed", "1", "--scenario", "errors" if tag in self.bad else "healthy"]

    def found(self):
        """What the ledger, HAProxy, GitHub and the database say."""
        known = fold(self.journal.events(), SCOPE)
        with psycopg.connect(self.url) as database:
            rows = database.execute("SELECT id, item FROM orders ORDER BY id").fetchall()
            versions = database.execute("SELECT count(*) FROM schema_migrations").fetchone()[0]
        issues = len(self.forge.api.get("issues", state="all"))
        tags = {tag.name for tag in self.forge.tags("v*")}
        live = [(self.deployed / f"{track}.live").read_text() for track in ("baseline", "canary")]
        return {
            "live": known.live, "idle": known.rollout is None and known.rollback is None, "runs": live, "tags": tags,
            "rows": rows, "migrations": versions, "issues": issues,
        }  # fmt: skip

    def split(self):
        return self.balancer.traffic().split().weight

    def event(self, kind, tag):
        """The newest event of this kind that is about the candidate."""
        return next(one for one in self.journal.events()[::-1] if one.kind == kind and one.about({"tag": tag}))


class Load:
    """Requests to HAProxy, until its account is asked for."""

    def __init__(self, port):
        program = Path(__file__).parents[1] / "steady_load.py"
        command = [sys.executable, str(program), "127.0.0.1", str(port), str(RATE)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def account(self):
        return json.loads(self.process.communicate(timeout=120)[0])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def house(github, program, tmp_path):
    ports = free_ports()
    tracks = {"baseline": ports["stable"], "canary": ports["canary"]}
    targets = {f"127.0.0.1:{port}": {"track": track} for track, port in tracks.items()}
    with (
        postgresql(program) as database,
        balancing(Balancer(program, tmp_path, ports)) as balancer,
        prometheus(program, tmp_path / "prometheus", targets, interval="1s") as url,
        Processes(tmp_path) as processes,
    ):
        made = House(tmp_path, github, ports, database)
        made.balancer = balancer
        made.begin(url)
        shop = Shop(processes, made.deployed, tracks, made.options)
        shop.open("v1.0.0")
        with closing(shop), closing(Load(ports["port"])) as made.load:
            await_true(lambda: query(url, "http_requests_total"), "the first counts in Prometheus")
            yield made


def told(house, tag):
    """How long users met the bad release: the line that is printed, and the seconds until no request reached it."""
    raised, started, decided, ended = (
        house.event(kind, tag).time.timestamp()
        for kind in ("traffic.raised", "canary.started", "canary.decided", "rollback.finished")
    )
    seen = [answer for answer in house.load.account()["canary"] if raised - 1 < answer[0] < ended]
    first, last = next(moment for moment, status in seen if status >= 500), seen[-1][0]
    failed = sum(status >= 500 for _, status in seen)
    line = (
        f"from the first bad response to traffic back at 0%: {last - first:.1f} s; to the judge's decision: "
        f"{decided - first:.1f} s ({decided - started:.1f} s after the split was seen to flow); "
        f"{len(seen)} requests at the bad release, {failed} of them failed"
    )
    return line, last - first, decided - first


def plain(text):
    """The text without what differs from run to run: times, commits, addresses, folders, and numbers but versions."""
    text = re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)? UTC", "TIME", text)
    text = re.sub(r"http\S+", "ADDRESS", re.sub(r"\b[0-9a-f]{12}\b", "COMMIT", text))
    text = re.sub(r"/\S+/(?=report\.html)", "", text)
    text = re.sub(r"(?<![v\d.-])\d+(\.\d+)?(e[+-]\d+)?(?!\.?\d)", "0", text)
    # How much of the line an SLI has reached when another one ends the canary is not the same twice.
    own = r"  \w+: (promote|abort|continue)|    (bad events|requests|no history|none were|\d+ of \d+ polls) "
    return [line for line in text.strip().splitlines() if not re.match(own, line)]


def documented(page, command):
    """What a page of the documentation says that `command` prints."""
    text = (DOCS / page).read_text()
    return text.partition(f"$ releasegate {command}\n")[2].partition("```")[0]


def test_a_good_release_a_bad_one_that_takes_itself_back_and_the_next(house):
    good, bad, third = "v1.1.0-rc.1", "v1.2.0-rc.1", "v1.2.0-rc.2"
    house.bad.add(bad)
    wanted = {"live": good, "idle": True, "runs": [good, good], "tags": {"v1.0.0", good, "v1.1.0"}, "issues": 0}
    rows, pages = [(1, "tea"), (2, "cup")], {}

    code, pages["rollout"], log = house.release("note")
    assert (code, house.split(), house.found()) == (0, 0.0, {**wanted, "rows": rows, "migrations": 2}), log
    assert pages["rollout"].startswith("v1.1.0 is live for everybody\n")

    code, pages["rollout v1.2.0-rc.1"], log = house.release("colour")
    decided = house.event("canary.decided", bad).data
    assert (code, decided["decision"], decided["cause"], house.split()) == (1, "abort", "worse", 0.0), log
    wanted |= {"runs": [good, bad], "tags": {"v1.0.0", good, "v1.1.0", bad}, "issues": 2}
    assert house.found() == {**wanted, "rows": rows, "migrations": 3}, log

    code, page, log = house.release("size")
    assert (code, house.split(), page.partition("\n")[0]) == (0, 0.0, "v1.2.0 is live for everybody"), log
    tags = {"v1.0.0", good, "v1.1.0", bad, third, "v1.2.0"}
    wanted = {"live": third, "idle": True, "runs": [third, third], "tags": tags, "issues": 2}
    assert house.found() == {**wanted, "rows": rows, "migrations": 4}

    for words in ("status", "rollback --dry-run", "rollback --yes"):
        code, pages[words], log = house.releasegate(*words.split())
        assert code == 0, (words, log)
    line, until_back, until_decided = told(house, bad)
    sys.stdout.write(f"{line}\n")
    assert 0 < until_decided <= until_back + 1, line

    for words, page in pages.items():
        shown = plain(documented(PAGES[words], words))
        assert shown == plain(page.replace(house.forge.home, "acme/shop")), words
