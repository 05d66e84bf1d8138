"""A service that is released in a test: its world is made of a forge, counts that follow the split, and one clock."""

import secrets
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from fakes import FakeClock
from releasegate.errors import FenceError, OutsideError
from releasegate.metrics.port import Poll
from releasegate.policy.load import load_policy, load_section
from releasegate.policy.smoke import Smoke
from releasegate.policy.turned import turned
from releasegate.runbook.journal import Draft, Journal
from releasegate.runbook.outside import Page, fill
from releasegate.runbook.tags import candidate, find
from releasegate.runbook.world import World
from releasegate.traffic.document import DocumentTraffic
from releasegate.traffic.flag import FlagTraffic
from releasegate.traffic.port import Split
from releasegate.verdict import Outcome, Verdict

FLAG_FILE = "config/feature-flags.yaml"
FLAGS = b"# who sees what\ncheckout-v2:\n  enabled: true\n  percentage: 0\n"
POLICY = b"""\
version: 1
service: shop
environment: test
release: {ci: {command: [ci, "{tag}"], repeat: true}}
deploy:
  staging: {command: [deploy, staging, "{tag}"], done: [deployed, staging, "{tag}"]}
  production: {command: [deploy, "{track}", "{tag}"], done: [deployed, "{track}", "{tag}"]}
staging-tests: {command: [e2e, "{tag}"], repeat: true}
traffic: {flag: {name: checkout-v2}}
canary:
  weight: 5%
  window: 60s
  interval: 10s
  settle: 60s
  metrics: {prometheus: {url: "http://127.0.0.1:1"}}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis:
    errors: {ratio: {bad: errors_total, total: requests_total}}
rollback: {flags: {off: [checkout-v2]}}
"""
STEPS = POLICY.replace(b"  weight: 5%", b"  steps: [5%, 25%, 50%, 100%]")
RATE = 1000
"""Requests a second, both tracks together."""
LIVE = "v1.0.0"
START = FakeClock().now()


class Flow:
    """A `CountSource` whose counts follow the split, also the past one where `memory` is shared.

    `errors` gives a track's share of them; `away` says when nothing answers.
    """

    def __init__(self, traffic, errors, away=lambda _: False, memory=None):
        self.traffic, self.errors, self.away, self.mark = traffic, errors, away, None
        self.memory = {} if memory is None else memory

    def bounds(self, at):
        del at
        return {}

    def advance(self, at):
        if self.away(at):
            return Poll({}, {"errors/canary": "Prometheus does not answer"})
        since, self.mark = self.mark, at
        if since is None:
            return Poll({})
        seconds, weight = at - since, self.memory.setdefault(at, self.traffic.split().weight)
        shares = {"baseline": 1 - weight, "canary": weight}
        counted = {track: round(RATE * seconds * share) for track, share in shares.items()}
        return Poll({"errors": {track: (round(n * self.errors[track]), n) for track, n in counted.items()}})


class MemoryTraffic:
    """Traffic in memory: a weight, and how often it was changed as its revision."""

    def __init__(self):
        self.weight, self.changes = 0.0, 0

    def split(self):
        return Split(self.weight, f"r{self.changes}", f"{self.weight:.0%} in memory")

    def preview(self, weight):
        return "" if weight == self.weight else f"{self.weight:.0%} -> {weight:.0%}\n"

    def set_weight(self, weight, *, reason, expected=None):
        del reason
        if weight == self.weight:
            return self.split()
        if weight > self.weight and expected not in (None, self.split().revision):
            raise FenceError("the split is not raised: it was changed by somebody else")
        self.weight, self.changes = weight, self.changes + 1
        return self.split()


GOOD = {"baseline": 0.01, "canary": 0.01}
BAD = {"baseline": 0.01, "canary": 0.2}


class Shop:
    """Where commands go: what is deployed on which track, and everything that was run."""

    def __init__(self):
        self.deployed, self.ran, self.broken = {}, [], set()

    def __call__(self, command, values):
        argv = fill(command, values)
        self.ran.append(argv)
        if argv[0] in self.broken:
            raise OutsideError(f"{argv[0]} exited 1: no")
        if argv[0] == "deploy":
            self.deployed[argv[1]] = argv[2]
        if argv[0] == "deployed" and self.deployed.get(argv[1]) != argv[2]:
            raise OutsideError("deployed exited 1: not there")
        return ""


