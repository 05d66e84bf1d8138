"""Waivers: somebody's word, for a while, about what was seen."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releasegate.errors import InputError
from releasegate.gates.waivers import read_waivers, together, waive
from releasegate.verdict import Finding, Level, Outcome, Verdict, conclude

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def verdict(*findings):
    return Verdict(
        gate="zap", verdict=conclude(findings), summary="1 alert", findings=findings, started=NOW, finished=NOW
    )


def finding(check="10038", where="https://shop.test/help", **more):
    return Finding(check=check, level=Level.ERROR, title="CSP missing", where=where, **more)


def waiver(**more):
    fields = {"check": '"10038"', "reason": "static pages", "owner": "web", "expires": "2026-12-31", **more}
    text = "".join(f"    {key}: {value}\n" for key, value in fields.items() if value is not None)
    return read_waivers(f"waivers:\n  -\n{text}".encode(), "waivers.yaml")


def test_a_waived_finding_no_longer_fails_and_says_whose_word_it_is():
    answer = waive(verdict(finding()), waiver(where="https://shop.test/*"), TODAY)
    assert (answer.verdict, answer.summary) == (Outcome.PASS, "1 alert, 1 waived")
    assert [f.waived for f in answer.findings] == ["static pages (web, until 2026-12-31)"]


@pytest.mark.parametrize(
    "scope", [{"check": '"10039"'}, {"where": "https://shop.test/login*"}, {"gate": "zap", "check": '"1003"'}]
)
def test_a_waiver_for_something_else_is_unused_and_said_to_be(scope):
    answer = waive(verdict(finding()), waiver(**scope), TODAY)
    assert answer.verdict is Outcome.FAIL
    remark = answer.findings[-1]
    assert (remark.level, remark.title) == (Level.INFO, "this waiver covers no finding: remove it")
    assert remark.where == "waivers.yaml: waivers[0]"


def test_it_holds_on_its_last_day_and_not_on_the_next():
    last = waiver(expires="2026-11-23")
    assert waive(verdict(finding()), last, TODAY).verdict is Outcome.PASS
    late = waive(verdict(finding()), last, date(2026, 11, 24))
    assert late.verdict is Outcome.FAIL
    assert (late.findings[-1].level, late.findings[-1].observed) == (Level.WARN, "10038, web, until 2026-11-23")
    assert late.findings[-1].title == (
        "this waiver has expired and waives nothing any more: renew it, or fix the finding"
    )


def test_another_gates_waiver_is_none_of_this_ones_business():
    answer = waive(verdict(finding()), waiver(gate="lighthouse"), TODAY)
    assert (answer.verdict, len(answer.findings)) == (Outcome.FAIL, 1)


def test_missing_evidence_cannot_be_waived():
    answer = waive(verdict(finding(unusable=True)), waiver(check='"*"'), TODAY)
    assert answer.verdict is Outcome.INCONCLUSIVE
    assert answer.findings[-1].title == "this waiver covers no finding of the evidence that could be judged"


def test_a_waiver_for_the_tests_is_one_for_every_suite():
    suite = replace(verdict(finding()), gate="tests/regression")
    assert waive(suite, waiver(gate="tests"), TODAY).verdict is Outcome.PASS
    assert waive(suite, waiver(gate="tests/offline-sync"), TODAY) == suite
    assert waive(replace(suite, gate="testsuite"), waiver(gate="tests"), TODAY).verdict is Outcome.FAIL


def test_gates_that_share_a_file_tell_only_of_waivers_that_none_of_them_uses():
    shared = (*waiver(), *waiver(check="unit"), *waiver(check="nothing"))
    shared = [replace(one, origin=f"w.yaml: waivers[{number}]") for number, one in enumerate(shared)]
    verdicts = [waive(verdict(finding()), shared, TODAY), waive(verdict(finding("unit")), shared, TODAY)]
    assert [[one.where for one in found.findings if one.check == "waiver"] for found in verdicts] == [
        ["w.yaml: waivers[1]", "w.yaml: waivers[2]"], ["w.yaml: waivers[0]", "w.yaml: waivers[2]"],
    ]  # fmt: skip
    assert [[one.where for one in found.findings if one.check == "waiver"] for found in together(verdicts)] == [
        ["w.yaml: waivers[2]"], [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"reason": None}, "has no reason; add it"),
        ({"owner": '""', "expires": None}, "has no owner and no expires; add it"),
        ({"expires": "soon"}, "`expires` is no date; write it as 2027-01-31"),
        ({"until": "2027-01-01"}, "unknown key `until`; write check, reason, owner, expires, where, gate"),
        ({"origin": "me"}, "unknown key `origin`; write check"),
        ({"expiry": "2027-01-01"}, "unknown key `expiry`; write expires"),
        ({"gate": "lighthous"}, "no gate is called `lighthous`; write lighthouse"),
        ({"gate": "x"}, "no gate is called `x`; write changes, lighthouse, tests, zap"),
    ],
)
def test_a_waiver_that_nobody_answers_for_is_refused(more, said):
    with pytest.raises(InputError) as caught:
        waiver(**more)
    assert str(caught.value).startswith(f"waivers.yaml: waivers[0]: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"waivers: [1]", "waivers.yaml: waivers[0]: is no waiver; give it check, reason, owner, expires"),
        (b"waivers: 1", "waivers.yaml: holds no list of waivers; begin it with `waivers:`"),
        (b"a", "waivers.yaml: holds no list of waivers; begin it with `waivers:`"),
        (
            b"- {check: a, reason: b, owner: c, expires: 2027-01-01}\n- {check: a}",
            "waivers.yaml: waivers[1]: has no reason and no owner and no expires; add it: a waiver is somebody's word",
        ),
    ],
)
def test_what_is_no_list_of_waivers_is_named(content, said):
    with pytest.raises(InputError) as caught:
        read_waivers(content, "waivers.yaml")
    assert str(caught.value) == said


def test_a_rule_s_waiver_covers_all_of_its_kinds_and_a_kind_s_no_other():
    first, second = (finding(f"10038-{kind}", details={"pluginid": "10038"}) for kind in (1, 2))
    assert waive(verdict(first, second), waiver(), TODAY).verdict is Outcome.PASS
    assert [f.waived is None for f in waive(verdict(first, second), waiver(check="10038-1"), TODAY).findings] == [
        False,
        True,
    ]
    several_lines = finding("a\nb", where="x\ny")
    assert waive(verdict(several_lines), waiver(check='"a*"', where='"x*"'), TODAY).verdict is Outcome.PASS


def test_duplicate_keys_are_refused_with_their_place():
    with pytest.raises(InputError, match=r"waivers.yaml:3:5: is no YAML: duplicate key `check`"):
        read_waivers(b"waivers:\n  - check: a\n    check: b\n", "waivers.yaml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(deadline=None)
def test_any_bytes_are_waivers_or_a_named_error(content):
    for path in ("waivers.yaml", "waivers.json"):
        with suppress(InputError):
            assert isinstance(read_waivers(content, path), tuple)
