"""New against known: the same place in two scans is found again, and what is gone is listed."""

import json
from dataclasses import replace
from itertools import islice, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_zap_gate import alert, gate, report, write

from releasegate.errors import InconclusiveError, InputError
from releasegate.gates.zap.address import path_place, place, shown
from releasegate.gates.zap.known import known
from releasegate.gates.zap.memory import recall, remember
from releasegate.gates.zap.report import Alert, Confidence, Instance, Node, Risk


def places(*uris, **more):
    return [{"uri": uri, "method": "GET", "param": "", **more} for uri in uris]


def compare(folder, before, now, *options):
    write(folder, report(*before), "known.json")
    write(folder, report(*now))
    return gate(folder, "report.json", "--known", "known.json", *options)


def test_what_is_known_weighs_one_level_less_and_what_is_new_its_own(tmp_path):
    before = [alert("40012", 3), alert("10038", 2)]
    document, code = compare(tmp_path, before, [*before, alert("10020", 2)])
    assert (document["verdict"], code) == ("warn", 0)
    assert document["summary"] == "2 WARN, 1 INFO, 1 new on 1 site"
    seen = {f["check"]: (f["level"], f["details"]["action"], f["details"]["new"]) for f in document["findings"]}
    assert seen == {
        "40012-1": ("warn", "WARN", False),
        "10020-1": ("warn", "WARN", True),
        "10038-1": ("info", "INFO", False),
    }


def test_no_new_medium_or_higher_is_one_option(tmp_path):
    before = [alert("10038", 2, instances=places("https://shop.example/a"))]
    now = [alert("10038", 2, instances=places("https://shop.example/a", "https://shop.example/b"))]
    assert compare(tmp_path, before, before, "--fail-on", "medium")[1] == 0
    document, code = compare(tmp_path, before, now, "--fail-on", "medium")
    assert (document["verdict"], code) == ("fail", 1)
    (finding,) = document["findings"]
    assert finding["where"] == "https://shop.example/b"
    assert finding["observed"] == "Medium (Medium) in 2 places, 1 new"
    assert [instance["new"] for instance in finding["details"]["instances"]] == [False, True]


def test_what_is_gone_is_listed_as_resolved(tmp_path):
    before = [alert("10038", 2, instances=places("https://shop.example/a", "https://shop.example/b")), alert("10020")]
    now = [alert("10038", 2, instances=places("https://shop.example/a"))]
    document, code = compare(tmp_path, before, now)
    assert (document["verdict"], code, document["summary"]) == ("pass", 0, "1 INFO, 2 resolved on 1 site")
    gone = {f["check"]: (f["title"], f["observed"]) for f in document["findings"] if "resolved" in f["details"]}
    assert gone == {
        "10038-1": ("resolved: A name", "gone from 1 of 2 places"),
        "10020-1": ("resolved: A name", "gone from 1 of 1 places"),
    }


def test_a_scan_that_was_stopped_resolves_nothing(tmp_path):
    write(tmp_path, report(alert()), "known.json")
    write(tmp_path, report(stoppingInsight={"key": "k", "description": "d"}))
    document, code = gate(tmp_path, "report.json", "--known", "known.json")
    assert (code, [f["check"] for f in document["findings"]]) == (3, ["stoppingInsight"])


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("https://shop.example/items/17?sort=asc&page=1", "https://shop.example/items/4?page=9&sort=desc"),
        ("https://shop.example/cart;jsessionid=A1B2", "https://shop.example/cart;jsessionid=C3D4"),
        ("https://shop.example/main.3f2a9c1b.js", "https://shop.example/main.99ffee00.js"),
        (
            "https://shop.example/o/6f1c2b8e-1111-4222-8333-444455556666",
            "https://shop.example/o/00000000-1111-4222-8333-444455556666/",
        ),
        ("https://shop.example/reset?token=aaaa", "https://shop.example/reset?token=bbbb#top"),
    ],
)
def test_ids_tokens_and_values_do_not_make_a_place_new(tmp_path, before, now):
    document, _ = compare(tmp_path, [alert(instances=places(before))], [alert(instances=places(now))])
    assert [f["details"].get("new") for f in document["findings"]] == [False]


