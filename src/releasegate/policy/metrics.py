"""Where counts come from, as the policy says it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from releasegate.policy.section import Command, Duration, Fault, OneOrMany, Secret, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic(Section):
    """A user and a password."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls(Section):
    """Files for TLS, in PEM."""

    ca: str | None = None
    """The certificates that the server's is trusted by, in place of the usual ones."""
    cert: str | None = None
    key: str | None = None

    def faults(self) -> Iterator[Fault]:
        """A key belongs to a certificate."""
        if self.key is not None and self.cert is None:
            yield "key", "a key without its certificate", "add `cert`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus(Section):
    """A server that answers Prometheus' HTTP API: Prometheus, Thanos, Mimir, VictoriaMetrics, Grafana's proxy."""

    url: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    bearer: Secret | None = None
    """A token, sent as `Authorization: Bearer`."""
    basic: Basic | None = None
    tenant: str | None = None
    """Sent as `X-Scope-OrgID`."""
    tls: Tls | None = None
    lag: Duration | None = None
    """How far behind the present it is asked, so that every scrape up to then is in; None: as its scrapes are apart."""

    def faults(self) -> Iterator[Fault]:
        """There is one way to sign in."""
        if self.bearer is not None and self.basic is not None:
            yield "basic", "`bearer` and `basic` are two ways to sign in", "remove one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape(Section):
    """Metrics pages that are read directly, without a Prometheus: one URL for each instance of a track."""

    baseline: OneOrMany
    canary: OneOrMany


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics(Section):
    """Where counts come from."""

    ONE_OF: ClassVar = ("prometheus", "scrape", "command")
    prometheus: Prometheus | None = None
    scrape: Scrape | None = None
    command: Command | None = None
    """Asks Prometheus where only it can: `{query}` and `{time}` are filled in, and it prints the API's JSON."""

    def faults(self) -> Iterator[Fault]:
        """A command has to be told what is asked."""
        if self.command is not None and not all(any(f in a for a in self.command) for f in ("{query}", "{time}")):
            yield "command", "`{query}` and `{time}` are not both in it", "put them where the program takes them"
