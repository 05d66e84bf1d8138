"""ZAP's reports in their three formats: what is read of each, and the words for what is no report."""

import json
from datetime import UTC, datetime

import pytest

from releasegate.errors import InconclusiveError
from releasegate.gates.zap.read import read_report
from releasegate.gates.zap.report import Alert, Confidence, Insight, Instance, Method, Node, Risk

XML = """<?xml version="1.0"?>
<OWASPZAPReport programName="ZAP" version="2.17.0" generated="Mon" created="2026-01-05T09:00:00.123456789Z">
 <site name="http://empty.test" host="empty.test" port="80" ssl="false"><alerts/></site>
 <site name="https://shop.test" host="shop.test" port="443" ssl="true"><alerts>
  <alertitem>
   <pluginid>10038</pluginid><alertRef>10038-1</alertRef><alert>CSP</alert><name>CSP missing</name>
   <riskcode>2</riskcode><confidence>3</confidence><systemic>true</systemic>
   <instances>
    <instance><uri>https://shop.test/?a=1</uri><method>GET</method><param>a</param>
     <nodeName>https://shop.test/ (a)</nodeName></instance>
    <instance><uri>https://shop.test/b</uri><method>PURGE</method><param></param></instance>
   </instances>
  </alertitem>
  <alertitem>
   <pluginid>90022</pluginid><alert>Old</alert><riskcode>0</riskcode><confidence>0</confidence>
   <uri>https://shop.test/old</uri><method>POST</method>
  </alertitem>
  <alertitem><pluginid>1</pluginid><riskcode>3</riskcode><confidence>4</confidence></alertitem>
 </alerts></site>
 <insights><insight><key>k</key><level>Low</level><description>d</description><statistic>7</statistic>
  <site>https://shop.test</site></insight></insights>
 <afPlanErrors><error>one</error><error>two</error></afPlanErrors>
 <stoppingInsight><description>too many failures</description></stoppingInsight>
</OWASPZAPReport>"""


def test_xml_is_read_alert_by_alert():
    report = read_report(XML.encode(), "r.xml")
    assert report.sites == ("http://empty.test", "https://shop.test")
    assert report.created == datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)
    assert report.alerts == (
        Alert(
            "https://shop.test", "10038", "10038-1", "CSP missing", Risk.MEDIUM, Confidence.HIGH,
            (
                Node("https://shop.test/?a=1", "GET", "a", "https://shop.test/ (a)"),
                Node("https://shop.test/b", "PURGE", "", ""),
            ),
            systemic=True,
        ),
        Alert(
            "https://shop.test", "90022", "90022", "Old", Risk.INFO, Confidence.FALSE_POSITIVE,
            (Node("https://shop.test/old", "POST", "", ""),),
        ),
        Alert("https://shop.test", "1", "1", "", Risk.HIGH, Confidence.CONFIRMED, ()),
    )  # fmt: skip
    assert report.insights == (Insight("k", "Low", "d", "7", "https://shop.test"),)
    assert (report.path, report.stopped, report.plan_errors) == ("r.xml", "too many failures", 2)


def test_xml_without_extras_was_not_stopped():
    report = read_report(b'<OWASPZAPReport><site name="s"><alerts/></site></OWASPZAPReport>', "r")
    assert (report.sites, report.stopped, report.plan_errors, report.created) == (("s",), None, 0, None)
    report = read_report(b"<OWASPZAPReport><stoppingInsight/></OWASPZAPReport>", "r")
    assert report.stopped == "no reason given"


ITEM = (
    "<site name='s'><alerts><alertitem><pluginid>1</pluginid><riskcode>{}</riskcode><confidence>{}</confidence>"
    "</alertitem></alerts></site>"
)
AGAIN = "scan again, or fetch the artifact again"
SHAPE = "has not the shape of a ZAP report: "


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<site name='s'/>", "holds a site without `alerts`"),
        ("<site><alerts/></site>", f"{SHAPE}a site's `name` is missing"),
        ("<site name='s'><alerts><alertitem/></alerts></site>", f"{SHAPE}an alert's `pluginid` is missing"),
        (ITEM.format("", "1"), f"{SHAPE}an alert's `riskcode` is missing"),
        (ITEM.format("1", ""), f"{SHAPE}an alert's `confidence` is missing"),
        (ITEM.format("high", "1"), f"{SHAPE}riskcode is 'high'"),
        (ITEM.format("12", "1"), f"{SHAPE}riskcode is '12'"),
        (ITEM.format("4", "1"), "holds the risk 4, which ZAP does not have (it has 0 to 3)"),
        (ITEM.format("1", "5"), "holds the confidence 5, which ZAP does not have (it has 0 to 4)"),
    ],
)
def test_xml_of_another_shape_is_named(inside, what):
    with pytest.raises(InconclusiveError) as caught:
        read_report(f"<OWASPZAPReport>{inside}</OWASPZAPReport>".encode(), "r.xml")
    assert str(caught.value) == f"r.xml: {what}; scan again, or fetch the artifact again"


def test_xml_of_another_kind_is_named():
    with pytest.raises(InconclusiveError) as caught:
        read_report(b"<html/>", "r.xml")
    assert str(caught.value) == "r.xml: is no ZAP report: its root is <html>; was it meant?"