@pytest.mark.parametrize(
    "now",
    [
        {"uri": "https://shop.example/cart/all", "method": "GET", "param": "id"},
        {"uri": "https://shop.example/cart", "method": "POST", "param": "id"},
        {"uri": "https://shop.example/cart", "method": "GET", "param": "name"},
        {"uri": "https://shop.example/cart?q=1", "method": "GET", "param": "id"},
    ],
)
def test_another_path_method_or_parameter_is_new(tmp_path, now):
    before = {"uri": "https://shop.example/cart", "method": "GET", "param": "id"}
    document, _ = compare(tmp_path, [alert(instances=[before])], [alert(instances=[now])])
    assert [f["details"].get("new") for f in document["findings"]] == [True, None]


def test_another_kind_of_a_rule_is_new_but_a_report_without_kinds_knows_them_all(tmp_path):
    now = [alert("10055", alertRef="10055-6")]
    document, _ = compare(tmp_path, [alert("10055", alertRef="10055-4")], now)
    assert document["findings"][0]["details"]["new"]
    document, _ = compare(tmp_path, [alert("10055", alertRef="")], now)
    assert [f["details"]["new"] for f in document["findings"]] == [False]
    document, _ = compare(tmp_path, now, [alert("10055", alertRef="")])
    assert [f["details"]["new"] for f in document["findings"]] == [False]


def test_zap_s_own_node_names_are_trusted_where_both_reports_have_them(tmp_path):
    named = places("https://shop.example/user/ann", nodeName="https:\\/\\/shop.example/user/«name» (a)")
    again = places("https://shop.example/user/bob", nodeName="https:\\/\\/shop.example/user/«name» (a)")
    document, _ = compare(tmp_path, [alert(instances=named)], [alert(instances=again)])
    assert [f["details"]["new"] for f in document["findings"]] == [False]
    bare = places("https://shop.example/user/ann")
    assert compare(tmp_path, [alert(instances=bare)], [alert(instances=named)])[0]["summary"] == "1 INFO on 1 site"
    assert compare(tmp_path, [alert(instances=named)], [alert(instances=bare)])[0]["summary"] == "1 INFO on 1 site"
    assert compare(tmp_path, [alert(instances=bare)], [alert(instances=again)])[0]["summary"].startswith(
        "1 WARN, 1 new"
    )


def test_an_alert_without_places_is_known_by_its_site(tmp_path):
    nowhere = [alert(instances=[])]
    assert compare(tmp_path, nowhere, nowhere)[0]["findings"][0]["details"]["action"] == "INFO"
    assert compare(tmp_path, [alert()], nowhere)[0]["findings"][0]["details"]["action"] == "INFO"
    assert compare(tmp_path, [alert("10020")], nowhere)[0]["findings"][0]["details"]["action"] == "WARN"


def test_a_systemic_alert_is_compared_as_a_whole(tmp_path):
    before = [alert(systemic=True, instances=places("https://shop.example/a"))]
    now = [alert(systemic=True, instances=places("https://shop.example/b"))]
    document, _ = compare(tmp_path, before, now)
    assert document["summary"] == "1 INFO on 1 site"


def test_a_known_file_that_is_no_report_is_refused(tmp_path):
    write(tmp_path, report(alert()))
    write(tmp_path, {}, "known.json")
    with pytest.raises(
        InputError, match=r"^known\.json: is no ZAP report: .*; name an earlier ZAP report with --known$"
    ):
        gate(tmp_path, "report.json", "--known", "known.json")


def test_confidence_holds_back_what_zap_is_not_sure_of(tmp_path):
    write(tmp_path, report(alert("1", 3, confidence=1), alert("2", 3, confidence=2), alert("3", 2, confidence=1)))
    document, code = gate(tmp_path, "report.json", "--confidence", "medium")
    assert code == 1
    assert {f["details"]["pluginid"]: f["level"] for f in document["findings"]} == {
        "1": "info",
        "2": "error",
        "3": "info",
    }


