"""How long `releasegate --help` takes, beside what Python needs for click alone.

    python benchmarks/startup.py [RUNS]

Run it with the test environment's Python. What counts is the processor's time, since starting waits for nothing else
and a busy machine leaves it alone; the two take turns, and the fastest of each counts. What was asked for is a ratio of
at most 2.0.
"""

import resource
import subprocess
import sys

RUNS = 20
ASKED = 2.0
CLICK = [sys.executable, "-I", "-c", "import click"]
HELP = [sys.executable, "-I", "-m", "releasegate", "--help"]


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    pairs = [(seconds(CLICK), seconds(HELP)) for _ in range(runs)]
    click, help_ = (min(times) for times in zip(*pairs, strict=True))
    print(f"python -I -c 'import click'        {click * 1000:6.0f} ms")
    print(f"python -I -m releasegate --help    {help_ * 1000:6.0f} ms")
    print(f"ratio {help_ / click:.2f}, asked for: at most {ASKED}")


if __name__ == "__main__":
    main()
