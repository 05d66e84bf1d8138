"""A service behind a real HAProxy: two applications with metrics pages, users, and a checkout with its origin."""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

from balancer import Balancer, free_ports
from repositories import committed, git, origin, with_origin
from servers import counting_app
from servers import traffic as users
from worlds import FLAG_FILE, FLAGS

POLICY = """\
version: 1
service: shop
environment: test
gates: {{undated: accept, tests: {{unit: {{junit: report.xml}}}}}}
deploy: {{production: {{command: ["true"], repeat: true}}}}
{traffic}
canary:
  weight: 50%
  window: {window}
  interval: 500ms
  settle: 30s
  detect: {{throughput: 10, ratio: 50}}
  metrics: {{scrape: {{baseline: "http://127.0.0.1:{stable}/metrics", canary: "http://127.0.0.1:{canary}/metrics"}}}}
  slis:
    errors: {{ratio: {{bad: 'http_requests_total{{code=~"5.."}}', total: http_requests_total}}, limit: 50%}}
    rate:   {{throughput: http_requests_total}}
"""
REPORT = '<testsuite name="unit" tests="1"><testcase name="it works" classname="unit"/></testsuite>\n'


class Routed:
    """What a person has in front of them: a checkout, and a service with users."""

    def __init__(self, folder, balancer):
        self.folder, self.balancer = folder, balancer

    def command(self, *arguments):
        return [sys.executable, "-I", "-m", "releasegate", *arguments]

    def environment(self):
        return {**os.environ, "RUNNER_TEMP": str(self.folder.parent / "runner")}

    def run(self, *arguments):
        options = {"cwd": self.folder, "capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
        done = subprocess.run(self.command(*arguments), check=False, env=self.environment(), **options)
        return done.returncode, done.stdout, done.stderr

    def weights(self):
        """Of the first server and of the second."""
        return self.balancer.traffic()._read(str(self.balancer.folder / "admin.sock")).now


@contextmanager
def routed(program, folder, *, traffic, window="10s"):
    """The whole of it; `traffic` is the policy's line, where `{socket}` stands for HAProxy's."""
    ports = free_ports()
    (folder / "haproxy").mkdir(parents=True)
    with ExitStack() as stack:
        for name in ("stable", "canary"):
            stack.enter_context(counting_app(folder / "haproxy", ports[name]))
        balancer = Balancer(program, folder / "haproxy", ports)
        balancer.start()
        stack.callback(balancer.stop)
        stack.enter_context(users(ports["port"]))
        checkout = with_origin(folder / "here", origin(folder / "origin"))
        line = traffic.format(socket=balancer.folder / "admin.sock")
        policy = POLICY.format(traffic=line, window=window, stable=ports["stable"], canary=ports["canary"])
        files = {FLAG_FILE: FLAGS.decode(), "releasegate.yaml": policy, "report.xml": REPORT}
        committed(checkout, files)
        git(checkout, "push", "--quiet", "origin", "HEAD:main")
        yield Routed(checkout, balancer)
