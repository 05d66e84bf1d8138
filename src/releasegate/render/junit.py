"""Verdicts as JUnit XML, for the many places that show nothing else."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from releasegate.verdict import Finding, Level, Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(verdicts: Sequence[Verdict]) -> bytes:
    """One suite for each verdict, one test for each finding; a verdict without findings is one test that passed.

    An error is a failure, unusable evidence an error, a waived finding is skipped, and a warning passes with its text.
    """
    root = ET.Element("testsuites", name="releasegate")
    for verdict in verdicts:
        suite = ET.SubElement(root, "testsuite", name=_text(verdict.gate))
        for finding in verdict.findings:
            _case(suite, verdict.gate, finding)
        if not verdict.findings:
            ET.SubElement(suite, "testcase", classname=_text(verdict.gate), name="verdict", time="0")
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
        suite.set("timestamp", verdict.started.isoformat())
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _case(suite: ET.Element, gate: str, finding: Finding) -> None:
    name = " ".join(part for part in (finding.check, finding.where) if part)
    case = ET.SubElement(suite, "testcase", classname=_text(gate), name=_text(name), time="0")
    said = f"{finding.title} (expected {finding.expected or '-'}, observed {finding.observed or '-'})"
    if finding.waived is not None:
        ET.SubElement(case, "skipped", message=_text(f"waived: {finding.waived}"))
    elif finding.unusable:
        ET.SubElement(case, "error", message=_text(said))
    elif finding.level is Level.ERROR:
        ET.SubElement(case, "failure", message=_text(said))
    else:
        ET.SubElement(case, "system-out").text = _text(f"{finding.level.value}: {said}")


def _text(value: str) -> str:
    """`value` without the characters that XML does not have."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
