"""How long the action takes until `releasegate` answers, in ratios; the caches are warm.

    python benchmarks/action_start.py [docs]     with `docs`: also into docs/action.md

Run it by the Python of `.tools/test-3.x`. The measures take turns and the smallest of each counts, since what else the
machine does only adds.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from prepare import uv_executable  # noqa: E402

PYTHON = sys._base_executable  # noqa: SLF001  an environment has no pip
RUNS = 15
START, ANSWER = 1.5, 2.0
"""What was asked for, as ratios: the start beside a bare sync, the first answer beside click alone."""
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
DOCS = ROOT / "docs" / "action.md"
BEGIN, END = "<!-- figures: benchmarks/action_start.py docs -->\n", "<!-- end of figures -->"
UV = uv_executable()


def timed(*command):
    started = time.perf_counter()
    subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)
    return time.perf_counter() - started


def bare_sync(folder, *options):
    """`uv pip sync` of the same lock into an empty environment."""
    subprocess.run([UV, "venv", "--quiet", "--python", PYTHON, folder / "bare"], check=True)
    lock = ROOT / "requirements" / "runtime.txt"
    into = ("--python", folder / "bare" / "bin" / "python")
    return timed(UV, "--no-config", "pip", "sync", "--require-hashes", *options, *into, lock)


def bare_sync_offline(folder):
    """The same, without asking the index whether its answers in the cache are still true."""
    return bare_sync(folder, "--offline")


def prepared(folder):
    """What the action does from uv being there to `releasegate` answering."""
    started = time.perf_counter()
    done = subprocess.run(
        [PYTHON, "-I", "-S", "-X", "utf8", ROOT / "scripts/prepare.py", "runtime", folder, Path(UV).parents[1]],
        check=True, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    timed(done.stdout.strip(), "-I", "-X", "utf8", "-m", "releasegate", "--version")
    return time.perf_counter() - started


def bootstrap(folder):
    """uv itself, by pip."""
    pip = [PYTHON, "-I", "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    return timed(*pip, "--target", folder / "uv", "-r", ROOT / "requirements" / "uv.txt")


def version(_):
    return timed(sys.executable, "-I", "-m", "releasegate", "--version")


def import_click(_):
    return timed(sys.executable, "-I", "-c", "import click")


def smallest(*measures, runs=RUNS):
    """The smallest figure of each, in seconds."""
    found = {measure: [] for measure in measures}
    for _ in range(runs):
        for measure, seconds in found.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds.append(measure(Path(folder)))
    return [min(seconds) for seconds in found.values()]


def table():
    sync, offline, action, uv = smallest(bare_sync, bare_sync_offline, prepared, bootstrap)
    answer, click = smallest(version, import_click)
    return (
        f"| what, the smallest of {RUNS} with warm caches | seconds | ratio |\n|---|---|---|\n"
        f"| `uv pip sync` of the same lock into an empty environment | {sync:.2f} | 1 |\n"
        f"| the same with `--offline`, as the action tries first | {offline:.2f} | {offline / sync:.2f} |\n"
        f"| from uv being there to releasegate answering | {action:.2f} | {action / sync:.2f} (asked for: {START}) |\n"
        f"| uv itself, once a job | {uv:.2f} | {uv / sync:.1f} |\n"
        f'| `python -I -c "import click"` | {click:.3f} | 1 |\n'
        f"| `python -I -m releasegate --version` | {answer:.3f} | {answer / click:.2f} (asked for: {ANSWER}) |\n"
    )


def main():
    figures = table()
    print(figures, end="")
    if sys.argv[1:] == ["docs"]:
        before, rest = DOCS.read_text().split(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}{figures}{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
