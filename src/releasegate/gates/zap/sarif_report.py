"""Reads ZAP's alerts back from SARIF: of ZAP's own template, and of the converters that made one for GitHub."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from releasegate.errors import InconclusiveError
from releasegate.gates.zap.decoding import decode
from releasegate.gates.zap.report import Alert, Confidence, Instance, Method, Report, Risk

_RISKS = {"error": Risk.HIGH, "warning": Risk.MEDIUM, "note": Risk.LOW, "none": Risk.INFO}
_CONFIDENCES = {confidence.label.lower(): confidence for confidence in Confidence}


class _Text(msgspec.Struct):
    text: str = ""


class _Configuration(msgspec.Struct):
    level: str = "warning"


class _Rule(msgspec.Struct):
    id: str
    name: str = ""
    short: _Text | None = msgspec.field(name="shortDescription", default=None)
    configuration: _Configuration | None = msgspec.field(name="defaultConfiguration", default=None)
    properties: dict[str, Any] = {}


class _Artifact(msgspec.Struct):
    uri: str = ""


class _Physical(msgspec.Struct):
    artifact: _Artifact | None = msgspec.field(name="artifactLocation", default=None)


class _Logical(msgspec.Struct):
    name: str = ""
    kind: str = ""


class _Location(msgspec.Struct):
    physical: _Physical | None = msgspec.field(name="physicalLocation", default=None)
    logical: list[_Logical] = msgspec.field(name="logicalLocations", default_factory=list)


class _Request(msgspec.Struct):
    method: str = ""
    target: str = ""


class _Result(msgspec.Struct):
    rule: str = msgspec.field(name="ruleId")
    level: str | None = None
    locations: list[_Location] = []
    request: _Request | None = msgspec.field(name="webRequest", default=None)


class _Driver(msgspec.Struct):
    name: str
    rules: list[_Rule] = []


class _Tool(msgspec.Struct):
    driver: _Driver


class _Run(msgspec.Struct):
    tool: _Tool
    results: list[_Result] | None = None


class _Log(msgspec.Struct):
    runs: list[_Run]


_decoder = msgspec.json.Decoder(_Log)


def read_sarif(content: memoryview, path: str) -> Report:
    """The alerts of a SARIF log, one per result. It names no sites, so that one without results proves nothing."""
    log: _Log = decode(_decoder, content, path)
    for run in log.runs:
        if "zap" not in run.tool.driver.name.lower():
            name = run.tool.driver.name[:60]
            raise InconclusiveError(f"is no ZAP report: its tool is {name!r}", where=path, remedy="was it meant?")
    alerts = [alert for run in log.runs for result in run.results or () for alert in _alerts(result, run)]
    if not alerts:
        what = "is SARIF without results, which does not say whether anything was scanned"
        raise InconclusiveError(what, where=path, remedy="hand over ZAP's JSON report instead")
    sites = dict.fromkeys(alert.site for alert in alerts)
    return Report(path=path, sites=tuple(sites), alerts=tuple(alerts))


def _alerts(result: _Result, run: _Run) -> list[Alert]:
    """One alert for each site that the result's locations lie on."""
    rule = next((rule for rule in run.tool.driver.rules if rule.id == result.rule), _Rule(result.rule))
    level = result.level or (rule.configuration.level if rule.configuration else "warning")
    placed: dict[str, list[Instance]] = {}
    for instance in [_instance(location, result) for location in result.locations] or [Instance()]:
        placed.setdefault(_site(instance.uri), []).append(instance)
    stated = str(rule.properties.get("confidence", "")).lower()
    unknown = Confidence.FALSE_POSITIVE if level == "none" else Confidence.MEDIUM
    return [
        Alert(
            site=site,
            plugin=result.rule.partition("-")[0] or result.rule,
            ref=result.rule,
            name=(rule.short.text if rule.short else "") or rule.name or result.rule,
            risk=_RISKS.get(level, Risk.HIGH),
            confidence=_CONFIDENCES.get(stated, unknown),
            instances=tuple(instances),
        )
        for site, instances in placed.items()
    ]


def _instance(location: _Location, result: _Result) -> Instance:
    logical = location.logical[0] if location.logical else _Logical()
    artifact = location.physical.artifact if location.physical else None
    address = logical.name if "://" in logical.name else (artifact.uri if artifact else "")
    method = logical.kind or (result.request.method if result.request else "")
    return Instance(uri=address, method=Method(method))


def _site(uri: str) -> str:
    """`scheme://host:port` of an address; the host alone where a converter took the scheme away."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else uri.partition("/")[0]
