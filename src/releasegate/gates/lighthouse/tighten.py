"""Thresholds that a page has long outgrown: they would let a regression through without a word."""

from collections.abc import Sequence

from releasegate.gates.lighthouse.assertions import Config
from releasegate.gates.lighthouse.trend import Point
from releasegate.verdict import Finding, Level

FEWEST = 10
"""Runs that it takes to say so."""
ROOM = 1.1
"""What is left above the worst run, as a factor."""
WORTHWHILE = 0.8
"""A threshold is mentioned if it could come down to this share of itself."""


def tighten(config: Config, runs: Sequence[Point]) -> tuple[Finding, ...]:
    """A remark for each `maxNumericValue` that is far above the worst of a page's runs."""
    found: list[Finding] = []
    for page in dict.fromkeys(point.page for point in runs):
        here = [point for point in runs if point.page == page]
        for asked in config.sets:
            if asked.pattern is not None and not asked.pattern.search(page):
                continue
            for key, assertion in asked.assertions.items():
                limit = assertion.thresholds.get("maxNumericValue")
                values = [point.metrics[key] for point in here if key in point.metrics]
                if limit is None or assertion.level == "off" or len(values) < FEWEST:
                    continue
                if max(values) * ROOM <= limit * WORTHWHILE:
                    found.append(_remark(key, page, limit, values))
    return tuple(found)


def _remark(key: str, page: str, limit: float, values: Sequence[float]) -> Finding:
    return Finding(
        check=key,
        level=Level.INFO,
        title=f"this threshold could be tightened: the worst of {len(values)} runs was {max(values):.4g}",
        expected=f"<= {limit:g}",
        observed=f"<= {max(values) * ROOM:.3g} would hold",
        where=page,
    )
