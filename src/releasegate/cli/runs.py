"""Which run of the program this is, and whether another one is over."""

import hashlib
import os
import re
import secrets
from pathlib import Path

LOCAL = re.compile(r"local:([0-9a-f]{12}):([1-9][0-9]*):([0-9]+)")
PROC = Path("/proc")


def run_name() -> str:
    """The job's address in GitHub Actions, else a name that tells this process from every other one.

    It holds no host's and no person's name: the machine is a hash of its boot and process space.
    """
    run = os.environ.get("GITHUB_RUN_ID")
    if run:
        server, repository = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
        return f"{server}/{repository}/actions/runs/{run}/attempts/{os.environ.get('GITHUB_RUN_ATTEMPT', '1')}"
    started = _started(os.getpid())
    return f"local:{secrets.token_hex(6)}" if started is None else f"local:{_machine()}:{os.getpid()}:{started}"


def has_ended(run: str) -> bool:
    """Whether the run with this name is over for certain: a process of this machine that is gone.

    Of a job, or of a process elsewhere, only the lease of its claim can tell.
    """
    named = LOCAL.fullmatch(run)
    return named is not None and named[1] == _machine() and _started(int(named[2])) != int(named[3])


def _machine() -> str:
    """What tells this boot of this machine (or container) from others."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text()
        space = (PROC / "self/ns/pid").readlink()
    except OSError:
        return "0" * 12
    return hashlib.sha256(f"{boot} {space}".encode()).hexdigest()[:12]


def _started(process: int) -> int | None:
    """When a process began, in the kernel's own clock; None if there is none, or it is dead and not yet buried."""
    try:
        fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
