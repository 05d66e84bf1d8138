"""Verdicts as a SARIF 2.1.0 log that GitHub code scanning takes.

GitHub wants every result in a file of the checkout, by a relative address, and tells results of two runs apart by
their fingerprints. A web site is no file: a finding without one points at an anchor, a file that the caller names,
and the site's address stands in the message and as a logical location.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from releasegate import __version__
from releasegate.gates.zap.address import path_place
from releasegate.verdict import Finding, Level, Verdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""Of one run; GitHub refuses more."""
SEVERITIES = ("0.0", "3.0", "5.5", "8.0")
"""`security-severity` by ZAP's risk: GitHub shows low below 4, medium below 7, high below 9."""
_LEVELS = {Level.ERROR: "error", Level.WARN: "warning", Level.INFO: "note"}
_FILE = re.compile(r"(?P<file>[^:]+?)(?::(?P<line>[1-9][0-9]{0,6}))?(?::[0-9]+)?")
_Json = dict[str, Any]


def sarif(verdicts: Sequence[Verdict], anchor: str, in_checkout: Callable[[str], str | None]) -> _Json:
    """The log, with one run for each verdict.

    `anchor` is a file of the checkout, relative to its root; `in_checkout` gives another's address from there, None for
    what is none.
    """
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [_run(verdict, anchor, in_checkout) for verdict in verdicts],
    }


def _run(verdict: Verdict, anchor: str, in_checkout: Callable[[str], str | None]) -> _Json:
    shown = [finding for finding in verdict.findings if _is_result(finding)]
    rules = {check: index for index, check in enumerate(dict.fromkeys(finding.check for finding in shown))}
    results: dict[str, _Json] = {}
    for finding, number in _numbered(sorted(shown, key=_weight)):
        for result in _results(finding, number, verdict.gate, anchor, in_checkout):
            results.setdefault(result["partialFingerprints"]["releasegate/v1"], result)
    kept = list(results.values())[:MOST_RESULTS]
    for result in kept:
        result["ruleIndex"] = rules[result["ruleId"]]
    return {
        "tool": {
            "driver": {
                "name": "releasegate",
                "semanticVersion": __version__,
                "rules": [_rule(check, [one for one in shown if one.check == check]) for check in rules],
            }
        },
        "automationDetails": {"id": f"releasegate/{verdict.gate}/"},
        "columnKind": "utf16CodeUnits",
        "invocations": [_invocation(verdict, left_out=len(results) - len(kept))],
        "results": kept,
    }


def _is_result(finding: Finding) -> bool:
    """Whether a finding is about the product: not what passed, and not what is wrong with the evidence."""
    if finding.unusable:
        return False
    return finding.level is not Level.INFO or finding.waived is not None or "riskcode" in finding.details


def _weight(finding: Finding) -> tuple[bool, int, int]:
    level = (Level.ERROR, Level.WARN, Level.INFO).index(finding.level)
    return finding.waived is not None, level, -int(finding.details.get("riskcode", 0))


def _numbered(findings: Sequence[Finding]) -> Iterator[tuple[Finding, int]]:
    """Each finding, with how many others of its rule are told of its file before it; told once where it is the same."""
    before, told = Counter[tuple[str, str]](), set[tuple[object, ...]]()
    for finding in findings:
        if "riskcode" in finding.details:
            yield finding, 0  # its instances tell results apart
            continue
        whole = (finding.check, finding.where, finding.title, finding.expected, finding.observed)
        if whole not in told:
            about = (finding.check, _place(finding, finding.where))
            yield finding, before[about]
            before[about] += 1
            told.add(whole)


def _rule(check: str, findings: Sequence[Finding]) -> _Json:
    rule: _Json = {"id": check, "shortDescription": {"text": findings[0].title or check}}
    risks = [int(finding.details["riskcode"]) for finding in findings if "riskcode" in finding.details]
    if risks:
        plugin = str(findings[0].details["pluginid"])
        rule["helpUri"] = f"https://www.zaproxy.org/docs/alerts/{quote(plugin, safe='')}/"
        rule["properties"] = {"tags": ["security"], "security-severity": SEVERITIES[max(risks)]}
    return rule


def _results(
    finding: Finding, number: int, gate: str, anchor: str, in_checkout: Callable[[str], str | None]
) -> Iterator[_Json]:
    """One result for each place of a finding."""
    instances = finding.details.get("instances") if "riskcode" in finding.details else None
    for instance in instances or [{"uri": finding.where, "method": "", "param": ""}]:
        address = instance["uri"]
        named = (("", instance["method"]), ("parameter ", instance["param"]))
        how = ", ".join(f"{what}{value}" for what, value in named if value)
        told = [finding.title, f"at {address}" if address else "", f"({how})" if how else ""]
        result: _Json = {
            "ruleId": finding.check,
            "level": _LEVELS[finding.level],
            "message": {"text": " ".join(part for part in told if part) + _figures(finding)},
            "locations": [_location(address, anchor, in_checkout)],
            "partialFingerprints": _fingerprints(finding, number, gate, instance),
        }
        suppression = _suppression(finding)
        if suppression:
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": suppression}]
        yield result


def _figures(finding: Finding) -> str:
    parts = [
        f"{name} {value}" for name, value in (("expected", finding.expected), ("observed", finding.observed)) if value
    ]
    return f": {', '.join(parts)}" if parts else ""


def _suppression(finding: Finding) -> str:
    """Why somebody accepted a finding; empty where nobody did."""
    ignored = finding.details.get("action") == "IGNORE"
    return finding.waived or (finding.expected or "ignored" if ignored else "")


def _fingerprints(finding: Finding, number: int, gate: str, instance: Mapping[str, str]) -> dict[str, str]:
    """The same in two runs for the same place: without instance ids, parameter values, tokens and line numbers."""
    site = str(finding.details.get("site", ""))
    place = _place(finding, instance["uri"])
    parts = [gate, finding.check, site, place, instance["method"], instance["param"], *[str(number)] * bool(number)]
    digest = sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
    # GitHub reads this name alone, and makes up a value from the file's line where it is missing.
    return {"releasegate/v1": digest, "primaryLocationLineHash": f"{digest[:16]}:1"}


def _place(finding: Finding, address: str) -> str:
    """What stays of an address while lines move; only a scanner makes up numbers and tokens in those of pages."""
    if "://" not in address:
        return address.partition(":")[0]
    return path_place(address) if "riskcode" in finding.details else address


def _location(address: str, anchor: str, in_checkout: Callable[[str], str | None]) -> _Json:
    match = _FILE.fullmatch(address.partition(": ")[0]) if "://" not in address else None
    own = in_checkout(match["file"]) if match is not None else None
    line = int(match["line"] or 1) if match is not None and own else 1
    location: _Json = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(own or anchor), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line},
        }
    }
    if address and not own:
        location["logicalLocations"] = [{"fullyQualifiedName": address, "kind": "resource"}]
    return location


def _invocation(verdict: Verdict, *, left_out: int) -> _Json:
    """Whether the evidence allowed a verdict, and what did not fit."""
    said = [finding.title for finding in verdict.findings if finding.unusable]
    if left_out:
        said.append(f"{left_out} results are left out: GitHub takes {MOST_RESULTS} of one run")
    whole = not any(finding.unusable for finding in verdict.findings)
    notes = [{"level": "warning" if whole else "error", "message": {"text": text}} for text in said]
    return {"executionSuccessful": whole, "toolExecutionNotifications": notes}
