"""What no recording is: every message whole, as the user gets it."""
# ruff: noqa: E501  a message stands in one line

import json

import pytest
from canaries import header
from test_recording import EVERY, refused

from releasegate.canary.recording import encode_header


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not a line of JSON; a recording is one JSON object a line, in UTF-8"),
        ("[1]", "not a JSON object"),
        ('{"t": NaN}', "NaN is no number"),
        ('{"t": 1e999}', "t is no number; it is the seconds since the split was seen to flow"),
        ('{"t": true}', "t is no number; it is the seconds since the split was seen to flow"),
        ("{}", "t is no number; it is the seconds since the split was seen to flow"),
        ('{"t": 15, "t": 30}', "t stands twice"),
        ('{"t": 0}', "time runs backwards: 0 after 0"),
        ('{"t": 15, "weight": 1.5}', "weight is no number between 0 and 1"),
        ('{"t": 15, "weight": null}', "weight is no number between 0 and 1"),
        ('{"t": 15, "eror": {}}', "eror is no SLI of the header"),
        ('{"t": 15, "errors": 1}', 'errors holds no tracks; write {"baseline": …, "canary": …}'),
        ('{"t": 15, "errors": {"stable": [1, 2]}}', "errors: stable is no track; tracks are baseline and canary"),
        ('{"t": 15, "errors": {"canary": [1, 2], "canary": [1, 2]}}', "canary stands twice"),
        ('{"t": 15, "errors": {"canary": 1}}', "errors: canary: a ratio is a list of 2 counts here, 0 or more"),
        ('{"t": 15, "errors": {"canary": [-1, 2]}}', "errors: canary: a ratio is a list of 2 counts here, 0 or more"),
        ('{"t": 15, "errors": {"canary": [3, 2]}}', "errors: canary: 3 bad events of 2"),
        (
            '{"t": 15, "duration": {"canary": [1, 2]}}',
            "duration: canary: a histogram is a list of 3 counts here, 0 or more",
        ),
        ('{"t": 15, "rate": {"canary": [1]}}', "rate: canary: a throughput is one count, 0 or more"),
        ('{"t": 15, "cost": {"canary": [1, 0]}}', "cost: canary: a sum of 1 over no events"),
        ('{"t": 15, "queue": {"canary": "deep"}}', "queue: canary: a gauge is one finite number"),
        ('{"t": 15, "weight": 0}', "weight is no number between 0 and 1"),
        ('{"t": 15, "weight": 1}', "weight is no number between 0 and 1"),
        ('{"t": 15, "errors": {"canary": [1, 2, 3]}}', "errors: canary: a ratio is a list of 2 counts here, 0 or more"),
        ('{"t": 15, "rate": {"canary": -1}}', "rate: canary: a throughput is one count, 0 or more"),
        ('{"t": 15, "rate": {"canary": 9007199254740993}}', "rate: canary: a throughput is one count, 0 or more"),
        (
            '{"t": 15, "errors": {"canary": [1, 9007199254740992]}}',
            "errors: canary: a ratio is a list of 2 counts here, 0 or more",
        ),
        ('{"t": 15, "cost": {"canary": [1]}}', "cost: canary: a mean is a list of 2 counts here, 0 or more"),
        ('{"t": "15"}', "t is no number; it is the seconds since the split was seen to flow"),
        ('{"t": -1}', "time runs backwards: -1 after 0"),
        ('{"t": 15, "errors": {"canary": [true, 2]}}', "errors: canary: a ratio is a list of 2 counts here, 0 or more"),
        ('{"t": 15, "errors": {"canary": {}}}', "errors: canary: a ratio is a list of 2 counts here, 0 or more"),
        ('{"t": 15, "errors": {"canary": [NaN, 2]}}', "NaN is no number"),
        ('{"t": 15, "queue": {"canary": Infinity}}', "Infinity is no number"),
        ("null", "not a JSON object"),
        ('"t"', "not a JSON object"),
    ],
)
def test_a_malformed_poll_is_named_by_file_and_line(line, message):
    text = f'{encode_header(header(EVERY))}\n{{"t": 0}}\n{line}\n'
    assert refused(text) == f"file:3: {message}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recording": 2}, "recording 2 is not known; this reads version 1"),
        ({"window": 0}, "window is 0, which cannot be"),
        ({"weight": 1}, "weight is 1, which cannot be"),
        ({"warm_up": 1800}, "warm_up is 1800, which cannot be"),
        ({"false_abort": "1%"}, "false_abort is no number"),
        ({"started": "yesterday"}, "started is no RFC 3339 time"),
        ({"id": 7}, "id is no text"),
        ({"detect": {"ratio": 1}}, "detect holds a ratio that is not above 1"),
        ({"detect": {"gauge": 2}}, "gauge is no key of detect; known are histogram, mean, ratio, throughput"),
        ({"early": 1}, "early is neither true nor false"),
        ({"again": 600}, "again is no list of numbers"),
        ({"again": ["600"]}, "again is no list of numbers"),
        ({"again": [0]}, "again holds moments that do not rise from 0"),
        ({"again": [600, 600]}, "again holds moments that do not rise from 0"),
        (
            {"weigth": 0.1},
            "weigth is no key of the header; known are again, detect, early, false_abort, id, interval, recording, slis, started, warm_up, weight, window",
        ),
        ({"slis": {}}, "no SLI; a canary is judged by at least one"),
        ({"slis": []}, "slis holds no SLIs"),
        ({"slis": {"t": {"kind": "ratio"}}}, "an SLI cannot be called 't'"),
        ({"interval": 0}, "interval is 0, which cannot be"),
        ({"interval": None}, "interval is no number"),
        ({"interval": "15"}, "interval is no number"),
        ({"window": -1}, "window is -1, which cannot be"),
        ({"weight": 0}, "weight is 0, which cannot be"),
        ({"weight": True}, "weight is no number"),
        ({"warm_up": -1}, "warm_up is -1, which cannot be"),
        ({"false_abort": 0}, "false_abort is 0, which cannot be"),
        ({"false_abort": 1}, "false_abort is 1, which cannot be"),
        ({"recording": "1"}, "recording '1' is not known; this reads version 1"),
        ({"started": None}, "started is no RFC 3339 time"),
        ({"detect": []}, "detect is no object"),
        ({"detect": {"ratio": "5"}}, "ratio is no number"),
        ({"detect": {"mean": 0}}, "detect holds a ratio that is not above 1"),
        ({"slis": {"": {"kind": "ratio"}}}, "an SLI cannot be called ''"),
        ({"slis": {"weight": {"kind": "ratio"}}}, "an SLI cannot be called 'weight'"),
        ({"slis": {"recording": {"kind": "ratio"}}}, "an SLI cannot be called 'recording'"),
    ],
)
def test_a_malformed_header_is_named_by_file_and_line(change, message):
    assert refused(json.dumps({**json.loads(encode_header(header())), **change})) == f"file:1: {message}"


