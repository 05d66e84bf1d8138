"""Real servers for tests: on free ports of 127.0.0.1, awaited by asking them, stopped by their own process id."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

from releasegate.rehearsal.processes import free_ports

DEADLINE = 180.0
"""Seconds after which a server hangs: a busy machine may need many times as long as an idle one."""


def free_port():
    return free_ports(1)[0]


def await_true(ready, what):
    deadline = time.monotonic() + DEADLINE
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not happen within {DEADLINE:g} s"
        time.sleep(0.02)


@contextmanager
def answering(server):
    """An HTTP server of this process answers, in a thread, until it is left; gives its address."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def running(command, ready_url, log, **options):
    """Start `command`, wait until `ready_url` answers (or, being a function, says so), and stop it at the end."""
    with Path(log).open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output, **options) as process:
        try:

            def ready():
                assert process.poll() is None, f"{command[0]} ended: {Path(log).read_text()[-2000:]}"
                return ready_url() if callable(ready_url) else answers(ready_url)

            await_true(ready, f"{ready_url} answering")
            yield process
        finally:
            # Its data is thrown away: nobody waits until it has closed its connections.
            process.kill()


@contextmanager
def prometheus(program, folder, targets, *, interval="500ms", options=(), port=None):
    """A Prometheus that scrapes `targets` (`host:port` to labels), by its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = (
        "".join(
            f"  - targets: ['{target}']\n    labels: {{{', '.join(f'{k}: {v}' for k, v in labels.items())}}}\n"
            for target, labels in targets.items()
        )
        .replace("  - targets", "    - targets")
        .replace("    labels", "      labels")
    )
    config = folder / "prometheus.yml"
    config.write_text(
        f"global: {{scrape_interval: {interval}}}\nscrape_configs:\n- job_name: app\n  static_configs:\n{jobs}"
    )
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y", "--log.level=warn", *options,
    ]  # fmt: skip
    with running(command, f"{url}/-/ready", folder / "prometheus.log"):
        yield url


def query(url, text):
    """The result of an instant query."""
    with urllib.request.urlopen(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': text})}", timeout=5) as answer:
        return json.load(answer)["data"]["result"]


@contextmanager
def victoria_metrics(program, folder, config):
    """A VictoriaMetrics with the scrape configuration of `config`, by its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program("victoria-metrics"), f"-httpListenAddr=127.0.0.1:{port}", f"-promscrape.config={config}",
        "-promscrape.config.strictParse=false", "-search.latencyOffset=0s", "-retentionPeriod=100y",
        f"-storageDataPath={folder / 'victoria'}",
    ]  # fmt: skip
    with running(command, f"{url}/health", folder / "victoria.log"):
        yield url


@contextmanager
def postgresql(program):
    """A PostgreSQL with an empty data folder, by its port; user `app` may do everything. It never runs as root."""
    import psycopg  # noqa: PLC0415  only its tests need it

    port = free_port()
    # Its own user may not enter the folder that pytest gives to the tests.
    with tempfile.TemporaryDirectory(prefix="releasegate-pg-", dir="/tmp") as folder:
        as_ = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if as_:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"
        make = [program("initdb"), "-D", data, "-U", "app", "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **as_)
        command = [program("postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]

        def ready():
            try:
                psycopg.connect(host="127.0.0.1", port=port, user="app", dbname="postgres").close()
            except psycopg.OperationalError:
                return False
            return True

        with running(command, ready, f"{folder}.log", cwd=folder, **as_) as process:
            yield port
            process.send_signal(signal.SIGQUIT)  # its children end with it, and their shared memory
            process.wait(DEADLINE)
        Path(f"{folder}.log").unlink()


@contextmanager
def counting_app(folder, port, code=None):
    """The application of `counting_app.py` on `port`; with `code` it answers everything so."""
    options = [str(port), *([] if code is None else [str(code)])]
    command = [sys.executable, str(Path(__file__).with_name("counting_app.py")), *options]
    with running(command, f"http://127.0.0.1:{port}/metrics", folder / f"app-{port}.log") as process:
        yield process


@contextmanager
def traffic(port, times=None, code=200, when=lambda: True):
    """Requests to the application behind `port`, one after the other: so many, or until the end of the block.

    It answers with `code`. No request is sent while not `when`.
    """
    over = threading.Event()

    def drive():
        left = times
        while not over.is_set() and left != 0:
            left = None if left is None else left - 1
            if not when():
                over.wait(0.1)
                continue
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/serve/{code}", timeout=5).close()
            over.wait(0.05)

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        yield
    finally:
        over.set()
        driver.join()
