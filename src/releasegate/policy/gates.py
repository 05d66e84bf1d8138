"""The gates' part of the policy: which evidence a release candidate has to bring, and how it is judged."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

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
    """The file of earlier runs (JSON lines), for the trend; or `ledger`: those of the candidates that passed."""
    trend: Trend = Trend()
    artifact: OneOrMany = ()
    """The artifacts of the workflow's run that hold the reports, by name: a rollout then reads these."""
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
    artifact: OneOrMany = ()
    """The artifacts of the workflow's run that hold the reports, by name: a rollout then reads these."""
    known: str | None = None
    """An earlier report, or `ledger`: what the last known good release had. It weighs one level less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteGate(Section):
    """One suite of tests, by its JUnit reports."""

    junit: OneOrMany
    must_run: OneOrMany = ()
    """Patterns (`*`, `?`) of tests each of which has to have run."""
    artifact: OneOrMany = ()
    """The artifacts of the workflow's run that hold the reports, by name: a rollout then reads these."""
    previous: OneOrMany = ()
    """The last run's reports, or `ledger`: tells newly failing tests apart."""
    waivers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesGate(Section):
    """Four eyes on every commit since the last known good release."""

    reviewed: bool = True
    """Whether each commit has to come by a merged pull request that somebody else approved."""
    ticket: str | None = None
    """A pattern that the title or text of each pull request has to hold."""
    checks: OneOrMany = ()
    """Checks that have to be green on the final head, beside those that the branch requires."""
    direct: OneOrMany = ()
    """Paths (`*`, `?`): a commit that changes nothing else may be pushed; so may the flag file, in direct mode."""
    since: str | None = None
    """Where to begin while there is no last known good release."""
    waivers: str | None = None

    def faults(self) -> Iterator[Fault]:
        """A pattern that can be read, and something that is asked."""
        if self.ticket is not None:
            try:
                re.compile(self.ticket)
            except re.error as error:
                yield "ticket", f"is no pattern: {error}", "write one as [A-Z]+-[0-9]+"
        if not self.reviewed and not self.ticket and not self.checks:
            yield "reviewed", "nothing is asked of the commits", "ask for `ticket` or `checks`, or remove `changes`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates(Section):
    """The evidence that a release candidate has to bring."""

    lighthouse: LighthouseGate | None = None
    zap: ZapGate | None = None
    tests: Mapping[str, SuiteGate] = field(default_factory=dict)
    changes: ChangesGate | None = None
    undated: Literal["accept"] | None = None
    """Evidence that tells no commit counts, unless it tells that it is older than the candidate's."""
