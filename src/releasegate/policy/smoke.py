"""The file of smoke checks that a policy names: what has to answer before somebody says that it works again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from releasegate.policy.load import load_section
from releasegate.policy.section import Fault, Secret, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCheck(Section):
    """One page that has to answer."""

    url: Secret
    """May hold a token; it is named by the check's own name in every output."""
    status: int = 200
    contains: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoke(Section):
    """All checks, by the name that a person knows them by."""

    checks: Mapping[str, HttpCheck]

    def faults(self) -> Iterator[Fault]:
        """A file without a check would prove nothing."""
        if not self.checks:
            yield "checks", "no check", "name at least one page"


def load_smoke(content: bytes, path: str, environ: Mapping[str, str]) -> Smoke:
    """The checks of a `smoke.yaml`; `PolicyError` names file, line and column of what is wrong in it."""
    return load_section(Smoke, content, path, environ)
