"""Runs of a page against its earlier ones: has it become slower, beyond its own noise?

Comparable are runs of the same page, form factor and Lighthouse major, on a machine of similar speed. A metric has
regressed if the median of the new runs lies above the median of the earlier ones by 5% at least, by two standard errors
of a difference of medians (from the MAD), and if the ranks alone would show that by chance at most once in a hundred
(the exact Mann-Whitney distribution; once in 500 where the metric is noisy). A single run therefore never alarms. What
looks slower but is not sure is `inconclusive`, and more runs tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import comb, sqrt
from statistics import fmean, median, pstdev
from typing import Any

import msgspec

from releasegate.errors import InputError
from releasegate.gates.lighthouse.report import Report, major, moment, number
from releasegate.verdict import Finding, Level, rfc3339

METRICS = (
    "first-contentful-paint",
    "speed-index",
    "largest-contentful-paint",
    "total-blocking-time",
    "cumulative-layout-shift",
)
"""What is gated: the metrics that make up Lighthouse's performance score; larger is worse in all of them."""
WINDOW = 20
"""How many earlier runs count, unless the user says otherwise."""
FEWEST = 5
"""With fewer comparable runs there is no trend yet."""
MOST_NEW = 20
LARGEST = 1e12
SMALLEST_REGRESSION = 0.05
SMALLEST_DOUBT = 0.12
"""A slowdown from here on that is not sure makes the trend inconclusive."""
SMALLEST_NOISE = 0.01
"""The noise that is assumed where the earlier runs have less, as a share of the median."""
NOISY = 0.08
"""The coefficient of variation from which a metric is noisy: it raises no doubts where a calmer one speaks."""
STANDARD_ERRORS = 2.0 * 1.2533 * 1.4826
"""Two standard errors of a median (1.2533 sigma), with sigma from the MAD (times 1.4826)."""
CHANCE, CHANCE_WHEN_NOISY = 0.01, 0.002
SIMILAR_SPEED = 1.5
"""The factor within which two machines' `benchmarkIndex` are comparable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run, as far as a trend needs it; also one line of a history file."""

    page: str
    form_factor: str
    version: str
    major: int | None
    fetched: datetime | None
    benchmark_index: float | None
    metrics: Mapping[str, float]

    @property
    def series(self) -> tuple[str, str, int | None]:
        """What runs must share to be comparable."""
        return self.page, self.form_factor, self.major

    def document(self) -> dict[str, Any]:
        """The line of a history file."""
        return {
            "fetchTime": None if self.fetched is None else rfc3339(self.fetched),
            "finalDisplayedUrl": self.page,
            "formFactor": self.form_factor,
            "lighthouseVersion": self.version,
            "benchmarkIndex": self.benchmark_index,
            "metrics": dict(self.metrics),
        }


class _Line(msgspec.Struct):
    metrics: dict[str, Any]
    lighthouseVersion: str  # noqa: N815  as Lighthouse spells it
    fetchTime: str | None = None  # noqa: N815
    requestedUrl: str | None = None  # noqa: N815
    finalUrl: str | None = None  # noqa: N815
    finalDisplayedUrl: str | None = None  # noqa: N815
    formFactor: str | None = None  # noqa: N815
    benchmarkIndex: float | None = None  # noqa: N815
    runtimeError: Any = None  # noqa: N815


def read_history(content: bytes, path: str) -> tuple[Point, ...]:
    """The runs of a history file, one JSON object a line; `InputError` with the number of a line that is none."""
    found: list[Point] = []
    for row, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            run = msgspec.json.decode(line, type=_Line)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            remedy = "remove the line, or begin a new history"
            raise InputError(f"is no run of a history: {error}", where=f"{path}:{row}", remedy=remedy) from error
        if run.runtimeError is None:
            found.append(_of_line(run))
    return tuple(found)


def _of_line(run: _Line) -> Point:
    return _point(
        run.finalDisplayedUrl or run.finalUrl or run.requestedUrl or "",
        run.formFactor or "",
        run.lighthouseVersion,
        moment(run.fetchTime),
        run.benchmarkIndex,
        {name: number(value) for name, value in run.metrics.items()},
    )


def points(reports: Iterable[Report]) -> tuple[Point, ...]:
    """The navigations among the reports that did not end in an error."""
    return tuple(
        _point(
            run.url,
            run.form_factor,
            run.version,
            run.fetched,
            run.benchmark_index,
            {name: run.audits[name].numeric for name in METRICS if name in run.audits},
        )
        for run in reports
        if run.runtime_error is None and run.gather_mode == "navigation"
    )


def _point(
    page: str,
    form_factor: str,
    version: str,
    fetched: datetime | None,
    benchmark_index: float | None,
    metrics: Mapping[str, float | None],
) -> Point:
    return Point(
        page=page,
        form_factor=form_factor,
        version=version,
        major=major(version),
        fetched=fetched,
        benchmark_index=benchmark_index,
        metrics={
            name: value
            for name, value in metrics.items()
            if value is not None and name in METRICS and 0 <= value < LARGEST
        },
    )


def fresh(history: Sequence[Point], current: Sequence[Point]) -> tuple[Point, ...]:
    """The current runs that the history does not hold yet."""
    held = {(point.series, point.fetched) for point in history}
    return tuple(point for point in current if (point.series, point.fetched) not in held or point.fetched is None)


def trend(history: Sequence[Point], current: Sequence[Point], *, window: int = WINDOW) -> tuple[Finding, ...]:
    """What is to be said of each page among the current runs, against the last `window` comparable ones."""
    found: list[Finding] = []
    for series in dict.fromkeys(point.series for point in current):
        runs = [point for point in current if point.series == series][-MOST_NEW:]
        found += _page(_earlier(history, runs), runs, window, history)
    return tuple(found)


