"""A ZAP report of 70 MB: the whole verdict against `json.loads` of the same bytes, in time and in memory.

    python benchmarks/zap_large.py [--megabytes 70] [--rounds 5]

The report is made in a temporary folder, in the shape that ZAP 2.17 writes: three sites, forty kinds of alert each,
every instance with an address, node name and evidence of its own. Each round is a process of its own; the shortest
time counts, and the largest peak. "Verdict" is everything from opening the file to the printed text, without hashing,
which is printed apart, and without starting Python; `json.loads` is that call alone. Peak memory is that of the whole
process, the interpreter with it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

MEGABYTE = 1_000_000

LOADS = """
import json, resource, sys, time
content = open(sys.argv[1], "rb").read()
start = time.perf_counter()
json.loads(content)
print(time.perf_counter() - start, 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
VERDICT = """
import hashlib, os, resource, sys, time
from releasegate.cli.app import App
from releasegate.cli.gate_zap import zap
from releasegate.gates.zap import baseline, json_report
from releasegate.render import text
from releasegate import verdict
content = open(sys.argv[1], "rb").read()
start = time.perf_counter()
hashlib.sha256(content).hexdigest()
hashing = time.perf_counter() - start
del content
sys.stdout = open(os.devnull, "w")
start = time.perf_counter()
zap.main([sys.argv[1]], standalone_mode=False, obj=App())
whole = time.perf_counter() - start
print(whole - hashing, hashing, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.__stdout__)
"""


def instance(site: str, alert: int, number: int) -> dict[str, str]:
    path = f"/shop/catalogue/category-{number % 40}/product/{number}"
    return {
        "id": str(number),
        "uri": f"{site}{path}?page={number % 9}&sort=price",
        "nodeName": f"{site}{path} (page,sort)",
        "method": "GET" if alert % 4 else "POST",
        "param": "page" if alert % 3 == 0 else "",
        "attack": "",
        "evidence": f'<form action="/basket/{number}" method="post">' if alert % 2 else "",
        "otherinfo": "",
    }


def report(instances: int) -> dict[str, object]:
    sites = []
    for site in ("https://shop.example", "https://api.shop.example", "http://static.shop.example"):
        alerts = [
            {
                "pluginid": str(10000 + alert),
                "alertRef": f"{10000 + alert}-1",
                "alert": f"Alert {alert}",
                "name": f"Alert {alert}",
                "riskcode": str(alert % 3),
                "confidence": "2",
                "riskdesc": "Medium (Medium)",
                "desc": f"<p>{'What this alert means. ' * 30}</p>",
                "instances": [instance(site, alert, number) for number in range(instances)],
                "count": str(instances),
                "systemic": False,
                "solution": f"<p>{'What to do about it. ' * 20}</p>",
                "otherinfo": "",
                "reference": "<p>https://www.zaproxy.org/</p>",
                "cweid": "693",
                "wascid": "15",
                "sourceid": "3",
            }
            for alert in range(40)
        ]
        sites.append({"@name": site, "@host": site, "@port": "443", "@ssl": "true", "alerts": alerts})
    return {"@programName": "ZAP", "@version": "2.17.0", "created": "2026-01-05T09:00:00Z", "site": sites}


def make(path: Path, size: int) -> None:
    """Write a report of about `size` bytes."""
    small, larger = (len(json.dumps(report(instances), indent="\t")) for instances in (100, 200))
    path.write_text(json.dumps(report(100 + (size - small) * 100 // (larger - small)), indent="\t"))


def measured(program: str, path: Path, rounds: int) -> tuple[float, float, float]:
    """Shortest time and hashing time in seconds, largest peak in bytes."""
    runs = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
        runs.append([float(figure) for figure in done.stdout.split()])
    return min(run[0] for run in runs), min(run[1] for run in runs), max(run[2] for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=70)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make, arguments.megabytes * MEGABYTE)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        # A process of its own makes the report: a child's peak begins with what its parent held.
        make_it = [sys.executable, __file__, "--make", str(path), "--megabytes", str(arguments.megabytes)]
        subprocess.run(make_it, check=True)
        size = path.stat().st_size
        loads, _, loads_peak = measured(LOADS, path, arguments.rounds)
        verdict, hashing, peak = measured(VERDICT, path, arguments.rounds)
    print(f"report: {size / MEGABYTE:.1f} MB")
    print(f"json.loads: {loads:.3f} s, peak {loads_peak / size:.2f} times the file")
    print(f"verdict: {verdict:.3f} s (and hashing {hashing:.3f} s), peak {peak / size:.2f} times the file")
    print(f"time ratio: {verdict / loads:.2f} (at most 0.5), memory: {peak / size:.2f} (at most 2.2)")


if __name__ == "__main__":
    main()
