"""The network between a device and the service: it can be cut, and lose an answer."""

import select
import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

LOSABLE = b"POST /api/work"
LOOK = 0.05
"""Seconds after which a connection notices that the line was cut."""


class Line:
    """Carries connections from `address` to the service at `url` (`http://HOST:PORT`) for as long as it is whole."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.target = (parts.hostname or "", parts.port or 80)
        self._whole = True
        self.loses = False
        """Whether the answer to the next work that is sent gets lost."""
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.line = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(LOOK,), daemon=True)

    @property
    def address(self) -> str:
        """What the device takes for the service."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def cut(self) -> None:
        """Carry nothing any more: what is connected hangs up."""
        self._whole = False

    def mend(self) -> None:
        """Carry again what connects from now on."""
        self._whole = True

    def carries(self) -> bool:
        """Whether it is whole."""
        return self._whole

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    line: Line

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: connections that break are what it is for."""


class _Connection(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        line, device, loses = self.server.line, self.request, False
        if not line.carries():
            return
        with socket.create_connection(line.target) as service:
            other = {device: service, service: device}
            while line.carries():
                for side in select.select(list(other), [], [], LOOK)[0]:
                    data = _received(side)
                    if side is device and line.loses and data.startswith(LOSABLE):
                        loses, line.loses = True, False
                    if not data or not line.carries() or (loses and side is service):
                        return
                    other[side].sendall(data)


def _received(side: socket.socket) -> bytes:
    """What came; nothing where the connection is over."""
    try:
        return side.recv(65536)
    except OSError:
        return b""
