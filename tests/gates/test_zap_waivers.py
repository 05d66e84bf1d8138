"""Waivers laid over ZAP's findings: a place that is accepted is accepted alone."""

import json

import pytest
from test_zap_gate import alert, gate, report, write

from releasegate.errors import InputError

WAIVER = {"check": "10038", "reason": "static pages", "owner": "web", "expires": "2999-12-31"}


def waived(folder, *waivers):
    instances = [{"uri": f"https://shop.example/{page}", "method": "GET"} for page in ("help/a", "cart", "help/b")]
    write(folder, report(alert("10038", risk=3, instances=instances)))
    (folder / "waivers.json").write_text(json.dumps({"waivers": list(waivers)}))
    return gate(folder, "report.json", "--waivers", "waivers.json")


def test_a_rule_can_be_accepted_everywhere(tmp_path):
    document, code = waived(tmp_path, WAIVER)
    assert (document["verdict"], code) == ("pass", 0)
    (finding,) = document["findings"]
    assert finding["waived"] == "static pages (web, until 2999-12-31)"
    assert document["summary"] == "no alerts, 1 waived on 1 site"


def test_a_place_that_is_accepted_is_accepted_alone(tmp_path):
    document, code = waived(tmp_path, {**WAIVER, "where": "https://shop.example/help/*"})
    assert (document["verdict"], code) == ("fail", 1)
    seen = {f["waived"]: [i["uri"][21:] for i in f["details"]["instances"]] for f in document["findings"]}
    assert seen == {None: ["cart"], "static pages (web, until 2999-12-31)": ["help/a", "help/b"]}


def test_a_waiver_for_one_kind_of_alert_is_not_for_another(tmp_path):
    assert waived(tmp_path, {**WAIVER, "check": "10038-2"})[1] == 1
    assert waived(tmp_path, {**WAIVER, "check": "10038-1"})[1] == 0


def test_an_expired_waiver_waives_nothing_and_says_so(tmp_path):
    document, code = waived(tmp_path, {**WAIVER, "expires": "2020-01-01"})
    assert code == 1
    assert [f["check"] for f in document["findings"]] == ["10038-1", "waiver"]


def test_a_waiver_without_an_owner_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no owner"):
        waived(tmp_path, {**WAIVER, "owner": ""})


def test_the_policy_s_gate_is_the_same_gate(tmp_path):
    from releasegate.cli.app import App  # noqa: PLC0415
    from releasegate.cli.gate_zap import verdict_of  # noqa: PLC0415
    from releasegate.policy.gates import ZapGate  # noqa: PLC0415

    write(tmp_path, report(alert("10038", risk=2)))
    (tmp_path / "rules.tsv").write_text("10038\tIGNORE\t(x)\n")
    app = App(directory=tmp_path)
    assert verdict_of(app, ZapGate(reports=("*.json",), fail_on="medium"), "a" * 40).verdict == "fail"
    found = verdict_of(app, ZapGate(reports=("report.json",), rules="rules.tsv"), "a" * 40)
    assert (found.verdict, found.subject.commit) == ("pass", "a" * 40)
    assert verdict_of(app, ZapGate(reports=("zap/*.json",)), None).verdict == "inconclusive"
