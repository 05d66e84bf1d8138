"""The first value: a gate on reports that somebody already has, with no policy and no configuration."""

import json

import pytest

from releasegate.cli.app import App
from releasegate.cli.main import run

USUAL = (
    "  info   configuration: nothing says what to assert, so it is scores from 0.9 on (performance only warns); "
    "say it in lighthouserc.json, or give --config FILE\n"
)
PAGE = "https://shop.test/"


@pytest.fixture
def gate(tmp_path, monkeypatch, capsys):
    """Run a gate in a folder of its own; gives the exit code, what it printed and what it said."""
    monkeypatch.chdir(tmp_path)

    def judged(*arguments):
        code = run(App(), ["gate", *arguments])
        return code, *capsys.readouterr()

    return judged


def lighthouse(folder, **scores):
    (folder / ".lighthouseci").mkdir()
    report = {
        "lighthouseVersion": "12.6.1", "requestedUrl": PAGE, "finalUrl": PAGE, "fetchTime": "2026-11-23T10:00:00.000Z",
        "categories": {name.replace("_", "-"): {"score": score} for name, score in scores.items()}, "audits": {},
    }  # fmt: skip
    (folder / ".lighthouseci" / "lhr-1.json").write_text(json.dumps(report))


def asserting(level, score):
    return json.dumps({"ci": {"assert": {"assertions": {"categories:seo": [level, {"minScore": score}]}}}})


@pytest.mark.parametrize(
    ("scores", "code", "said"),
    [
        (
            dict.fromkeys(("performance", "accessibility", "best_practices", "seo"), 0.9),
            0,
            "PASS: 0 of 4 checks failed",
        ),
        ({"performance": 0.89, "accessibility": 0.9}, 0, "WARN: 1 of 2 checks failed"),
        ({"performance": 1, "accessibility": 0.89}, 1, "FAIL: 1 of 2 checks failed"),
        ({"best_practices": 0.89}, 1, "FAIL: 1 of 1 checks failed"),
        ({"seo": None}, 1, "FAIL: 1 of 1 checks failed"),
        ({"pwa": 1}, 1, "FAIL: 4 of 4 checks failed"),
    ],
)
def test_lighthouse_scores_that_it_shows_in_green_are_asked_for(tmp_path, gate, scores, code, said):
    lighthouse(tmp_path, **scores)
    found, printed, errors = gate("lighthouse", ".lighthouseci")
    assert (found, errors) == (code, "")
    assert printed.startswith(f"lighthouse: {said} on 1 page (1 run)\n")
    assert printed.endswith(USUAL)


def test_no_report_is_no_pass_where_nothing_is_configured(tmp_path, gate):
    (tmp_path / ".lighthouseci").mkdir()
    found, printed, _ = gate("lighthouse", ".lighthouseci")
    why = "there is no Lighthouse report: run Lighthouse, or fetch its artifact"
    assert (found, printed.splitlines()[0]) == (
        3, f"lighthouse: INCONCLUSIVE: {why}; 0 of 0 checks failed on 0 pages (0 runs)",
    )  # fmt: skip


def test_a_report_without_categories_is_no_verdict_where_nothing_is_configured(tmp_path, gate):
    lighthouse(tmp_path)
    path = tmp_path / ".lighthouseci" / "lhr-1.json"
    report = json.loads(path.read_bytes())
    del report["categories"]
    path.write_text(json.dumps(report))
    found, printed, errors = gate("lighthouse", ".lighthouseci")
    assert (found, errors) == (3, "")
    assert "the report has no categories, so no scores" in printed.splitlines()[0]


@pytest.mark.parametrize("name", ["lighthouserc.json", ".lighthouserc.yaml"])
def test_what_lhci_would_find_in_the_folder_is_asked_for(tmp_path, gate, name):
    lighthouse(tmp_path, performance=0.1, seo=0.8)
    (tmp_path / name).write_text(asserting("warn", 0.85))
    code, printed, errors = gate("lighthouse", ".lighthouseci")
    assert (code, errors) == (0, "")
    assert printed.splitlines() == [
        "lighthouse: WARN: 1 of 1 checks failed on 1 page (1 run)",
        f"  warn   categories:seo: the seo score (expected >= 0.85, observed 0.8) at {PAGE}",
        f"  info   configuration: asserted is what {name} in this folder says",
    ]


def test_a_file_that_only_says_how_to_run_lighthouse_leaves_the_usual(tmp_path, gate):
    lighthouse(tmp_path, seo=1)
    (tmp_path / "lighthouserc.json").write_text('{"ci": {"collect": {"url": ["http://localhost/"]}}}')
    assert gate("lighthouse", ".lighthouseci") == (
        0, f"lighthouse: PASS: 0 of 1 checks failed on 1 page (1 run)\n{USUAL}", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lighthouserc.json", '{"asertions": {}}', "lighthouserc.json: unknown key `asertions`; write `assertions`"),
        ("lighthouserc.js", "module.exports = {}", "lighthouserc.js: is a program; write it as JSON"),
    ],
)
def test_a_file_in_the_folder_that_cannot_be_followed_is_no_reason_to_ask_for_less(
    tmp_path, gate, name, content, message
):
    lighthouse(tmp_path, seo=1)
    (tmp_path / name).write_text(content)
    code, printed, errors = gate("lighthouse", ".lighthouseci")
    assert (code, printed, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"releasegate: {message}")


def test_lhci_has_no_usual(tmp_path, gate):
    lighthouse(tmp_path, seo=1)
    code, printed, errors = gate("lighthouse", ".lighthouseci", "--compatibility", "lhci")
    assert (code, printed) == (2, "")
    assert errors == (
        "releasegate: nothing says what to assert of the reports; give --config FILE, or a preset in it: "
        "lighthouse:all, lighthouse:recommended, lighthouse:no-pwa\n"
    )


def test_the_risks_of_a_scan_need_no_configuration(tmp_path, gate):
    alert = {
        "pluginid": "40012", "alertRef": "40012", "alert": "XSS", "name": "XSS", "riskcode": "3", "confidence": "2",
        "riskdesc": "High (Medium)", "instances": [{"uri": PAGE, "method": "GET", "param": "q"}], "count": "1",
    }  # fmt: skip
    site = {"@name": PAGE, "@host": "shop.test", "@port": "443", "@ssl": "true", "alerts": [alert]}
    (tmp_path / "report.json").write_text(json.dumps({"@version": "2.15.0", "site": [site]}))
    code, printed, errors = gate("zap", "report.json")
    assert (code, errors, printed.splitlines()[0]) == (1, "", "zap: FAIL: 1 FAIL on 1 site")


def test_test_results_need_no_configuration(tmp_path, gate):
    case = '<testcase classname="cart" name="adds"/>'
    (tmp_path / "junit.xml").write_text(f'<testsuite name="cart" tests="1">{case}</testsuite>')
    assert gate("tests", "junit.xml") == (0, "tests: PASS: 1 passed\n", "")
