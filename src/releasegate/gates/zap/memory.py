"""A scan as the ledger keeps it, for a later one to be compared with: places only, without ids, tokens and values."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from releasegate.errors import InconclusiveError
from releasegate.gates.zap.address import anonymous, place
from releasegate.gates.zap.report import Alert, Confidence, Method, Node, Risk

MOST = 20_000
"""Places that are kept; what is beyond is new the next time."""


class _Kept(msgspec.Struct):
    site: str
    plugin: str
    ref: str
    name: str
    risk: Risk
    confidence: Confidence
    systemic: bool
    places: list[tuple[str, str, str, str]]
    """Address, method, parameter and `nodeName`."""


def remember(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    """The alerts, as JSON holds them."""
    kept: list[dict[str, Any]] = []
    room = MOST
    for alert in alerts:
        if alert.dropped:
            continue
        places = list(dict.fromkeys(_place(instance) for instance in alert.instances))[:room]
        room -= len(places)
        kept.append(
            msgspec.to_builtins(
                _Kept(alert.site, alert.plugin, alert.ref, alert.name, alert.risk, alert.confidence, alert.systemic,
                      places)
            )
        )  # fmt: skip
    return kept


def recall(memory: Any) -> Sequence[Alert]:
    """The alerts that `remember` kept; `InconclusiveError` where it is something else."""
    try:
        kept = msgspec.convert(memory, list[_Kept])
    except msgspec.ValidationError as error:
        raise InconclusiveError(f"holds no scan to compare with: {error}", where="ledger", remedy=_VERIFY) from error
    return [
        Alert(
            site=one.site,
            plugin=one.plugin,
            ref=one.ref,
            name=one.name,
            risk=one.risk,
            confidence=one.confidence,
            systemic=one.systemic,
            instances=[Node(uri, Method(method), param, node) for uri, method, param, node in one.places],
        )
        for one in kept
    ]


def _place(instance: Any) -> tuple[str, str, str, str]:
    node = place(instance) if isinstance(instance, Node) and instance.node else ""
    return anonymous(instance.uri), str(instance.method), instance.param, node


_VERIFY = "run `releasegate ledger verify`"
