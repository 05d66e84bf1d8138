"""The report of a release: one HTML file, with no script and nothing to fetch."""

from typing import Any

from releasegate.render.charts import evidence_chart, growth
from releasegate.render.story import SIGNS, Row, Story, clock_time


def html(story: Story) -> str:
    """The report as a whole page. Everything that came from outside is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  only a report needs it
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("releasegate.render"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    chart = _chart(story)
    values: dict[str, Any] = {
        "story": story,
        "stages": [_row(row, story.timezone) for row in story.stages],
        "rollback": [_row(row, story.timezone) for row in story.rollback],
        "mood": {0: "good", 1: "bad"}.get(story.exit_code, "open"),
        "chart": Markup(chart) if chart else None,  # noqa: S704  our own SVG; the names in it are escaped by lxml-free pygal
        "evidence": [(e.path.rpartition("/")[2], e) for verdict in story.verdicts for e in verdict.evidence],
    }
    return environment.get_template("report.html").render(values)


def _chart(story: Story) -> str | None:
    if story.recording is None:
        return None
    grown = growth(story.recording)
    return evidence_chart(grown) if grown.times else None


def _row(row: Row, timezone: str) -> dict[str, str]:
    took = (row.finished - row.started).total_seconds()
    return {
        "sign": SIGNS.get(row.state, "-"),
        "state": row.state,
        "title": row.title,
        "text": row.text,
        "time": clock_time(row.started, timezone),
        "took": f"{took:.1f} s",
    }
