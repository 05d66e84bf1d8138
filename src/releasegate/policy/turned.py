"""Blue-green: the policy as it reads when green is live, with its two tracks exchanged.

What the procedures call `baseline` is always the colour that is live. So nothing else has to know of colours but who
names a track to the user.
"""

from dataclasses import replace
from typing import Any, TypeVar

from releasegate.policy.canary import Canary, Sli
from releasegate.policy.model import Policy, Traffic

T = TypeVar("T")


def turned(policy: Policy) -> Policy:
    """`policy` with `baseline` and `canary` exchanged wherever both are named. Turned twice it is itself.

    A command (`traffic.command`) names no track: who runs it has to turn its percentage.
    """
    traffic, canary = policy.traffic, policy.canary
    return replace(
        policy, traffic=traffic and _turned_traffic(traffic), canary=canary and _turned_canary(canary)
    )  # fmt: skip


def _turned_traffic(traffic: Traffic) -> Traffic:
    return replace(
        traffic, document=_exchanged(traffic.document), haproxy=_exchanged(traffic.haproxy),
        health=_exchanged(traffic.health),
    )  # fmt: skip


def _turned_canary(canary: Canary) -> Canary:
    metrics = replace(canary.metrics, scrape=_exchanged(canary.metrics.scrape))
    slis: dict[str, Sli] = {name: replace(sli, tracks=_exchanged(sli.tracks)) for name, sli in canary.slis.items()}
    return replace(
        canary, metrics=metrics, slis=slis, tracks=_exchanged(canary.tracks), preset=_exchanged(canary.preset)
    )  # fmt: skip


def _exchanged(section: T) -> T:
    """`section`, which has both tracks, or None."""
    both: Any = section
    exchanged: T = both and replace(both, baseline=both.canary, canary=both.baseline)
    return exchanged
