"""`--compatibility zap-baseline`: the counts, the exit code and the lines of the real program, on every case."""

import json
import re

import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.gate_zap import zap
from releasegate.errors import InconclusiveError, InputError, UsageError
from releasegate.gates.zap import baseline
from releasegate.gates.zap.report import Alert, Confidence, Instance, Risk

RISKS = {risk.label: risk for risk in Risk}


@pytest.fixture(scope="module")
def cases(data):
    return json.loads((data / "zap/zap_baseline_cases.json").read_text())


def run(folder, arguments, output="json"):
    result = CliRunner().invoke(zap, arguments, obj=App(output=output, directory=folder), standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout, result.return_value


def as_report(alerts):
    """ZAP's API alerts as a report, each as an alert with one instance."""
    listed = [
        {
            "pluginid": alert["pluginId"],
            "name": alert["alert"],
            "riskcode": str(int(RISKS[alert["risk"]])),
            "confidence": alert["confidence"],
            "instances": [{"uri": alert["url"]}],
        }
        for alert in alerts
    ]
    return json.dumps({"site": [{"@name": "https://target.example", "alerts": listed}]})


def arguments_of(case, data, folder):
    """The command line that stands for a case, with its files written into `folder`."""
    report = str(data / case["report"]) if case["report"] else "report.json"
    (folder / "report.json").write_text(as_report(case.get("alerts", [])))
    arguments = [report, "--compatibility", "zap-baseline", *case["flags"]]
    for option, content in (("--rules", case["rules_tsv"]), ("--progress", case["progress"])):
        if content is not None:
            path = folder / option[2:]
            path.write_bytes((content if isinstance(content, str) else json.dumps(content)).encode())
            arguments += [option, option[2:]]
    return arguments


@pytest.mark.data
def test_every_case_has_the_counts_and_the_exit_code_of_zap_baseline(cases, data, tmp_path):
    told = 0
    for case in cases["cases"]:
        if case["name"].startswith("no scanners"):
            continue  # A report does not say which rules ran; the next test hands that over.
        arguments = arguments_of(case, data, tmp_path)
        if case["exit_code"] is None:
            with pytest.raises(InputError, match="which crashes zap-baseline"):
                run(tmp_path, arguments)
            continue
        output, code = run(tmp_path, arguments)
        said = json.loads(output)["compatibility"]
        assert (code, said["exit_code"]) == (case["exit_code"], case["exit_code"]), case["name"]
        assert said["counts"] == case.get("counts"), case["name"]
        told += 1
    assert told >= 135


@pytest.mark.data
def test_every_case_has_the_lines_of_zap_baseline(cases, data, tmp_path):
    for case in cases["cases"]:
        if case["name"].startswith("no scanners") or "counts" not in case:
            continue
        lines = run(tmp_path, arguments_of(case, data, tmp_path), output="text")[0].splitlines()
        assert [line.strip() for line in lines if "Progress link" in line] == case["progress_links"], case["name"]
        # Two reports were edited by hand: there an alert's `alert` is not its `name`.
        expected = [re.sub(r"zap\d: ", "", line) for line in case["rule_lines"]]
        assert [line for line in lines if "Progress link" not in line] == expected, case["name"]


@pytest.mark.data
def test_the_rules_that_a_report_does_not_name_are_those_of_the_cases(cases):
    assert {key for key, _ in cases["_meta"]["scanners"]} - baseline.NEVER_COUNTED == baseline.PASSIVE_RULES


def test_without_any_rule_that_passed_the_scan_proves_nothing():
    alert = Alert("s", "10038", "10038", "A", Risk.MEDIUM, Confidence.MEDIUM, (Instance(uri="https://a/"),))
    options = baseline.Options(in_progress={"10038": {"link": "l"}})
    result = baseline.baseline([alert], options, ran=())
    assert result.exit_code == 3
    assert result.counts == {
        "fail_new": 0, "fail_inprog": 0, "warn_new": 0, "warn_inprog": 1, "info": 0, "ignore": 0, "pass": 0,
    }  # fmt: skip


ALERT = {"pluginId": "10038", "alert": "CSP", "risk": "Medium", "url": "https://target.example/", "confidence": "2"}


@pytest.mark.parametrize(
    ("flags", "rules", "said"),
    [
        ([], None, ("warn", "warn", "WARN", "none (WARN)", 2)),
        (["-I"], None, ("warn", "warn", "WARN", "none (WARN)", 0)),
        (["-i"], None, ("pass", "info", "INFO", "", 0)),
        (["--progress", "p.json"], None, ("pass", "info", "INFO", "any (WARN in progress)", 0)),
        ([], "10038\tFAIL\t(x)\n", ("fail", "error", "FAIL", "none (FAIL)", 1)),
        ([], "10038\tIGNORE\t(x)\n", ("pass", "info", "IGNORE", "any (PASS or IGNORE)", 0)),
        ([], "10038\tPASS\t(x)\n", ("pass", "info", "IGNORE", "any (PASS or IGNORE)", 0)),
        ([], "*\tOUTOFSCOPE\t.*\n", ("pass", "info", "IGNORE", "any (zap-baseline does not count it)", 0)),
    ],
)
def test_the_verdict_and_its_findings_follow_the_exit_code(tmp_path, flags, rules, said):
    (tmp_path / "report.json").write_text(as_report([ALERT]))
    issue = {"id": "10038", "state": "inprogress", "link": "https://i/1"}
    (tmp_path / "p.json").write_text(json.dumps({"issues": [issue]}))
    if rules:
        (tmp_path / "rules.tsv").write_text(rules)
        flags = [*flags, "--rules", "rules.tsv"]
    output, exit_code = run(tmp_path, ["report.json", "--compatibility", "zap-baseline", *flags])
    document = json.loads(output)
    (finding,) = document["findings"]
    seen = (document["verdict"], finding["level"], finding["details"]["action"], finding["expected"], exit_code)
    assert seen == said
    assert document["gate"] == "zap"
    counted = f"FAIL-NEW: {int(exit_code == 1)}, FAIL-INPROG: 0, "
    assert document["summary"].startswith(f"zap-baseline exits with {exit_code}: {counted}")
    assert [place["uri"] for place in finding["details"]["instances"]] == ["https://target.example/"]


def alerts(*plugins, risk=Risk.MEDIUM, uris=("https://a/",), **more):
    places = tuple(Instance(uri=uri) for uri in uris)
    return [
        Alert("s", plugin, f"{plugin}-1", f"N{plugin}", risk, Confidence.MEDIUM, places, **more) for plugin in plugins
    ]


def config(text):
    return baseline.read_config(text.encode(), "rules.tsv")


def test_the_lines_name_level_rule_places_and_message():
    rules = config("10\tIGNORE\t(x)\n20\tINFO\t(x)\tlater\n30\tFAIL\t(x)\tnow\n\n# 40\tFAIL\n50\tPASS\t(x)\n")
    progress = {"30": {"link": "https://i/1"}, "20": {"link": ""}, "10": {"link": "unused"}}
    found = alerts("40", "30", "20", "10", "50", uris=("https://a/", "https://b/"))
    options = baseline.Options(config=rules, in_progress=progress)
    result = baseline.baseline(found, options, ran=("40", "60", "-1"))
    assert result.lines == (
        "IGNORE-NEW: N10 [10] x 2 ",
        "INFO-IN_PROGRESS: N20 [20] x 2 later",
        "WARN-NEW: N40 [40] x 2 ",
        "FAIL-IN_PROGRESS: N30 [30] x 2 now",
        "\tProgress link: https://i/1",
        "FAIL-NEW: 0\tFAIL-INPROG: 1\tWARN-NEW: 1\tWARN-INPROG: 0\tINFO: 0\tIGNORE: 1\tPASS: 1",
    )
    assert result.exit_code == 2
    warn = baseline.LEVELS.index("WARN")
    quiet = baseline.baseline(found, baseline.Options(config=rules, in_progress=progress, lowest=warn))
    assert [line.split(":")[0] for line in quiet.lines] == [
        "WARN-NEW",
        "FAIL-IN_PROGRESS",
        "\tProgress link",
        "FAIL-NEW",
    ]
    assert baseline.baseline(alerts("30"), baseline.Options(config=rules)).exit_code == 1


def test_what_does_not_count():
    rules = config("7,8\tOUTOFSCOPE\thttps://a/\n*\tOUTOFSCOPE\t.*logout\n")
    options = baseline.Options(config=rules)
    found = [
        *alerts("1", risk=Risk.INFO), *alerts("2", dropped=True), *alerts("-1", "50003"), *alerts("7", "8"),
        *alerts("9", uris=("https://c/logout",)), *alerts("7", uris=("https://b/",)), *alerts("3", uris=()),
    ]  # fmt: skip
    assert [line.split(" x")[0] for line in baseline.baseline(found, options).lines[:-1]] == ["WARN-NEW: N7 [7]"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("10038", "has not three or four columns, which stops zap-baseline; write `<id><TAB><LEVEL><TAB>(name)`"),
        ("10038\tWARN\t(a)\tb\tc", "has not three or four columns, which stops zap-baseline; write"),
        (
            "10038\twarn\t(a)",
            "'warn' is no level, which stops zap-baseline; write one of PASS, IGNORE, INFO, WARN, FAIL",
        ),
    ],
)
def test_rules_at_which_it_stops(line, what):
    with pytest.raises(InconclusiveError) as caught:
        config(f"1\tWARN\t(a)\n{line}\n")
    assert str(caught.value).startswith(f"rules.tsv:2: {what}")


