"""A verdict as a person reads it in a terminal."""

from releasegate.verdict import Finding, Level, Verdict

LEVELS = (Level.ERROR, Level.WARN, Level.INFO)
MOST_FINDINGS = 50


def text(verdict: Verdict) -> str:
    """The verdict's one line, then its findings, the worst first, one line each.

    After `MOST_FINDINGS` the rest is counted; the verdict document holds them all.
    """
    ordered = sorted(verdict.findings, key=_weight)
    lines = [f"{verdict.gate}: {verdict.verdict.value.upper()}: {printable(verdict.summary)}"]
    lines += [_line(finding) for finding in ordered[:MOST_FINDINGS]]
    if len(ordered) > MOST_FINDINGS:
        lines.append(f"  and {len(ordered) - MOST_FINDINGS} more; --format json lists them all")
    return "\n".join(lines)


def printable(value: str) -> str:
    """`value` on one line, without the control characters and lone surrogates that a report may hold."""
    return "".join(c if c.isprintable() else " " for c in value)


def _weight(finding: Finding) -> tuple[bool, int]:
    return finding.waived is not None, LEVELS.index(finding.level)


def _line(finding: Finding) -> str:
    """`  error  check: title (expected …, observed …) at where`."""
    measured = [f"{name} {value}" for name, value in _figures(finding) if value]
    parts = [
        f"  {'waived' if finding.waived else finding.level.value:<6} {finding.check}: {finding.title}",
        f" ({', '.join(measured)})" if measured else "",
        f" at {finding.where}" if finding.where else "",
        f" [{finding.waived}]" if finding.waived else "",
    ]
    return printable("".join(parts))


def _figures(finding: Finding) -> tuple[tuple[str, str], ...]:
    return (("expected", finding.expected), ("observed", finding.observed))
