"""Break one room's code in many small ways, and count how many of the breaks the room's own tests notice.

    python scripts/mutation.py flags|canary|gates|… [--fresh]

Run it with the test environment's Python (`make mutation ROOM=flags` does). mutmut breaks every file of
`src/releasegate/ROOM`; the unit tests in `tests/ROOM` run on each break, with Hypothesis' examples always the same. All
of it happens in a copy, `.tools/mutation/ROOM`. A run that was interrupted goes on where it stopped. After a change of
a function its mutants are tried again, after a change of the tests those that were not killed; `--fresh` tries all.
The last lines are the share that was killed and the survivors, whose differences lie in `survivors.diff` there.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from prepare import ROOT, TOOLS, say

WORKERS = 2
KILLED = {"killed", "timeout", "segfault"}
"""What mutmut calls a mutant with which a test failed, hung or crashed."""
HYPOTHESIS = ["--hypothesis-profile=mutation", "-p", "no:cacheprovider"]


def main() -> int:
    """Try the room's mutants; 0 if all were tried, whatever survived."""
    rooms = sorted(path.name for path in (ROOT / "tests").iterdir() if (ROOT / "src/releasegate" / path.name).is_dir())
    if len(sys.argv) < 2 or sys.argv[1] not in rooms:
        say(f"name a room: make mutation ROOM=…, one of {', '.join(rooms)}")
        return 2
    room = sys.argv[1]
    copy = TOOLS / "mutation" / room
    if "--fresh" in sys.argv:
        shutil.rmtree(copy, ignore_errors=True)
    mirror(copy, room)
    os.nice(19 - os.nice(0))
    forget_survivors(copy, room)
    mutmut = [sys.executable, "-m", "mutmut", "run", "--max-children", str(WORKERS)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if subprocess.run(mutmut, cwd=copy, env=environment, check=False).returncode:
        say("the tests of this room do not pass on the unbroken code; see above")
        return 1
    return report(copy)


def mirror(copy: Path, room: str) -> None:
    """Bring the copy up to date with the checkout, and leave the times of unchanged files: mutmut goes by them."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    files = sorted(name for name in set(listed) if (ROOT / name).is_file())
    for name in files:
        text = (ROOT / name).read_bytes()
        if name == "pyproject.toml":
            text += settings(room, files).encode()
        target = copy / name
        if not target.exists() or target.read_bytes() != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
    for old in [path for folder in ("src", "tests") for path in (copy / folder).rglob("*.py")]:
        if str(old.relative_to(copy)) not in files:
            old.unlink()
            (copy / "mutants" / old.relative_to(copy)).unlink(missing_ok=True)


def settings(room: str, files: list[str]) -> str:
    """Return mutmut's section for the copy's `pyproject.toml`: the whole room and its own tests, nothing left out."""
    values = {
        "source_paths": ["src"],
        "only_mutate": [f"src/releasegate/{room}/*"],
        "also_copy": sorted({name.split("/")[0] for name in files} - {"src"}),
        "pytest_add_cli_args": HYPOTHESIS,
        "pytest_add_cli_args_test_selection": [f"tests/{room}", "-m", "not soak and not servers"],
        "use_git_change_detection": False,
        "on_dependency_change": "ignore",
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def forget_survivors(copy: Path, room: str) -> None:
    """After a change of the tests: try again what was not killed, and find out again which test reaches what."""
    texts = [path.read_bytes() for path in sorted((copy / "tests" / room).rglob("*.py"))]
    now = hashlib.sha256(b"".join(texts)).hexdigest()
    stamp = copy / "mutants" / "tests.sha256"
    if stamp.exists() and stamp.read_text() == now:
        return
    for path in (copy / "mutants").rglob("*.meta"):
        meta = json.loads(path.read_text())
        results = meta["exit_code_by_key"]
        meta["exit_code_by_key"] = {key: code if code == 1 else None for key, code in results.items()}
        path.write_text(json.dumps(meta))
    (copy / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    shutil.rmtree(copy / "mutants" / "tests", ignore_errors=True)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(now)


def report(copy: Path) -> int:
    """Print the killed share by file, and every survivor; 1 if mutants were left untried."""
    os.chdir(copy)
    from mutmut.mutation.data import SourceFileMutationData  # noqa: PLC0415  reads its settings from the copy
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415
    from mutmut.stats import status_by_exit_code  # noqa: PLC0415
    from mutmut.utils.file_utils import walk_mutatable_files  # noqa: PLC0415

    killed, total, untried, diffs = 0, 0, 0, []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        states = {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
        dead = sum(state in KILLED for state in states.values())
        killed, total = killed + dead, total + len(states)
        untried += sum(state in {"not checked", "check was interrupted by user"} for state in states.values())
        print(f"{dead:5} of {len(states):5} killed  {path}")
        for name in (name for name, state in states.items() if state not in KILLED):
            print(f"      {states[name]}: {name}")
            diffs.append(f"# {states[name]}: {name}\n{get_diff_for_mutant(name, path=path)}\n")
    Path("survivors.diff").write_text("\n".join(diffs))
    say(f"{killed} of {total} mutants killed ({killed / total:.1%}); the others: {copy}/survivors.diff")
    if untried:
        say(f"{untried} were not tried yet: run it again")
    return 1 if untried else 0


if __name__ == "__main__":
    sys.exit(main())
