"""A real Prometheus for a rehearsal that wants one: it scrapes both tracks every second."""

import json
import shutil
from pathlib import Path

import yaml

from releasegate.errors import InputError, OutsideError
from releasegate.rehearsal.processes import Processes
from releasegate.runbook.outside import fetch

NAME = "prometheus"


def executable() -> str:
    """The path of the server; `InputError` where it is not installed."""
    found = shutil.which(NAME)
    if found is None:
        raise InputError(
            "no `prometheus` on PATH",
            remedy="install it (Debian: apt-get install prometheus), or leave out --prometheus",
        )
    return found


def start(processes: Processes, folder: Path, port: int, tracks: dict[str, int]) -> str:
    """Start it in `folder` on `port`, scraping the port of each track, and return its URL once it is ready."""
    folder.mkdir()
    config = folder / "prometheus.yml"
    jobs = [{"targets": [f"127.0.0.1:{target}"], "labels": {"track": track}} for track, target in tracks.items()]
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [{"job_name": "shop", "static_configs": jobs}],
            }
        )
    )
    url = f"http://127.0.0.1:{port}"
    options = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    processes.start(NAME, [executable(), *options])
    processes.await_ready(NAME, lambda: _ready(f"{url}/-/ready"))
    return url


def await_counts(processes: Processes, url: str) -> None:
    """Wait until it knows what the load's first requests came to: a watch asks for what was known when the split was
    changed, and a quick machine changes it before the first scrape.
    """
    processes.await_ready(NAME, lambda: _knows(f"{url}/api/v1/query?query=http_request_duration_seconds_bucket"))


def _knows(query: str) -> bool:
    try:
        page = fetch(query)
    except OutsideError:
        return False
    return page.status == 200 and bool(json.loads(page.body)["data"]["result"])


def _ready(url: str) -> bool:
    try:
        return fetch(url).status == 200
    except OutsideError:
        return False
