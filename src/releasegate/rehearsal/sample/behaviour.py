"""How the sample service behaves: seeded latencies, errors and agent costs, and what a fault does to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import Literal

ERROR_SHARE = {"/": 0.00333, "/api/cart": 0.02, "/api/checkout": 0.00333, "/api/agent": 0.00333}
"""The share of a route's requests that fail. The load asks for the cart 40 times in 100, so that 1% of all fail."""
SPREAD = 0.45
"""The standard deviation of a latency's logarithm."""
SLOWEST = 2.0
"""Seconds: no simulated latency is longer."""
AGENT_COST = 0.018
"""Median cost of one agent task, in US dollars."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong: more errors, more time or a costlier agent, by a factor."""

    kind: Literal["errors", "slow", "cost"]
    route: str
    """One route, or `*` for all of them."""
    factor: float

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `KIND:ROUTE:FACTOR`, such as `errors:/api/checkout:6`; `ValueError` says what is wrong."""
        kind, _, rest = text.partition(":")
        route, _, factor = rest.rpartition(":")
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of fault: errors, slow or cost")
        if route != "*" and route not in LATENCY:
            raise ValueError(f"{route!r} is no route: one of * {' '.join(LATENCY)}")
        if not 0 <= float(factor) <= 100:
            raise ValueError(f"{factor} is no factor from 0 to 100")
        return cls(KINDS[kind], route, float(factor))


KINDS: dict[str, Literal["errors", "slow", "cost"]] = {"errors": "errors", "slow": "slow", "cost": "cost"}
LATENCY = {"/": 0.014, "/api/cart": 0.016, "/api/checkout": 0.022, "/api/agent": 0.026}
"""Median simulated latency of each route, in seconds."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to the service in a rehearsal."""

    faults: tuple[Fault, ...] = ()
    """The canary's, from its start."""
    silent: bool = False
    """Whether no request reaches the canary any more after its first `FIRST` ones."""
    outage: tuple[Fault, ...] = ()
    """Both tracks', once the canary had its first `FIRST` requests and its metrics were read `READ` times since."""
    loses: bool = False
    """Whether the candidate says "kept" of work that was queued without a network, and keeps half of it."""


FIRST = 60
"""Requests of the canary until it falls silent: the split has been seen to flow by then."""
READ = 8
"""Readings of the metrics until the outage begins: however slow the machine is, the watch has begun by then."""
SCENARIOS = {
    "healthy": Scenario(),
    "errors": Scenario((Fault("errors", "*", 10),)),
    "slow": Scenario((Fault("slow", "*", 2.5),)),
    "silent": Scenario(silent=True),
    "costly-agent": Scenario((Fault("cost", "/api/agent", 8),)),
    "lost-work": Scenario(loses=True),
    # The page needs nothing that is down, so that the smoke checks of a rollback stay green.
    "shared-outage": Scenario(outage=tuple(Fault("errors", route, 15) for route in LATENCY if route != "/")),
}
"""By name. Only the sample service learns the name."""


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
        self._errors = dict(ERROR_SHARE)
        self._latency = dict(LATENCY)
        self._cost = dict.fromkeys(LATENCY, AGENT_COST)
        for fault in faults:
            changed = {"errors": self._errors, "slow": self._latency, "cost": self._cost}[fault.kind]
            for route in LATENCY if fault.route == "*" else (fault.route,):
                changed[route] *= fault.factor

    def outcome(self, route: str, n: int) -> Outcome:
        """What the `n`th request for `route` meets."""
        random = Random(f"{self._key}:{route}:{n}")
        return Outcome(
            seconds=min(self._latency[route] * exp(random.gauss(0, SPREAD)), SLOWEST),
            fails=random.random() < self._errors[route],
            cost=self._cost[route] * exp(random.gauss(0, 0.6)),
        )
