"""`releasegate gate zap` as a user meets it: reports in, a verdict with its exit code out."""

import json
from hashlib import sha256
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.gate_zap import zap
from releasegate.errors import InputError
from releasegate.gates.zap import read

EXIT_CODES = {"pass": 0, "warn": 0, "fail": 1, "inconclusive": 3}


def gate(folder, *arguments):
    """The verdict document and the exit code of `releasegate gate zap ARGUMENTS` in `folder`."""
    app = App(output="json", directory=folder)
    result = CliRunner().invoke(zap, [str(argument) for argument in arguments], obj=app, standalone_mode=False)
    if result.exception:
        raise result.exception
    return json.loads(result.stdout), result.return_value


def alert(plugin="10038", risk=2, confidence=2, **more):
    return {
        "pluginid": plugin,
        "alertRef": f"{plugin}-1",
        "alert": "A name",
        "name": "A name",
        "riskcode": str(risk),
        "confidence": str(confidence),
        "instances": [{"uri": "https://shop.example/cart?id=7", "method": "GET", "param": "id"}],
        "count": "1",
        **more,
    }


def report(*alerts, **more):
    return {"@version": "2.17.0", "site": [{"@name": "https://shop.example", "alerts": list(alerts)}], **more}


def write(folder, document, name="report.json"):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    (folder / name).write_bytes(content)
    return content


def test_a_verdict_names_evidence_threshold_and_what_was_seen(tmp_path):
    content = write(tmp_path, report(alert("40012", risk=3), alert("10038", risk=2)))
    document, code = gate(tmp_path, "report.json", "--commit", "c0ffee" * 6 + "beef")
    assert code == 1
    assert document["verdict"] == "fail"
    assert document["gate"] == "zap"
    assert document["summary"] == "1 FAIL, 1 WARN on 1 site"
    assert document["subject"] == {"tag": None, "commit": "c0ffee" * 6 + "beef"}
    evidence = {"path": "report.json", "sha256": sha256(content).hexdigest(), "bytes": len(content)}
    assert document["evidence"] == [evidence]
    assert document["findings"][0] == {
        "check": "40012-1",
        "level": "error",
        "title": "A name",
        "expected": "none of risk High or above",
        "observed": "High (Medium) in 1 place",
        "where": "https://shop.example/cart?id=7",
        "waived": None,
        "details": {
            "pluginid": "40012",
            "alertRef": "40012-1",
            "name": "A name",
            "riskcode": 3,
            "confidence": 2,
            "site": "https://shop.example",
            "action": "FAIL",
            "count": 1,
            "instances": [{"uri": "https://shop.example/cart?id=7", "method": "GET", "param": "id"}],
            "new": None,
        },
    }
    assert [finding["level"] for finding in document["findings"]] == ["error", "warn"]


@pytest.mark.parametrize(
    ("fail_on", "levels"),
    [
        ("high", ["error", "warn", "info", "info"]),
        ("medium", ["error", "error", "info", "info"]),
        ("low", ["error", "error", "error", "info"]),
        ("info", ["error", "error", "error", "error"]),
    ],
)
def test_fail_on_lifts_a_risk_and_those_above_it(tmp_path, fail_on, levels):
    write(tmp_path, report(*(alert(f"1000{risk}", risk=risk) for risk in range(4))))
    document, code = gate(tmp_path, "report.json", "--fail-on", fail_on)
    found = [(finding["details"]["riskcode"], finding["level"]) for finding in document["findings"]]
    assert found == list(zip((3, 2, 1, 0), levels, strict=True))
    assert (document["verdict"], code) == ("fail", 1)


def test_a_false_positive_and_a_clean_site_pass(tmp_path):
    write(tmp_path, report(alert(risk=3, confidence=0)))
    document, code = gate(tmp_path, "report.json")
    assert (document["verdict"], code, document["summary"]) == ("pass", 0, "no alerts on 1 site")
    assert document["findings"][0]["details"]["action"] == "IGNORE"
    write(tmp_path, report(), "clean.json")
    document, code = gate(tmp_path, "clean.json")
    assert (document["verdict"], code, document["findings"]) == ("pass", 0, [])


