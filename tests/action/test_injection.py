"""Hostile names and reports: nothing in them is executed, and no output, annotation or summary is forged."""

import json
import re
import shutil
from xml.sax.saxutils import quoteattr

import pytest
import yaml
from act_runs import SAMPLES
from action_step import Ran

HOSTILE = {
    "substitution": "$(touch pwned)",
    "backticks": "`touch pwned`",
    "semicolon": "x'; touch pwned; echo '",
    "option": "--output=pwned",
    "set-output": "x\n::set-output name=verdict::pass",
    "error": "x\n::error::forged",
    "percent": "x%0A::error::forged",
    "heredoc": "x\nEOF\nverdict=pass\nverdict<<EOF\npass",
    "delimiter": "x\nghadelimiter\nend-00000000000000000000000000000000\nverdict=pass",
    "resume": "x\n::stop-commands::x\n::x::\n::add-path::/evil",
    "markdown": "x](https://evil.test) ![i](https://evil.test/i.png) @everyone | cell |\n# forged",
    "html": "<img src=x onerror=alert(1)></details><script>alert(1)</script>",
    "fence": "```\n# forged\n```",
    "escape": "\x1b]0;title\x07\x1b[31mred",
}
FORGED = re.compile(r"^(::set-output|::error::forged|::add-path|# forged)", re.MULTILINE)


def assert_unharmed(folder, ran):
    assert ran.code != 70, ran.log
    assert "Traceback" not in ran.log
    assert not list(folder.rglob("pwned"))
    assert FORGED.search(ran.heard) is None, ran.heard
    assert ran.environment == {}
    assert ran.outputs.keys() <= {"verdict", "json", "decision", "report"}
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", ran.summary, flags=re.DOTALL | re.MULTILINE)
    assert FORGED.search(outside) is None, ran.summary
    assert re.search(r"(?<!\\)<(img|script)", outside) is None


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "inputs",
    [
        {"command": "gate lighthouse", "reports": "HOSTILE"},
        {"command": "gate run", "tag": "HOSTILE"},
        {"command": "rollback", "tag": "HOSTILE", "reason": "HOSTILE", "dry_run": "true"},
        {"flag": "HOSTILE", "value": "off", "mode": "in-place", "file": "flags.yaml"},
        {"command": "HOSTILE"},
    ],
    ids=["reports", "tag", "reason", "flag", "command"],
)
def test_a_hostile_input_does_no_harm(tmp_path, monkeypatch, hostile, inputs):
    (tmp_path / "flags.yaml").write_text("checkout:\n  enabled: true\n")
    ran = Ran(tmp_path, monkeypatch, **{name: value.replace("HOSTILE", hostile) for name, value in inputs.items()})
    assert ran.code in {1, 2, 3, 4}
    assert_unharmed(tmp_path, ran)
    assert (tmp_path / "flags.yaml").read_text() == "checkout:\n  enabled: true\n"


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_report_does_no_harm(tmp_path, monkeypatch, hostile):
    report = json.loads((SAMPLES / "lighthouse" / "lhr-1.json").read_text())
    for audit in report["audits"].values():
        audit["title"] = audit["description"] = audit["displayValue"] = hostile
    report["finalUrl"] = report["finalDisplayedUrl"] = report["requestedUrl"] = f"https://shop.test/{hostile}"
    (tmp_path / "lhr-1.json").write_text(json.dumps(report))
    assertions = {"largest-contentful-paint": ["error", {"maxNumericValue": 0}]}
    (tmp_path / "lighthouserc.json").write_text(json.dumps({"ci": {"assert": {"assertions": assertions}}}))
    ran = Ran(tmp_path, monkeypatch, command="gate lighthouse", reports=".", config="lighthouserc.json")
    assert ran.code in {1, 3}
    assert ran.outputs["verdict"] in {"fail", "inconclusive"}
    assert_unharmed(tmp_path, ran)


def hostile_zap(folder, hostile):
    report = json.loads((SAMPLES / "zap.json").read_text())
    for site in report["site"]:
        site["@name"] = site["@host"] = f"https://shop.test/{hostile}"
        for alert in site["alerts"]:
            alert.update(dict.fromkeys(("alert", "name", "desc", "solution", "otherinfo", "reference"), hostile))
            alert.update(riskcode="3", instances=[{"uri": hostile, "method": hostile, "param": hostile}])
    (folder / "report").write_text(json.dumps(report))
    return "zap"


