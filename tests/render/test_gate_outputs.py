"""JUnit, Markdown and annotations of a verdict: read back, and safe whatever a report says."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from releasegate.cli.app import App
from releasegate.cli.gate_zap import zap
from releasegate.errors import InputError
from releasegate.gates.junit import read_suite
from releasegate.render.annotations import annotations
from releasegate.render.junit import junit
from releasegate.render.markdown import markdown
from releasegate.verdict import Evidence, Finding, Level, Outcome, Verdict

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def verdict(*findings, gate="zap", evidence=()):
    return Verdict(
        gate=gate,
        verdict=Outcome.FAIL,
        summary="1 FAIL",
        findings=findings,
        evidence=evidence,
        started=NOW,
        finished=NOW,
    )


STORY = (
    Finding(check="a", level=Level.ERROR, title="wrong", expected="<= 1", observed="2", where="https://a/"),
    Finding(check="b", level=Level.WARN, title="odd"),
    Finding(check="c", level=Level.ERROR, title="known", waived="why (who, until 2999-01-01)"),
    Finding(check="d", level=Level.ERROR, title="cut off", where="r.json", unusable=True),
    Finding(check="e", level=Level.INFO, title="fine"),
)


def test_junit_read_back_says_the_same():
    suite = read_suite(junit([verdict(*STORY), verdict(gate="tests")]), "out.xml")
    assert [(case.id, case.state.value, case.message) for case in suite.cases] == [
        ("zap.a https://a/", "failed", "wrong (expected <= 1, observed 2)"),
        ("zap.b", "passed", ""),
        ("zap.c", "skipped", "waived: why (who, until 2999-01-01)"),
        ("zap.d r.json", "errored", "cut off (expected -, observed -)"),
        ("zap.e", "passed", ""),
        ("tests.verdict", "passed", ""),
    ]
    assert suite.untold == 0


def test_markdown_lists_what_did_not_pass_the_worst_first():
    text = markdown([verdict(*STORY, evidence=(Evidence("r.json", "0123456789abcdef", 5),))])
    assert text.splitlines() == [
        "### ❌ zap: fail",
        "",
        "1 FAIL",
        "",
        "| | check | what | expected | observed | where |",
        "|---|---|---|---|---|---|",
        "| error | a | wrong | \\<= 1 | 2 | https\\://a/ |",
        "| error | d | cut off |  |  | r.json |",
        "| warn | b | odd |  |  |  |",
        "| waived | c | known \\[why \\(who, until 2999\\-01\\-01\\)\\] |  |  |  |",
        "",
        "evidence `0123456789ab` r.json",
    ]


def test_markdown_stays_below_github_s_limit():
    findings = [Finding(check="\N{SNOWMAN}" * 300, level=Level.ERROR, title="\N{SNOWMAN}" * 300) for _ in range(900)]
    whole = markdown([verdict(*findings, gate=f"g{number}") for number in range(4)])
    assert len(whole.encode()) < 1_000_000
    assert whole.count("### ") == 4
    assert "\nand 700 more" in markdown([verdict(*findings)])


def test_annotations_are_the_ten_worst_with_their_place():
    warns = [Finding(check="w", level=Level.WARN, title=f"{n}") for n in range(20)]
    error = Finding(check="x,y", level=Level.ERROR, title="100% wrong\n::set-output", where="src/a.py:7")
    lines = annotations([verdict(*warns, STORY[2], error)], lambda path: path if path == "src/a.py" else None)
    assert lines[0] == "::error file=src/a.py,line=7,title=zap%3A x%2Cy::100%25 wrong ::set-output at src/a.py:7"
    assert lines[1:] == [f"::warning title=zap%3A w::{n}" for n in range(9)]


@given(st.text(), st.text(), st.text())
def test_nothing_in_a_report_breaks_out_of_its_place(check, title, where):
    found = verdict(Finding(check=check, level=Level.ERROR, title=title, where=where))
    (case,) = read_suite(junit([found]), "out.xml").cases
    assert case.state == "failed"
    (line,) = annotations([found], lambda _: None)
    assert line.startswith("::error title=zap%3A ")
    assert "\n" not in line
    assert "\r" not in line
    table = [row for row in markdown([found]).split("\n") if row.startswith("| error")]
    assert len(table) == 1
    assert table[0].replace("\\|", "").count("|") == 7


def test_the_gate_writes_what_it_was_asked_for(tmp_path):
    (tmp_path / "report.json").write_text('{"site": [{"@name": "https://a", "alerts": []}]}')
    (tmp_path / "summary.md").write_text("before\n")
    arguments = ["report.json", "--junit", "out.xml", "--markdown", "summary.md", "--annotations"]
    app = App(output="json", directory=tmp_path)
    result = CliRunner().invoke(zap, arguments, obj=app, standalone_mode=False)
    assert (result.return_value, json.loads(result.stdout)["verdict"], result.stderr) == (0, "pass", "")
    assert read_suite((tmp_path / "out.xml").read_bytes(), "out.xml").cases[0].id == "zap.verdict"
    assert (tmp_path / "summary.md").read_text().startswith("before\n### ✅ zap: pass\n")


def test_an_output_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "report.json").write_text('{"site": [{"@name": "https://a", "alerts": []}]}')
    arguments = ["report.json", "--junit", "no/such/out.xml"]
    result = CliRunner().invoke(zap, arguments, obj=App(directory=tmp_path), standalone_mode=False)
    assert isinstance(result.exception, InputError)
    with pytest.raises(
        InputError, match=r"^no/such/out\.xml: cannot be written: No such file or directory; name another"
    ):
        raise result.exception
