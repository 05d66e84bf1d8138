"""GitHub for tests: an emulator that somebody else wrote, and in front of it a server that records and checks.

The front hands every request to the emulator but for the routes of `github_stub`, which the emulator does not serve. It
checks each request, and each answer of the stub, against GitHub's own description, keeps them all, and can break an
exchange: see `Fault`.
"""

import json
import re
import threading
from collections.abc import Callable
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import quote, unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from github_graphql import Graph
from github_openapi import Contract, ContractError
from github_stub import Stub
from planted import JOB, TOKEN, in_text
from releasegate.forge.github.api import Patience
from releasegate.forge.github.connect import Credentials, connect
from releasegate.forge.github.forge import GitHubForge
from servers import free_port, running

LOGIN = "Ada"
APP = 7
PERMISSIONS = {"contents": "write", "issues": "write", "metadata": "read"}
AS_IT_IS = "!$%&'()*+,/:;=?@[]~"
"""What of an address is no more quoted."""
OF_APPS = re.compile(r"/app/installations/\d+/access_tokens|/repos/[^/]+/[^/]+/installation")


@dataclass
class Exchange:
    """A request as it came, and what was answered."""

    method: str
    path: str
    query: str
    body: bytes
    status: int = 0
    authorized: bool = False
    by_job: bool = False
    asked: str = ""
    """The path as it came: GitHub Enterprise Server's API lies below `/api`."""
    source: str = "front"
    """Who answered: `emulator`, `stub` or `GraphQL`."""

    def __str__(self):
        return f"{self.method} {self.path}"


@dataclass
class Fault:
    """What happens to a request: `before` it is carried out, or to its answer `after`."""

    status: int | None = None
    headers: dict = field(default_factory=dict)
    body: bytes = b'{"message": "Server Error"}'
    drop_after: bool = False
    drop_before: bool = False
    truncate: bool = False
    stall: bool = False
    """Carry the request out, begin to answer, and never go on."""
    trickle: bool = False
    """Carry the request out, and answer a byte at a time, until the front is reset."""
    execute: bool = False
    """Carry the request out although `status` is answered."""


class Front:
    """The server; `address` is the API's base URL."""

    def __init__(self, folder, backend, port):
        self.backend, self.address = backend, f"http://127.0.0.1:{port}"
        self.contract = Contract(folder)
        self.folder = folder
        self.storage, self.exchanges, self.violations = None, [], []
        self.names, self.passed, self.issued = count(1), count(), set()
        self.lock, self.calm = threading.Lock(), threading.Event()
        self.writes = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.front = self
        self.reset()

    @cached_property
    def graph(self):
        """GitHub's GraphQL schema takes a second to build."""
        asked = lambda commit: self.stub.pull_requests.get(commit, [])  # noqa: E731
        return Graph(self.folder, self.rest, asked, lambda: self.stub.auto_merge)

    def reset(self):
        """Forget what was recorded, which must have been as GitHub describes it, and all faults."""
        self.vouch()
        self.graphql = True
        self.stub = Stub(self, LOGIN)
        self.fault: Callable = lambda _: None
        self.storage_faults = []
        self.calm.set()
        self.calm = threading.Event()

    def issue(self, exchange, headers):
        """What a GitHub App asks with its own signature; the token that it gets is let through from now on."""
        kept = {k: v for k, v in headers.items() if k.lower() in ("authorization", "content-type", "accept")}
        status, content = self.ask(exchange.method, exchange.path, exchange.body, kept)
        exchange.source = "emulator"
        if status == 201:
            self.issued.add(json.loads(content)["token"])
        return status, {}, content

    def vouch(self):
        """Every request so far was as GitHub describes it, and none holds the token elsewhere than in its header."""
        violations, leaks = self.violations, self.leaks()
        self.exchanges, self.violations = [], []
        assert (violations, leaks) == ([], []), (violations, leaks)

    def check(self, exchange):
        """Hold a request against GitHub's own description, whatever becomes of it."""
        try:
            if exchange.path == "/graphql":
                asked = json.loads(exchange.body)
                self.graph.check(asked["query"], asked.get("variables") or {})
            else:
                self.contract.check_request(exchange.method, unquote(exchange.path), exchange.query, exchange.body)
        except AssertionError as error:
            self.violations.append(str(error))

    def leaks(self):
        """Requests that hold the token in another place than its header."""
        return [str(e) for e in self.exchanges if in_text(e.body) or in_text(unquote(f"{e.path}?{e.query}"))]

    def repository(self):
        """A new empty repository, by its full name."""
        name = f"shop-{next(self.names)}"
        status, made = self.rest("POST", "/user/repos", {"name": name})
        assert status == 201, made
        return made["full_name"]

    def rest(self, method, path, body):
        """Ask the emulator past the front, as GitHub describes it: status and JSON."""
        parts = urlsplit(path)
        sent = b"" if body is None else json.dumps(body).encode()
        self.contract.check_request(method, unquote(parts.path), parts.query, sent)
        headers = {"Content-Type": "application/json"} | self.credentials()
        status, content = self.ask(method, quote(path, safe=AS_IT_IS), sent, headers)
        return status, json.loads(content) if content else None

    def ask(self, method, path, body, headers):
        """Pass one write at a time: the emulator looks where a branch is, waits for the body, and then moves it."""
        with (
            nullcontext() if method == "GET" else self.writes,
            closing(HTTPConnection(self.backend, timeout=120)) as to,
        ):
            to.request(method, path, body or None, headers)
            answer = to.getresponse()
            return answer.status, answer.read()

    def credentials(self):
        """Another token now and then: the emulator has a limit of 5000 requests, and takes any for its first user."""
        return {"Authorization": f"token emulated-{next(self.passed) // 2000}"}

    def sent(self):
        """The requests so far, in order."""
        return [str(exchange) for exchange in self.exchanges]

    def handle(self, exchange, headers):
        """Status, headers and body of the answer."""
        if OF_APPS.fullmatch(exchange.path):
            return self.issue(exchange, headers)
        if not exchange.authorized:
            return 401, {}, b'{"message": "Bad credentials"}'
        if exchange.path == "/graphql":
            if not self.graphql:
                return 404, {}, b'{"message": "Not Found"}'
            exchange.source = "GraphQL"
            asked = json.loads(exchange.body)
            answer = self.graph.answer(asked["query"], asked.get("variables"), LOGIN)
            return 200, {}, json.dumps(answer).encode()
        path = unquote(exchange.path)
        answer = self.stub.answer(exchange)
        if answer is not None:
            exchange.source = "stub"
            status, more, body = answer
            self.contract.check_response(exchange.method, path, status, body)
            return status, more, body
        exchange.source = "emulator"
        kept = {k: v for k, v in headers.items() if k.lower() in ("content-type", "accept")} | self.credentials()
        asked = f"{exchange.path}{'?' + exchange.query if exchange.query else ''}"
        status, content = self.ask(exchange.method, asked, exchange.body, kept)
        return status, {}, content


