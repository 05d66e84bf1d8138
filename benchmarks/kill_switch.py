"""From the kill switch's commit to the running load that has read it, in the rehearsal: seconds, over some rounds.

    python benchmarks/kill_switch.py [--rounds 10]

The load looks at the branch five times a second; the command looks at the load four times a second.
"""

import argparse
import contextlib
import io
import json
import tempfile
from pathlib import Path
from statistics import median

from releasegate.cli.app import App
from releasegate.cli.main import run
from releasegate.rehearsal.rehearse import Options, open_shop


def call(folder: Path, *arguments: str) -> dict:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = run(App(directory=folder), [*arguments, "--format", "json"])
    assert code == 0, (arguments, printed.getvalue())
    return json.loads(printed.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    seconds = []
    with tempfile.TemporaryDirectory() as folder, open_shop(Path(folder), Options()) as house:
        for number in range(rounds):
            done = call(house.repo, "kill-switch", "on", "--reason", f"round {number}")
            text = next(step["text"] for step in done["steps"] if step["step"] == "live")
            seconds.append(float(text.removeprefix("live after ").removesuffix(" s")))
            call(house.repo, "flags", "set", "AGENT_SAFE_MODE", "0")
    print(f"{rounds} rounds: live {median(seconds):.1f} s after the commit (median), {max(seconds):.1f} s at most")


if __name__ == "__main__":
    main()
