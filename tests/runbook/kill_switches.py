"""A service with a kill switch, in memory: its forge, its people, and everything that the procedure touches."""

from pathlib import Path

from fakes import FakeClock, MemoryForge, Randomness
from releasegate.errors import OutsideError
from releasegate.ledger.event import Actor
from releasegate.notify.file import FileNotifier
from releasegate.policy.load import load_policy
from releasegate.runbook.journal import Draft, Journal
from releasegate.runbook.kill_switch import On, Reach
from releasegate.runbook.messages import Messages
from releasegate.runbook.outbox import Outbox
from releasegate.runbook.outside import Page
from releasegate.runbook.reenable import Off, missing, status, validate

FILE = "config/feature-flags.yaml"
FLAGS = "# who sees what\nAGENT_SAFE_MODE: 0   # 1 stops the agents\nsearch: true\n"
STOPPED = FLAGS.replace("MODE: 0", "MODE: 1")
POLICY = """\
version: 1
service: checkout
environment: production
timezone: Europe/Berlin
flags: {live: {url: "http://shop/flags", contains: "{blob}"}}
kill-switch: {flag: AGENT_SAFE_MODE, value: 1, collect: {prompts: {command: [show, "{flag}"]}}}
"""
ADA, BOB, EVE = (Actor(name, verified=True) for name in ("ada", "bob", "eve"))
LOCAL = Actor("mallory", verified=False)


class Service:
    """The whole service; `page` is what its live flags show, None while nothing answers."""

    def __init__(self, folder: Path, flags=FLAGS, policy=POLICY):
        self.folder, self.clock = folder, FakeClock()
        self.forge = MemoryForge(self.clock, actor=ADA)
        files = {FILE: flags.encode(), "AGENT-GUARDRAILS.md": b"# Guardrails\n"}
        self.forge.commit("main", files, "begin", parent=None)
        self.policy = load_policy(policy.encode(), "releasegate.yaml", {})
        self.journal = self.new_journal()
        self.told = FileNotifier(folder / "messages")
        self.frozen = False
        self.reviewers, self.host = [], None
        self.commands = []

    def new_journal(self):
        outbox = Outbox(self.folder / "outbox")
        return Journal(self.forge, "releasegate/ledger", self.clock, Randomness(), outbox=outbox)

    def fetch(self, url):
        assert url == "http://shop/flags"
        if self.frozen:
            return Page(200, "an old page")
        return Page(200, self.forge.read(FILE, "main").blob)

    def shell(self, command, values):
        self.commands.append((tuple(command), dict(values)))
        if command[0] == "broken":
            raise OutsideError("broken exited 1: no")
        return "a prompt with a name in it"

    @property
    def reach(self):
        return Reach(
            policy=self.policy, switch=self.policy.kill_switch, forge=self.forge, flags=self.forge, withdraw=lambda: "",
            journal=self.journal, host=self.host,
            clock=self.clock, shell=self.shell, fetch=self.fetch,
            messages=Messages(self.told, self.folder / "waiting"), folder=self.folder / "collected",
            reviewers=lambda: self.reviewers,
        )  # fmt: skip

    def on(self, reason="it promised refunds"):
        return On(self.reach, reason).run()

    def off(self, actor, cause="", value=None):
        self.forge._actor = actor
        return Off(self.reach, cause, value).run()

    def missing(self):
        return missing(self.reach, self.reach.standing())

    def status(self):
        return status(self.reach)

    def validate(self, judge, commit=None):
        return validate(self.reach, commit or self.forge.branch_head("main"), judge)

    def change(self, path, content):
        head = self.forge.branch_head("main")
        return self.forge.commit("main", {path: content.encode()}, "change", parent=head)

    def record(self, kind, data, **subject):
        scope = {"service": "checkout", "environment": "production"}
        self.journal.append(Draft(kind, {**scope, **subject}, data))

    def flags(self):
        return self.forge.read(FILE, "main").content.decode()

    def kinds(self):
        return [event.kind for event in self.journal.events()]

    def messages(self, to):
        return [path.read_text() for path in sorted((self.folder / "messages" / to).glob("*.md"))]

    def ready(self):
        """Everything but the second approval."""
        self.on()
        commit = self.change("AGENT-GUARDRAILS.md", "# Guardrails\n- no refunds\n")
        self.record("guardrails.judged", {"verdict": "pass", "stage": "staging-gates", "gates": {}}, commit=commit)
