"""Whatever bytes arrive: a report that can be judged, or a reason why not. Never a crash, never a quiet pass."""

import json
import random
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releasegate.errors import InconclusiveError, InputError
from releasegate.gates import xml
from releasegate.gates.zap.baseline import Options, baseline
from releasegate.gates.zap.judge import Threshold, judge, read_scan
from releasegate.gates.zap.read import read_report
from releasegate.gates.zap.rules import read_rules
from releasegate.verdict import Outcome, Subject

NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEYS = [
    "site", "@name", "alerts", "ignoredAlerts", "pluginid", "alertRef", "riskcode", "confidence", "name", "instances",
    "uri", "nodeName", "method", "param", "systemic", "insights", "stoppingInsight", "afPlanErrors", "runs", "created",
    "tool", "driver", "results", "ruleId", "rules", "level", "locations",
]  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["0", "1", "2", "3", "10038", "ZAP", "https://a/b?c=d", "2026-01-01T00:00:00Z"]),
)  # fmt: skip
shapes = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=25,
)


def verdict(content):
    """The verdict on one report: usable ones may pass, all others are inconclusive."""
    scan = read_scan([("r", content)], nodes=True)
    found = judge(scan, Threshold(), (), Subject(), NOW, NOW)
    assert (found.verdict is Outcome.INCONCLUSIVE) or scan.reports
    json.dumps(found.document(), allow_nan=False).encode()
    baseline([alert for report in scan.reports for alert in report.alerts], Options())
    return found


@given(st.dictionaries(st.sampled_from(KEYS), shapes, max_size=6))
def test_any_json_object_has_a_verdict(document):
    found = verdict(json.dumps(document).encode())
    if not isinstance(document.get("site"), list) and "runs" not in document:
        assert found.verdict is Outcome.INCONCLUSIVE


@given(st.binary(max_size=400), st.sampled_from([b"", b"{", b"<", b'{"site":[', b"<OWASPZAPReport>", b"\xef\xbb\xbf{"]))
def test_any_bytes_have_a_verdict(content, start):
    assert verdict(start + content).verdict is Outcome.INCONCLUSIVE


@pytest.mark.data
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_a_real_report_that_was_damaged_anywhere_has_a_verdict(data, seed):
    source = random.Random(seed)
    paths = sorted([*(data / "zap").glob("zap-2*.json"), *(data / "zap").glob("zap-*.xml")])
    content = bytearray(source.choice([path for path in paths if path.stat().st_size < 60_000]).read_bytes())
    for _ in range(source.randrange(1, 4)):
        at = source.randrange(len(content))
        how = source.randrange(3)
        if how == 0:
            content[at] = source.randrange(256)
        elif how == 1:
            del content[at : at + source.randrange(1, 2000)]
        else:
            content[at:at] = source.choice([b'"', b"}", b"<", b"\\ud800", b"NaN", b"9" * 5000, b"[" * 3000, b"\0"])
    verdict(bytes(content))


@pytest.mark.data
def test_a_real_report_that_was_cut_off_anywhere_is_never_passed(data):
    for name in ("zap-2.17-onealert.json", "zap-D-2025-11-10-empty.xml"):
        content = (data / "zap" / name).read_bytes().rstrip()
        assert verdict(content).verdict is Outcome.PASS
        for length in range(0, len(content), 7):
            assert verdict(content[:length]).verdict is Outcome.INCONCLUSIVE, (name, length)


NOT_IN_TIME = [
    b'{"site":' + b"[" * 5_000_000,
    b'{"site": [{"@name": "a", "alerts": [], "x": ' + b'{"a":' * 2_000_000,
    b'{"site": [], "n": ' + b"9" * 5_000_000 + b"}",
    b"<a>" * 2_000_000,
    b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 100_000 + b'"><!ENTITY b "' + b"&a;" * 10_000 + b'">]><a>&b;</a>',
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><OWASPZAPReport>&x;</OWASPZAPReport>',
    b"<OWASPZAPReport>&undeclared;</OWASPZAPReport>",
    b"<OWASPZAPReport " + b"a" * 1_000_000 + b'="1"/>',
]


@pytest.mark.parametrize("content", NOT_IN_TIME, ids=range(len(NOT_IN_TIME)))
def test_hostile_reports_cost_little_memory(content):
    tracemalloc.start()
    try:
        assert verdict(content).verdict is Outcome.INCONCLUSIVE
        assert tracemalloc.get_traced_memory()[1] < 5 * len(content) + 60_000_000
    finally:
        tracemalloc.stop()


def test_xml_that_is_too_large_to_be_read_in_time_is_refused_at_once(monkeypatch):
    content = b"<OWASPZAPReport>" + b" " * xml.LARGEST
    monkeypatch.setattr(xml.ET, "XMLParser", lambda **_: pytest.fail("it was parsed"))
    (finding,) = verdict(content).findings
    assert finding.title.startswith("the report is larger than 128 MiB, which is too much for XML")


@given(st.text(), st.sampled_from(["", "\t", "10038\tFAIL\t", "*\tOUTOFSCOPE\t", "\t\t\t\t"]))
def test_any_rules_file_is_read_or_its_line_is_named(text, start):
    try:
        read_rules((start + text).encode(errors="surrogatepass"), "r")
    except InputError as error:
        assert str(error).startswith("r:")  # noqa: PT017  either is right


def test_a_report_is_the_same_with_a_byte_order_mark_and_as_the_last_of_its_keys():
    site = '{"site": [], "site": [{"@name": "a", "alerts": []}]}'
    assert read_report(b"\xef\xbb\xbf" + site.encode(), "r").sites == ("a",)
    with pytest.raises(InconclusiveError, match="neither JSON nor XML"):
        read_report(site.encode("utf-16"), "r")
