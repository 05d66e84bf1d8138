"""The rules of Argo Rollouts, Flagger and Kayenta, written again from their documentation.

Each takes the same recordings as the judge: one `ratio` SLI called `errors`. `tests/canary/test_canary_peers.py` checks
them against the peers' own cases.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from releasegate.canary.recording import Recording

MINUTE = 60.0
NEVER = math.inf


def by_minute(recording: Recording, track: str) -> list[tuple[float, float]]:
    """`(bad, total)` of each whole minute of the canary's time."""
    sums: dict[int, list[float]] = {}
    for line in recording.lines:
        if line.t > 0 and track in line.counts.get("errors", {}):
            bad, total = line.counts["errors"][track]
            entry = sums.setdefault(math.ceil(line.t / MINUTE), [0.0, 0.0])
            entry[0] += bad
            entry[1] += total
    return [(sums[minute][0], sums[minute][1]) for minute in sorted(sums)]


def rate(counts: tuple[float, float]) -> float:
    return counts[0] / counts[1] if counts[1] else math.nan


# Argo Rollouts: a metric fails when more measurements failed than its limit allows; limits are cumulative


@dataclass
class ArgoMetric:
    """The counts of one metric's measurements, and the phase they add up to."""

    failure_limit: int = 0
    inconclusive_limit: int = 0
    consecutive_error_limit: int = 4
    consecutive_success_limit: int = 0
    count: int | None = None
    failed: int = 0
    successful: int = 0
    inconclusive: int = 0
    consecutive_error: int = 0
    consecutive_success: int = 0
    measured: int = 0

    def take(self, phase: str) -> None:
        if phase == "Error":
            self.consecutive_error += 1
            self.consecutive_success = 0
            return
        self.measured += 1
        self.consecutive_error = 0
        self.consecutive_success = self.consecutive_success + 1 if phase == "Successful" else 0
        self.successful += phase == "Successful"
        self.failed += phase == "Failed"
        self.inconclusive += phase == "Inconclusive"

    def phase(self, *, terminating: bool = False) -> str:
        said = None
        if self.failure_limit >= 0 and self.failed > self.failure_limit:
            said = "Failed"
        if self.inconclusive > self.inconclusive_limit:
            said = "Inconclusive"
        if self.consecutive_error > self.consecutive_error_limit:
            said = "Error"
        if said:
            return said
        if 0 < self.consecutive_success_limit <= self.consecutive_success:
            return "Successful"
        if self.count is not None and self.measured >= self.count:
            if self.consecutive_success_limit > 0:
                return "Inconclusive" if self.failure_limit >= 0 else "Failed"
            return "Successful"
        return "Successful" if terminating else "Running"


def argo_measure(
    value: object, success: Callable[[object], bool] | None, failure: Callable[[object], bool] | None
) -> str:
    """The phase of one measurement; failure comes before success, and an exception is an error."""
    try:
        if success is None and failure is None:
            return "Successful"
        if failure is not None and failure(value):
            return "Failed"
        if success is None:
            return "Successful"
        if success(value):
            return "Successful"
    except (IndexError, TypeError, ValueError):
        return "Error"
    return "Failed" if failure is None else "Inconclusive"


def argo(recording: Recording, limit: float, failure_limit: int) -> float:
    """When Argo Rollouts aborts: the canary's error rate of a minute is above `limit` more than `failure_limit` times."""
    metric = ArgoMetric(failure_limit=failure_limit)
    for minute, counts in enumerate(by_minute(recording, "canary"), start=1):
        value = [rate(counts)] if counts[1] else []
        metric.take(argo_measure(value, lambda result: result[0] <= limit, None))
        if metric.phase() in {"Failed", "Error"}:
            return minute * MINUTE
    return NEVER


# Flagger: failed checks are counted and never forgotten; the count is looked at before the next check


def flagger_failed(counts: tuple[float, float], limit: float) -> bool:
    """Whether a check fails: no value and NaN are failures, as is a value outside the range."""
    value = rate(counts)
    return math.isnan(value) or value > limit


def flagger(recording: Recording, limit: float, threshold: int) -> float:
    """When Flagger rolls back: one interval after the check that made it `threshold` failed ones."""
    failed = 0
    for minute, counts in enumerate(by_minute(recording, "canary"), start=1):
        if failed >= threshold:
            return minute * MINUTE
        failed += flagger_failed(counts, limit)
    return NEVER


# Kayenta: Mann and Whitney's rank test on the series of values, a confidence interval and an effect size


def normal_quantile(p: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


def wilcoxon(shift: float, quantile: float, experiment: np.ndarray, control: np.ndarray) -> float:
    """How far the rank sum of `experiment - shift` is from what is expected, in standard deviations, less `quantile`."""
    both = np.concatenate([experiment - shift, control])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = ((ends - counts + 1 + ends) / 2)[inverse]
    n, m = len(experiment), len(control)
    distance = ranks[:n].sum() - n * (n + 1) / 2 - n * m / 2
    ties = float((counts.astype(float) ** 3 - counts).sum())
    sigma = math.sqrt(n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1))))
    return float((distance - 0.5 * np.sign(distance)) / sigma - quantile)


