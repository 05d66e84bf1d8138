"""The file of a team's earlier Lighthouse runs: read for the trend, and added to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from releasegate.cli.app import App, to_json
from releasegate.cli.evidence import LARGEST
from releasegate.cli.ledger_memory import LEDGER, of_good_runs
from releasegate.errors import InconclusiveError, InputError
from releasegate.gates.lighthouse.assertions import Config
from releasegate.gates.lighthouse.report import Report
from releasegate.verdict import Finding

if TYPE_CHECKING:
    from releasegate.gates.lighthouse.trend import Point


@dataclass(frozen=True, slots=True)
class History:
    """The earlier runs in the file at `path` or the ledger. The trend's module is loaded only where there is one."""

    app: App
    path: str
    earlier: "tuple[Point, ...]"
    window: int | None

    @classmethod
    def read(cls, app: App, path: str, window: int | None, *, begin: bool) -> "History":
        """The history; with `begin`, a file that is not there is one without runs."""
        from releasegate.gates.lighthouse.trend import read_history  # noqa: PLC0415

        if path == LEDGER:
            if begin:
                raise InputError("--record writes a file; a rollout records in the ledger", remedy="leave out --record")
            memories = of_good_runs(app, "lighthouse")
            if not all(isinstance(memory, list) for memory in memories):
                remedy = "run `releasegate ledger verify`"
                raise InconclusiveError("holds no runs to compare with", where="ledger", remedy=remedy)
            runs = [run for memory in memories for run in memory]
            return cls(app, path, read_history("\n".join(map(to_json, runs)).encode(), "ledger, run"), window)
        new = begin and not (app.directory / path).exists()
        return cls(app, path, () if new else read_history(app.read(path, limit=LARGEST), path), window)

    def remarks(self, asked: Config, reports: Sequence[Report]) -> tuple[Finding, ...]:
        """The trend of each page, and thresholds that could be tightened."""
        from releasegate.gates.lighthouse.tighten import tighten  # noqa: PLC0415
        from releasegate.gates.lighthouse.trend import WINDOW, points, trend  # noqa: PLC0415

        runs = points(reports)
        return (*trend(self.earlier, runs, window=self.window or WINDOW), *tighten(asked, (*self.earlier, *runs)))

    def memory(self, reports: Sequence[Report]) -> list[dict[str, Any]] | None:
        """The runs for the ledger to keep, where that is the history."""
        from releasegate.gates.lighthouse.trend import fresh, points  # noqa: PLC0415

        if self.path != LEDGER:
            return None
        return [run.document() for run in fresh(self.earlier, points(reports))]

    def record(self, reports: Sequence[Report]) -> None:
        """Add the runs that the file does not hold yet."""
        from releasegate.gates.lighthouse.trend import fresh, points  # noqa: PLC0415

        there = (self.app.directory / self.path).exists()
        before = self.app.read(self.path, limit=LARGEST) if there else b""
        lines = "".join(f"{to_json(run.document())}\n" for run in fresh(self.earlier, points(reports)))
        gap = "\n" if before and not before.endswith(b"\n") else ""
        self.app.write(self.path, f"{gap}{lines}".encode(), append=True)