def log(*results, rules=(), name="OWASP ZAP"):
    driver = {"name": name, "rules": list(rules)}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}]}).encode()


def at(uri, **more):
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}, **more}


RULE = {
    "id": "10038-1", "name": "10038", "shortDescription": {"text": "CSP"}, "defaultConfiguration": {"level": "note"},
    "properties": {"confidence": "High"},
}  # fmt: skip


def test_sarif_is_read_result_by_result():
    logical = [{"name": "https://shop.test:8443/b", "kind": "POST"}]
    report = read_report(
        log(
            {"ruleId": "10038-1", "locations": [at("https://shop.test/a"), at("http://shop.test/a")],
             "webRequest": {"method": "GET", "target": "x"}},
            {"ruleId": "10038-1", "level": "error", "locations": [at("x", logicalLocations=logical)]},
            {"ruleId": "7", "level": "none", "locations": []},
            {"ruleId": "8", "locations": [at("shop.test/path")]},
            rules=[RULE],
        ),
        "r.sarif",
    )  # fmt: skip
    assert report.alerts == (
        Alert("https://shop.test", "10038", "10038-1", "CSP", Risk.LOW, Confidence.HIGH,
              (Instance("https://shop.test/a", "GET"),)),
        Alert("http://shop.test", "10038", "10038-1", "CSP", Risk.LOW, Confidence.HIGH,
              (Instance("http://shop.test/a", "GET"),)),
        Alert("https://shop.test:8443", "10038", "10038-1", "CSP", Risk.HIGH, Confidence.HIGH,
              (Instance("https://shop.test:8443/b", "POST"),)),
        Alert("", "7", "7", "7", Risk.INFO, Confidence.FALSE_POSITIVE, (Instance(),)),
        Alert("shop.test", "8", "8", "8", Risk.MEDIUM, Confidence.MEDIUM, (Instance("shop.test/path"),)),
    )  # fmt: skip
    assert report.sites == ("https://shop.test", "http://shop.test", "https://shop.test:8443", "", "shop.test")


def test_sarif_that_is_odd_weighs_most():
    odd = {"ruleId": "10-2-3", "level": "fatal", "locations": [{}, at("shop.test/a/b"), {"physicalLocation": {}}]}
    nameless, placed = read_report(log(odd, rules=[{"id": "x"}]), "r.sarif").alerts
    assert (nameless.site, nameless.plugin, nameless.ref, nameless.risk) == ("", "10", "10-2-3", Risk.HIGH)
    assert nameless.instances == (Instance(), Instance())
    assert (placed.site, placed.instances) == ("shop.test", (Instance("shop.test/a/b"),))
    assert Method("PURGE").value == "PURGE"


def test_sarif_that_proves_nothing_is_named():
    for content, what in (
        (
            log(),
            "is SARIF without results, which does not say whether anything was scanned; hand over ZAP's JSON report",
        ),
        (log({"ruleId": "1"}, name="CodeQL"), "is no ZAP report: its tool is 'CodeQL'; was it meant?"),
        (b'{"runs": [{}]}', f"{SHAPE}Object missing required field `tool` - at `$.runs[0]`; scan again"),
    ):
        with pytest.raises(InconclusiveError) as caught:
            read_report(content, "r.sarif")
        assert str(caught.value).startswith(f"r.sarif: {what}")


def test_json_keeps_what_the_action_dropped_and_why_a_scan_ended():
    alert = {
        "pluginid": "1",
        "riskcode": "1",
        "confidence": "2",
        "alert": "A",
        "instances": [{"uri": "u", "nodeName": "n"}],
    }
    site = {"@name": "s", "alerts": [alert], "ignoredAlerts": [{**alert, "alertRef": "1-2", "name": "B"}]}
    extra = {"stoppingInsight": {"key": "k"}, "afPlanErrors": ["x"], "created": "2026-01-05T09:00:00"}
    report = read_report(json.dumps({"site": [site], **extra}).encode(), "r.json", nodes=True)
    assert [(a.ref, a.name, a.dropped, a.systemic) for a in report.alerts] == [
        ("1", "A", False, False),
        ("1-2", "B", True, False),
    ]
    assert report.alerts[0].instances == [Node("u", "", "", "n")]
    assert (report.stopped, report.plan_errors, report.created, report.sites) == ("k", 1, None, ("s",))
    assert type(read_report(json.dumps({"site": [site]}).encode(), "r").alerts[0].instances[0]) is Instance


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty; scan again, and keep the report as JSON or XML"),
        (b"  \n", "is empty; scan again, and keep the report as JSON or XML"),
        (b"PK", "is no ZAP report: neither JSON nor XML; scan again, and keep the report as JSON or XML"),
        (b"{}", "is no ZAP report: it has no `site`; was another file meant?"),
        (b'{"site": [', "is not whole: Input data was truncated; scan again, or fetch the artifact again"),
        (b'{"site": [{}]}', f"{SHAPE}Object missing required field `@name` - at `$.site[0]`; {AGAIN}"),
        (b'{"site": [{"@name": "\xff"}]}', "is not UTF-8; scan again, or fetch the artifact again"),
        (b'{"a":' * 100_000, "is nested too deeply; was another file meant?"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_named(content, what):
    with pytest.raises(InconclusiveError) as caught:
        read_report(content, "r")
    assert str(caught.value) == f"r: {what}"