class Storage(BaseHTTPRequestHandler):
    """Where artifacts lie: another host, which must never see the token."""

    def do_GET(self):
        front = self.server.front
        front.storage.seen.append(dict(self.headers))
        fault = front.storage_faults.pop() if front.storage_faults else Fault()
        if fault.drop_after:
            return
        content = next(content for made, content in front.stub.artifacts if str(made["id"]) == self.path.strip("/"))
        self.send_response(fault.status or 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault.truncate else content)

    def log_message(self, *_):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Else every answer waits 40 ms, until the headers are acknowledged."""

    def answer(self):
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = (self.headers.get("Authorization") or "").split(" ")[-1]
        authorized = token in {TOKEN, JOB} or token in self.server.front.issued
        path = re.sub(r"^/api(/v3|(?=/graphql$))", "", parts.path)
        who = {"authorized": authorized, "by_job": token == JOB}
        exchange = Exchange(self.command, path, parts.query, body, asked=parts.path, **who)
        with self.server.front.lock:
            self.server.front.exchanges.append(exchange)
            fault = self.server.front.fault(exchange) or Fault()
            self.server.front.check(exchange)
        executed = None
        if not fault.drop_before and (fault.status is None or fault.execute):
            executed = self.execute(exchange)
        if fault.drop_before or fault.drop_after:
            self.close_connection = True
            return
        status, headers, content = executed or (None, None, None)
        if fault.status is not None:
            status, headers, content = fault.status, fault.headers, fault.body
        exchange.status = status
        if fault.trickle:
            self.trickle(status, content)
            return
        self.send(status, headers, content, truncate=fault.truncate or fault.stall)
        if fault.stall:
            self.connection.settimeout(60)
            self.connection.recv(1)  # until the client goes away

    def trickle(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        calm = self.server.front.calm
        with suppress(OSError):  # the client went away
            for byte in content:
                if calm.wait(0.02):
                    break
                self.wfile.write(bytes([byte]))
        self.close_connection = True

    def execute(self, exchange):
        try:
            return self.server.front.handle(exchange, self.headers)
        except (ContractError, AssertionError) as error:
            self.server.front.violations.append(str(error))
            return 422, {}, json.dumps({"message": f"contract: {error}"}).encode()

    def send(self, status, headers, content, *, truncate):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content[: len(content) // 2] if truncate else content)
        self.close_connection = self.close_connection or truncate

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        pass


def github_forge(front, repository=None, token=TOKEN, timeout=120, whole=120.0, **options):
    """A forge on a new repository of the front, or on `repository`."""
    patience = Patience(max_wait=120.0, sleep=lambda _: None, share=lambda: 0.5, timeout=timeout, whole=whole)
    api = connect(repository or front.repository(), Credentials(token=token), front.address, patience)
    return GitHubForge(api, **options)


@contextmanager
def serve(folder, home):
    """The emulator of the Node programs in `folder` with a front before it; its files go to `home`."""
    seed = home / "seed.yaml"
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    installation = {"installation_id": 70, "account": LOGIN, "repository_selection": "all", "permissions": PERMISSIONS}
    app = {"app_id": APP, "slug": "gate", "name": "Gate", "private_key": pem, "permissions": PERMISSIONS}
    github = {"users": [{"login": LOGIN}], "apps": [{**app, "installations": [installation]}]}
    seed.write_text(json.dumps({"tokens": {TOKEN: {"login": LOGIN, "scopes": ["repo"]}}, "github": github}))
    port, front_port = free_port(), free_port()
    command = [
        folder / "node", folder / "node_modules/emulate/dist/index.js", "start", "--service", "github",
        "--port", str(port), "--seed", str(seed), "--base-url", f"http://127.0.0.1:{front_port}",
    ]  # fmt: skip
    with running(list(map(str, command)), f"http://127.0.0.1:{port}/rate_limit", home / "emulate.log"):
        front = Front(folder, f"127.0.0.1:{port}", front_port)
        front.app_key = pem
        front.storage = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
        front.storage.front, front.storage.seen = front, []
        front.storage.address = f"http://127.0.0.1:{front.storage.server_address[1]}"
        with threaded(front.server), threaded(front.storage):
            yield front


@contextmanager
def threaded(server):
    """Run an HTTP server in a thread."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
