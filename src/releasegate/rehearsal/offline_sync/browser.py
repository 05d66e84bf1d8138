"""A Chromium without a window, told what to do over a pipe in its DevTools protocol: nothing has to be installed.

https://chromedevtools.github.io/devtools-protocol/
"""

import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from releasegate.errors import OutsideError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEADLINE = 60.0
"""Seconds that a browser on a busy machine may take for one thing."""
PAUSE = 0.05
LOG = "browser.log"
FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip
"""Quiet, and without any way to the outside."""


def installed(environ: Mapping[str, str]) -> str | None:
    """The path of a Chromium: `CHROME_PATH`, else one of the usual names; None if there is none."""
    return environ.get("CHROME_PATH") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of one browser, whose files lie in `home`. `OutsideError` if it does not do what it is told."""

    def __init__(self, program: str, home: Path) -> None:
        self._program, self._home = program, home
        self._number, self._unread = 0, b""
        self._session: str | None = None
        self._process: int | None = None

    def __enter__(self) -> Self:
        read, self._to = _high_pipe()
        self._from, write = _high_pipe()
        try:
            self._process = self._spawn(read, write)
        finally:
            os.close(read)
            os.close(write)
        try:
            target = self._ask("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        except OutsideError:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        with suppress(OutsideError):
            self._ask("Browser.close")
            _wait(self._has_ended, "the browser's end")
        self._end()

    def _spawn(self, read: int, write: int) -> int | None:
        """The browser's process, with the pipes as its files 3 and 4; None if there is no such program."""
        # The sandbox needs a user that is not root.
        own = [f"--user-data-dir={self._home / 'profile'}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        log = (str(self._home / LOG), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        actions: list[tuple[int, *tuple[Any, ...]]] = [
            (os.POSIX_SPAWN_DUP2, read, 3), (os.POSIX_SPAWN_DUP2, write, 4), (os.POSIX_SPAWN_OPEN, 1, *log),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]  # fmt: skip
        environment = {**os.environ, "HOME": str(self._home), "TMPDIR": str(self._home)}
        argv = [self._program, *FLAGS, *own, "about:blank"]
        with suppress(OSError):
            return os.posix_spawn(self._program, argv, environment, file_actions=actions, setpgroup=0)
        return None

    def _has_ended(self) -> bool:
        if self._process is not None and os.waitpid(self._process, os.WNOHANG)[0] != 0:
            self._process = None
        return self._process is None

    def _end(self) -> None:
        """End it, if it has not ended, and let go of it."""
        if not self._has_ended() and self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self._to)
        os.close(self._from)

    def go(self, url: str) -> None:
        """Open `url`, and wait until the page says that it is there."""
        self._ask("Page.navigate", url=url)
        self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'", f"{url} opening")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression, or the promise that it gives, comes to."""
        answer = self._ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise OutsideError(f"the page says: {answer['exceptionDetails'].get('text')} in {expression[:80]}")
        return answer["result"].get("value")

    def until(self, expression: str, what: str) -> None:
        """Wait until `expression` is true; a page that is just being left tells nothing."""

        def holds() -> bool:
            with suppress(OutsideError):
                return bool(self.value(expression))
            return False

        _wait(holds, what)

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        session = {} if self._session is None else {"sessionId": self._session}
        message = {"id": self._number, "method": method, "params": parameters, **session}
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise OutsideError("the browser has ended", remedy=self._last_words()) from error
        deadline = time.monotonic() + DEADLINE
        while (answer := self._next(deadline)).get("id") != self._number:
            pass
        if "error" in answer:
            raise OutsideError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def _next(self, deadline: float) -> Any:
        """The next message of the browser, an answer or an event."""
        while b"\0" not in self._unread:
            left = deadline - time.monotonic()
            ready = select.select([self._from], [], [], max(left, 0))[0]
            data = os.read(self._from, 1 << 20) if ready else b""
            if not data:
                state = "has ended" if ready else f"did not answer within {DEADLINE:.0f} s"
                raise OutsideError(f"the browser {state}", remedy=self._last_words())
            self._unread += data
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def _last_words(self) -> str:
        log = self._home / LOG
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return f"its last words: {lines[-1][:200]}" if lines else "it printed nothing"


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are neither 3 nor 4, which are the browser's."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _wait(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        if time.monotonic() > deadline:
            raise OutsideError(f"{what} did not happen within {DEADLINE:.0f} s")
        time.sleep(PAUSE)
