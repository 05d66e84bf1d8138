"""How many polls of a canary with five SLIs `releasegate canary replay` judges a second, on one core.

    python benchmarks/canary_speed.py [--canaries 40]

Each recording holds an hour of history, which is judged too (for clumps and outages), and 120 polls of both tracks. The
time is the command's own, its start and the reading of the recordings included.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from canary_traffic import ALL_KINDS, World, simulate

from releasegate.canary.recording import encode_header, encode_line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--canaries", type=int, default=40)
    options = parser.parse_args()
    polls = watched = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "canaries.jsonl")
        with path.open("w", encoding="utf-8") as file:
            for seed in range(options.canaries):
                recording = simulate(World(slis=ALL_KINDS), np.random.default_rng(seed))
                polls += len(recording.lines)
                watched += sum(line.t > 0 for line in recording.lines)
                file.write(
                    "".join(
                        f"{text}\n" for text in (encode_header(recording.header), *map(encode_line, recording.lines))
                    )
                )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "releasegate", "canary", "replay", str(path), "--format", "json"]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env={**os.environ})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    print(f"{polls} polls of five SLIs in {seconds:.2f} s of one core: {polls / seconds:,.0f} polls/s")
    print(f"{watched} of them of both tracks; if the history is not counted: {watched / seconds:,.0f} polls/s")


if __name__ == "__main__":
    main()