def test_rules_and_progress_files_at_which_it_crashes():
    with pytest.raises(InputError) as caught:
        config("*\tOUTOFSCOPE\t(\n")
    assert str(caught.value).startswith("rules.tsv:1: is no regular expression, which crashes zap-baseline: missing )")
    assert str(caught.value).endswith("; escape dots and brackets")
    for content in (b"{", b"[]", b'{"issues": [{"state": "inprogress"}]}', b'{"issues": 1}', b"\xff"):
        with pytest.raises(
            InputError, match=r"^p\.json: is no progress file, which crashes zap-baseline: \w+Error "
        ) as no:
            baseline.read_progress(content, "p.json")
        assert str(no.value).endswith(
            '; write {"issues": [{"id": "10038", "state": "inprogress", "link": "https://…"}]}'
        )
    issues = {"issues": [{"id": 7, "state": "inprogress"}, {"id": "8", "state": "closed"}]}
    found = baseline.read_progress(json.dumps(issues).encode(), "p.json")
    assert found == {"7": {"id": 7, "state": "inprogress"}}
    with pytest.raises(InconclusiveError) as stopped:
        baseline.baseline(alerts("7"), baseline.Options(in_progress=found))
    assert str(stopped.value) == (
        'the issue in progress for rule 7 has no `link`, which stops zap-baseline; write "link": "" where there is none'
    )


