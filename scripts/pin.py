"""Pin the reusable workflows to one commit of the action, or check that they are.

    python3 scripts/pin.py COMMIT    pin every workflow to COMMIT (forty hexadecimal digits)
    python3 scripts/pin.py --check   what a release must hold: see below

A release is two commits: the first is the code, the second pins `.github/workflows/*.yml` to the first, and the tags
point at the second. Between two releases the pins stay at the last release's first commit, so that the workflows of
the main branch run released code; before the first release they are forty zeros, which GitHub refuses by name.
`--check` fails unless all pins name the parent of HEAD and the commit HEAD changes nothing but them.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"(?<=uses: releasegate/releasegate@)[0-9a-f]{40}\b")
UNRELEASED = "0" * 40


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Do what the arguments say in the repository `root`; 0 if the pins are as they should be."""
    if arguments == ["--check"]:
        faults = check(root)
        print("\n".join(faults) or f"pinned to {git(root, 'rev-parse', 'HEAD^')}")
        return 1 if faults else 0
    if len(arguments) != 1 or not re.fullmatch(r"[0-9a-f]{40}", arguments[0]):
        print("name a commit by its forty hexadecimal digits, or --check", file=sys.stderr)
        return 2
    for file in workflows(root):
        file.write_text(PIN.sub(arguments[0], file.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def check(root: Path) -> list[str]:
    """What keeps HEAD from being a release's second commit."""
    first = git(root, "rev-parse", "HEAD^")
    faults = [f"{name} is pinned to {pin}, not to {first}" for name, pin in pins(root) if pin != first]
    for line in git(root, "diff", "--unified=0", "HEAD^", "HEAD").splitlines():
        is_change = line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        if is_change and not PIN.search(line):
            faults.append(f"HEAD changes more than the pins: {line}")
    return faults


def pins(root: Path) -> list[tuple[str, str]]:
    """Every pin of the action, with the name of the workflow that holds it."""
    return [(file.name, pin) for file in workflows(root) for pin in PIN.findall(file.read_text(encoding="utf-8"))]


def workflows(root: Path) -> list[Path]:
    """The project's workflows."""
    return sorted((root / ".github" / "workflows").glob("*.yml"))


def git(root: Path, *arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