def _earlier(history: Sequence[Point], runs: Sequence[Point]) -> list[Point]:
    """The runs of the same series that are none of the new ones, each once, in the order of their time."""
    mine = {point.fetched for point in runs if point.fetched is not None}
    once = {
        (point.fetched or index): point
        for index, point in enumerate(history)
        if point.series == runs[0].series and (point.fetched is None or point.fetched not in mine)
    }
    return sorted(once.values(), key=lambda point: "" if point.fetched is None else point.fetched.isoformat())


def _page(earlier: Sequence[Point], runs: Sequence[Point], window: int, history: Sequence[Point]) -> list[Finding]:
    page = runs[0].page
    similar = [point for point in earlier if _similar(point, runs)][-window:]
    if len(earlier) >= FEWEST > len(similar):
        title = "this machine is not as fast as those of the earlier runs: run Lighthouse on one like them"
        return [_finding("benchmarkIndex", title, page, _speed(earlier), _speed(runs), unusable=True)]
    if len(similar) < FEWEST:
        other = any(point.page == page and point.major != runs[0].major for point in history)
        title = f"no trend yet: {len(similar)} of the {FEWEST} earlier runs that it takes"
        told = f"{title}; a new series begins with Lighthouse {runs[0].major}" if other else title
        return [Finding(check="trend", level=Level.INFO, title=told, where=page)]
    metrics = [_Metric.of(name, similar, runs) for name in METRICS]
    judged = [metric for metric in metrics if metric is not None]
    regressed = [metric.finding(page) for metric in judged if metric.regressed]
    doubtful = [m.finding(page) for m in ([m for m in judged if not m.noisy] or judged) if m.doubtful]
    return regressed or doubtful


@dataclass(frozen=True, slots=True)
class _Metric:
    """One metric of a page: its new runs against its earlier ones."""

    name: str
    earlier: tuple[float, ...]
    runs: tuple[float, ...]

    @classmethod
    def of(cls, name: str, earlier: Sequence[Point], runs: Sequence[Point]) -> "_Metric | None":
        """The metric, where there are enough values and the earlier ones are not mostly zero."""
        old = tuple(point.metrics[name] for point in earlier if name in point.metrics)
        new = tuple(point.metrics[name] for point in runs if name in point.metrics)
        return cls(name, old, new) if len(old) >= FEWEST and new and median(old) > 0 else None

    @property
    def usual(self) -> float:
        return median(self.earlier)

    @property
    def noisy(self) -> bool:
        return pstdev(self.earlier) > NOISY * fmean(self.earlier)

    @property
    def bound(self) -> float:
        """The value above which a median of this many new runs is more than noise."""
        mad = median(abs(value - self.usual) for value in self.earlier)
        noise = max(mad, SMALLEST_NOISE * self.usual / 1.4826)
        error = STANDARD_ERRORS * noise * sqrt(1 / len(self.runs) + 1 / len(self.earlier))
        return self.usual + max(SMALLEST_REGRESSION * self.usual, error)

    @property
    def regressed(self) -> bool:
        chance = CHANCE_WHEN_NOISY if self.noisy else CHANCE
        return median(self.runs) > self.bound and by_chance(self.earlier, self.runs) <= chance

    @property
    def doubtful(self) -> bool:
        return not self.regressed and median(self.runs) >= (1 + SMALLEST_DOUBT) * self.usual

    def finding(self, page: str) -> Finding:
        """What is to be said of a metric that regressed, or may have."""
        worse = f"{median(self.runs) / self.usual - 1:.0%} worse than the last {len(self.earlier)} runs"
        title = worse if self.regressed else f"{worse}, which may be noise: run it again, a few times"
        observed = f"{median(self.runs):.4g} (median of {len(self.runs)})"
        expected = f"<= {self.bound:.4g} (median {self.usual:.4g})"
        return _finding(self.name, title, page, expected, observed, unusable=not self.regressed)


def _finding(check: str, title: str, page: str, expected: str, observed: str, *, unusable: bool) -> Finding:
    return Finding(
        check=f"trend:{check}",
        level=Level.ERROR,
        title=title,
        expected=expected,
        observed=observed,
        where=page,
        unusable=unusable,
    )


def by_chance(earlier: Sequence[float], runs: Sequence[float]) -> float:
    """The probability of new ranks as high as these if nothing changed; ties speak for no change, and 1 is enough."""
    above = sum(old >= new for old in earlier for new in runs)
    orders, ways = comb(len(earlier) + len(runs), len(runs)), 0
    for count in range(above + 1):
        ways += _ways(len(earlier), len(runs), count)
        if ways > CHANCE * orders:
            return 1.0
    return ways / orders


@lru_cache(maxsize=200_000)
def _ways(earlier: int, runs: int, above: int) -> int:
    """In how many orders of so many earlier and new values an earlier one is above a new one `above` times."""
    if above < 0:
        return 0
    if not earlier or not runs:
        return above == 0
    return _ways(earlier - 1, runs, above - runs) + _ways(earlier, runs - 1, above)


def _similar(point: Point, runs: Sequence[Point]) -> bool:
    speeds = [run.benchmark_index for run in runs if run.benchmark_index]
    if not speeds or not point.benchmark_index or point.benchmark_index < 0:
        return True
    return 1 / SIMILAR_SPEED <= point.benchmark_index / median(speeds) <= SIMILAR_SPEED


def _speed(runs: Sequence[Point]) -> str:
    speeds = [run.benchmark_index for run in runs if run.benchmark_index]
    return f"benchmarkIndex {median(speeds):.0f}" if speeds else ""