def test_the_lowest_level_is_named_exactly():
    assert [baseline.read_lowest(name) for name in baseline.LEVELS] == [0, 1, 2, 3, 4]
    with pytest.raises(InconclusiveError) as caught:
        baseline.read_lowest("fail")
    assert str(caught.value) == (
        "-l 'fail' is no level, which stops zap-baseline; write one of PASS, IGNORE, INFO, WARN, FAIL"
    )


def test_evidence_that_does_not_do_exits_with_3(tmp_path):
    (tmp_path / "report.json").write_text('{"site": []}')
    output, code = run(tmp_path, ["report.json", "--compatibility", "zap-baseline"])
    document = json.loads(output)
    assert (document["verdict"], code) == ("inconclusive", 3)
    assert document["compatibility"]["exit_code"] == 3
    assert document["summary"].startswith("zap-baseline exits with 3: FAIL-NEW: 0, ")


def test_a_rules_file_that_stops_zap_baseline_is_told_by_line(tmp_path):
    (tmp_path / "report.json").write_text(as_report([ALERT]))
    (tmp_path / "rules.tsv").write_text("10038\tFAIL\t(x)\n10021\tfail\t(x)\n")
    arguments = ["report.json", "--compatibility", "zap-baseline", "--rules", "rules.tsv"]
    document = json.loads(run(tmp_path, arguments)[0])
    (finding,) = document["findings"]
    assert document["summary"] == "zap-baseline exits with 3: zap-baseline would have stopped"
    assert document["compatibility"] == {"exit_code": 3, "counts": None}
    assert (finding["check"], finding["where"]) == ("command line or rules file", "rules.tsv:2")
    assert finding["title"].endswith(
        "'fail' is no level, which stops zap-baseline; write one of PASS, IGNORE, INFO, WARN, FAIL"
    )


def test_options_of_the_two_ways_do_not_mix(tmp_path):
    (tmp_path / "report.json").write_text(as_report([ALERT]))
    with pytest.raises(UsageError, match="-I, -i, -l and --progress belong to zap-baseline; add --compatibility"):
        run(tmp_path, ["report.json", "-I"])
    with pytest.raises(UsageError, match="--known, --waivers, --fail-on and --confidence are not zap-baseline's"):
        run(tmp_path, ["report.json", "--fail-on", "low", "--compatibility", "zap-baseline"])
