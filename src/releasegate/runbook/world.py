"""Everything that a procedure touches, built by the command line and handed down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from releasegate.canary.judge import Assessment
from releasegate.canary.recording import Line
from releasegate.forge.host import Host
from releasegate.forge.port import Forge
from releasegate.ledger.colours import other
from releasegate.metrics.port import CountSource
from releasegate.policy.canary import Canary
from releasegate.policy.model import Policy
from releasegate.policy.smoke import Smoke
from releasegate.runbook.clock import Clock
from releasegate.runbook.journal import Journal
from releasegate.runbook.outside import Fetch, Shell
from releasegate.runbook.step import Outcome
from releasegate.runbook.watch import canary_of
from releasegate.traffic.flag import Repository
from releasegate.traffic.port import Traffic
from releasegate.verdict import Subject, Verdict


@dataclass(frozen=True, slots=True)
class Fetched:
    """An artifact of a workflow's run, on this machine."""

    path: Path
    """Its zip."""
    commit: str
    """The commit that the run was made for."""
    size: int
    """Bytes of the zip."""
    sha256: str


Judges = Callable[[Subject, Mapping[str, Fetched], Callable[[str], bool]], Sequence[Verdict]]
"""Judges a candidate by those of its gates whose names the last argument lets through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The ports, the clock and the user's own files, as one service in one environment needs them."""

    policy: Policy
    forge: Forge
    host: Host | None = None
    """What the forge's host does beside git; None where it is git alone."""
    journal: Journal
    traffic: Traffic
    flags: Repository
    """Where the flag file is changed: as the policy says, straight on the branch, by pull request or as a patch."""
    withdraw: Callable[[], str] = lambda: ""
    """Closes pull requests that would still change the traffic, and says so."""
    overtake: Callable[[], str] = lambda: ""
    """Closes pull requests of anybody's that would raise a flag which a rollback lowers, and says so."""
    clock: Clock
    shell: Shell
    fetch: Fetch
    expiry: Callable[[str], datetime]
    """Until when the certificate at an https address is valid."""
    counts: Callable[[], CountSource]
    """A new source of counts, with no marks set."""
    history: Callable[[float], Sequence[Line]] | None
    """What the source remembers of the baseline before a moment (Unix seconds); None where it remembers nothing."""
    gates: Judges
    """Judge the evidence of gates of the policy: what lies in the checkout, and artifacts by their name."""
    read: Callable[[str], bytes]
    """The bytes of a piece of evidence, by the path that a verdict names it with."""
    artifacts: Path
    """The folder for artifacts of workflow runs."""
    smoke: Callable[[], Smoke] | None
    """Reads the smoke checks when they are due, since a fault in their file must stop no rollback."""
    ended: Callable[[str], bool]
    """Whether the run of the program with this name is over, as far as can be told."""
    documents: Path
    """The folder for recordings and documents."""
    live: str | None = None
    """Blue-green: the colour that is the baseline in this world; None where tracks do not take turns."""
    turned: Callable[[], "World"] | None = None
    """The same world with the other colour as its baseline; None where tracks do not take turns."""

    @property
    def canary(self) -> Canary:
        """The policy's canary; `PolicyError` where it has none."""
        return canary_of(self.policy)

    def subject(self, tag: str | None = None, commit: str | None = None) -> Mapping[str, str]:
        """What an event is about: the service and environment, and a release where it is about one."""
        about = {"service": self.policy.service, "environment": self.policy.environment, "tag": tag, "commit": commit}
        return {key: value for key, value in about.items() if value is not None}

    def track(self, track: str) -> str:
        """What the user's commands know `baseline` or `canary` as: with blue-green it is a colour."""
        if self.live is None:
            return track
        return self.live if track == "baseline" else other(self.live)

    def place(self, tag: str, commit: str, track: str) -> Mapping[str, str]:
        """What fills the `{placeholders}` of a deploy command."""
        environment, track = self.policy.environment, self.track(track)
        names = {"tag": tag, "commit": commit, "environment": environment, "track": track}
        return {**names, "id": f"{self.policy.service}-{environment}-{track}-{tag}"}


@dataclass(frozen=True, slots=True)
class Began:
    """A stage or step began."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What is new of where the counts come from: a sentence."""

    text: str


Progress = Began | Outcome | Assessment | Remark
Tell = Callable[[Progress], None]
"""Is told of every stage, step, poll and remark as it happens."""
