"""Steady load on one address, and what the canary made of it.

    python steady_load.py HOST PORT RATE     until standard input ends; then one JSON document

It holds how many requests the baseline answered, and of each answer of the canary the time (Unix seconds) and status.
"""

import http.client
import json
import sys
import threading
import time

from releasegate.rehearsal.load import PER_WORKER, Plan


class Worker(threading.Thread):
    """One keep-alive connection."""

    def __init__(self, plan, host, port):
        super().__init__(daemon=True)
        self.plan, self.there = plan, http.client.HTTPConnection(host, port, timeout=10)
        self.baseline, self.canary, self.over = 0, [], False

    def run(self):
        while not self.over:
            due, _, method, path = self.plan.next()
            time.sleep(max(due - time.monotonic(), 0))
            try:
                self.there.request(method, path)
                answer = self.there.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                self.there.close()
                continue
            if b"canary" in body:
                self.canary.append((time.time(), answer.status))
            else:
                self.baseline += 1


def main():
    host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    plan = Plan(rate, seed=1)
    workers = [Worker(plan, host, port) for _ in range(int(rate / PER_WORKER) + 1)]
    for worker in workers:
        worker.start()
    sys.stdin.read()
    for worker in workers:
        worker.over = True
    canary = sorted(answer for worker in workers for answer in list(worker.canary))
    json.dump({"baseline": sum(worker.baseline for worker in workers), "canary": canary}, sys.stdout)


if __name__ == "__main__":
    main()
