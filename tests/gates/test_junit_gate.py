"""`releasegate gate tests` as a user meets it: JUnit XML in, a verdict with its exit code out."""

import json
from hashlib import sha256

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from releasegate.cli import gate_tests
from releasegate.cli.app import App
from releasegate.errors import InconclusiveError, InputError
from releasegate.gates.junit import read_suite
from releasegate.policy.gates import SuiteGate


def gate(folder, *arguments):
    app = App(output="json", directory=folder)
    result = CliRunner().invoke(gate_tests.tests, list(arguments), obj=app, standalone_mode=False)
    if result.exception:
        raise result.exception
    return json.loads(result.stdout), result.return_value


def suite(*cases, counts=""):
    return f'<testsuites><testsuite name="s" {counts}>{"".join(cases)}</testsuite></testsuites>'


def case(name, inside="", attributes='time="0.5"'):
    return f'<testcase classname="shop.Cart" name="{name}" {attributes}>{inside}</testcase>'


def write(folder, text, name="junit.xml"):
    (folder / name).write_text(text)
    return text.encode()


def test_tests_that_passed_pass(tmp_path):
    content = write(tmp_path, suite(case("adds", attributes='time="1,200.5"'), case("removes")))
    document, code = gate(tmp_path, "junit.xml")
    assert (document["verdict"], code, document["findings"]) == ("pass", 0, [])
    assert document["summary"] == "2 passed; slowest: shop.Cart.adds (1200.5 s)"
    evidence = {"path": "junit.xml", "sha256": sha256(content).hexdigest(), "bytes": len(content)}
    assert document["evidence"] == [evidence]
    assert document["tests"] == {
        "passed": 2, "flaky": 0, "skipped": 0, "failed": 0, "errored": 0,
        "slowest": [{"test": "shop.Cart.adds", "seconds": 1200.5}, {"test": "shop.Cart.removes", "seconds": 0.5}],
    }  # fmt: skip


def test_each_way_to_end_has_its_level(tmp_path):
    write(
        tmp_path,
        suite(
            case("skips", '<skipped message="no network"/>'),
            case("wobbles", '<flakyFailure message="timeout">trace</flakyFailure>'),
            case("breaks", "<error>Boom\n  at line 3</error>"),
            case("fails", '<failure message="1 != 2"/><rerunFailure message="1 != 3"/>', 'file="cart.py" line="7"'),
            case("passes"),
        ),
    )
    document, code = gate(tmp_path, "junit.xml")
    assert (document["verdict"], code) == ("fail", 1)
    seen = [(f["check"], f["level"], f["title"], f["where"]) for f in document["findings"]]
    assert seen == [
        ("shop.Cart.breaks", "error", "errored: Boom", "junit.xml"),
        ("shop.Cart.fails", "error", "failed: 1 != 2", "cart.py:7"),
        ("shop.Cart.wobbles", "warn", "flaky: timeout", "junit.xml"),
        ("shop.Cart.skips", "info", "skipped: no network", "junit.xml"),
    ]
    assert document["summary"].startswith("1 errored, 1 failed, 1 skipped, 1 flaky, 1 passed")


def test_a_flaky_test_alone_warns(tmp_path):
    write(tmp_path, suite(case("wobbles", '<flakyError message="timeout"/>')))
    document, code = gate(tmp_path, "junit.xml")
    assert (document["verdict"], code) == ("warn", 0)


def test_a_name_that_failed_once_and_passed_once_has_failed(tmp_path):
    write(tmp_path, suite(case("twice", "<failure/>"), case("twice")))
    assert gate(tmp_path, "junit.xml")[1] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<testsuites/>", "no test ran: the reports hold none"),
        (suite(case("a", "<skipped/>"), case("b", "<skipped/>")), "no test ran: all 2 were skipped"),
        ("", "is not whole: no element found"),
        ("<testsuites><testsuite>", "is not whole: no element found"),
        ("<html/>", "is no JUnit report: its root is <html>"),
        (
            '<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuites/>',
            "declares a document type ('a'), which no test or scan report needs; write the report without <!DOCTYPE …>",
        ),
        ("<a>" * 100, "nests elements more than 64 levels deep"),
    ],
)
def test_evidence_that_does_not_do_is_inconclusive(tmp_path, text, reason):
    write(tmp_path, text)
    document, code = gate(tmp_path, "junit.xml")
    assert (document["verdict"], code) == ("inconclusive", 3)
    (finding,) = (finding for finding in document["findings"] if finding["details"].get("unusable"))
    assert finding["title"].removeprefix("unusable: ").startswith(reason)


