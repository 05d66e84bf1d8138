"""Accepted findings: who accepts what, why, and until when.

    waivers:
      - check: "10038"                  # the finding's check; * stands for anything
        where: https://shop.test/help*  # optional: where it was seen
        gate: zap                       # optional: the gate that found it
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
        about = ((self.gate, gate), (self.where, finding.where))
        return (
            not finding.unusable
            and any(_matches(self.check, check) for check in checks)
            and all(_matches(pattern, text) for pattern, text in about)
        )


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
    mine = [waiver for waiver in waivers if _matches(waiver.gate, verdict.gate)]
    used = [any(waiver.covers(verdict.gate, finding) for finding in verdict.findings) for waiver in mine]
    remarks = [_remark(waiver, today, used=covers) for waiver, covers in zip(mine, used, strict=True)]
    valid = [waiver for waiver in mine if waiver.expires >= today]
    marked = [_waived(verdict.gate, finding, valid) for finding in verdict.findings]
    findings = (*marked, *(remark for remark in remarks if remark is not None))
    count = sum(finding.waived is not None for finding in findings)
    summary = f"{verdict.summary}, {count} waived" if count else verdict.summary
    return replace(verdict, findings=findings, verdict=conclude(findings), summary=summary)


def _waived(gate: str, finding: Finding, valid: Sequence[Waiver]) -> Finding:
    waiver = next((waiver for waiver in valid if waiver.covers(gate, finding)), None)
    if waiver is None or finding.waived is not None:
        return finding
    return replace(finding, waived=f"{waiver.reason} ({waiver.owner}, until {waiver.expires.isoformat()})")


def _remark(waiver: Waiver, today: date, *, used: bool) -> Finding | None:
    if waiver.expires < today and used:
        level, title = Level.WARN, "this waiver has expired and waives nothing any more: renew it, or fix the finding"
    elif not used:
        level, title = Level.INFO, "this waiver covers no finding: remove it"
    else:
        return None
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
    try:
        expires = date.fromisoformat(values.pop("expires"))
    except ValueError as error:
        raise InputError("`expires` is no date", where=origin, remedy="write it as 2027-01-31") from error
    return Waiver(**values, expires=expires, origin=origin)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
