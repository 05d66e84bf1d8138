"""An application that counts what it serves, for tests: `/serve/CODE` answers with CODE and counts it.

python counting_app.py PORT [CODE]      with CODE it answers everything so
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

REGISTRY = CollectorRegistry()
REQUESTS = Counter("http_requests_total", "Requests.", ("code",), registry=REGISTRY)
DURATION = Histogram("http_request_duration_seconds", "Time.", buckets=(0.1, 0.5, 1), registry=REGISTRY)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/metrics":
            self.answer(200, generate_latest(REGISTRY), CONTENT_TYPE_PLAIN_0_0_4)
            return
        code = int(sys.argv[2]) if len(sys.argv) > 2 else int(self.path.removeprefix("/serve/"))
        REQUESTS.labels(str(code)).inc()
        DURATION.observe(0.05 if code < 500 else 0.7)
        self.answer(code, b"served\n", "text/plain")

    def answer(self, code, content, kind):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
