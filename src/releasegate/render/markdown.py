"""Verdicts as Markdown, for a step summary, an issue or a comment."""

import re
from collections.abc import Sequence

from releasegate.render.text import printable
from releasegate.verdict import Finding, Level, Outcome, Verdict

MOST_BYTES = 1_000_000
"""GitHub refuses a step summary of 1 MiB."""
MOST_FINDINGS = 200
_SIGNS = {Outcome.PASS: "✅", Outcome.WARN: "⚠️", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&:-])")
_LONGEST = 300


def markdown(verdicts: Sequence[Verdict]) -> str:
    """A heading and a table of the findings for each verdict, the worst first; what passed is not listed."""
    text = "\n".join(line for verdict in verdicts for line in _section(verdict))
    if len(text.encode(errors="replace")) <= MOST_BYTES:
        return text
    return "\n".join(_heading(verdict) for verdict in verdicts)


def _heading(verdict: Verdict) -> str:
    return f"### {_SIGNS[verdict.verdict]} {_cell(verdict.gate)}: {verdict.verdict.value}\n\n{_cell(verdict.summary)}\n"


def _section(verdict: Verdict) -> list[str]:
    told = [one for one in verdict.findings if one.waived is not None or one.level is not Level.INFO]
    told.sort(key=lambda one: (one.waived is not None, (Level.ERROR, Level.WARN, Level.INFO).index(one.level)))
    lines = [_heading(verdict)]
    if told:
        lines += ["| | check | what | expected | observed | where |", "|---|---|---|---|---|---|"]
        lines += [_row(finding) for finding in told[:MOST_FINDINGS]]
    if len(told) > MOST_FINDINGS:
        lines.append(f"\nand {len(told) - MOST_FINDINGS} more")
    lines += [f"\nevidence `{one.sha256[:12]}` {_cell(one.path)}" for one in verdict.evidence[:20]]
    return [*lines, ""]


def _row(finding: Finding) -> str:
    level = "waived" if finding.waived is not None else finding.level.value
    what = f"{finding.title} [{finding.waived}]" if finding.waived is not None else finding.title
    cells = (level, finding.check, what, finding.expected, finding.observed, finding.where)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(value: str) -> str:
    """`value` as plain text: what a site writes into a report makes no link, mention, image or row here."""
    shown = printable(value)
    return _SPECIAL.sub(r"\\\1", shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…")