def test_rules_decide_before_the_risk(tmp_path):
    write(tmp_path, report(*(alert(plugin, risk=2) for plugin in ("1", "2", "3", "4", "5")), alert("6", risk=1)))
    rules = "1\tIGNORE\t(a)\n2\tINFO\t(b)\n3\tWARN\t(c)\n5\tOUTOFSCOPE\thttps://shop\\.example/cart.*\n6\tFAIL\t(f)\n"
    (tmp_path / "rules.tsv").write_text(rules)
    document, code = gate(tmp_path, "report.json", "--rules", "rules.tsv")
    actions = {finding["details"]["pluginid"]: finding["details"]["action"] for finding in document["findings"]}
    assert actions == {"1": "IGNORE", "2": "INFO", "3": "WARN", "4": "WARN", "5": "IGNORE", "6": "FAIL"}
    assert (document["verdict"], code) == ("fail", 1)
    expected = {finding["check"]: finding["expected"] for finding in document["findings"]}
    assert expected["6-1"] == "none (FAIL in rules.tsv:5)"
    assert expected["1-1"] == "any (IGNORE in rules.tsv:1)"


def test_a_rule_that_warns_does_not_hold_back_fail_on_but_one_that_ignores_does(tmp_path):
    write(tmp_path, report(alert("40012", risk=3), alert("40018", risk=3)))
    (tmp_path / "rules.tsv").write_text("40012\tWARN\t(generated)\n40018\tIGNORE\t(no database)\n")
    document, code = gate(tmp_path, "report.json", "--rules", "rules.tsv")
    assert [finding["details"]["action"] for finding in document["findings"]] == ["FAIL", "IGNORE"]
    assert code == 1


def test_an_alert_ref_is_more_precise_than_its_rule(tmp_path):
    write(tmp_path, report(alert("10055", alertRef="10055-4"), alert("10055", alertRef="10055-6")))
    (tmp_path / "rules.tsv").write_text("10055\tFAIL\t(CSP)\n10055-6\tIGNORE\t(inline styles are wanted)\n")
    document, _ = gate(tmp_path, "report.json", "--rules", "rules.tsv")
    assert {f["check"]: f["details"]["action"] for f in document["findings"]} == {
        "10055-4": "FAIL",
        "10055-6": "IGNORE",
    }


