"""How the sample service behaves: seeded latencies, errors and agent costs, and what a fault does to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import Literal

ERROR_SHARE = 0.01
SPREAD = 0.45
"""The standard deviation of a latency's logarithm."""
SLOWEST = 2.0
"""Seconds: no simulated latency is longer."""
AGENT_COST = 0.018
"""Median cost of one agent task, in US dollars."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a new version: more errors, or more time, by a factor."""

    kind: Literal["errors", "slow"]
    route: str
    """One route, or `*` for all of them."""
    factor: float

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `KIND:ROUTE:FACTOR`, such as `errors:/api/checkout:6`; `ValueError` says what is wrong."""
        kind, _, rest = text.partition(":")
        route, _, factor = rest.rpartition(":")
        if kind not in ("errors", "slow"):
            raise ValueError(f"{kind!r} is no kind of fault: errors or slow")
        if route != "*" and route not in LATENCY:
            raise ValueError(f"{route!r} is no route: one of * {' '.join(LATENCY)}")
        if not 0 <= float(factor) <= 100:
            raise ValueError(f"{factor} is no factor from 0 to 100")
        return cls("errors" if kind == "errors" else "slow", route, float(factor))


LATENCY = {"/": 0.014, "/api/cart": 0.016, "/api/checkout": 0.022, "/api/agent": 0.026}
"""Median simulated latency of each route, in seconds."""

SCENARIOS: dict[str, tuple[Fault, ...]] = {
    "healthy": (),
    "errors": (Fault("errors", "*", 10),),
    "slow": (Fault("slow", "*", 2.5),),
}
"""What each scenario does to the canary; the baseline is always healthy."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request meets."""

    seconds: float
    fails: bool
    cost: float
    """What the agent's work costs, in US dollars; it is spent also when the request fails."""


class Behaviour:
    """The outcome of the nth request for each route. A seed and a track always give the same ones."""

    def __init__(self, seed: int, track: str, faults: Sequence[Fault] = ()) -> None:
        self._key = f"{seed}:{track}"
        self._errors = dict.fromkeys(LATENCY, ERROR_SHARE)
        self._latency = dict(LATENCY)
        for fault in faults:
            changed = self._errors if fault.kind == "errors" else self._latency
            for route in LATENCY if fault.route == "*" else (fault.route,):
                changed[route] *= fault.factor

    def outcome(self, route: str, n: int) -> Outcome:
        """What the `n`th request for `route` meets."""
        random = Random(f"{self._key}:{route}:{n}")
        return Outcome(
            seconds=min(self._latency[route] * exp(random.gauss(0, SPREAD)), SLOWEST),
            fails=random.random() < self._errors[route],
            cost=AGENT_COST * exp(random.gauss(0, 0.6)),
        )
