"""`git http-backend` behind a small server on 127.0.0.1: the remote as a hosted one is reached."""

import base64
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            self.answer(b"".join(parts))
        else:
            self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def answer(self, body):
        server = self.server
        server.requests.append(f"{self.command} {self.path}")
        wanted = server.password and "Basic " + base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
        if wanted and self.headers.get("Authorization") != wanted:
            self.reply(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
            return
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        if server.drop(self.command, path):
            self.close_connection = True
            return  # carried out, but nobody hears of it
        self.reply(status, [field for field in fields if field[0] != "Status"], content)

    def reply(self, status, fields, content):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def serve(root, password="", drop=lambda *_: False, user="ada"):
    """Serve the bare repositories below `root`; gives the server, whose `address` ends in a slash.

    An answer for which `drop(method, path)` holds is never sent, though the request was carried out.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.root, server.password, server.drop, server.requests = root, password, drop, []
    server.user = user
    server.address = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
