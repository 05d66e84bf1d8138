"""The result of every gate: a verdict with its findings, its evidence and what it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from typing import Any

from releasegate import __version__

SCHEMA = "releasegate/verdict/1"
LONG = 4 * 1024 * 1024
"""Bytes from which on OpenSSL is worth loading: it hashes three times as fast and takes as much memory as click."""


class Level(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"


class Outcome(StrEnum):
    """What a gate says; never a bare boolean."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """0 for `pass` and `warn`, 1 for `fail`, 3 for `inconclusive`."""
        return {Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}.get(self, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason for a verdict."""

    check: str
    """The rule, audit or test, as its own tool names it."""
    level: Level
    title: str
    """What it means, in a few words for a person."""
    expected: str = ""
    """The threshold, with its operator: `<= 2500`."""
    observed: str = ""
    where: str = ""
    """The URL, file or test where it was seen."""
    waived: str | None = None
    """The waiver's reason, owner and expiry, where somebody accepted this finding."""
    unusable: bool = False
    """True where this says that evidence is missing or cannot be judged, which makes the verdict `inconclusive`."""
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The finding as it stands in the verdict document."""
        details = {**self.details, "unusable": True} if self.unusable else dict(self.details)
        return {
            "check": self.check,
            "level": self.level.value,
            "title": self.title,
            "expected": self.expected,
            "observed": self.observed,
            "where": self.where,
            "waived": self.waived,
            "details": details,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """The bytes that a verdict rests on, named by path or URL and SHA-256."""

    path: str
    sha256: str
    size: int
    """In bytes."""

    @classmethod
    def of(cls, path: str, content: bytes) -> "Evidence":
        """Name `content`, which was read from `path`."""
        return cls(path, _sha256(content), len(content))


def _sha256(content: bytes) -> str:
    """The hash in hexadecimal, by Python's own code where `content` is short and that code was built in."""
    for name in ("_sha2", "_sha256") if len(content) < LONG else ():
        try:
            return str(import_module(name).sha256(content).hexdigest())
        except ImportError:  # the one is Python 3.12's, the other Python 3.11's
            continue
    return str(import_module("hashlib").sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Subject:
    """What a verdict is about: a tag and the commit it stands on, as far as they are known."""

    tag: str | None = None
    commit: str | None = None


def conclude(findings: Sequence[Finding]) -> Outcome:
    """Fail on an unwaived error, else inconclusive on unusable evidence, else warn on an unwaived warning."""
    standing = [finding for finding in findings if finding.waived is None]
    if any(finding.level is Level.ERROR and not finding.unusable for finding in standing):
        return Outcome.FAIL
    if any(finding.unusable for finding in standing):
        return Outcome.INCONCLUSIVE
    if any(finding.level is Level.WARN for finding in standing):
        return Outcome.WARN
    return Outcome.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate says about its subject, and why."""

    gate: str
    verdict: Outcome
    summary: str
    """One line that a tired person understands."""
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    subject: Subject = Subject()
    started: datetime
    finished: datetime
    extra: Mapping[str, Any] = field(default_factory=dict)
    """More top-level members of the document: `compatibility` in a compatibility mode."""
    remember: Any = None
    """What a later verdict of this gate compares itself with: kept in the ledger, not shown in the document."""
    accepted: tuple[str, ...] = ()
    """Where the waivers stand that cover findings of it; not shown in the document."""

    def document(self) -> dict[str, Any]:
        """The verdict document, `releasegate/verdict/1`."""
        return {
            "schema": SCHEMA,
            "gate": self.gate,
            "verdict": self.verdict.value,
            "summary": self.summary,
            "findings": [finding.document() for finding in self.findings],
            "evidence": [{"path": e.path, "sha256": e.sha256, "bytes": e.size} for e in self.evidence],
            "subject": {"tag": self.subject.tag, "commit": self.subject.commit},
            "started": rfc3339(self.started),
            "finished": rfc3339(self.finished),
            "releasegate": __version__,
            **self.extra,
        }


def rfc3339(moment: datetime) -> str:
    """`moment` in UTC as machines get it: `2026-11-23T10:00:00Z`, with microseconds only where there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
