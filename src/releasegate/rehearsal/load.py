"""Real HTTP load on two tracks, routed by a flag: `python -I -m releasegate.rehearsal.load --help`.

Each request is made for a seeded user, whom the flag file of a git branch sends to the baseline or the canary, so that
a commit moves the traffic. `http://127.0.0.1:PORT/live` tells which flag file is live and what was measured.
"""

import argparse
import http.client
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from math import ceil
from random import Random
from urllib.parse import urlsplit

from releasegate.rehearsal.routing import Follower, Place
from releasegate.rehearsal.serving import Handler, serve

USERS = 2_000
MIX = {("GET", "/"): 20, ("GET", "/api/cart"): 40, ("POST", "/api/checkout"): 25, ("POST", "/api/agent"): 15}
"""How often each request is made, in percent."""
RATE_WINDOW = 1.0
"""Seconds over which the live split and rate are measured."""
PER_WORKER = 12
"""Requests a second that one connection is planned to make: it may wait 80 ms for each answer."""
PATIENCE = 5.0
"""Seconds to wait for an answer."""
LAG = 0.5
"""Seconds by which the schedule may be behind before it starts anew: late load is not sent in a burst."""


class Plan:
    """Who asks for what and when: an even rate, seeded users and routes."""

    def __init__(self, rate: float, seed: int) -> None:
        self._random = Random(seed)
        self.users = tuple(f"user-{self._random.getrandbits(48):012x}" for _ in range(USERS))
        self._step = 1 / rate
        self._due = time.monotonic()
        self._lock = threading.Lock()

    def next(self) -> tuple[float, str, str, str]:
        """The next request: when it is due (monotonic seconds), user, method and path."""
        with self._lock:
            self._due = max(self._due + self._step, time.monotonic() - LAG)
            ((method, path),) = self._random.choices(tuple(MIX), tuple(MIX.values()))
            return self._due, self._random.choice(self.users), method, path


class Tally:
    """What was sent and what failed, and the split over the last second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, str]] = deque()
        self._sent: Counter[str] = Counter(baseline=0, canary=0)
        self._errors: Counter[str] = Counter(baseline=0, canary=0)

    def add(self, track: str, status: int | None) -> None:
        """Count one request; a status of None means that no answer came."""
        with self._lock:
            self._sent[track] += 1
            self._errors[track] += status is None or status >= 500
            self._recent.append((time.monotonic(), track))
            self._forget()

    def document(self) -> dict[str, object]:
        """The figures as `/live` gives them."""
        with self._lock:
            self._forget()
            canary = sum(track == "canary" for _, track in self._recent)
            total = len(self._recent)
            return {
                "split": canary / total if total else 0.0,
                "rate": total / RATE_WINDOW,
                "sent": dict(self._sent),
                "errors": dict(self._errors),
            }

    def _forget(self) -> None:
        oldest = time.monotonic() - RATE_WINDOW
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()


class Worker:
    """One thread with one keep-alive connection to each track."""

    def __init__(self, targets: Mapping[str, str], plan: Plan, follower: Follower, tally: Tally) -> None:
        self._connections = {track: connection(url) for track, url in targets.items()}
        self._plan = plan
        self._follower = follower
        self._tally = tally

    def work(self, stop: threading.Event) -> None:
        """Make the plan's requests until told to stop."""
        while not stop.is_set():
            due, user, method, path = self._plan.next()
            if stop.wait(max(due - time.monotonic(), 0)):
                break
            track = "canary" if user in self._follower.split.canary else "baseline"
            self._tally.add(track, ask(self._connections[track], method, path))


def connection(url: str) -> http.client.HTTPConnection:
    """A connection to the host and port of an http address."""
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)


def ask(there: http.client.HTTPConnection, method: str, path: str) -> int | None:
    """Make one request and return its status, or None if no answer came; the next request then connects anew."""
    try:
        there.request(method, path)
        response = there.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        there.close()
        return None
    return response.status


def handler(follower: Follower, tally: Tally) -> type[Handler]:
    """The HTTP face of the load: `/live`."""

    class LiveHandler(Handler):
        def do_GET(self) -> None:  # noqa: N802  http.server calls it so
            if self.path.partition("?")[0] != "/live":
                self.answer(404, "application/json", b'{"error":"only /live is here"}')
                return
            document = {"blob": follower.split.blob, **tally.document(), "problem": follower.problem}
            self.answer(200, "application/json", json.dumps(document).encode())

    return LiveHandler


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="releasegate.rehearsal.load", description=__doc__)
    parser.add_argument("--repository", required=True, help="a bare repository")
    parser.add_argument("--branch", default="main")
    parser.add_argument("--file", default="config/feature-flags.yaml", help="the flag file on that branch")
    parser.add_argument("--flag", required=True)
    parser.add_argument("--baseline", required=True, metavar="URL")
    parser.add_argument("--canary", required=True, metavar="URL")
    parser.add_argument("--rate", type=float, default=250, help="requests a second, both tracks together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, required=True, help="of /live; 0 takes a free one and prints it")
    return parser.parse_args()


def main() -> None:
    """Make load until the rehearsal ends."""
    options = arguments()
    plan, tally, stop = Plan(options.rate, options.seed), Tally(), threading.Event()
    follower = Follower(Place(options.repository, options.branch, options.file, options.flag), plan.users)
    follower.poll()
    targets = {"baseline": options.baseline, "canary": options.canary}
    workers = [Worker(targets, plan, follower, tally) for _ in range(ceil(options.rate / PER_WORKER))]
    threads = [threading.Thread(target=task, args=(stop,)) for task in (follower.follow, *(w.work for w in workers))]
    for thread in threads:
        thread.start()
    try:
        serve(options.port, handler(follower, tally))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
