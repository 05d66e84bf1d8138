"""The verdict on 5 pages x 3 runs against `lhci assert` on the same files: wall time and peak memory, as ratios.

    python benchmarks/lighthouse_speed.py --lhci FOLDER [--rounds 7]

FOLDER is where `npm install @lhci/cli` was run; `node` is taken from PATH. The reports are the bundled sample's, with
the addresses of five pages. Both programs take turns; the medians are compared. Processor time tells more than the
clock where the machine is busy.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from statistics import median

PAGES, RUNS = 5, 3
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""A start that compiles every module again is nobody's."""
CONFIG = {
    "ci": {
        "assert": {
            "assertions": {
                "categories:performance": ["error", {"minScore": 0.1}],
                "largest-contentful-paint": ["warn", {"maxNumericValue": 2500}],
                "total-blocking-time": ["warn", {"maxNumericValue": 300, "aggregationMethod": "median"}],
                "network-requests": ["warn", {"maxLength": 50, "aggregationMethod": "pessimistic"}],
            }
        }
    }
}


def write_reports(folder: Path) -> int:
    """Write the reports as LHCI would have left them, and return their size in bytes."""
    sample = files("releasegate.rehearsal.samples").joinpath("lighthouse")
    texts = [item.read_text() for item in sorted(sample.iterdir(), key=lambda item: item.name)][:RUNS]
    (folder / ".lighthouseci").mkdir()
    (folder / "lighthouserc.json").write_text(json.dumps(CONFIG))
    for page in range(PAGES):
        for run, text in enumerate(texts):
            report = json.loads(text)
            for key in ("requestedUrl", "finalUrl", "finalDisplayedUrl", "mainDocumentUrl"):
                report[key] = f"https://shop.example/{page}"
            (folder / ".lighthouseci" / f"lhr-{page * RUNS + run}.json").write_text(json.dumps(report))
    return sum(path.stat().st_size for path in (folder / ".lighthouseci").iterdir())


def measure(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Seconds, seconds of processor time, and MiB of one run."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - began
    if process.returncode not in {0, 1}:
        sys.exit(f"{command[:2]} exited with {process.returncode}")
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lhci", required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    script = (options.lhci / "node_modules/@lhci/cli/src/cli.js").resolve(strict=True)
    arguments = ["--config", "lighthouserc.json"]
    ours = [sys.executable, "-m", "releasegate", "gate", "lighthouse", ".lighthouseci", *arguments]
    theirs = ["node", str(script), "assert", *arguments]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_reports(folder)
        both = [(measure(ours, folder), measure(theirs, folder)) for _ in range(options.rounds + 1)][1:]
    wall, processor, memory = ([median(one[side][what] for one in both) for side in (0, 1)] for what in (0, 1, 2))
    print(f"{PAGES} pages x {RUNS} runs, {size / 2**20:.1f} MiB, median of {options.rounds}")
    for name, side in (("releasegate", 0), ("lhci assert", 1)):
        print(f"{name}: {wall[side]:.3f} s, {processor[side]:.3f} s of processor time, {memory[side]:.1f} MiB")
    print(f"{wall[1] / wall[0]:.2f} times as fast ({processor[1] / processor[0]:.2f} by processor time; at least 2.5),")
    print(f"{memory[0] / memory[1]:.2f} of its memory (at most 0.25)")


if __name__ == "__main__":
    main()
