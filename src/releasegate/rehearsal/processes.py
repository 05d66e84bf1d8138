"""The rehearsal's child processes: started together, awaited by their own health, and never left behind."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Self

from releasegate.errors import OutsideError

START_DEADLINE = 60.0
"""Seconds that a child has to become ready."""
PORTS = range(20_000, 32_000)
"""What `free_ports` chooses from; Linux gives nobody a port below 32768 by itself."""
STOP_DEADLINE = 5.0
"""Seconds that a child has to end by itself before it is killed."""


def free_ports(number: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody has now; `OutsideError` where there are not as many.

    They lie below those that a system gives to whoever connects, or asks for any port: else somebody could be given
    one before its process has started, or while it starts anew.
    """
    tried = SystemRandom().sample(PORTS, len(PORTS))
    found = list(islice(filter(_is_free, tried), number))
    if len(found) < number:
        raise OutsideError(
            "127.0.0.1 has no free port left", remedy=f"look at what listens on {PORTS[0]} to {PORTS[-1]}"
        )
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def python_module(module: str, *arguments: str) -> list[str]:
    """The argv that runs a module of this package as this program itself is run."""
    return [sys.executable, "-I", "-X", "utf8", "-m", module, *arguments]


class Processes:
    """A group of children by name. Leaving the context stops them all, however it is left."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start `command` as `name`; what it prints goes to `NAME.log`. Its standard input is a pipe of ours.

        A child in a session of its own gets no Control-C from the terminal: we stop it, after the traffic is safe.
        """
        with (self._logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, name: str) -> None:
        """Stop one child by its own process id; nothing happens if it has ended."""
        child = self._children.pop(name, None)
        if child is None:
            return
        if child.stdin:
            child.stdin.close()
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def await_ready(self, name: str, ready: Callable[[], bool]) -> None:
        """Poll `ready` until it is true; `OutsideError` with the end of the log if the child dies or is too slow."""
        deadline = time.monotonic() + START_DEADLINE
        while not ready():
            child = self._children[name]
            if child.poll() is not None or time.monotonic() > deadline:
                state = f"ended with {child.returncode}" if child.poll() is not None else "did not become ready"
                raise OutsideError(f"the {name} process {state}: {self._last_line(name)}")
            time.sleep(0.02)

    def _last_line(self, name: str) -> str:
        lines = (self._logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._children):
            self.stop(name)
