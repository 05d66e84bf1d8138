"""A rehearsal as a newcomer runs it, and what it leaves behind: files, processes, ports."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LONGEST = 300
"""Seconds after which a rehearsal hangs: a busy machine may need several times as long as an idle one."""
REHEARSE = [sys.executable, "-I", "-m", "releasegate", "rehearse"]


def own(tmp_path):
    """An environment with a home and a folder for temporary files of its own."""
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return {**kept, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary")}


def play(tmp_path, *options):
    """Run it in a folder of its own; gives the result, what it kept, and every other file that it left."""
    environment, keep, here = own(tmp_path), tmp_path / "kept", tmp_path / "here"
    here.mkdir()
    result = subprocess.run(
        [*REHEARSE, "--format", "json", "--keep", str(keep), *options],
        env=environment, cwd=here, capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    return result, keep, files_of(tmp_path, keep)


def files_of(folder, *but):
    """What lies below a folder, empty folders too, but for some of it."""
    expected = {folder / name for name in ("home", "temporary", "here")} | set(but)
    return [path for path in folder.rglob("*") if path not in expected and not any(b in path.parents for b in but)]


def policy_of(house):
    return (house / "repo" / "releasegate.yaml").read_text()


def listening(policy):
    """Those of a rehearsal's ports, as its policy names them, at which somebody answers."""
    ports = sorted({int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", policy)})
    assert len(ports) == 4, policy  # baseline, canary, staging and the load
    return [port for port in ports if answers(port)]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def telling(house, word):
    """Where a word stands in what a rehearsal keeps: paths of its files, and `git` for what its remote holds."""
    files = [path for path in house.rglob("*") if path.is_file() and "origin.git" not in path.parts]
    found = [str(path.relative_to(house)) for path in files if word in path.read_bytes()]
    command = ["git", "-C", str(house / "origin.git"), "cat-file", "--batch", "--batch-all-objects"]
    everything = subprocess.run(command, capture_output=True, check=True).stdout
    assert b"releasegate.yaml" in everything
    return found + ["git"] * (word in everything)


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def ledger_kinds(keep):
    names = git(keep / "origin.git", "ls-tree", "-r", "--name-only", "releasegate/ledger").splitlines()
    plain = ("stage.finished", "step.claimed", "step.finished")
    files = [json.loads(git(keep / "origin.git", "show", f"releasegate/ledger:{name}")) for name in sorted(names)]
    return [event["kind"] for event in files[4:] if event["kind"] not in plain]


def processes_of(temporary):
    """The processes of a rehearsal, which all have its folder for temporary files in their environment: their argv
    and environment, by their id.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (folder / "environ").read_bytes()
            if str(temporary) in os.fsdecode(environment):
                found[folder.name] = os.fsdecode((folder / "cmdline").read_bytes() + environment).split("\0")
    return found


def left_running(temporary):
    """Whoever does not end; a child that was just being started ends by itself, when the pipe to it is closed."""
    deadline = time.monotonic() + 30
    while (found := processes_of(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def replayed(keep):
    command = [sys.executable, "-I", "-m", "releasegate", "canary", "replay", str(keep / "recording.jsonl")]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)