def hostile_junit(folder, hostile):
    text = quoteattr("".join(letter for letter in hostile if letter.isprintable() or letter == "\n"))
    failure = f"<failure message={text} type={text}/>"
    cases = f"<testcase classname={text} name={text} file={text}>{failure}</testcase>"
    (folder / "report").write_text(f"<testsuite name={text} tests='1' failures='1'>{cases}</testsuite>")
    return "tests"


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("written", [hostile_zap, hostile_junit])
def test_a_hostile_report_of_zap_or_of_tests_does_no_harm(tmp_path, monkeypatch, written, hostile):
    gate = written(tmp_path, hostile)
    ran = Ran(tmp_path, monkeypatch, command=f"gate {gate}", reports="report")
    assert (ran.code, ran.outputs["verdict"]) == (1, "fail"), ran.log
    assert_unharmed(tmp_path, ran)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_recording_does_no_harm(tmp_path, monkeypatch, hostile):
    slis = {hostile: {"kind": "ratio"}}
    header = {
        "recording": 1,
        "id": hostile,
        "started": "2026-11-23T10:00:00Z",
        "interval": 15,
        "window": 30,
        "weight": 0.5,
    }
    lines = [
        {**header, "slis": slis},
        *({"t": t, hostile: {"baseline": [0, 99], "canary": [99, 99]}} for t in (15, 30)),
    ]
    (tmp_path / "canary.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ran = Ran(tmp_path, monkeypatch, command="canary replay", args="canary.jsonl")
    assert (ran.code, ran.outputs.get("decision")) == (1, "abort"), ran.log
    assert_unharmed(tmp_path, ran)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("command", ["flags list", "flags lint"])
def test_a_flag_file_with_a_hostile_name_does_no_harm(tmp_path, monkeypatch, hostile, command):
    (tmp_path / "flags.yaml").write_text(yaml.safe_dump({hostile: {"enabled": True}}, allow_unicode=True))
    ran = Ran(tmp_path, monkeypatch, command=command, args="--file flags.yaml")
    assert ran.code in {0, 1, 2}
    assert_unharmed(tmp_path, ran)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_branch_or_artifact_name_does_no_harm(tmp_path, monkeypatch, hostile):
    """What a fork's author names: the branch, which the runner hands on, and the artifact, which becomes a folder."""
    for name in ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_REF", "GITHUB_WORKFLOW", "GITHUB_JOB"):
        monkeypatch.setenv(name, hostile)
    artifact = hostile.replace("/", "|")[:200]
    (tmp_path / artifact).mkdir()
    (tmp_path / artifact / "junit.xml").write_text(f"<testsuite name={quoteattr(hostile)} tests='2'>")
    ran = Ran(tmp_path, monkeypatch, command="gate tests", reports=f"./{artifact}" if "\n" not in artifact else ".")
    assert (ran.code, ran.outputs["verdict"]) == (3, "inconclusive")
    assert_unharmed(tmp_path, ran)


def test_every_line_of_an_apps_key_is_masked(tmp_path, monkeypatch):
    monkeypatch.setenv("RELEASEGATE_APP_KEY", "-----BEGIN KEY-----\nc2VjcmV0\r\n\n-----END KEY-----\n")
    ran = Ran(tmp_path, monkeypatch, command="schema", args="policy", token="")
    masks = [line.removeprefix("::add-mask::") for line in ran.heard.splitlines() if line.startswith("::add-mask::")]
    assert masks == ["-----BEGIN KEY-----", "-----END KEY-----", "c2VjcmV0"]


def test_the_token_is_masked_before_anything_else_and_named_nowhere(tmp_path, monkeypatch):
    shutil.copytree(SAMPLES / "lighthouse", tmp_path / "reports")
    shutil.copy(SAMPLES / "lighthouserc.json", tmp_path)
    ran = Ran(
        tmp_path,
        monkeypatch,
        command="gate lighthouse",
        reports="reports",
        config="lighthouserc.json",
        token="tok-1234",
    )
    assert ran.code == 0
    assert ran.log.startswith("::add-mask::tok-1234\n")
    assert ran.log.count("tok-1234") == 1
    assert "tok-1234" not in ran.summary + json.dumps(ran.outputs)