UNUSABLE = {
    "empty": (b"", "the report is empty; scan again, and keep the report as JSON or XML"),
    "blank": (b" \n", "the report is empty; scan again, and keep the report as JSON or XML"),
    "text": (b"Total of 3 URLs", "the report is no ZAP report: neither JSON nor XML"),
    "cut": (b'{"site": [{"@name": "https://a", "alerts": [', "the report is not whole: Input data was truncated"),
    "nan": (b'{"site": [], "x": NaN}', "the report is not whole: JSON is malformed"),
    "binary": (b'{"site": [{"@name": "\xff", "alerts": []}]}', "the report is not UTF-8"),
    "surrogate": (b'{"site": [{"@name": "\\ud800", "alerts": []}]}', "the report is not whole"),
    "deep": (b'{"x":' + b"[" * 200_000, "the report is nested too deeply"),
    "values": (b'{"site": [' + b"," * 10_000_001, "the report holds more than 10000000 values; is this a ZAP report?"),
    "no site": (b"{}", "the report is no ZAP report: it has no `site`"),
    "object": (b'{"site": {}}', "the report has not the shape of a ZAP report: Expected `array`, got `object`"),
    "no alerts": (b'{"site": [{"@name": "a"}]}', "the report has not the shape of a ZAP report: Object missing"),
    "null alerts": (b'{"site": [{"@name": "a", "alerts": null}]}', "the report has not the shape of a ZAP report"),
    "site []": (b'{"site": []}', "no site was scanned"),
    "stopped": (
        b'{"site": [{"@name": "a", "alerts": []}], "stoppingInsight": {"key": "k", "description": "too many errors"}}',
        "the scan was stopped before its end: too many errors",
    ),
    "plan": (b'{"site": [{"@name": "a", "alerts": []}], "afPlanErrors": ["x"]}', "the automation plan met 1 errors"),
    "risk": (json.dumps(report(alert(risk=7))).encode(), "the report holds the risk 7, which ZAP does not have"),
    "huge number": (
        json.dumps(report(alert(risk="9" * 400))).encode(),
        "the report has not the shape of a ZAP report",
    ),
    "other xml": (b"<testsuites/>", "the report is no ZAP report: its root is <testsuites>"),
    "cut xml": (b'<OWASPZAPReport><site name="a"><alerts>', "the report is not whole: no element found"),
    "bomb": (
        b'<!DOCTYPE b [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><OWASPZAPReport>&b;</OWASPZAPReport>',
        "the report declares a document type ('b'), which no test or scan report needs",
    ),
    "deep xml": (b"<a>" * 70, "the report nests elements more than 64 levels deep"),
    "encoding": (
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        "the report has an encoding that cannot be read: unknown encoding: klingon",
    ),
    "no xml sites": (b"<OWASPZAPReport/>", "no site was scanned"),
    "siteless sarif": (
        b'{"runs": [{"tool": {"driver": {"name": "ZAP"}}, "results": []}]}',
        "the report is SARIF without results, which does not say whether anything was scanned",
    ),
    "other sarif": (
        b'{"runs": [{"tool": {"driver": {"name": "CodeQL"}}}]}',
        "the report is no ZAP report: its tool is",
    ),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_evidence_that_does_not_do_is_inconclusive(tmp_path, name):
    content, reason = UNUSABLE[name]
    write(tmp_path, content, "zap-report")
    document, code = gate(tmp_path, "zap-report")
    assert (document["verdict"], code) == ("inconclusive", 3)
    (finding,) = document["findings"]
    assert finding["title"].startswith(reason)
    assert document["summary"].startswith(f"{finding['title']}; no alerts on ")
    assert (finding["level"], finding["where"], finding["details"]) == ("error", "zap-report", {"unusable": True})


def test_a_high_alert_fails_even_beside_evidence_that_does_not_do(tmp_path):
    write(tmp_path, report(alert(risk=3)))
    write(tmp_path, b"", "empty.json")
    document, code = gate(tmp_path, "report.json", "empty.json")
    assert (document["verdict"], code) == ("fail", 1)
    write(tmp_path, report(alert(risk=2)))
    document, code = gate(tmp_path, "report.json", "empty.json")
    assert (document["verdict"], code) == ("inconclusive", 3)


def test_a_gigantic_report_is_not_even_read(tmp_path, monkeypatch):
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(read.LIMIT + 1)
    monkeypatch.setattr(App, "read", lambda *_: pytest.fail("the file was read"))
    document, code = gate(tmp_path, "huge.json")
    assert (document["verdict"], code, document["evidence"]) == ("inconclusive", 3, [])
    assert document["findings"][0]["title"].startswith("unusable: is larger than 512 MiB")


def test_a_missing_report_is_an_error_that_names_it(tmp_path):
    with pytest.raises(
        InputError,
        match=r"^none\.json: cannot be read: No such file or directory; is the path right, and was it made\?$",
    ):
        gate(tmp_path, "none.json")


def test_what_the_scan_action_dropped_stays_visible(tmp_path):
    document = report(alert())
    document["site"][0]["ignoredAlerts"] = [alert("10049", risk=3), alert("40012", risk=3)]
    write(tmp_path, document)
    (tmp_path / "rules.tsv").write_text("40012\tFAIL\t(XSS)\n")
    found, _ = gate(tmp_path, "report.json", "--rules", "rules.tsv")
    seen = {finding["details"]["pluginid"]: finding["expected"] for finding in found["findings"]}
    assert seen["10049"] == "any (left out by the scan's own rules)"
    assert seen["40012"] == "none (FAIL in rules.tsv:1)"


def test_alerts_that_a_report_repeats_are_one_finding(tmp_path):
    other = alert(instances=[{"uri": "https://shop.example/b", "method": "GET"}])
    write(tmp_path, report(alert(), alert(), other))
    document, _ = gate(tmp_path, "report.json", "report.json")
    (finding,) = document["findings"]
    assert [instance["uri"] for instance in finding["details"]["instances"]] == [
        "https://shop.example/cart?id=7",
        "https://shop.example/b",
    ]


def test_requests_and_responses_are_not_repeated(tmp_path):
    secret = {"request-header": "Authorization: Bearer s3cr3t", "response-body": "s3cr3t", "evidence": "s3cr3t"}
    found = alert(instances=[{"uri": "https://shop.example/", "method": "GET", "attack": "s3cr3t", **secret}])
    write(tmp_path, report({**found, "otherinfo": "s3cr3t"}))
    document, _ = gate(tmp_path, "report.json")
    assert "s3cr3t" not in json.dumps(document)


def strongest(path):
    """What a reader who knows nothing of our code finds in a report: its highest risk that is no false positive."""
    if path.suffix == ".json":
        alerts = [a for site in json.loads(path.read_text())["site"] for a in site["alerts"]]
    else:
        alerts = [{child.tag: child.text for child in item} for item in ET.parse(path).iter("alertitem")]
    return max((int(a["riskcode"]) for a in alerts if a["confidence"] != "0"), default=0), len(alerts)


@pytest.mark.data
def test_every_real_report_gets_the_verdict_of_its_highest_risk(data):
    paths = sorted([*(data / "zap").glob("zap-*.json"), *(data / "zap").glob("zap-*.xml")])
    assert len(paths) > 25
    for path in paths:
        risk, _ = strongest(path)
        document, code = gate(data, path)
        assert document["verdict"] == ("pass", "pass", "warn", "fail")[risk], path.name
        assert code == EXIT_CODES[document["verdict"]]


@pytest.mark.data
def test_every_broken_report_is_never_passed(data):
    verdicts = {path.name: gate(data, path)[0]["verdict"] for path in sorted((data / "zap/synthetic").iterdir())}
    assert verdicts == {
        "empty-file.json": "inconclusive",
        "empty-site-list.json": "inconclusive",
        "false-positive-confidence.json": "warn",
        "json-plus-docs-sample.json": "fail",
        "no-site-key.json": "inconclusive",
        "site-object.json": "inconclusive",
        "truncated.json": "inconclusive",
    }


@pytest.mark.data
def test_a_converter_s_sarif_gives_the_alerts_that_it_was_made_of(data):
    document, code = gate(data, "zap/sarif-ghas-2.11.1.sarif")
    assert (document["verdict"], code) == ("warn", 0)
    log = json.loads((data / "zap/sarif-ghas-2.11.1.sarif").read_text())
    assert {f["check"] for f in document["findings"]} == {result["ruleId"] for result in log["runs"][0]["results"]}
    places = {
        (result["ruleId"], place["logicalLocations"][0]["name"], place["logicalLocations"][0]["kind"])
        for result in log["runs"][0]["results"]
        for place in result["locations"]
    }
    assert places == {
        (finding["check"], instance["uri"], instance["method"])
        for finding in document["findings"]
        for instance in finding["details"]["instances"]
    }


def test_what_zap_says_of_the_scan_itself_is_told_and_only_a_high_warns(tmp_path):
    said = [
        {"key": f"insight.{level}", "level": level, "description": f"{level} share", "statistic": 12, "site": site}
        for level, site in (("High", "https://shop.example"), ("Low", ""), ("Info", ""))
    ]
    write(tmp_path, report(insights=said))
    document, code = gate(tmp_path, "report.json")
    assert (code, document["verdict"]) == (0, "warn")
    assert document["findings"] == [
        {
            "check": "insight.High",
            "level": "warn",
            "title": "High share",
            "expected": "",
            "observed": "12",
            "where": "https://shop.example",
            "waived": None,
            "details": {"level": "High"},
        },
        {
            "check": "insight.Low",
            "level": "info",
            "title": "Low share",
            "expected": "",
            "observed": "12",
            "where": "report.json",
            "waived": None,
            "details": {"level": "Low"},
        },
    ]


def test_a_scan_whose_plan_met_errors_or_saw_no_site_is_inconclusive(tmp_path):
    write(tmp_path, report(afPlanErrors=["one", "two"]))
    document, code = gate(tmp_path, "report.json")
    assert (code, [(f["check"], f["title"]) for f in document["findings"]]) == (
        3,
        [("afPlanErrors", "the automation plan met 2 errors, so that parts of it may not have run")],
    )
    write(tmp_path, {"site": []})
    document, code = gate(tmp_path, "report.json")
    assert (code, [(f["check"], f["where"]) for f in document["findings"]]) == (3, [("sites", "report.json")])
