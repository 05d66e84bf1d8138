"""What the rehearsal's HTTP servers share: one write an answer, and an end when nobody needs them any more."""

import os
import select
import signal
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

HOST = "127.0.0.1"
PARENT_CHECK = 0.25
"""Seconds between two looks at whether the parent is still there."""
LARGEST_BODY = 64 * 1024


class Server(ThreadingMixIn, TCPServer):
    """An HTTP server on the loopback address, one thread a connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no event; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive, where headers and body leave in one write.

    In two, Nagle's algorithm and delayed acknowledgements would add 40 ms to every answer.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1024 * 1024

    def answer(self, status: int, content_type: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send one whole response."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def read_body(self) -> bytes | None:
        """The request's body, or None where its length is not told or too large (the connection then closes)."""
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Say nothing: the metrics tell what was served."""

    def version_string(self) -> str:
        """Name no interpreter and no version."""
        return "releasegate-rehearsal"


def serve(port: int, handler: type[Handler]) -> None:
    """Serve on the loopback address until SIGTERM or SIGINT arrives, or the parent process is gone.

    A parent that holds the other end of a pipe to standard input is gone when that end is closed.

    Port 0 takes a free one. The first line of standard output names the address. `SystemExit` if the port is taken.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    try:
        server = Server((HOST, port), handler)
    except (OSError, OverflowError) as error:
        raise SystemExit(f"releasegate: {HOST}:{port}: {error}") from error
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        print(f"http://{HOST}:{server.server_address[1]}", flush=True)  # noqa: T201  how a caller learns the port
        while os.getppid() == parent and not input_has_ended() and not stop.wait(PARENT_CHECK):
            pass
        server.shutdown()
        thread.join()


def input_has_ended() -> bool:
    """Whether standard input is a pipe that nobody can write to any more."""
    try:
        if not stat.S_ISFIFO(os.fstat(0).st_mode):
            return False
    except OSError:  # closed: then it is no pipe
        return False
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    return any(event & select.POLLHUP for _, event in poll.poll(0))
