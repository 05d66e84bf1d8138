"""The policy as typed values: durations in seconds, percentages as fractions, sizes in bytes.

A YAML key is the field's name with `-` for `_`. The loader, the JSON Schema and `policy explain` all read these
classes: a field, its type, its default and its docstring stand here and nowhere else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Literal

from releasegate.policy.canary import Canary
from releasegate.policy.gates import Gates
from releasegate.policy.migrations import Migrations
from releasegate.policy.section import Command, Duration, Fault, OneOrMany, Scalar, Section, Workflow
from releasegate.policy.zones import unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Section):
    """Something that is run, and does not return before it is done."""

    ONE_OF: ClassVar = ("command", "workflow")
    command: Command | None = None
    workflow: str | None = None
    """The file name of a workflow on GitHub, whose `run-name` holds `${{ inputs.id }}`."""
    done: Command | None = None
    """Exits with 0 where it has happened: what is asked when a run died in the middle."""
    repeat: bool = False
    """Whether running it twice does no harm."""

    @property
    def what(self) -> Command | Workflow:
        """The one that was given."""
        return Workflow(self.workflow) if self.workflow is not None else self.command or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Section):
    """Where releases come from."""

    tags: str = "v*"
    """The glob that this service's tags match."""
    branch: str = "main"
    ci: Run | None = None
    """Fetches, or makes, the evidence that the gates then read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy(Section):
    """How a commit gets onto an environment; for production first as track `canary`, then as `baseline`."""

    staging: Run | None = None
    production: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live(Section):
    """How one sees that a flag change is live; polled until it is."""

    ONE_OF: ClassVar = ("url", "command")
    url: str | None = None
    contains: str | None = None
    """What the page at `url` holds once the change is live."""
    command: Command | None = None
    """Exits with 0 once the change is live."""

    def faults(self) -> Iterator[Fault]:
        """`url` and `contains` belong together."""
        if (self.url is None) != (self.contains is None):
            yield "url", "`url` and `contains` belong together", "give both"


@dataclass(frozen=True, slots=True, kw_only=True)
class References(Section):
    """How the code asks for flags."""

    pattern: str
    """A regular expression whose one group is the flag's name."""
    paths: OneOrMany
    """Globs of the files that are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags(Section):
    """Where the flag file lies, and how a change to it goes live."""

    file: str = "config/feature-flags.yaml"
    commit: Literal["direct", "pull-request", "patch"] = "direct"
    """How a change gets onto the branch: straight, by a pull request, or not at all (a person applies the patch)."""
    merge_within: Duration = 300.0
    """How long a command waits until its pull request is merged."""
    publish: Run | None = None
    live: Live | None = None
    references: References | None = None
    """Where `flags lint` looks for flags that the code asks for."""
    consumers: Mapping[str, Literal["cbor", "concat"]] = field(default_factory=dict)
    """Who evaluates a flagd file, to its evaluator's hash: `cbor` is openfeature-flagd-core 2, `concat` all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagTraffic(Section):
    """Traffic split by a flag's rollout percentage."""

    name: str
    on: str = "on"
    """The variant that leads to the canary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaproxyTraffic(Section):
    """Traffic split by the weights of HAProxy's servers."""

    sockets: OneOrMany
    """Stats sockets at level admin: paths, or `host:port`."""
    backend: str
    baseline: OneOrMany
    """The servers of the baseline."""
    canary: OneOrMany


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTraffic(Section):
    """Traffic split by commands."""

    get: Command
    """Prints the canary's share in percent."""
    set: Command
    """Gets it as `{percent}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTraffic(Section):
    """Traffic split by two weights in a YAML file of the repository."""

    file: str
    baseline: str
    """The path of its weight: `spec.rules.0.backendRefs.0.weight`."""
    canary: str
    publish: Run | None = None
    live: Live | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(Section):
    """Pages that answer with 200 where a track can take traffic."""

    baseline: str | None = None
    canary: str | None = None


SWITCH = "split the traffic by `haproxy`, `document` or `command`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(Section):
    """Who gets the canary."""

    ONE_OF: ClassVar = ("flag", "document", "haproxy", "command")
    flag: FlagTraffic | None = None
    document: DocumentTraffic | None = None
    haproxy: HaproxyTraffic | None = None
    command: CommandTraffic | None = None
    health: Health = Health()
    blue_green: bool = False
    """All of it in one jump to the track that is idle, which is the baseline from then on: `baseline` is blue, `canary`
    is green, and the ledger says which of them is live."""

    def faults(self) -> Iterator[Fault]:
        """A flag has a side that is safe, and with blue-green each side is the live one in its turn."""
        if self.blue_green and self.flag is not None:
            yield "blue_green", "a flag that is off shows one side, and that may be the old one", SWITCH


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackFlags(Section):
    """Flags that a rollback switches off."""

    off: OneOrMany = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback(Section):
    """What taking back a release means."""

    migrations: Migrations | None = None
    integrity: tuple[Command, ...] = ()
    """Commands that look at the data and print what must not change; run before and after."""
    flags: RollbackFlags = RollbackFlags()
    smoke: str | None = None
    """The file with the checks that are run afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Section):
    """Days, both included and in the policy's time zone, on which no rollout begins."""

    from_: str
    to: str
    why: str

    def faults(self) -> Iterator[Fault]:
        """Both are days, in their order."""
        for name in ("from_", "to"):
            try:
                date.fromisoformat(getattr(self, name))
            except ValueError:
                yield name, f"{getattr(self, name)} is no day", "write 2026-12-20"
                return
        if self.to < self.from_:
            yield "to", "it ends before it begins", "exchange the two"


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitch(Section):
    """The flag that stops the agents."""

    flag: str
    value: Scalar
    """What the flag has to hold for the agents to stop."""
    notify: OneOrMany = ("ai-platform", "compliance")
    """Who is told: the AI platform's owner and the compliance manager."""
    guardrails: str = "AGENT-GUARDRAILS.md"
    """The document that has to be changed, and validated in staging, before the agents run again."""
    collect: Mapping[str, Run] = field(default_factory=dict)
    """What the review needs (prompts, tool invocations, logs) to the command that prints it."""

    def faults(self) -> Iterator[Fault]:
        """What is collected is what a command prints."""
        if any(run.workflow is not None for run in self.collect.values()):
            yield "collect", "a workflow prints nothing that could be kept", "give a `command`"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceStore(Section):
    """Where the zip of a rollout's or rollback's evidence is kept."""

    store: Literal["release-asset", "repository", "command"]
    """At the release on GitHub (before there is one, at the candidate's); on a branch; or where `command` puts it."""
    branch: str = "releasegate/evidence"
    """`repository`: the branch, which has no common history with the others."""
    command: Command | None = None
    """`command`: gets `{file}`, `{name}`, `{sha256}`, `{tag}` and `{commit}`; the last line it prints says where."""
    retain: Duration = 7 * 365 * 86400.0
    """How long it has to be kept, as the ledger records it; nothing is removed here."""

    def faults(self) -> Iterator[Fault]:
        """A command where there has to be one, and nowhere else."""
        if (self.store == "command") != (self.command is not None):
            yield "store", "`store: command` and `command` belong together", "give both, or neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger(Section):
    """Where the ledger lies."""

    LATER: ClassVar = ("repository",)
    branch: str = "releasegate/ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Section):
    """One service in one environment and region."""

    LATER: ClassVar = (
        "contacts", "severities", "incidents", "data-requests", "notify",
    )  # fmt: skip
    version: Literal[1]
    service: str
    environment: str
    timezone: str = "UTC"
    """People see local time beside UTC; machines get UTC."""
    release: Release = Release()
    gates: Gates = field(default_factory=Gates)
    deploy: Deploy = Deploy()
    staging_tests: Run | None = None
    """Run after the staging deploy; the gates of `gates.tests` are then judged."""
    flags: Flags = Flags()
    traffic: Traffic | None = None
    canary: Canary | None = None
    rollback: Rollback = Rollback()
    kill_switch: KillSwitch | None = None
    freeze: tuple[Freeze, ...] = ()
    evidence: EvidenceStore | None = None
    ledger: Ledger = Ledger()

    @property
    def blue_green(self) -> bool:
        """Whether the tracks take turns in being live."""
        return self.traffic is not None and self.traffic.blue_green

    def faults(self) -> Iterator[Fault]:
        """A zone that people can be shown the time of; one jump has no steps."""
        if unknown(self.timezone):
            yield "timezone", f"this machine knows no time zone {self.timezone}", "write one as Europe/Berlin"
        if self.blue_green and self.canary is not None and self.canary.steps:
            yield "canary", "`traffic.blue-green` is one jump, and `steps` are several", "remove one of them"
