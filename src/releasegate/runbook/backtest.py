"""Replay a service's past as canaries of what it already ran. Reads, and changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from releasegate.canary.backtest import Backtest, Draw, Release, Stretch, judge_release, planned, pseudo_canary
from releasegate.canary.recording import Header
from releasegate.canary.rules import Rule
from releasegate.errors import InconclusiveError
from releasegate.metrics.archive import HOUR, Archive
from releasegate.policy.selector import Selector

DAY = 86400.0
HISTORY = HOUR
"""Seconds of the past that each pseudo-canary is given before it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the past."""

    errors: Selector
    total: Selector
    rules: tuple[Rule, ...]
    days: float
    releases: int
    """The most stretches that are judged."""
    header: Header
    """The canary that is planned."""


def backtest(archive: Archive, question: Question, now: float, draw: Draw) -> Backtest:
    """Judge up to `releases` stretches of the past `days`, evenly spread; `InconclusiveError` where there are none."""
    header = question.header
    begin = now - question.days * DAY
    hours = archive.open(begin, now)
    archive.check(question.errors, now)
    starts = _starts(sorted(hours), header.window, now, question.releases)
    kept: list[Stretch] = []
    releases: list[Release] = []
    for start in _aligned(starts, header.interval):
        stretch = _stretch(archive, question, start)
        if stretch is not None:
            kept.append(stretch)
            releases.append(judge_release(start, pseudo_canary(stretch, header, draw), question.rules))
    plan = planned(kept, header)
    if plan is None:
        raise InconclusiveError(
            f"not one error, or nothing but errors, in {len(kept)} stretches of the past",
            remedy="check what --errors and --total name",
        )
    pods = max(len(stretch.pods) for stretch in kept)
    there = (now - min(hours)) / DAY
    return Backtest(question.rules, tuple(releases), plan, there, pods, tuple(_notes(question, archive, there, pods)))


def _starts(hours: Sequence[float], window: float, now: float, most: int) -> list[float]:
    """Moments before which there is an hour of history and after which there is a window, with no gap in either."""
    known = set(hours)
    # Series that turn up again after more than the look-back would count all that they ever counted.
    usable = [
        hour
        for hour in hours
        if all(hour + k * HOUR in known for k in range(-2, int(window // HOUR) + 1)) and hour + window <= now
    ]
    if not usable:
        raise InconclusiveError(
            "there are no three hours without a gap in the past that the server holds", remedy="try again when it has"
        )
    apart = max(HOUR, window, (usable[-1] - usable[0] + HOUR) / most)
    starts, next_one = [], usable[0]
    for hour in usable:
        if hour >= next_one:
            starts.append(hour)
            next_one = max(next_one + apart, hour + window)
    return starts


def _aligned(starts: Sequence[float], interval: float) -> Iterator[float]:
    return (start // interval * interval for start in starts)


def _stretch(archive: Archive, question: Question, start: float) -> Stretch | None:
    """What was counted around `start`; None where nothing was served."""
    interval = question.header.interval
    begin = start - HISTORY // interval * interval
    end = start + ceil(question.header.window / interval) * interval
    total, bad = (archive.counts(selector, begin, end) for selector in (question.total, question.errors))
    moments = sorted({moment for polls in total.values() for moment in polls})
    if not any(sum(polls.values()) for polls in total.values()):
        return None
    pods = {
        pod: [_fitting(bad.get(pod, {}).get(moment, 0.0), polls.get(moment, 0.0)) for moment in moments]
        for pod, polls in total.items()
    }
    return Stretch([round((moment - start) / interval) * interval for moment in moments], pods)


def _fitting(bad: float, total: float) -> tuple[float, float]:
    """A page is no snapshot: an error may be scraped before the request that it belongs to."""
    return min(bad, total), total


def _notes(question: Question, archive: Archive, there: float, pods: int) -> Iterator[str]:
    if there < question.days - HOUR / DAY * 2:
        yield f"the server holds {there:.1f} of the {question.days:g} days asked for, which were used"
    if archive.pod_label is None or pods == 1:
        yield "one instance served everything: errors were split clump by clump, as they came"
    else:
        yield f"the canary was whole pods, or clumps of one pod's errors, of up to {pods} (by `{archive.pod_label}`)"
