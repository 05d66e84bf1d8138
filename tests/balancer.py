"""A real HAProxy that splits a service's requests between two servers."""

import socket
import subprocess
import urllib.request
from contextlib import contextmanager

from releasegate.errors import OutsideError
from releasegate.rehearsal import processes
from releasegate.traffic.haproxy import HaproxyTraffic
from servers import await_true
from worlds import POLICY

CONFIG = """\
global
  stats socket {folder}/admin.sock mode 600 level admin
  stats socket 127.0.0.1:{admin} level admin
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
listen shop
  bind 127.0.0.1:{port}
  balance roundrobin
  server stable 127.0.0.1:{stable} weight 100
  server canary 127.0.0.1:{canary} weight 0
"""
ROUTED = POLICY.replace(
    b"traffic: {flag: {name: checkout-v2}}",
    b"traffic:\n  haproxy: {sockets: [/run/admin.sock, '127.0.0.1:9999'], backend: shop, "
    b"baseline: stable, canary: canary}",
)


def free_ports():
    """A free port by each name that the configuration has."""
    return dict(zip(("port", "admin", "stable", "canary"), processes.free_ports(4), strict=True))


class Balancer:
    """A HAProxy that can be reloaded."""

    def __init__(self, program, folder, ports):
        self.folder, self.ports = folder, ports
        self.config = folder / "haproxy.cfg"
        self.config.write_text(CONFIG.format(folder=folder, **ports))
        self.program, self.process = program("haproxy"), None

    def start(self):
        with (self.folder / "haproxy.log").open("ab") as log:
            command = [self.program, "-db", "-f", str(self.config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        await_true(self.answers, "HAProxy answering")

    def answers(self):
        try:
            return self.traffic().split() is not None
        except OutsideError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()

    def reload(self):
        """A new process with the configuration's weights."""
        self.stop()
        self.start()

    def traffic(self, *more):
        return shop_of(str(self.folder / "admin.sock"), *more)

    def tell(self, command):
        """One command to its socket, as a person would give it."""
        with socket.create_connection(("127.0.0.1", self.ports["admin"])) as channel:
            channel.sendall(f"{command}\n".encode())
            channel.makefile("rb").read()

    def served(self, requests=400):
        """The canary's share of what was answered."""
        before = self._count()
        for _ in range(requests):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['port']}/serve/200", timeout=5) as answer:
                answer.read()
        return (self._count() - before) / requests

    def _count(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['canary']}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("http_requests_total"))


def shop_of(*sockets):
    """The traffic of the service behind these sockets."""
    return HaproxyTraffic(sockets=sockets, backend="shop", baseline=("stable",), canary=("canary",))


@contextmanager
def running(balancer):
    balancer.start()
    try:
        yield balancer
    finally:
        balancer.stop()
