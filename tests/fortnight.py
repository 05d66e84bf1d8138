"""Fourteen days of a service with three pods: errors in clumps, restarts, a daily wave and one real incident."""

import random
import subprocess
import urllib.request
from math import pi, sin

DAYS = 14
SCRAPE = 60
PODS = ("shop-0", "shop-1", "shop-2")
RATE = 60.0
"""Requests a second of all pods, on average."""
CLUMP = 3
"""Errors in a clump: a client tries again, a batch fails."""
CLUMPS_A_SECOND = RATE * 0.005 / CLUMP
INCIDENT = (-5.0 * 86400, -5.0 * 86400 + 4 * 3600)
"""Seconds before the end, in which every pod fails on a tenth of its requests."""


def write(path, end, days=DAYS, seed=11, restarts=0.25, recent=DAYS):
    """Write the `recent` days of those before `end` (Unix seconds) as OpenMetrics; restarts are of a pod and a day."""
    rng = random.Random(seed)
    lines = ["# TYPE http_requests_total unknown"]
    for pod in PODS:
        good = bad = 0
        goods, bads = [], []
        for after in range(-days * 86400, 1, SCRAPE):
            rate = RATE / len(PODS) * (1 + 0.5 * sin(2 * pi * after / 86400))
            served = round(rng.gauss(rate * SCRAPE, (rate * SCRAPE) ** 0.5))
            failed = CLUMP * sum(rng.random() < CLUMPS_A_SECOND / len(PODS) for _ in range(SCRAPE))
            if INCIDENT[0] <= after < INCIDENT[1]:
                failed += served // 10
            if rng.random() < SCRAPE * restarts / 86400:
                good = bad = 0
            good, bad = good + max(served - failed, 0), bad + failed
            if after >= -recent * 86400:
                goods.append((end + after, good))
                bads.append((end + after, bad))
        for code, samples in (("200", goods), ("503", bads)):
            lines += [f'http_requests_total{{pod="{pod}",code="{code}"}} {value} {at}' for at, value in samples]
    path.write_text("\n".join([*lines, "# EOF", ""]))


def back_fill(program, folder, end, **how):
    """Put the days into `folder/tsdb`, where a Prometheus finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "past.om", end, **how)
    command = [
        program("promtool"), "tsdb", "create-blocks-from", "openmetrics",
        "--max-block-duration=372h", "past.om", "tsdb",
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def into_victoria_metrics(url, path):
    """Import a file that `write` wrote."""
    lines = (line.rsplit(" ", 1) for line in path.read_text().splitlines() if not line.startswith("#"))
    body = "\n".join(f"{sample} {round(float(moment) * 1000)}" for sample, moment in lines) + "\n"
    for address, content in ((f"{url}/api/v1/import/prometheus", body.encode()), (f"{url}/internal/force_flush", None)):
        with urllib.request.urlopen(address, content, timeout=20) as answer:
            assert answer.status in {200, 204}
