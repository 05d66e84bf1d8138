import json

import pytest
from canaries import header, steady, text_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from releasegate.canary.judge import Judge
from releasegate.canary.recording import Line, Recording, encode_header, parse
from releasegate.canary.sli import Kind, Limit, SliSpec
from releasegate.errors import InputError, ReleasegateError

EVERY = {
    "errors": SliSpec(Kind.RATIO, tolerate=1.1, limit=0.05),
    "duration": SliSpec(Kind.HISTOGRAM, bounds=(0.1, 0.5), limit=Limit(0.5, 0.9)),
    "rate": SliSpec(Kind.THROUGHPUT, starved_below=0.4),
    "cost": SliSpec(Kind.MEAN, limit=3.0, critical=False),
    "queue": SliSpec(Kind.GAUGE, limit=100.0, compare=True),
}
FULL = {
    "errors": {"baseline": (1.0, 10.0), "canary": (0.0, 2.0)},
    "duration": {"baseline": (7.0, 2.0, 1.0), "canary": (1.0, 1.0, 0.0)},
    "rate": {"baseline": 10.0, "canary": 2.0},
    "cost": {"baseline": (0.1 + 0.2, 3.0), "canary": (0.0, 0.0)},
    "queue": {"baseline": -1.5, "canary": 4.0},
}


def read(text):
    return list(parse(text.splitlines(), "file"))


def refused(text):
    with pytest.raises(InputError) as error:
        read(text)
    return str(error.value)


def test_what_is_written_reads_back_to_the_bit():
    recording = Recording(
        header(EVERY, warm_up=60.0, early=True, again=(600.0, 900.5)), (Line(-15.0, {}), Line(15.0, FULL, weight=0.1))
    )
    assert read(text_of(recording.header, recording.lines)) == [recording]


def test_a_stream_holds_one_recording_after_the_other():
    one, other = header(), header(id="other")
    lines = tuple(steady("errors", (1, 10), (0, 2), start=-1, end=1))
    assert read(text_of(one, lines) + "\n" + text_of(other, ())) == [Recording(one, lines), Recording(other, ())]


def test_a_short_header_has_the_defaults():
    text = (
        '{"recording": 1, "id": "x", "started": "2026-01-01T00:00:00Z", "interval": 15, "window": 60, "weight": 0.05,'
    )
    head = read(text + ' "slis": {"errors": {"kind": "ratio"}}}')[0].header
    assert (head.warm_up, head.false_abort, head.early, head.again) == (0.0, 0.01, False, ())
    assert head.detect == {"ratio": 5.0, "histogram": 2.0, "throughput": 2.0, "mean": 5.0}
    assert head.slis == {"errors": SliSpec(Kind.RATIO)}


def test_a_poll_before_any_header_and_an_empty_stream_are_refused():
    assert refused('{"t": 15}') == "file:1: a poll before any header; a recording begins with its header line"
    assert refused("\n\n").startswith("file: no recording in it; ")


def test_bytes_that_are_no_utf_8_are_refused():
    with pytest.raises(InputError, match="file:1: not a line of JSON"):
        list(parse([b"\xff\xfe{}"], "file"))


def outcome(text):
    try:
        list(parse(text, "file"))
    except ReleasegateError as error:
        return str(error)
    return "file:1: is read"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["t", "kind", "baseline", "le", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60) | values.map(json.dumps))
@example("[" * 100_000)
@example('{"t": ' + "1" * 5000 + "}")
def test_whatever_arrives_is_read_or_refused(line):
    for text in ([line], [encode_header(header(EVERY)), line]):
        assert outcome(text).startswith("file")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(json.loads(encode_header(header(EVERY))))), values, st.sampled_from([*EVERY, None]))
def test_whatever_a_header_holds_it_is_read_or_refused(key, value, sli):
    document = json.loads(encode_header(header(EVERY)))
    if sli is None:
        document[key] = value
    else:
        document["slis"][sli][next(iter(document["slis"][sli]))] = value
    assert outcome([json.dumps(document)]).startswith("file:1: ")


counts = st.one_of(st.integers(0, 5), st.integers(0, 10**6), st.sampled_from([0, 2**50, 0.5, 1e-9]))


@st.composite
def polls(draw):
    tracks = {}
    for name in draw(st.sets(st.sampled_from(list(EVERY)))):
        for track in draw(st.sets(st.sampled_from(["baseline", "canary"]))):
            one, more = draw(counts), draw(counts)
            value = {
                "errors": [one, one + more],
                "duration": [one, more, draw(counts)],
                "rate": one,
                "cost": [one if more else 0, more],
                "queue": one - more,
            }[name]
            tracks.setdefault(name, {})[track] = value
    return tracks


@settings(max_examples=100, deadline=None)
@given(st.lists(polls(), min_size=1, max_size=25), st.integers(0, 10), st.floats(0.001, 0.999))
def test_whatever_was_counted_the_judge_answers_in_finite_numbers(lines, history, weight):
    head = header(EVERY, window=300.0, weight=weight, early=True)
    text = [encode_header(head)]
    text += [json.dumps({"t": (index - history) * 15, **counts}) for index, counts in enumerate(lines)]
    (recording,) = parse(text, "file")
    judge = Judge(recording.header)
    for line in recording.lines:
        said = judge.observe(line)
        json.dumps([sli.document() for sli in said.slis.values()], allow_nan=False)
    json.dumps(judge.finish().document(), allow_nan=False)