def zeroin(f: Callable[[float], float], a: float, b: float, tolerance: float = 1e-4) -> float:
    """A root of `f` between `a` and `b` by Brent's method, step by step as R does it, which matters for step functions."""
    fa, fb = f(a), f(b)
    c, fc = a, fa
    if fa == 0:
        return a
    for _ in range(1001):
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        actual = 2 * np.finfo(float).eps * abs(b) + tolerance / 2
        step = (c - b) / 2
        if abs(step) <= actual or fb == 0:
            return b
        if abs(previous) >= actual and abs(fa) > abs(fb):
            step = _interpolated(a, b, c, fa, fb, fc, actual, previous, step)
        if abs(step) < actual:
            step = math.copysign(actual, step)
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0) == (fc > 0) and fb != 0:
            c, fc = a, fa
    return b


def _interpolated(a, b, c, fa, fb, fc, actual, previous, step):
    across, one = c - b, fb / fa
    if a == c:
        p, q = across * one, 1 - one
    else:
        q, two = fa / fc, fb / fc
        p = one * (across * q * (q - two) - (b - a) * (two - 1))
        q = (q - 1) * (two - 1) * (one - 1)
    if p > 0:
        q = -q
    else:
        p = -p
    if p < 0.75 * across * q - abs(actual * q) / 2 and p < abs(previous * q / 2):
        return p / q
    return step


def mann_whitney(experiment: Sequence[float], control: Sequence[float], level: float) -> tuple[float, float, float]:
    """The confidence interval and the estimate of the shift between the two."""
    e, c = np.asarray(experiment, float), np.asarray(control, float)
    low, high = float(e.min() - c.max()), float(e.max() - c.min())

    def root(quantile: float) -> float:
        at_low, at_high = wilcoxon(low, quantile, e, c), wilcoxon(high, quantile, e, c)
        if at_low <= 0:
            return low
        if at_high >= 0:
            return high
        return zeroin(lambda shift: wilcoxon(shift, quantile, e, c), low, high)

    z = normal_quantile(1 - (1 - level) / 2)
    return root(z), root(-z), root(0.0)


def mean_ratio(experiment: np.ndarray, control: np.ndarray) -> float:
    if experiment.mean() == 0 or control.mean() == 0:
        return math.nan
    return float(experiment.mean() / control.mean())


def cles(experiment: np.ndarray, control: np.ndarray) -> float:
    """The chance that a value of the experiment is above one of the control."""
    more = (experiment[:, None] > control[None, :]).sum()
    same = (experiment[:, None] == control[None, :]).sum()
    return float((more + same / 2) / (len(experiment) * len(control)))


@dataclass(frozen=True)
class Options:
    """How Kayenta looks at one metric; thresholds are for Low and High. The defaults are its judge's own."""

    direction: str = "increase"
    tolerance: float = 0.25
    level: float = 0.98
    measure: str = "meanRatio"
    thresholds: tuple[float, float] = (1.0, 1.0)
    critical: bool = False
    critical_thresholds: tuple[float, float] = (1.0, 1.0)
    missing: str = "remove"


def classify(experiment: Sequence[float], control: Sequence[float], options: Options) -> tuple[str, float, bool]:
    """Kayenta's class of a metric (`Pass`, `High`, `Low`, `Nodata`), its effect size and whether it fails everything."""
    e, c = np.asarray(experiment, float), np.asarray(control, float)
    if not len(e) or not len(c):
        gone = options.missing == "remove"
        return ("Nodata", math.nan, options.critical) if gone else ("Pass", 1.0, False)
    if np.array_equal(np.sort(e), np.sort(c)) or len(np.unique(np.concatenate([e, c]))) == 1:
        return "Pass", 1.0, False
    size = mean_ratio(e, c) if options.measure == "meanRatio" else cles(e, c)
    if len(np.unique(e)) == 1 and len(np.unique(c)) == 1:
        rng = np.random.default_rng(0)
        e, c = (x + rng.normal(0, 1, len(x)) * abs(x[0]) * 1e-5 for x in (e, c))
    low, high, estimate = mann_whitney(e, c, options.level)
    bound, none = options.tolerance * abs(estimate), math.isnan(size)
    if options.direction != "decrease" and low > bound and (none or size >= options.thresholds[1]):
        return "High", size, options.critical and (none or size >= options.critical_thresholds[1])
    if options.direction != "increase" and high < -bound and (none or size <= options.thresholds[0]):
        return "Low", size, options.critical and (none or size <= options.critical_thresholds[0])
    return "Pass", size, False


def mean_inequality(experiment: Sequence[float], control: Sequence[float], direction: str) -> str:
    """Kayenta's simplest classifier."""
    difference = np.mean(experiment) - np.mean(control)
    if difference > 0 and direction != "decrease":
        return "High"
    return "Low" if difference < 0 and direction != "increase" else "Pass"


def kayenta(recording: Recording) -> float:
    """When Kayenta fails the canary: the error rates by minute, looked at every five minutes over a growing window."""
    series = {track: [rate(counts) for counts in by_minute(recording, track)] for track in ("canary", "baseline")}
    for minute in range(5, len(series["canary"]) + 1, 5):
        e, c = (
            [value for value in series[track][:minute] if not math.isnan(value)] for track in ("canary", "baseline")
        )
        if classify(e, c, Options())[0] == "High":
            return minute * MINUTE
    return NEVER
