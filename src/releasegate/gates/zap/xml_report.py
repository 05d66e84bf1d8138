"""Reads ZAP's XML and XML-plus reports of every version, alert by alert."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

from releasegate.errors import InconclusiveError
from releasegate.gates.xml import parse
from releasegate.gates.zap.decoding import AGAIN, moment, rated
from releasegate.gates.zap.report import Alert, Confidence, Insight, Method, Node, Report, Risk


def read_xml(content: bytes, path: str) -> Report:
    """The report in `content`; `InconclusiveError` where it is no ZAP report, cut off, or not safe to read."""
    alerts: list[Alert] = []
    sites: list[str] = []
    unplaced: list[Alert] = []

    def alert(element: Element) -> None:
        unplaced.append(_alert(element, path))

    def site(element: Element) -> None:
        if element.find("alerts") is None:
            raise InconclusiveError("holds a site without `alerts`", where=path, remedy=AGAIN)
        sites.append(_required(element.get("name"), "a site's `name`", path))
        alerts.extend(replace(found, site=sites[-1]) for found in unplaced)
        unplaced.clear()

    root = parse(content, path, {"alerts/alertitem": alert, "OWASPZAPReport/site": site})
    if root.tag != "OWASPZAPReport":
        raise InconclusiveError(f"is no ZAP report: its root is <{root.tag[:60]}>", where=path, remedy="was it meant?")
    stopping = root.find("stoppingInsight")
    return Report(
        path=path,
        sites=tuple(sites),
        alerts=tuple(alerts),
        insights=tuple(_insight(insight) for insight in root.iterfind("insights/insight")),
        stopped=None if stopping is None else stopping.findtext("description") or "no reason given",
        plan_errors=len(root.findall("afPlanErrors/*")),
        created=moment(root.get("created", "")),
    )


def _alert(element: Element, path: str) -> Alert:
    plugin = _required(element.findtext("pluginid"), "an alert's `pluginid`", path)
    listed = [_instance(instance) for instance in element.iterfind("instances/instance")]
    # Before 2.6 each alert was one instance, with its address in the alert itself.
    instances = listed or ([_instance(element)] if element.find("uri") is not None else [])
    return Alert(
        site="",
        plugin=plugin,
        ref=element.findtext("alertRef") or plugin,
        name=element.findtext("name") or element.findtext("alert") or "",
        risk=rated(Risk, _number(element, "riskcode", path), path),
        confidence=rated(Confidence, _number(element, "confidence", path), path),
        instances=tuple(instances),
        systemic=element.findtext("systemic") == "true",
    )


def _instance(element: Element) -> Node:
    text: Callable[[str], str] = lambda name: element.findtext(name) or ""  # noqa: E731
    return Node(uri=text("uri"), method=Method(text("method")), param=text("param"), node=text("nodeName"))


def _insight(element: Element) -> Insight:
    text: Callable[[str], str] = lambda name: element.findtext(name) or ""  # noqa: E731
    return Insight(
        key=text("key"),
        level=text("level"),
        description=text("description"),
        statistic=text("statistic"),
        site=text("site"),
    )


def _required(value: str | None, name: str, path: str) -> str:
    if not value:
        raise InconclusiveError(f"has not the shape of a ZAP report: {name} is missing", where=path, remedy=AGAIN)
    return value


def _number(element: Element, name: str, path: str) -> int:
    text = _required(element.findtext(name), f"an alert's `{name}`", path)
    if not (text.isascii() and text.isdigit() and len(text) == 1):
        what = f"has not the shape of a ZAP report: {name} is {text[:20]!r}"
        raise InconclusiveError(what, where=path, remedy=AGAIN)
    return int(text)