@pytest.mark.data
def test_every_real_report_knows_itself(data):
    for path in sorted([*(data / "zap").glob("zap-2*.json"), *(data / "zap").glob("zap-*.xml")]):
        document, code = gate(data, path, "--known", path)
        assert code == 0, path.name
        fresh = [f for f in document["findings"] if f["details"].get("new") or "resolved" in f["details"]]
        assert fresh == [], path.name


@pytest.mark.data
def test_two_scans_of_one_real_site_differ_where_their_instances_do(data):
    first, second = data / "zap/zap-2.14-altoro-t1.json", data / "zap/zap-2.14-altoro-t2.json"
    document, _ = gate(data, second, "--known", first)
    before = {a["alertRef"] for site in json.loads(first.read_text())["site"] for a in site["alerts"]}
    for finding in document["findings"]:
        if finding["check"] not in before and finding["details"].get("action") != "IGNORE":
            assert finding["details"]["new"], finding["check"]
    gone = {f["check"] for f in document["findings"] if "resolved" in f["details"]}
    now = {a["alertRef"] for site in json.loads(second.read_text())["site"] for a in site["alerts"]}
    assert before - now <= gone


def test_addresses_are_shown_without_their_secrets():
    assert shown("https://bob:pw@shop.example/") == "https://shop.example/"
    assert shown("https://a/b?page=2&access_token=x.y&Password=p&code=7") == (
        "https://a/b?page=2&access_token=…&Password=…&code=…"
    )
    assert shown("https://a/b;jsessionid=77?zip=1") == "https://a/b;jsessionid=…?zip=1"
    assert shown("https://a/b?postcode=1&q") == "https://a/b?postcode=1&q"


@given(st.text(alphabet="aZ7/?&=;#:._-{} %é", max_size=40), st.text(alphabet="aZ7/() «»\\", max_size=30))
@example("", "\\\\/7")
def test_what_the_ledger_keeps_of_a_place_is_the_same_place_without_its_values(path, node):
    kept, bare = Node(uri=f"https://shop.example/{path}", node=node), Instance(uri=path)
    found = Alert("https://shop.example", "1", "1-1", "A", Risk.LOW, Confidence.LOW, [kept, bare])
    (again,) = recall(json.loads(json.dumps(remember([found]))))
    before, now = known([found]), known([again])
    for instance in found.instances:
        assert now.has(found, instance)
    for instance in again.instances:
        assert before.has(again, instance)


def test_what_the_ledger_keeps_holds_no_secret_and_is_bounded():
    names = islice(product("abcdefghijklmnopqrst", repeat=4), 20_010)
    uris = [f"https://bob:pw@shop.example/{''.join(name)}?token=hush&page=2" for name in names]
    found = Alert("s", "1", "1-1", "A", Risk.LOW, Confidence.LOW, [Instance(uri=uri) for uri in uris])
    kept = remember([found, replace(found, ref="1-2"), replace(found, ref="1-3", dropped=True)])
    assert [(one["ref"], len(one["places"])) for one in kept] == [("1-1", 20_000), ("1-2", 0)]
    assert kept[0]["places"][1] == ("https://shop.example/aaab?page&token", "", "", "")


@pytest.mark.parametrize("memory", [None, {}, [1], [{"site": 1}], "x", [{"places": [[1]]}]])
def test_a_memory_that_is_none_is_said(memory):
    with pytest.raises(
        InconclusiveError, match=r"^ledger: holds no scan to compare with: .*; run `releasegate ledger verify`$"
    ):
        recall(memory)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_a_place_and_can_be_shown(uri, node):
    assert isinstance(shown(uri), str)
    once = path_place(uri)
    assert once == place(Instance(uri=uri))
    assert isinstance(place(Node(uri=uri, node=node)), str)
