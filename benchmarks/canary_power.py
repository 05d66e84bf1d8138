"""How often the judge aborts a healthy canary, and how fast it finds a bad one, beside the rules of its peers.

    python benchmarks/canary_power.py run [PART[:ROW]…] [--missing]   results are kept in canary_power.jsonl
    python benchmarks/canary_power.py docs                              the kept results into the table of docs/canary.md

Everything comes from fixed seeds, one a canary, so that a cell can be run again alone. A full run takes about half an
hour of one core. Each cell keeps what its first canaries came to: a test runs these again, and fails where the judge
was changed and the cell was not measured again.
"""

import argparse
import json
import math
import time
import zlib
from pathlib import Path

import canary_peers as peers
import numpy as np
from canary_cells import RATES, Cell, cells
from canary_traffic import simulate

from releasegate.canary.judge import Decision, Judge
from releasegate.canary.recording import Recording

RESULTS = Path(__file__).with_name("canary_power.jsonl")
DOCS = Path(__file__).resolve().parents[1] / "docs" / "canary.md"
BEGIN, END = "<!-- table: benchmarks/canary_power.py docs -->\n", "<!-- end of table -->"
KAYENTA = 400
SAMPLE = 2
MOST_ABORTED, MOST_BOUND, LEAST_FOUND, SILENT_INTERVALS = 0.01, 0.016, 0.9, 4
COLUMNS = (
    *("canary", "must", "aborted, % (upper 95% bound)", "inconclusive, %", "median, s", "(median - 15 s) / B"),
    *("Argo", "Flagger", "Kayenta"),
)
PEERS = {
    "Argo": lambda recording: peers.argo(recording, 0.01, 3),
    "Flagger": lambda recording: peers.flagger(recording, 0.01, 5),
    "Kayenta": peers.kayenta,
}


def judge(recording: Recording) -> tuple[Decision, float]:
    """The decision, and when: the end of the window where there is no abort."""
    judge = Judge(recording.header)
    for line in recording.lines:
        if judge.observe(line).decision in {Decision.ABORT, Decision.PROMOTE}:
            break
    judgement = judge.finish()
    return judgement.decision, math.inf if judgement.decided_at is None else judgement.decided_at


def canary(cell: Cell, index: int) -> Recording:
    """One of a cell's canaries."""
    return simulate(cell.world, np.random.default_rng([zlib.crc32(repr(cell.key).encode()), index]))


def run(cell: Cell, share: float) -> dict:
    """Simulate a cell."""
    began, runs = time.process_time(), runs_of(cell, share)
    outcomes: list[tuple[Decision, float]] = []
    rules: dict[str, list[float]] = {name: [] for name in PEERS if cell.peers}
    for index in range(runs):
        recording = canary(cell, index)
        outcomes.append(judge(recording))
        for name, times in rules.items():
            if name != "Kayenta" or index < KAYENTA * share:
                times.append(PEERS[name](recording))
    times = [at if decision is Decision.ABORT else math.inf for decision, at in outcomes]
    return {
        "part": cell.part,
        "row": cell.row,
        "rate": cell.world.rate,
        "runs": runs,
        **{said.value: sum(decision is said for decision, _ in outcomes) for said in Decision},
        "median": finite(float(np.median(times))),
        "slowest": finite(max(times)),
        "sample": [[decision.value, finite(at)] for decision, at in outcomes[:SAMPLE]],
        "peers": {
            name: {"aborted": float(np.mean(np.isfinite(at))), "median": finite(float(np.median(at)))}
            for name, at in rules.items()
        },
        "seconds": round(time.process_time() - began, 1),
    }


def runs_of(cell: Cell, share: float) -> int:
    """How many canaries of a cell are run."""
    return max(20, round(cell.runs * share))


def speed(cell: Cell, result: dict) -> float | None:
    """How many times as long as the fastest possible test it took; None where there is no such figure."""
    if cell.ideal is None or result["median"] is None:
        return None
    return max(0.0, result["median"] - cell.world.interval) / cell.ideal


def reached(cell: Cell, result: dict) -> bool:
    """Whether a cell is as good as it must be."""
    share = result["abort"] / result["runs"]
    if cell.part == "healthy":
        whole = result["runs"] >= cell.runs  # fewer runs than that cannot show the bound
        bound = upper_bound(result["abort"], result["runs"]) if whole else 0.0
        return share <= MOST_ABORTED and bound <= MOST_BOUND
    if cell.row.startswith("silent"):
        late = cell.world.silent_from + SILENT_INTERVALS * cell.world.interval
        return share == 1 and result["slowest"] <= late
    if cell.most is not None:
        times = speed(cell, result)
        return times is not None and times <= cell.most
    return share >= LEAST_FOUND


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def upper_bound(successes: int, runs: int) -> float:
    """The upper end of the two-sided 95% interval of a share (Clopper and Pearson), by bisection."""
    low, high = successes / runs, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        logs = (
            math.lgamma(runs + 1) - math.lgamma(k + 1) - math.lgamma(runs - k + 1)
            + k * math.log(middle) + (runs - k) * math.log1p(-middle)
            for k in range(successes + 1)
        )  # fmt: skip
        low, high = (middle, high) if sum(map(math.exp, logs)) > 0.025 else (low, middle)
    return high


