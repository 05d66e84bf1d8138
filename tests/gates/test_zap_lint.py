"""`releasegate gate lint`: a rules file that reads well and does not do what it seems to."""

import json

import pytest
from click.testing import CliRunner
from test_zap_gate import alert, gate, report, write

from releasegate.cli.app import App
from releasegate.cli.gate_lint import lint
from releasegate.errors import InputError

NOT_PASSED_ON = (
    "ZAP's own GitHub actions pass a rules file on only if a line of it says IGNORE: there the others do nothing"
)
RETIRED = "is never raised: ZAP no longer has this rule, or looks for the same by another"
UNKNOWN = "no rule of ZAP has this id, so that the line decides nothing: see https://www.zaproxy.org/docs/alerts/"
UNMATCHED = "this pattern, matched from the start of an address, fits none of the addresses in these reports"


def run(folder, *arguments):
    app = App(output="json", directory=folder)
    result = CliRunner().invoke(lint, list(arguments), obj=app, standalone_mode=False)
    if result.exception:
        raise result.exception
    document = json.loads(result.stdout)
    remarks = [(finding["check"], finding["where"], finding["level"]) for finding in document["findings"]]
    return document, remarks, result.return_value


def test_a_file_that_only_fails_is_not_handed_to_zap_by_its_action(tmp_path):
    (tmp_path / "rules.tsv").write_text("10038\tFAIL\t(CSP)\n10016\tFAIL\t(XSS)\n10055-4\tFAIL\t(CSP)\n")
    document, remarks, code = run(tmp_path, "--rules", "rules.tsv")
    assert (document["verdict"], code, document["summary"]) == ("warn", 0, "3 remarks on rules.tsv")
    assert remarks == [
        ("rules", "rules.tsv", "warn"),
        ("10016", "rules.tsv:2", "warn"),
        ("10055-4", "rules.tsv:3", "info"),
    ]
    assert [finding["title"] for finding in document["findings"]] == [
        NOT_PASSED_ON,
        RETIRED,
        "ZAP's own scans know no `alertRef` in a rules file: this line counts in this gate alone",
    ]


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("# nothing yet\n", ("rules", "rules.tsv", "info", "the file has no rule")),
        (
            "*\tOUTOFSCOPE\thttps://a/.*\n",
            ("rules", "rules.tsv", "warn", NOT_PASSED_ON),
        ),
        (
            "10016-1\tIGNORE\t(x)\n",
            ("10016-1", "rules.tsv:1", "warn", RETIRED),
        ),
    ],
)
def test_a_file_that_does_nothing_is_told(tmp_path, text, remark):
    (tmp_path / "rules.tsv").write_text(text)
    (found,) = run(tmp_path, "--rules", "rules.tsv")[0]["findings"]
    assert (found["check"], found["where"], found["level"], found["title"]) == remark


def test_an_id_that_no_rule_of_zap_has_is_told_by_the_linter_and_by_the_gate(tmp_path):
    write(tmp_path, report(alert("10038", risk="1")))
    lines = (
        "10083\tFAIL\t(CSP)", "10308-1\tIGNORE\t(CSP)", "1038\tOUTOFSCOPE\thttps://.*", "10113\tFAIL\t(new)",
        "123456\tFAIL\t(our script)", f"{'9' * 5000}\tFAIL\t(x)", "-1\tIGNORE\t(x)",
        "*\tOUTOFSCOPE\thttps://other/.*",
    )  # fmt: skip
    (tmp_path / "rules.tsv").write_text("".join(f"{line}\n" for line in lines))
    told = [("10083", "rules.tsv:1"), ("10308-1", "rules.tsv:2"), ("1038", "rules.tsv:3")]
    document, remarks, code = run(tmp_path, "--rules", "rules.tsv")
    assert (code, remarks) == (0, [(*one, "warn") for one in told])
    assert {finding["title"] for finding in document["findings"]} == {UNKNOWN}
    remarks = run(tmp_path, "--rules", "rules.tsv", "--zap", "report.json")[1]
    assert [check for check, _, level in remarks if level == "info"] == ["10113", "123456", "9" * 5000, "-1"]
    document, code = gate(tmp_path, "report.json", "--rules", "rules.tsv")
    assert (document["verdict"], code) == ("warn", 0)
    assert [(f["check"], f["where"], f["title"]) for f in document["findings"] if f["level"] == "warn"] == [
        (*one, UNKNOWN) for one in told
    ]


def test_what_the_reports_do_not_hold_is_dead(tmp_path):
    write(tmp_path, report(alert("10038"), alert("10020")))
    (tmp_path / "rules.tsv").write_text(
        "10038\tIGNORE\t(a)\n10049\tIGNORE\t(b)\n10035\tFAIL\t(c)\n"
        "*\tOUTOFSCOPE\thttps://shop\\.example/cart.*\n*\tOUTOFSCOPE\tshop\\.example\n"
    )
    document, remarks, code = run(tmp_path, "--zap", "report.json", "--rules", "rules.tsv")
    assert [finding["title"] for finding in document["findings"][1:]] == [
        "no alert in these reports has this id: is the line still needed, and the number right?",
        f"{UNMATCHED}: shop\\.example",
    ]
    assert remarks == [
        ("10049", "rules.tsv:2", "info"),
        ("10035", "rules.tsv:3", "info"),
        ("*", "rules.tsv:5", "warn"),
    ]
    assert code == 0


def test_a_good_file_needs_no_remark_and_a_broken_one_fails(tmp_path):
    (tmp_path / "rules.tsv").write_text("10038\tIGNORE\t(a)\n")
    assert run(tmp_path, "--rules", "rules.tsv")[1:] == ([], 0)
    (tmp_path / "rules.tsv").write_text("10038 IGNORE (a)\n")
    document, remarks, code = run(tmp_path, "--rules", "rules.tsv")
    assert (remarks, code) == ([("file", "rules.tsv:1:1", "error")], 1)
    assert document["findings"][0]["title"].startswith("has no tabs between its columns; write `10038<TAB>IGNORE")
    with pytest.raises(InputError, match=r"^none\.tsv: cannot be read"):
        run(tmp_path, "--rules", "none.tsv")


def test_a_report_that_cannot_be_read_makes_the_remarks_inconclusive(tmp_path):
    write(tmp_path, b"")
    (tmp_path / "rules.tsv").write_text("10038\tIGNORE\t(a)\n")
    document, _, code = run(tmp_path, "--zap", "report.json", "--rules", "rules.tsv")
    assert (document["verdict"], code) == ("inconclusive", 3)
