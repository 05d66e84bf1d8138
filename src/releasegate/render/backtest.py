"""A backtest for a person: one sentence, one picture, and what it rests on."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from releasegate.canary.backtest import Backtest, Release
from releasegate.canary.judge import Decision
from releasegate.render.charts import dots

WIDTH = 72
"""Releases in one row of the picture."""
LEVELS = "▁▂▃▄▅▆▇█"
ABORTED, PASSED, UNSURE = "█", "·", "?"
DAY, HOUR = 86400.0, 3600.0
BLUE, RED, ORANGE, GREY = "#3b6fd4", "#c0392b", "#c9902b", "#9aa5b1"


def sentence(backtest: Backtest, catch: float) -> str:
    """What would have happened, and what the planned canary can catch."""
    number = len(backtest.releases)
    aborted = [backtest.aborted_by(index) for index in range(len(backtest.rules))]
    if len(backtest.rules) == 1:
        said = f"Your rule would have aborted {aborted[0]} of {number} healthy releases"
    else:
        named = (f"`{rule.text}` {count}" for rule, count in zip(backtest.rules, aborted, strict=True))
        said = f"Of {number} healthy releases would have been aborted by {', by '.join(named)}"
    unsure = backtest.decided(Decision.INCONCLUSIVE)
    doubt = f" (and it could not tell in {unsure})" if unsure else ""
    return f"{said}; releasegate {backtest.decided(Decision.ABORT)}{doubt}. {_reach(backtest, catch)}"


def _reach(backtest: Backtest, catch: float) -> str:
    plan = backtest.plan
    seen, weight = plan.detectable(), plan.weight_for(catch)
    start = f"At {100 * plan.weight:.3g}% for {plan.window / 60:g} minutes you can catch"
    if seen is None:
        reach = f"{start} no regression of so few errors"
    else:
        reach = f"{start} {seen:.2g}x" if seen < 100 else f"{start} {seen:.0f}x"
    if plan.catches(catch):
        return f"{reach}."
    if weight is not None:
        return f"{reach}; for {catch:g}x use {100 * weight:.2g}%."
    window = plan.window_for(catch)
    if window is not None:
        return f"{reach}; for {catch:g}x watch {window / HOUR:.2g} hours."
    return f"{reach}; for {catch:g}x there is too little traffic."


def text(backtest: Backtest, catch: float) -> str:
    """Sentence, picture, and what it rests on."""
    plan = backtest.plan
    facts = [
        f"{len(backtest.releases)} stretches of {backtest.days:.1f} days, each with an hour of history",
        f"typically {plan.rate:.3g} requests/s and {100 * plan.errors:.2g}% errors",
        f"errors vary {plan.dispersion:.2g} times as much as independent ones",
        *backtest.notes,
    ]
    if backtest.decided(Decision.INCONCLUSIVE):
        facts.append("releasegate holds an inconclusive release: too little was seen to tell, or everything suffers")
    return "\n".join([sentence(backtest, catch), "", *_picture(backtest), "", *(f"- {fact}" for fact in facts)])


def _picture(backtest: Backtest) -> Iterator[str]:
    """One column a release: how many errors it had, and what each rule and the judge would have done."""
    names = ["errors", *(rule.text for rule in backtest.rules), "releasegate"]
    space = max(map(len, names))
    rates = sorted(release.errors for release in backtest.releases)
    # One incident must not flatten all the rest.
    top = min(rates[-1], 2 * rates[len(rates) * 9 // 10])
    for first in range(0, len(backtest.releases), WIDTH):
        row = backtest.releases[first : first + WIDTH]
        strips = [_levels(row, top), *(_rule(row, at) for at in range(len(backtest.rules))), _judge(row)]
        yield f"{'':{space}}  {_day(row[0])} to {_day(row[-1])}"
        yield from (f"{name:{space}}  {strip}" for name, strip in zip(names, strips, strict=True))
    yield f"{'':{space}}  {ABORTED} aborted, {PASSED} not, {UNSURE} inconclusive; highest error rate {rates[-1]:.2%}"


def _levels(row: Sequence[Release], top: float) -> str:
    return "".join(LEVELS[min(int(release.errors / (top or 1) * len(LEVELS)), len(LEVELS) - 1)] for release in row)


def _rule(row: Sequence[Release], index: int) -> str:
    return "".join(PASSED if release.rules[index] is None else ABORTED for release in row)


def _judge(row: Sequence[Release]) -> str:
    signs = {Decision.ABORT: ABORTED, Decision.INCONCLUSIVE: UNSURE}
    return "".join(signs.get(release.decision, PASSED) for release in row)


def _day(release: Release) -> str:
    return f"{datetime.fromtimestamp(release.start, UTC):%d %b %H:%M} UTC"


def svg(backtest: Backtest) -> str:
    """The same as a chart: each release's error rate over the days, coloured by who would have aborted it."""
    last = backtest.releases[-1].start
    points: dict[str, list[tuple[float, float]]] = {
        "aborted by no one": [], "aborted by a rule": [], "aborted by releasegate": [], "by both": [],
    }  # fmt: skip
    for release in backtest.releases:
        by_rule = any(moment is not None for moment in release.rules)
        by_judge = release.decision is Decision.ABORT
        name = (
            "by both" if by_rule and by_judge
            else "aborted by a rule" if by_rule
            else "aborted by releasegate" if by_judge
            else "aborted by no one"
        )  # fmt: skip
        points[name].append(((release.start - last) / DAY, 100 * release.errors))
    title = "Healthy releases: errors of the canary in %, and who would have aborted it"
    return dots(title, points, (GREY, ORANGE, BLUE, RED), "days before the last one")
