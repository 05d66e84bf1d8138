"""The file of smoke checks that a policy names: what has to answer before somebody says that it works again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from releasegate.policy.load import load_section
from releasegate.policy.section import Command, Duration, Fault, Scalar, Secret, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Section):
    """One page that has to answer as it should, or one command that has to end as it should."""

    ONE_OF: ClassVar = ("url", "command")
    url: Secret | None = None
    """May hold a token; it is named by the check's own name in every output."""
    status: int = 200
    contains: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header to a text that its value holds."""
    json: Mapping[str, Scalar] = field(default_factory=dict)
    """Path in the answer's JSON to the value that is there: `status`, `services.0.name`."""
    latency: Duration | None = None
    """The longest time that the answer may take."""
    tls_days: int | None = None
    """How many days the certificate must still be valid."""
    command: Command | None = None
    exit: int = 0
    """What the command has to end with."""
    retries: int = 2
    """How often it is tried again before it is red."""

    def faults(self) -> Iterator[Fault]:
        """A certificate belongs to https, and what is asked of a page cannot be asked of a command."""
        if self.tls_days is not None and not (self.url or "").startswith("https:"):
            yield "tls_days", "only an https address has a certificate", "give an https url"
        if self.url is None and (self.contains or self.headers or self.json or self.latency is not None):
            yield "command", "a command has no page", "ask for `exit` alone, or give a url"
        if not 0 <= self.retries <= 10:
            yield "retries", "from 0 to 10", "write retries: 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoke(Section):
    """All checks, by the name that a person knows them by, and what only a person can look at."""

    checks: Mapping[str, Check]
    manual: tuple[str, ...] = ()
    """What a person looks at; each is ticked with `releasegate rollback --tick NUMBER`."""

    def faults(self) -> Iterator[Fault]:
        """A file without a check would prove nothing."""
        if not self.checks:
            yield "checks", "no check", "name at least one page"


def load_smoke(content: bytes, path: str, environ: Mapping[str, str]) -> Smoke:
    """The checks of a `smoke.yaml`; `PolicyError` names file, line and column of what is wrong in it."""
    return load_section(Smoke, content, path, environ)