def test_a_failure_that_only_the_counts_know_is_a_failure(tmp_path):
    write(tmp_path, suite(case("a"), counts='tests="2" failures="0" errors="1"'))
    document, code = gate(tmp_path, "junit.xml")
    assert code == 1
    assert document["findings"][0] == {
        "check": "counts",
        "level": "error",
        "title": "the report counts failures that no test of it shows; did the runner itself fail?",
        "expected": "0",
        "observed": "1",
        "where": "junit.xml",
        "waived": None,
        "details": {},
    }


@pytest.mark.parametrize("said", ['status="notrun"', 'status="disabled"', 'result="suppressed"', 'result="skipped"'])
def test_what_googletest_did_not_run_is_skipped(tmp_path, said):
    write(tmp_path, suite(case("pays", attributes=said), case("adds", attributes='status="run" result="completed"')))
    document, code = gate(tmp_path, "junit.xml", "--must-run", "*.pays")
    assert (code, document["tests"]["skipped"], document["tests"]["passed"]) == (1, 1, 1)
    assert (document["findings"][0]["check"], document["findings"][0]["observed"]) == ("*.pays", "skipped")


def test_a_suite_that_counts_more_tests_than_it_shows_is_partial(tmp_path):
    write(tmp_path, suite(case("a"), case("b"), counts='tests="5"'))
    document, code = gate(tmp_path, "junit.xml")
    assert (document["verdict"], code) == ("inconclusive", 3)
    (finding,) = document["findings"]
    title = "the report is partial: it counts tests that it does not show; was the runner stopped?"
    assert (finding["title"], finding["expected"], finding["observed"]) == (title, "5", "2")
    assert (finding["check"], finding["where"]) == ("counts", "junit.xml")


@pytest.mark.parametrize(
    "text",
    [
        (
            f'<testsuites tests="9"><testsuite tests="2"><testsuite tests="2">{case("a")}{case("b")}</testsuite>'
            "</testsuite></testsuites>"
        ),
        f'<testsuites name="pytest tests"><testsuite name="unit" tests="9">{case("a")}</testsuite></testsuites>',
        f'<testsuites><testsuite name="pytest" tests="9">{case("a")}</testsuite></testsuites>',
        f'<testsuites><testsuite name="catch" hostname="tbd" tests="9">{case("a")}</testsuite></testsuites>',
    ],
)
def test_sums_subtests_and_assertions_are_no_missing_tests(tmp_path, text):
    write(tmp_path, text)
    assert gate(tmp_path, "junit.xml")[1] == 0


def test_tests_that_must_run_have_to_have_run(tmp_path):
    write(tmp_path, suite(case("pays"), case("syncs", "<skipped/>")))
    document, code = gate(tmp_path, "junit.xml", "--must-run", "*.pays", "--must-run", "syncs", "--must-run", "x*")
    assert code == 1
    told = [(f["check"], f["observed"]) for f in document["findings"] if f["title"] == "has to run, and did not"]
    assert told == [("syncs", "skipped"), ("x*", "missing")]
    assert gate(tmp_path, "junit.xml", "--must-run", "shop.Cart.p?ys")[1] == 0


def test_newly_failing_tests_are_told_apart_and_come_first(tmp_path):
    write(tmp_path, suite(case("a", "<failure/>"), case("z")), "last.xml")
    write(tmp_path, suite(case("a", "<failure/>"), case("z", "<failure/>"), case("b", "<failure/>")))
    document, code = gate(tmp_path, "junit.xml", "--previous", "last.xml")
    assert code == 1
    assert [(f["check"], f["title"], f["details"]["new"]) for f in document["findings"]] == [
        ("shop.Cart.b", "newly failed", True),
        ("shop.Cart.z", "newly failed", True),
        ("shop.Cart.a", "failed", False),
    ]
    assert document["summary"].startswith("3 failed, 2 of them newly")
    with pytest.raises(InputError, match=r"^none\.xml: cannot be read"):
        gate(tmp_path, "junit.xml", "--previous", "none.xml")


