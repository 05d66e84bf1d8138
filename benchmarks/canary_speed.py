"""How many polls of a canary with five SLIs `releasegate canary replay` judges a second, on one core.

    python benchmarks/canary_speed.py [--canaries 100]

Each recording holds 120 polls of both tracks, and in the first figure an hour of history before them, which is read and
learned from poll by poll. The time is the command's own, its start and the reading of the recordings included.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from canary_traffic import ALL_KINDS, World, simulate

from releasegate.canary.recording import Recording, encode_header, encode_line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--canaries", type=int, default=100)
    options = parser.parse_args()
    recordings = [simulate(World(slis=ALL_KINDS), np.random.default_rng(seed)) for seed in range(options.canaries)]
    without = [replace(each, lines=tuple(line for line in each.lines if line.t > 0)) for each in recordings]
    for what, some in (("with their history", recordings), ("without history", without)):
        polls, seconds = sum(len(each.lines) for each in some), judged(some)
        print(f"{what}: {polls} polls of five SLIs in {seconds:.2f} s of one core: {polls / seconds:,.0f} polls/s")


def judged(recordings: list[Recording]) -> float:
    """Seconds of processor time that the command took, from its start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "canaries.jsonl")
        lines = (text for each in recordings for text in (encode_header(each.header), *map(encode_line, each.lines)))
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "releasegate", "canary", "replay", str(path), "--format", "json"]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env={**os.environ})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
