"""The user's own commands and pages: what a deploy, a publication, a smoke check or a live check talks to."""

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from releasegate.errors import OutsideError, UnendedError
from releasegate.forge.git import redact
from releasegate.policy.section import Workflow

COMMAND_TIMEOUT = 1800.0
"""Seconds that a user's command may take."""
PAGE_TIMEOUT = 10.0
PAGE_LIMIT = 1 << 20
"""Bytes of a page that are read: enough for any health page, and bounded."""
SHOWN = 300
"""Characters of what a command prints that are told and kept."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Page:
    """What a URL answered."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in small letters."""
    seconds: float = 0.0
    """How long the whole answer took."""


Shell = Callable[[Sequence[str] | Workflow, Mapping[str, str]], str]
"""Runs an argv with `{placeholders}` filled in, or a workflow with them as inputs, and returns what it printed.

`OutsideError` if it fails.
"""
Dispatch = Callable[[Workflow, Mapping[str, str]], str]
"""Runs a workflow with inputs, waits for its end, and says where the run is; `OutsideError` if it fails."""
Fetch = Callable[[str], Page]
"""Reads a page; `OutsideError` if nothing answers. A status of 400 and above is an answer."""


def shown(printed: str) -> str:
    """What a command printed as it is told and kept: one line, cut, without the credentials of any address in it."""
    line = redact(" ".join(printed.split()))
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def fill(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """`command` with each `{name}` that `values` knows replaced. There is no shell, so nothing needs quoting."""
    return [_PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), part) for part in command]


def shell(directory: Path, dispatch: Dispatch) -> Shell:
    """A `Shell` that runs in `directory`, and hands workflows to `dispatch`."""

    def run(command: Sequence[str] | Workflow, values: Mapping[str, str]) -> str:
        if isinstance(command, Workflow):
            return dispatch(command, values)
        argv = fill(command, values)
        try:
            done = subprocess.run(
                argv,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMMAND_TIMEOUT,
                check=False,
            )
        except OSError as error:
            raise OutsideError(
                f"cannot run {argv[0]}: {error.strerror}", remedy="check the command in the policy"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise UnendedError(f"{argv[0]} did not end within {COMMAND_TIMEOUT:.0f} s") from error
        if done.returncode:
            raise OutsideError(f"{argv[0]} exited {done.returncode}: {_last_line(done.stderr or done.stdout)}")
        return done.stdout.decode(errors="replace").strip()

    return run


def fetch(url: str) -> Page:
    """A `Fetch` over HTTP. The URL may hold a secret, so an error names only the host."""
    import requests  # noqa: PLC0415  loaded by the procedures that read a page
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    started = time.monotonic()
    try:
        with requests.get(url, timeout=PAGE_TIMEOUT, stream=True) as answer:
            body = answer.raw.read(PAGE_LIMIT, decode_content=True)
            text = body.decode(answer.encoding or "utf-8", errors="replace")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Page(answer.status_code, text, headers, time.monotonic() - started)
    except (requests.RequestException, HTTPError, LookupError) as error:  # the body read raw; an unknown charset
        host = re.sub(r"^(\w+://)(?:[^@/]*@)?([^/?#]+).*", r"\1\2", url)
        raise OutsideError(f"{host} does not answer ({type(error).__name__})") from error


def expiry(url: str) -> datetime:
    """Until when the certificate at an https address is valid, UTC; `OutsideError` if it is not valid now."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        with (
            socket.create_connection((host, port), PAGE_TIMEOUT) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert() or {}
    except OSError as error:  # ssl's errors are OSErrors
        raise OutsideError(f"{host}:{port} has no certificate that holds ({type(error).__name__})") from error
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"
