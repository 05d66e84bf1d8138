"""What the judge says of each SLI, in lines for a person."""

from collections.abc import Iterator

from releasegate.canary.judge import Judgement, SliAssessment
from releasegate.canary.monitor import Interval, two_digits


def sli_lines(judgement: Judgement) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each SLI one line, with the smallest regression that it would have shown nine times in ten as a ratio and as
    a level, and what else a reader should know: what clumps cost, what was missed.
    """
    for name, sli in judgement.slis.items():
        compared = "" if sli.ratio is None else f", canary / baseline {_interval(sli.ratio)}"
        seen = f"{name}: {sli.decision}, evidence {sli.evidence:.3g}{compared}, would have caught {_detectable(sli)}"
        yield seen, sli.notes


def _detectable(sli: SliAssessment) -> str:
    ratio, level = sli.detectable.ratio, sli.detectable.level
    if level is None:
        return "nothing"
    return f"a level of {level:.3g}" if ratio is None else f"{two_digits(ratio)}x (a level of {level:.3g})"


def _interval(ratio: Interval) -> str:
    lower, estimate, upper = ("?" if value is None else f"{value:.2f}" for value in ratio)
    return f"{estimate} ({lower} to {upper})"
