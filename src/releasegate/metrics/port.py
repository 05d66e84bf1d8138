"""Where counts come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from releasegate.canary.recording import Counts
from releasegate.policy.selector import Selector

Labels: TypeAlias = frozenset[tuple[str, str]]
"""What tells one series of a metric from another: its labels without the name."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll saw: increments since the last poll that held this SLI and track, and what could not be read."""

    counts: Mapping[str, Mapping[str, Counts]]
    """SLI name to track (`baseline`, `canary`) to increment, in the shapes of a recording's line."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """`SLI/track` to why there is no count for it: one sentence each."""
    remarks: tuple[str, ...] = ()
    """What a reader should know of how it was read, and what became of series: a sentence each."""


class CountSource(Protocol):
    """Reads the counts of both tracks, and remembers every series' last sample: a missed poll loses nothing."""

    def bounds(self, at: float) -> Mapping[str, tuple[float, ...]]:
        """Histogram SLI to its upper bucket bounds without +Inf, as the baseline has them at the moment `at`.

        `MetricsError` where a histogram is not there.
        """

    def advance(self, at: float) -> Poll:
        """The increments up to the moment `at` (Unix seconds); the first call only sets the marks and counts nothing.

        A key is left out where the poll failed, of which `problems` says why, and where scrapes are rarer than polls
        and none came since the last one. An explicit 0 means that the query worked, the series is known and nothing
        was counted.
        """


class Reader(Protocol):
    """Reads samples; every method raises `MetricsError` where it gets no answer."""

    def series(
        self, selector: Selector, track: str, since: float | None, at: float
    ) -> Mapping[Labels, Sequence[float]]:
        """Each series' samples after `since` and up to `at`, oldest first.

        With `since` None: the newest one of each, also of a series that has had none for some time.
        """

    def spacing(self, selector: Selector, at: float) -> float | None:
        """How many seconds lie between two samples of a series; None where every read sees the present."""

    def levels(self, selector: Selector, track: str, at: float) -> Sequence[float]:
        """The present value of each series that is still alive at the moment `at`."""

    def label_names(self, name: str, at: float) -> frozenset[str] | None:
        """The labels that the metric's series have, on any track; None if there is no such metric."""
