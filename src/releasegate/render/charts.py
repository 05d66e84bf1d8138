"""Charts of a canary as static SVG, without a script: they open from an artifact, in a mail and in print."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from releasegate.canary.judge import Judge
from releasegate.canary.recording import Recording

COLOURS = ("#3b6fd4", "#c9902b", "#2c9a6b", "#b07cc6", "#5a6b7b", "#1b9aaa")
LINE_COLOUR = "#c0392b"
GUIDE = "rgba(128, 140, 152, .4)"
"""Seen on light and on dark paper; what is written has the colour of the page's own text."""
SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)
"""pygal writes its settings into a script even where no script of its own reads them."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How the evidence of each SLI grew: the natural logarithm of the e-value, poll by poll."""

    times: tuple[float, ...]
    """Seconds since the split flowed."""
    evidence: Mapping[str, tuple[float, ...]]
    lines: Mapping[str, float]
    """The logarithm at which each SLI aborts."""


def growth(recording: Recording) -> Growth:
    """Judge `recording` once more, and keep the evidence after every poll."""
    judge = Judge(recording.header)
    seen = [assessment for line in recording.lines if (assessment := judge.observe(line)).t > 0]
    names = tuple(recording.header.slis)
    return Growth(
        tuple(assessment.t for assessment in seen),
        {name: tuple(assessment.slis[name].log_evidence for assessment in seen) for name in names},
        {name: seen[-1].slis[name].line for name in names} if seen else {},
    )


def evidence_chart(grown: Growth) -> str:
    """The evidence of every SLI as a share of what aborts, so that one line at 100% serves all."""
    shares = {
        name: [0.0, *(max(0.0, value / grown.lines[name]) * 100 for value in values)]
        for name, values in grown.evidence.items()
    }
    times = (0.0, *grown.times)
    top = max([120.0, *(value for values in shares.values() for value in values)])
    return _line_chart(
        "Evidence against the canary, % of what aborts it",
        times,
        {**shares, "abort": [100.0] * len(times)},
        top=min(top, 300.0),
    )


def _line_chart(title: str, times: Sequence[float], series: Mapping[str, Sequence[float]], *, top: float) -> str:
    points = {
        name: [(t, min(value, top)) for t, value in zip(times, values, strict=True)] for name, values in series.items()
    }
    colours = (*COLOURS[: len(series) - 1], LINE_COLOUR)
    levels = list(range(0, int(top) + 1, 20 if top < 200 else 50))
    return _chart(
        title, points, colours, x_title="seconds since the split flowed", range=(0, top), show_dots=False,
        y_labels=levels,
    )  # fmt: skip


def dots(title: str, points: Mapping[str, Sequence[tuple[float, float]]], colours: Sequence[str], x_title: str) -> str:
    """Points without lines, in a colour for each of their names."""
    return _chart(title, points, colours, x_title=x_title, stroke=False, dots_size=3.5, include_x_axis=True)


def _chart(
    title: str, points: Mapping[str, Sequence[tuple[float, float]]], colours: Sequence[str], **options: object
) -> str:
    import pygal  # noqa: PLC0415  only a report needs it
    from pygal.style import Style  # noqa: PLC0415

    style = Style(
        background="transparent", plot_background="transparent", colors=tuple(colours),
        font_family="system-ui, sans-serif", foreground="currentColor", foreground_strong="currentColor",
        foreground_subtle=GUIDE, guide_stroke_color=GUIDE, major_guide_stroke_color=GUIDE,
        title_font_size=15, label_font_size=11, major_label_font_size=11,
        legend_font_size=13, stroke_width="2",
    )  # fmt: skip
    chart = pygal.XY(
        js=[], style=style, title=title, height=360, width=860, legend_at_bottom=True, legend_at_bottom_columns=6,
        explicit_size=False, disable_xml_declaration=True, show_y_guides=True, margin=8, margin_bottom=48,
        **options,
    )  # fmt: skip
    for name, values in points.items():
        chart.add(name, values)
    return SCRIPT.sub("", str(chart.render(is_unicode=True)))
