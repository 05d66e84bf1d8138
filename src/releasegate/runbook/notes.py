"""What a person is told of the polls: what could not be read, and what is zero because nothing came."""

from collections.abc import Callable, Iterator, Mapping

from releasegate.canary.sli import Kind, SliSpec
from releasegate.metrics.port import Poll


class Notes:
    """Says each problem when it begins, and not again while it lasts; a remark, and that something is zero, once."""

    def __init__(self, slis: Mapping[str, SliSpec], tell: Callable[[str], None]) -> None:
        self._slis = slis
        self.tell = tell
        self._problems: Mapping[str, str] = {}
        self._told: set[str] = set()

    def take(self, poll: Poll) -> None:
        """Tell what is new in this poll."""
        for name, problem in poll.problems.items():
            if self._problems.get(name) != problem:
                self.tell(f"{name}: {problem}")
        self._problems = poll.problems
        for remark in (*poll.remarks, *zeros(self._slis, poll)):
            if remark not in self._told:
                self.tell(remark)
                self._told.add(remark)

    def problem(self) -> str:
        """The first of the present problems, in brackets."""
        return "".join(f" ({name}: {problem})" for name, problem in list(self._problems.items())[:1])


def zeros(slis: Mapping[str, SliSpec], poll: Poll) -> Iterator[str]:
    """What this poll read as zero: a track without requests, or requests without an error."""
    for name, tracks in poll.counts.items():
        for track, counts in tracks.items():
            if slis[name].kind is Kind.THROUGHPUT and counts == 0:
                yield f"{name}/{track}: no requests between two polls"
            if slis[name].kind is Kind.RATIO and isinstance(counts, tuple):
                if counts[1] == 0:
                    yield f"{name}/{track}: no requests between two polls"
                elif counts[0] == 0:
                    yield f"{name}/{track}: requests, and none of them bad, between two polls"
