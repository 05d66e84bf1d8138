"""What watches one SLI: its e-processes, what they weigh, and what they could have shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from releasegate.canary.dispersion import START
from releasegate.canary.mixture import Mixture

NOTED = 1.3
"""A dispersion from here on is worth a note."""
Interval: TypeAlias = tuple[float | None, float | None, float | None]
"""Lower bound, estimate and upper bound; None where there is none."""


class Moment(NamedTuple):
    """What a poll is besides its counts."""

    weight: float
    """The canary's share of the traffic."""
    seconds: float
    """How long the counts were gathered."""
    elapsed: float
    """The same as a part of the window."""
    warming: bool
    """Whether the canary is still warming up, so that it is not compared."""


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest regression that would have been caught nine times in ten."""

    ratio: float | None
    """As a multiple of the baseline; None where the baseline is zero, or nothing would have been caught."""
    level: float | None
    """As a level of the SLI; None where nothing would have been caught."""

    def document(self) -> dict[str, float | None]:
        """As it stands in the judgement."""
        return {"ratio": self.ratio, "level": self.level}


class Part(NamedTuple):
    """One e-process of an SLI."""

    cause: str
    """What an abort by it says: `worse`, `limit` or `starved`."""
    share: float
    """What it weighs in the budget, beside the 1 of a comparison."""
    process: Mixture


class Monitor(Protocol):
    """Watches one SLI. Counts have the shapes of a recording."""

    ceiling: float | None
    """The limit, in the unit of a detectable level; None where there is none."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its e-processes."""

    def calibrate(self, baseline: Any, seconds: float) -> None:
        """Learn from a poll of the baseline's history that took `seconds`."""

    def update(self, baseline: Any, canary: Any, moment: Moment) -> None:
        """Judge one poll of both tracks by what was learned before, and learn from its baseline for the next."""

    def outage(self, before: Any, recent: Any) -> bool:
        """Whether the baseline's `recent` counts are, beyond doubt, at least twice as bad as those of its history."""

    def notes(self) -> tuple[str, ...]:
        """What was found out about the SLI that a reader of the result should know: a sentence each."""

    def detectable(self, lines: Mapping[str, float]) -> Detectable:
        """What could have been shown so far, given the log evidence that each cause's part has to reach."""

    def interval(self) -> Interval | None:
        """A 95% confidence sequence of canary over baseline, from the sums; None where nothing can be said."""


def two_digits(value: float) -> str:
    """A positive number to two digits, or whole: people read no exponents."""
    return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"


def bursty(what: str, dispersion: float, *, lacks: str, lacked: str) -> tuple[str, ...]:
    """What a dispersion means for the reader: what there is nothing of to learn it from, and was not at first."""
    if lacks:
        return (f"{lacks}: {what} were taken to vary {two_digits(dispersion)} times as much as independent ones",)
    said = (f"{lacked}: {what} were taken at first to vary {START:g} times as much as independent ones",) * bool(lacked)
    if dispersion < NOTED:
        return said
    times = f"{two_digits(dispersion)} times as"
    clumps = f"{what} come in clumps: they vary {times} much as independent ones, and a finding takes {times} long"
    return (*said, clumps)


def snapshot(monitor: Monitor) -> Monitor:
    """`monitor` as far as `detectable` and `interval` need it: its sums are values, which are replaced, not changed."""
    same: Monitor = object.__new__(type(monitor))
    vars(same).update(vars(monitor))
    return same