@pytest.mark.parametrize(
    ("sli", "message"),
    [
        ({"kind": "ratio", "bounds": [1]}, "ratio with 1 bounds; a histogram has bounds, others none"),
        ({"kind": "ratio", "limit": 2}, "limit 2 does not fit a ratio; see the table of SLIs"),
        ({"kind": "ratio", "tolerate": 0.9}, "tolerate is 0.9; give a number from 1 (no worse at all) upwards"),
        (
            {"kind": "ratio", "tolerant": 2},
            "tolerant is no key of an SLI; known are bounds, compare, critical, kind, limit, starved_below, tolerate",
        ),
        (
            {"kind": "histogram", "bounds": [1, 1]},
            "bounds do not rise; give finite upper bounds from small to large, without +Inf",
        ),
        (
            {"kind": "histogram", "bounds": [1], "limit": {"le": 2, "share": 0.5}},
            "limit 0.5 at most 2 does not fit a histogram; only a histogram takes it; `le` is one of its bounds and `share` lies between 0 and 1",
        ),
        ({"kind": "throughput", "starved_below": 1}, "starved_below is 1; give a number between 0 and 1"),
        ({"kind": "gauge"}, "a gauge with nothing to judge; give it a limit, or compare: true"),
        ({"kind": "histogram"}, "histogram with 0 bounds; a histogram has bounds, others none"),
        ({"kind": "histogram", "bounds": 7}, "bounds is no list of numbers"),
        ({"kind": "histogram", "bounds": ["1"]}, "bounds is no list of numbers"),
        (
            {"kind": "histogram", "bounds": [2, 1]},
            "bounds do not rise; give finite upper bounds from small to large, without +Inf",
        ),
        ({"kind": "histogram", "bounds": [1], "limit": {"le": 1}}, "share is no number"),
        (
            {"kind": "histogram", "bounds": [1], "limit": {"le": 1, "share": 1}},
            "limit 1 at most 1 does not fit a histogram; only a histogram takes it; `le` is one of its bounds and `share` lies between 0 and 1",
        ),
        (
            {"kind": "histogram", "bounds": [1], "limit": {"le": 1, "share": 0}},
            "limit 0 at most 1 does not fit a histogram; only a histogram takes it; `le` is one of its bounds and `share` lies between 0 and 1",
        ),
        (
            {"kind": "histogram", "bounds": [1], "limit": {"le": 1, "most": 0.5}},
            "most is no key of a limit; known are le, share",
        ),
        (
            {"kind": "histogram", "bounds": [1], "limit": 0.5},
            "limit 0.5 does not fit a histogram; see the table of SLIs",
        ),
        (
            {"kind": "ratio", "limit": {"le": 1, "share": 0.5}},
            "limit 0.5 at most 1 does not fit a ratio; only a histogram takes it; `le` is one of its bounds and `share` lies between 0 and 1",
        ),
        ({"kind": "ratio", "limit": 0}, "limit 0 does not fit a ratio; see the table of SLIs"),
        ({"kind": "ratio", "limit": 1}, "limit 1 does not fit a ratio; see the table of SLIs"),
        ({"kind": "ratio", "limit": "5%"}, "limit is no number"),
        ({"kind": "mean", "limit": 0}, "limit 0 does not fit a mean; see the table of SLIs"),
        ({"kind": "throughput", "limit": 1}, "limit 1 does not fit a throughput; see the table of SLIs"),
        ({"kind": "throughput", "starved_below": 0}, "starved_below is 0; give a number between 0 and 1"),
        ({"kind": "throughput", "starved_below": "half"}, "starved_below is no number"),
        ({"kind": "ratio", "critical": 1}, "critical is neither true nor false"),
        ({"kind": "gauge", "compare": 1}, "compare is neither true nor false"),
        ({"kind": "ratio", "tolerate": "1.2"}, "tolerate is no number"),
    ],
)
def test_a_malformed_sli_is_named(sli, message):
    text = json.dumps({**json.loads(encode_header(header())), "slis": {"cost": sli}})
    assert refused(text) == f"file:1: cost: {message}"


@pytest.mark.parametrize("sli", [{"kind": ["ratio"]}, 7, {}, {"kind": "rate"}])
def test_an_sli_has_a_kind(sli):
    text = json.dumps({**json.loads(encode_header(header())), "slis": {"cost": sli}})
    assert refused(text) == "file:1: cost has no kind; it is one of ratio, histogram, throughput, mean, gauge"
