"""How a Prometheus behind a private CA, client certificates, a password, a path and a proxy is reached."""

import select
import socket
import threading
import time
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

import pytest

from certificates import certificates
from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.load import load_policy
from servers import await_true, free_port, running

PREFIX = "/api/datasources/proxy/uid/abc"
"""Grafana's data-source proxy answers below such a path."""
WEB = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
basic_auth_users: {{me: "{hash}"}}
"""
HASH = "$2b$04$abcdefghijklmnopqrstuuppZFpU9n.F.R29ic//YRPBUgRHbgy9m"
"""Of `hush`, with bcrypt at its lowest cost."""


@pytest.fixture(scope="module")
def fortress(program, tmp_path_factory):
    """The folder of the certificates, and the address of a Prometheus that asks for them and a password."""
    folder, port = tmp_path_factory.mktemp("fortress"), free_port()
    certificates(folder)
    (folder / "web.yml").write_text(WEB.format(hash=HASH))
    (folder / "none.yml").write_text(
        f"global: {{scrape_interval: 100ms}}\n"
        "scrape_configs:\n- job_name: self\n  scheme: https\n"
        f"  metrics_path: {PREFIX}/metrics\n  basic_auth: {{username: me, password: hush}}\n"
        "  tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key}\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{track: stable}}}}]\n"
    )
    command = [
        program("prometheus"), f"--config.file={folder / 'none.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={folder / 'web.yml'}",
        f"--web.route-prefix={PREFIX}", f"--web.external-url=https://127.0.0.1:{port}{PREFIX}", "--log.level=warn",
    ]  # fmt: skip

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with running(command, listens, folder / "prometheus.log"):
        yield folder, f"https://127.0.0.1:{port}{PREFIX}"


def source(url, settings):
    text = (
        "version: 1\nservice: a\nenvironment: b\ncanary:\n"
        f"  metrics: {{prometheus: {{url: '{url}', lag: 0s, {settings}}}}}\n"
        "  tracks: {baseline: '{track=\"stable\"}', canary: '{track=\"stable\"}'}\n"
        "  slis: {rate: {throughput: prometheus_http_requests_total}}\n"
    )
    return source_of(load_policy(text.encode(), "releasegate.yaml", {}).canary)


def settings(folder, password="hush"):
    files = f"ca: {folder / 'ca.pem'}, cert: {folder / 'client.pem'}, key: {folder / 'client.key'}"
    return f"tls: {{{files}}}, basic: {{user: me, password: {password}}}"


def counts(watched):
    """Wait until the server has counted the questions that it was asked."""
    poll = Poll({})

    def counted():
        nonlocal poll
        poll = watched.advance(time.time())
        return not poll.problems and poll.counts.get("rate", {}).get("baseline", 0) > 0

    await_true(counted, "a request counted")
    return poll


@pytest.mark.servers
def test_a_private_ca_a_client_certificate_a_password_and_a_path(fortress):
    folder, url = fortress
    assert counts(source(url, settings(folder))).problems == {}


@pytest.mark.servers
def test_what_is_not_accepted_is_said(fortress):
    folder, url = fortress
    wrong = source(url, settings(folder, "wrong")).advance(time.time())
    assert wrong.problems["rate/baseline"] == f"{url}: the query failed with 401: Unauthorized"
    untrusted = source(url, "basic: {user: me, password: hush}").advance(time.time())
    assert untrusted.problems["rate/baseline"] == (
        f"{url}: TLS: the certificate was not accepted; name its CA with tls: {{ca: FILE}}"
    )


class Proxy(ThreadingTCPServer):
    """A proxy that tunnels to where `CONNECT` says, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.asked = []


class Tunnel(StreamRequestHandler):
    def handle(self):
        request = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        self.server.asked.append(request[:2])
        host, port = request[1].split(":")
        with socket.create_connection((host, int(port)), timeout=5) as there:
            self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            ends = {self.connection: there, there: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    content = end.recv(65536)
                    if not content:
                        return
                    ends[end].sendall(content)


@pytest.mark.servers
def test_the_environments_proxy_is_used(fortress, monkeypatch):
    folder, url = fortress
    with Proxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        for name in ("NO_PROXY", "no_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
        try:
            assert counts(source(url, settings(folder))).problems == {}
        finally:
            proxy.shutdown()
            thread.join()
    assert proxy.asked[0] == ["CONNECT", urlsplit(url).netloc]
