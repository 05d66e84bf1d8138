"""The sample service as it runs: a process for each track and for staging, anew for each version that is deployed."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from releasegate.errors import OutsideError
from releasegate.rehearsal.deploy import live, wanted
from releasegate.rehearsal.processes import Processes, python_module
from releasegate.runbook.outside import fetch

LOOK = 0.05
"""Seconds between two looks at what is wanted."""


class Shop:
    """Runs each track at the version that the deploy folder asks for; `options` gives the arguments of a version."""

    def __init__(
        self, processes: Processes, deployed: Path, ports: Mapping[str, int], options: Callable[[str], Sequence[str]]
    ) -> None:
        self._processes = processes
        self._deployed = deployed
        self._ports = ports
        self._options = options
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="deployments", daemon=True)

    def open(self, tag: str) -> None:
        """Start every track at `tag`, and from then on what is deployed."""
        for track in self._ports:
            wanted(self._deployed, track).write_text(tag)
            self._run(track, tag)
        self._watcher.start()

    def close(self) -> None:
        """Deploy nothing any more; the processes themselves belong to `Processes`."""
        self._stop.set()
        if self._watcher.is_alive():
            self._watcher.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK):
            for track in self._ports:
                tag = wanted(self._deployed, track).read_text()
                if tag and tag != live(self._deployed, track).read_text():
                    self._run(track, tag)

    def _run(self, track: str, tag: str) -> None:
        self._processes.stop(track)
        address = f"http://127.0.0.1:{self._ports[track]}"
        arguments = ["--port", str(self._ports[track]), "--track", track, "--release", tag, *self._options(tag)]
        self._processes.start(track, python_module("releasegate.rehearsal.sample.app", *arguments))
        self._processes.await_ready(track, lambda: _answers(f"{address}/healthz", tag))
        live(self._deployed, track).write_text(tag)


def _answers(url: str, holding: str) -> bool:
    try:
        page = fetch(url)
    except OutsideError:
        return False
    return page.status == 200 and holding in page.body