def test_a_flaky_test_can_be_accepted_for_a_while(tmp_path):
    write(tmp_path, suite(case("wobbles", "<failure/>")))
    waiver = {"check": "shop.Cart.w*", "reason": "known", "owner": "qa", "expires": "2999-01-01"}
    (tmp_path / "w.json").write_text(json.dumps([waiver]))
    document, code = gate(tmp_path, "junit.xml", "--waivers", "w.json")
    assert (document["verdict"], code) == ("pass", 0)
    assert document["findings"][0]["waived"] == "known (qa, until 2999-01-01)"


def test_folders_and_patterns_stand_for_their_files(tmp_path):
    for name in ("a", "b", ".hidden"):
        (tmp_path / "out" / name).mkdir(parents=True)
        write(tmp_path, suite(case(name)), f"out/{name}/junit.xml")
    every = ["out/.hidden/junit.xml", "out/a/junit.xml", "out/b/junit.xml"]
    assert [e["path"] for e in gate(tmp_path, "out")[0]["evidence"]] == every
    assert [e["path"] for e in gate(tmp_path, "out/*/junit.xml")[0]["evidence"]] == every
    document, code = gate(tmp_path, "elsewhere/*.xml")
    assert (document["verdict"], code) == ("inconclusive", 3)
    assert document["findings"][0]["title"] == "unusable: holds no report (.xml); was it made, and fetched?"
    with pytest.raises(InputError, match="cannot be read"):
        gate(tmp_path, "elsewhere.xml")


def test_a_suite_of_the_policy_is_judged_under_its_name(tmp_path):
    write(tmp_path, suite(case("pays", "<skipped/>"), case("adds")))
    asked = SuiteGate(junit=("*.xml",), must_run=("*.pays",))
    found = gate_tests.verdict_of(App(directory=tmp_path), "offline-sync", asked, None)
    assert (found.gate, found.verdict) == ("tests/offline-sync", "fail")
    assert [finding.check for finding in found.findings] == ["*.pays", "shop.Cart.pays"]


def test_the_subject_file_beside_the_report_tells_its_commit_and_age(tmp_path):
    write(tmp_path, suite(case("a"), counts='timestamp="2026-01-01T00:00:00+00:00"'))
    commit = "0123456789" * 4
    stamp = {"schema": "releasegate/subject/1", "commit": commit, "committed": "2026-01-02T00:00:00Z"}
    (tmp_path / "releasegate-subject.json").write_text(json.dumps(stamp))
    document, code = gate(tmp_path, "junit.xml")
    assert document["subject"]["commit"] == commit
    assert (document["findings"][0]["check"], code) == ("age", 3)


names = st.sampled_from(["testsuites", "testsuite", "testcase", "failure", "error", "skipped", "flakyFailure", "x"])
texts = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters='<&"'))
elements = st.recursive(
    st.builds(lambda tag, text: f"<{tag}>{text}</{tag}>", names, texts),
    lambda inner: st.builds(
        lambda tag, key, value, parts: f'<{tag} {key}="{value}">{"".join(parts)}</{tag}>',
        names,
        st.sampled_from(["name", "classname", "time", "failures", "errors", "timestamp", "message", "line"]),
        texts,
        st.lists(inner, max_size=4),
    ),
)


@given(elements)
def test_any_xml_is_a_suite_or_says_why_not(text):
    if text.startswith(("<testsuites", "<testsuite")):
        assert len(read_suite(text.encode(), "r").cases) == text.count("<testcase")
    else:
        with pytest.raises(InconclusiveError, match=r"^r: is no JUnit report: its root is "):
            read_suite(text.encode(), "r")


@given(st.binary())
def test_any_bytes_are_no_suite_but_never_a_crash(content):
    with pytest.raises(InconclusiveError):
        read_suite(content, "r")