def passing(subject, _artifacts=None, mine=lambda _: True):
    return [verdict(name, Outcome.PASS, "fine", subject) for name in ("zap", "tests/e2e") if mine(name)]


def verdict(gate, outcome, summary, subject):
    return Verdict(gate=gate, verdict=outcome, summary=summary, subject=subject, started=START, finished=START)


def world_of(forge, folder, *, policy=POLICY, errors=GOOD, clock=None, shell=None, run="run-1", **changes):
    """The world of one run of the program; `changes` replace its parts."""
    loaded = load_policy(policy, "releasegate.yaml", {})
    clock = clock or FakeClock()
    traffic = FlagTraffic(forge, branch="main", path=FLAG_FILE, flag="checkout-v2", warn=lambda _: None)
    traffic = changes.pop("traffic", traffic)
    Path(folder).mkdir(parents=True, exist_ok=True)
    parts = {
        "policy": loaded,
        "forge": forge,
        "journal": Journal(forge, "releasegate/ledger", clock, secrets.token_bytes, run),
        "traffic": traffic,
        "flags": forge,
        "clock": clock,
        "shell": shell or Shop(),
        "fetch": lambda _: Page(200, "ok"),
        "expiry": lambda _: START + timedelta(days=30),
        "counts": lambda: Flow(traffic, errors),
        "history": lambda _: [],
        "gates": passing,
        "read": lambda path: Path(path).read_bytes(),
        "artifacts": Path(folder) / "artifacts",
        "smoke": lambda: load_section(Smoke, b'checks: {page: {url: "http://127.0.0.1:1/"}}', "smoke.yaml", {}),
        "ended": lambda _: True,
        "documents": Path(folder),
    }
    world = World(**{**parts, **changes})
    return _with_colours(world) if loaded.blue_green else world


def route(forge, policy):
    """The two weights in the policy's file."""
    at = policy.traffic.document
    return DocumentTraffic(repository=forge, branch="main", file=at.file, baseline=at.baseline, canary=at.canary)


def _with_colours(world):
    """Blue and green, each with the counts that its own servers would have."""
    policy = turned(world.policy)
    errors = getattr(world.counts(), "errors", GOOD)
    traffic = route(world.forge, policy)
    counted = {"traffic": traffic, "counts": lambda: Flow(traffic, errors)}
    green = replace(world, policy=policy, live="green", turned=lambda: blue, **counted)
    blue = replace(world, live="blue", turned=lambda: green)
    return blue


def begin_service(world, files=None):
    """Put the first release into repository and ledger, and tag the next candidate, which is returned."""
    begun = {FLAG_FILE: FLAGS, "VERSION": b"1\n", **(files or {})}
    first = world.forge.commit("main", begun, "The first\n", parent=None)
    world.forge.create_tag(LIVE, first, "The first")
    subject = world.subject(LIVE, first)
    world.journal.append(
        Draft("release.candidate", subject),
        Draft("gates.judged", subject, {"verdict": "pass", "stage": "gates", "gates": {}}),
        Draft("rollout.settled", subject),
        Draft("release.tagged", subject, {"release": LIVE}),
    )
    return next_candidate(world)


def next_candidate(world, version=None):
    """Commit something, and tag it."""
    number = len(world.forge.tags("v*")) + 1
    head = world.forge.branch_head("main")
    commit = world.forge.commit("main", {"VERSION": b"%d\n" % number}, "The next\n", parent=head)
    made = candidate(world.forge, world.journal, world.policy, commit, version=version)
    return find(world.forge, made.tag)


def settle(world, files, release):
    """A release with `files` that is rolled out, as far as the ledger tells."""
    world.forge.commit("main", files, "Change\n", parent=world.forge.branch_head("main"))
    tag = next_candidate(world, version=release.removeprefix("v"))
    subject = world.subject(tag.name, tag.commit)
    passed = Draft("gates.judged", subject, {"verdict": "pass", "stage": "gates", "gates": {}})
    tagged = Draft("release.tagged", subject, {"release": release})
    world.journal.append(passed, Draft("rollout.started", subject), Draft("rollout.settled", subject), tagged)


def kinds(world, skip=0):
    """The kinds of the ledger's events, without those that only say that a stage or step is done."""
    plain = ("stage.finished", "step.claimed", "step.finished")
    return [event.kind for event in world.journal.events() if event.kind not in plain][skip:]
