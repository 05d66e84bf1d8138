"""The worst findings as GitHub workflow commands, which GitHub shows beside the run."""

from collections.abc import Callable, Sequence

from releasegate.render.text import printable
from releasegate.verdict import Finding, Level, Verdict

MOST = 10
"""GitHub shows ten of a kind and step."""
_COMMANDS = {Level.ERROR: "error", Level.WARN: "warning"}


def annotations(verdicts: Sequence[Verdict], in_checkout: Callable[[str], str | None]) -> list[str]:
    """The ten worst findings that stand, one workflow command each.

    `in_checkout` gives a file's address from the root of the checkout, None for what is none.
    """
    standing = [
        (verdict.gate, finding)
        for verdict in verdicts
        for finding in verdict.findings
        if finding.waived is None and finding.level in _COMMANDS
    ]
    worst = sorted(standing, key=lambda one: (one[1].level is not Level.ERROR, not one[1].unusable))
    return [_command(gate, finding, in_checkout) for gate, finding in worst[:MOST]]


def _command(gate: str, finding: Finding, in_checkout: Callable[[str], str | None]) -> str:
    properties = {"title": f"{gate}: {finding.check}"}
    file, _, line = finding.where.partition(":")
    own = in_checkout(file) if file and "://" not in finding.where else None
    if own:
        properties = {"file": own, **({"line": line} if line.isascii() and line.isdigit() else {}), **properties}
    figures = [
        f"{name} {value}" for name, value in (("expected", finding.expected), ("observed", finding.observed)) if value
    ]
    message = (
        finding.title
        + (f" ({', '.join(figures)})" if figures else "")
        + (f" at {finding.where}" if finding.where else "")
    )
    told = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items()
    )
    return f"::{_COMMANDS[finding.level]} {told}::{_escaped(message)}"


def _escaped(value: str) -> str:
    return printable(value).replace("%", "%25")
