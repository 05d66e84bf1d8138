"""Accepted findings: who accepts what, why, and until when.

    waivers:
      - check: "10038"                  # the finding's check; * stands for anything
        where: https://shop.test/help*  # optional: where it was seen
        gate: zap                       # optional: the gate that found it; tests stands for every suite
        reason: The help pages are static and hold no user data
        owner: web-platform
        expires: 2027-01-31             # the last day on which it holds

Missing or unusable evidence cannot be waived: nobody can accept what was not seen.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from releasegate.errors import InputError
from releasegate.gates.document import read_document
from releasegate.verdict import Finding, Level, Verdict, conclude

NEEDED = ("check", "reason", "owner", "expires")
GATES = ("changes", "lighthouse", "tests", "zap")
"""The gates that take waivers; a suite's is called `tests/` and its name."""
UNUSED = "this waiver covers no finding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One accepted finding, or a group of them."""

    check: str
    """A finding's check, in which `*` stands for anything."""
    reason: str
    owner: str
    expires: date
    """The last day on which it holds, UTC."""
    where: str = "*"
    gate: str = "*"
    origin: str = ""
    """The file, and the waiver's number in it."""

    def covers(self, gate: str, finding: Finding) -> bool:
        """Whether this is about the finding."""
        # ZAP's findings are called by alertRef, 10038-1; people accept a whole rule, 10038.
        checks = {finding.check, str(finding.details.get("pluginid", finding.check))}
        return (
            not finding.unusable
            and self.concerns(gate)
            and any(_matches(self.check, check) for check in checks)
            and _matches(self.where, finding.where)
        )

    def concerns(self, gate: str) -> bool:
        """Whether this is about what `gate` finds."""
        return _matches(self.gate, gate) or gate.startswith(f"{self.gate}/")


def read_waivers(content: bytes, path: str) -> tuple[Waiver, ...]:
    """The waivers in a YAML or JSON file; `InputError` for one without reason, owner or expiry."""
    document = read_document(content, path)
    entries = document.get("waivers") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise InputError("holds no list of waivers", where=path, remedy="begin it with `waivers:`")
    return tuple(_waiver(entry, f"{path}: waivers[{index}]") for index, entry in enumerate(entries))


def waive(verdict: Verdict, waivers: Sequence[Waiver], today: date) -> Verdict:
    """The verdict with its findings marked where a waiver of today covers them, and with what is to be said of waivers.

    A waiver that expired is a warning where it would have mattered; one that covers nothing is mentioned.
    """
    mine = [waiver for waiver in waivers if waiver.concerns(verdict.gate)]
    whole = not any(finding.unusable for finding in verdict.findings)
    used = [waiver for waiver in mine if any(waiver.covers(verdict.gate, finding) for finding in verdict.findings)]
    remarks = [_expired(waiver) if waiver in used else _unused(waiver, whole=whole)
               for waiver in mine if waiver not in used or waiver.expires < today]  # fmt: skip
    valid = [waiver for waiver in mine if waiver.expires >= today]
    marked = [_waived(verdict.gate, finding, valid) for finding in verdict.findings]
    findings = (*marked, *remarks)
    count = sum(finding.waived is not None for finding in findings)
    summary = f"{verdict.summary}, {count} waived" if count else verdict.summary
    origins = tuple(waiver.origin for waiver in used)
    return replace(verdict, findings=findings, verdict=conclude(findings), summary=summary, accepted=origins)


def together(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, whose gates may share a file of waivers: unused is one that is unused in all, and is told once."""
    told = {origin for verdict in verdicts for origin in verdict.accepted}
    found: list[Verdict] = []
    for verdict in verdicts:
        unused = [one for one in verdict.findings if one.check == "waiver" and one.title.startswith(UNUSED)]
        more = [one for one in unused if one.where in told]
        told |= {one.where for one in unused}
        found.append(replace(verdict, findings=tuple(one for one in verdict.findings if one not in more)))
    return found


def _waived(gate: str, finding: Finding, valid: Sequence[Waiver]) -> Finding:
    waiver = next((waiver for waiver in valid if waiver.covers(gate, finding)), None)
    if waiver is None or finding.waived is not None:
        return finding
    return replace(finding, waived=f"{waiver.reason} ({waiver.owner}, until {waiver.expires.isoformat()})")


def _expired(waiver: Waiver) -> Finding:
    title = "this waiver has expired and waives nothing any more: renew it, or fix the finding"
    return _remark(waiver, Level.WARN, title)


def _unused(waiver: Waiver, *, whole: bool) -> Finding:
    """What is to be said of a waiver that covers nothing; where evidence is missing, it may cover what nobody saw."""
    title = f"{UNUSED}: remove it" if whole else f"{UNUSED} of the evidence that could be judged"
    return _remark(waiver, Level.INFO, title)


def _remark(waiver: Waiver, level: Level, title: str) -> Finding:
    observed = f"{waiver.check}, {waiver.owner}, until {waiver.expires.isoformat()}"
    return Finding(check="waiver", level=level, title=title, observed=observed, where=waiver.origin)


def _waiver(entry: Any, origin: str) -> Waiver:
    known = [field.name for field in fields(Waiver) if field.name != "origin"]
    if not isinstance(entry, Mapping):
        raise InputError("is no waiver", where=origin, remedy=f"give it {', '.join(NEEDED)}")
    for key in entry:
        if key not in known:
            near = get_close_matches(str(key), known, 1) or [", ".join(known)]
            raise InputError(f"unknown key `{key}`"[:200], where=origin, remedy=f"write {near[0]}")
    values = {key: str(value).strip() for key, value in entry.items() if value is not None}
    missing = [key for key in NEEDED if not values.get(key)]
    if missing:
        raise InputError(
            f"has no {' and no '.join(missing)}", where=origin, remedy="add it: a waiver is somebody's word"
        )
    gate = values.get("gate", "*")
    if "*" not in gate and gate not in GATES and not gate.startswith("tests/"):
        near = get_close_matches(gate, GATES, 1) or [", ".join(GATES)]
        raise InputError(f"no gate is called `{gate}`"[:200], where=origin, remedy=f"write {near[0]}")
    try:
        expires = date.fromisoformat(values.pop("expires"))
    except ValueError as error:
        raise InputError("`expires` is no date", where=origin, remedy="write it as 2027-01-31") from error
    return Waiver(**values, expires=expires, origin=origin)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
