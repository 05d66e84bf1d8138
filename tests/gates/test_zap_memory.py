"""What a later scan is compared with, part by part: places, what is remembered of them, and what is resolved."""

import pytest

from releasegate.gates.zap.address import path_place, place
from releasegate.gates.zap.known import known, resolved
from releasegate.gates.zap.memory import recall, remember
from releasegate.gates.zap.report import Alert, Confidence, Instance, Method, Node, Risk
from releasegate.verdict import Finding, Level

SITE = "https://shop.example"


def alert(ref="10038-1", *paths, **more):
    fields = {"site": SITE, "name": "CSP", "risk": Risk.MEDIUM, "confidence": Confidence.HIGH} | more
    return Alert(plugin=ref[:5], ref=ref, instances=[Instance(uri=f"{SITE}{path}") for path in paths], **fields)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        (f"{SITE}/a/", f"{SITE}/a"),
        (f"{SITE}/item/17?page=2&sort=asc&page=3#top", f"{SITE}/item/{{}} (page,sort)"),
        (f"{SITE}/o/6f1c2b8e-1111-4222-8333-444455556666;v=1", f"{SITE}/o/{{}}"),
        ("/local/99", "/local/{}"),
        (f"{SITE}/main.3f2a9c1b.js", f"{SITE}/main.{{}}.js"),
    ],
)
def test_a_place_is_an_address_without_its_values(uri, found):
    assert path_place(uri) == place(Instance(uri=uri)) == found


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (r"https:\/\/shop.example\/user\/17 (7,id)", f"{SITE}/user/{{}} (7,id)"),
        (f"{SITE}/user/17", f"{SITE}/user/{{}}"),
        (f"{SITE}/user (17)/a", f"{SITE}/user ({{}})/a"),
    ],
)
def test_a_node_keeps_its_parameters(node, found):
    assert place(Node(uri=f"{SITE}/x", node=node)) == found


def test_everything_that_is_compared_is_remembered():
    instances = [
        Node(f"{SITE}/a/17?q=1", Method("POST"), "q", f"{SITE}/a/17 (q)"),
        Node(f"{SITE}/b", Method("GET"), "", ""),
    ]
    found = Alert(SITE, "10038", "10038-1", "CSP", Risk.MEDIUM, Confidence.HIGH, instances, systemic=True)
    (again,) = recall(remember([found]))
    assert (again.site, again.plugin, again.ref, again.name) == (SITE, "10038", "10038-1", "CSP")
    assert (again.risk, again.confidence, again.systemic) == (Risk.MEDIUM, Confidence.HIGH, True)
    assert again.instances == [
        Node(f"{SITE}/a/{{}}?q", Method("POST"), "q", f"{SITE}/a/{{}} (q)"),
        Node(f"{SITE}/b", Method("GET"), "", ""),
    ]


def test_what_is_resolved_leaves_out_what_was_no_finding_and_sites_that_were_not_scanned():
    before = [
        alert("10001-1", "/a", dropped=True),
        alert("10002-1", "/a", confidence=Confidence.FALSE_POSITIVE),
        alert("10003-1", "/a", site="https://other.example"),
        alert("10004-1", "/a?token=hush", "/b", "/c"),
        alert("10005-1", "/a"),
    ]
    now = known([alert("10004-1", "/b"), alert("10005-1", "/a")])
    assert resolved(before, now, {SITE}) == [
        Finding(
            check="10004-1",
            level=Level.INFO,
            title="resolved: CSP",
            observed="gone from 2 of 3 places",
            where=f"{SITE}/a?token=…",
            details={"alertRef": "10004-1", "site": SITE, "resolved": 2},
        )
    ]


@pytest.mark.parametrize(
    ("before", "now", "has"),
    [
        (alert("10038-1", "/a", systemic=True), alert("10038-1", "/b"), True),
        (alert("10038-1", "/a"), alert("10038-1", "/b", systemic=True), True),
        (alert("10038-1", "/a"), alert("10038-1", "/b"), False),
        (alert("10038-1", "/a", systemic=True), alert("10038-2", "/a", systemic=True), False),
        (alert("10038-1", "/a", systemic=True, site="https://other.example"), alert("10038-1", "/a"), False),
    ],
)
def test_a_systemic_alert_stands_for_its_whole_site_in_either_scan(before, now, has):
    assert known([before]).has(now, now.instances[0]) is has
