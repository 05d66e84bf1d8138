"""The gates' part of the policy: which evidence a release candidate has to bring, and how it is judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from releasegate.policy.section import Fault, OneOrMany, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend(Section):
    """How a page is compared with its own past."""

    window: int = 20
    """How many earlier runs count."""

    def faults(self) -> Iterator[Fault]:
        """A trend takes some runs."""
        if not 5 <= self.window <= 100:
            yield "window", "a trend takes 5 to 100 earlier runs", "write window: 20"


@dataclass(frozen=True, slots=True, kw_only=True)
class LighthouseGate(Section):
    """Which Lighthouse reports are judged, and by what."""

    reports: OneOrMany = (".lighthouseci",)
    config: str | None = None
    """An LHCI configuration."""
    budgets: str | None = None
    """Lighthouse's budgets.json, in place of a configuration."""
    history: str | None = None
    """The file of earlier runs (JSON lines), for the trend."""
    trend: Trend = Trend()
    waivers: str | None = None

    def faults(self) -> Iterator[Fault]:
        """Something says what is asserted."""
        if self.config is not None and self.budgets is not None:
            yield "budgets", "`config` and `budgets` exclude each other, as in LHCI", "give one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZapGate(Section):
    """Which ZAP reports are judged, and by what."""

    reports: OneOrMany
    rules: str | None = None
    fail_on: Literal["high", "medium", "low", "info"] = "high"
    confidence: Literal["low", "medium", "high", "confirmed"] = "low"
    """Alerts that ZAP is less sure of do not fail, unless a rule says so."""
    waivers: str | None = None
    known: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteGate(Section):
    """One suite of tests, by its JUnit reports."""

    junit: OneOrMany
    must_run: OneOrMany = ()
    """Patterns (`*`, `?`) of tests each of which has to have run."""
    waivers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates(Section):
    """The evidence that a release candidate has to bring."""

    LATER: ClassVar = ("changes",)
    lighthouse: LighthouseGate | None = None
    zap: ZapGate | None = None
    tests: Mapping[str, SuiteGate] = field(default_factory=dict)
