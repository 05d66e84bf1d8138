"""Reads ZAP's JSON and JSON-plus reports of every version, as far as a verdict needs them."""

from typing import Annotated, Any, Generic, TypeVar

import msgspec

from releasegate.errors import InconclusiveError
from releasegate.gates.zap.decoding import decode, moment, rated
from releasegate.gates.zap.report import Alert, Confidence, Insight, Instance, Node, Report, Risk
from releasegate.gates.zap.sarif_report import read_sarif

_Digit = Annotated[int, msgspec.Meta(ge=0, le=9)]


_I = TypeVar("_I", bound=Instance)


class _Alert(msgspec.Struct, Generic[_I], gc=False):
    pluginid: str
    riskcode: _Digit
    confidence: _Digit
    name: str = ""
    alert: str = ""
    ref: str = msgspec.field(name="alertRef", default="")
    instances: list[_I] = []
    systemic: bool = False


class _Site(msgspec.Struct, Generic[_I], gc=False):
    name: str = msgspec.field(name="@name")
    alerts: list[_Alert[_I]]
    ignored: list[_Alert[_I]] = msgspec.field(name="ignoredAlerts", default_factory=list)


class _Report(msgspec.Struct, Generic[_I], gc=False):
    site: list[_Site[_I]] | msgspec.UnsetType = msgspec.UNSET
    runs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    created: str = ""
    insights: list[Insight] = []
    stopping: Insight | None = msgspec.field(name="stoppingInsight", default=None)
    plan_errors: list[Any] = msgspec.field(name="afPlanErrors", default_factory=list)


_plain = msgspec.json.Decoder(_Report[Instance], strict=False)
_with_nodes = msgspec.json.Decoder(_Report[Node], strict=False)


def read_json(content: memoryview, path: str, *, nodes: bool) -> Report:
    """The report in `content`, a JSON object; `InconclusiveError` where it is cut off or of another shape."""
    found: _Report[Any] = decode(_with_nodes if nodes else _plain, content, path)
    if not isinstance(found.runs, msgspec.UnsetType):
        return read_sarif(content, path)
    if isinstance(found.site, msgspec.UnsetType):
        raise InconclusiveError("is no ZAP report: it has no `site`", where=path, remedy="was another file meant?")
    stopping = found.stopping
    return Report(
        path=path,
        sites=tuple(site.name for site in found.site),
        alerts=tuple(_alert(alert, site, dropped, path) for site in found.site for alert, dropped in _alerts(site)),
        insights=tuple(found.insights),
        stopped=None if stopping is None else stopping.description or stopping.key or "no reason given",
        plan_errors=len(found.plan_errors),
        created=moment(found.created),
    )


def _alerts(site: _Site[Any]) -> list[tuple[_Alert[Any], bool]]:
    return [(alert, False) for alert in site.alerts] + [(alert, True) for alert in site.ignored]


def _alert(alert: _Alert[Any], site: _Site[Any], dropped: bool, path: str) -> Alert:
    return Alert(
        site=site.name,
        plugin=alert.pluginid,
        ref=alert.ref or alert.pluginid,
        name=alert.name or alert.alert,
        risk=rated(Risk, alert.riskcode, path),
        confidence=rated(Confidence, alert.confidence, path),
        instances=alert.instances,
        systemic=alert.systemic,
        dropped=dropped,
    )
