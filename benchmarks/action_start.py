"""How long the action takes until `releasegate` answers, in ratios; the caches are warm.

    python benchmarks/action_start.py

Run it by the Python of `.tools/test-3.x`. Each figure is the smallest of several runs: what else the machine does only adds.
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
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def timed(*command, check=True):
    started = time.perf_counter()
    subprocess.run(command, check=check, env=ENVIRONMENT, capture_output=True)
    return time.perf_counter() - started


def bare_sync(uv, folder):
    """`uv pip sync` of the same lock into an empty environment."""
    subprocess.run([uv, "venv", "--quiet", "--python", PYTHON, folder / "bare"], check=True)
    lock = ROOT / "requirements" / "runtime.txt"
    return timed(
        uv, "--no-config", "pip", "sync", "--require-hashes", "--python", folder / "bare" / "bin" / "python", lock
    )


def prepared(home, folder):
    """What the action does from uv being there to `releasegate` answering."""
    started = time.perf_counter()
    done = subprocess.run(
        [PYTHON, "-I", "-S", "-X", "utf8", ROOT / "scripts" / "prepare.py", "runtime", folder / "fresh", home],
        check=True, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    answer = [done.stdout.strip(), "-I", "-X", "utf8", "-m", "releasegate", "--version"]
    subprocess.run(answer, check=True, env=ENVIRONMENT, capture_output=True)
    return time.perf_counter() - started


def bootstrap(_, folder):
    """uv itself, by pip."""
    pip = [PYTHON, "-I", "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    return timed(*pip, "--target", folder / "uv", "-r", ROOT / "requirements" / "uv.txt")


def smallest(measure, what):
    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            seconds.append(measure(what, Path(folder)))
    return min(seconds)


def main():
    uv = uv_executable()
    home = Path(uv).parents[1]
    sync, action = smallest(bare_sync, uv), smallest(prepared, home)
    print(f"uv pip sync into an empty environment   {sync:6.2f} s")
    print(f"from uv being there to an answer        {action:6.2f} s   {action / sync:.2f} of it (asked for: 1.5)")
    print(f"uv's own bootstrap by pip               {smallest(bootstrap, None):6.2f} s")
    version = min(timed(sys.executable, "-I", "-m", "releasegate", "--version") for _ in range(3 * RUNS))
    click = min(timed(sys.executable, "-I", "-c", "import click") for _ in range(3 * RUNS))
    print(
        f"python -I -m releasegate --version      {version:6.3f} s   {version / click:.2f} of `import click` (asked for: 2.0)"
    )


if __name__ == "__main__":
    main()