def must(cell: Cell) -> str:
    """What is asked of a cell, in a few words."""
    if cell.part == "healthy":
        return "at most 1%, bound 1.6%"
    if cell.row.startswith("silent"):
        return "all within 60 s"
    return f"at most {cell.most:g} B" if cell.most else "at least 90%" if cell.ideal is None else "shown"


def table(results: list[dict]) -> str:
    """Everything that was kept, as Markdown; of each row the cells of 20, 200 and 2000 requests/s."""
    kept = {(result["part"], result["row"], result["rate"]): result for result in results}
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells():
        rows.setdefault(cell.key[:2], []).append(cell)
    lines = [
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for (_, row), of_row in rows.items():
        results_of = {cell.world.rate: (cell, kept.get(cell.key)) for cell in of_row}
        figures = (aborted, held, median, times, *(peer_figure(name) for name in PEERS))
        shown = [across(results_of, figure) for figure in figures]
        lines.append(f"| {' | '.join([row, must(of_row[0]), *shown])} |")
    return "\n".join(lines)


def across(of_row: dict[float, tuple[Cell, dict | None]], figure) -> str:
    """One figure at every rate: `-` where it has none, `?` where the cell was not measured."""
    said = {rate: "?" if result is None else figure(cell, result) for rate, (cell, result) in of_row.items()}
    if len(said) == 1 and 2000.0 not in said:  # tasks, not requests
        return next(iter(said.values()))
    return " / ".join(said.get(rate) or "-" for rate in RATES) if any(said.values()) else ""


def aborted(cell: Cell, result: dict) -> str:
    share = f"{100 * result['abort'] / result['runs']:.3g}"
    if cell.part != "healthy":
        return share
    fewer = f" of {result['runs']}" if result["runs"] < cell.runs else ""
    return f"{share} ({100 * upper_bound(result['abort'], result['runs']):.2g}){fewer}"


def held(cell: Cell, result: dict) -> str:
    del cell
    return f"{100 * result['inconclusive'] / result['runs']:.3g}" if result["inconclusive"] else ""


def median(cell: Cell, result: dict) -> str:
    del cell
    return "" if result["median"] is None else f"{result['median']:.0f}"


def times(cell: Cell, result: dict) -> str:
    ratio = speed(cell, result)
    return "" if ratio is None else f"{ratio:.2f}"


def peer_figure(name: str):
    def figure(cell: Cell, result: dict) -> str:
        del cell
        seen = result["peers"].get(name)
        if seen is None:
            return ""
        after = f" {seen['median']:.0f} s" if seen["median"] else ""
        return f"{100 * seen['aborted']:.0f}%{after}"

    return figure


def documented(text: str, results: list[dict]) -> str:
    """The text of the docs with the table of what was kept."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{table(results)}\n{END}{after}"


def load() -> list[dict]:
    """What was kept."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def measure(parts: list[str], share: float, *, missing: bool) -> None:
    """Run the cells of these parts, and keep each as it is done."""
    runs = {(kept["part"], kept["row"], kept["rate"]): kept["runs"] for kept in load()} if missing else {}
    for cell in cells():
        if runs.get(cell.key, 0) < runs_of(cell, share) and any(
            f"{cell.part}:{cell.row}".startswith(part) for part in parts or [""]
        ):
            result = run(cell, share)
            results = {(kept["part"], kept["row"], kept["rate"]): kept for kept in load()}
            results[cell.key] = result
            order = [cell.key for cell in cells()]
            keys = sorted((key for key in results if key in order), key=order.index)
            RESULTS.write_text("".join(json.dumps(results[key]) + "\n" for key in keys))
            ratio = speed(cell, result)
            figures = "" if ratio is None else f", {ratio:.2f} B"
            mark = "" if reached(cell, result) else "   MISSED"
            print(
                f"{cell.row}, {cell.world.rate:g}/s: aborted {result['abort']} of {result['runs']}{figures}{mark}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "docs"])
    parser.add_argument(
        "parts", nargs="*", help="healthy, sick, kinds; or a part and a row's beginning, as kinds:latency"
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the runs")
    parser.add_argument("--missing", action="store_true", help="only cells of which fewer runs were kept")
    options = parser.parse_args()
    if options.what == "run":
        measure(options.parts, options.share, missing=options.missing)
    else:
        DOCS.write_text(documented(DOCS.read_text(), load()))


if __name__ == "__main__":
    main()
