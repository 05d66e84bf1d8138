"""A server of pages that a test sets."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from servers import answering

TEXT = "text/plain; version=0.0.4"


class Pages:
    """A server whose pages a test sets: path to (status, content type, text)."""

    def __init__(self):
        self.pages = {}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, kind, text = pages.get(self.path, (404, "text/plain", "nothing here"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def show(self, path, text, kind=TEXT, status=200):
        self.pages[path] = (status, kind, text)


@contextmanager
def serving():
    shown = Pages()
    with answering(shown.server):
        yield shown
