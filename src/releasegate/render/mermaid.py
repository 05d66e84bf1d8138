"""How the evidence of a canary grew, as Mermaid charts that GitHub draws in Markdown."""

import re
from collections.abc import Sequence

from releasegate.canary.judge import Assessment

POINTS = 60
"""A chart shows at most so many polls; of those that fall together it shows the highest."""
TOP = 150.0
"""Percent at which a curve is cut off: what lies above has aborted long ago."""


def evidence_charts(title: str, assessments: Sequence[Assessment]) -> str:
    """A chart for each SLI: its evidence against the canary in percent of what aborts it, and the line at 100."""
    seen = [one for one in assessments if one.t > 0]
    if not seen:
        return ""
    names = [name for name, sli in seen[-1].slis.items() if sli.line]
    return "\n".join([f"#### {_plain(title)}\n", *(_chart(name, seen) for name in names)])


def _chart(name: str, seen: Sequence[Assessment]) -> str:
    grown = [max(0.0, one.slis[name].log_evidence / one.slis[name].line * 100) for one in seen]
    size = -(-len(grown) // POINTS)
    shown = [min(TOP, max(grown[start : start + size])) for start in range(0, len(grown), size)]
    shown = shown if len(shown) > 1 else shown * 2  # one point draws no line
    points = ", ".join(f"{value:.1f}" for value in shown)
    line = ", ".join(["100"] * len(shown))
    return f"""\
```mermaid
xychart-beta
  title "{_plain(name)}: evidence against the canary, % of what aborts it"
  x-axis "seconds" {seen[0].t:.0f} --> {max(seen[-1].t, seen[0].t + 1):.0f}
  y-axis "%" 0 --> {TOP:.0f}
  line [{points}]
  line [{line}]
```
"""


def _plain(text: str) -> str:
    """What may stand in a title: a name cannot end its quotes or begin another statement."""
    return re.sub(r"[^\w .,:/-]", "?", text)[:80]
