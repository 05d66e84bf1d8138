"""PromQL series selectors, as far as a policy may use them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.errors import PolicyError
from releasegate.policy.selector import Matcher, Selector, parse_selector


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("http_requests_total", Selector("http_requests_total")),
        ("job:errors:sum{}", Selector("job:errors:sum")),
        (
            """ a { code =~ "5..", path!='/\\'x"', q!~`\\d+` ,z="\\u00e9\\n" , } """,
            Selector(
                "a",
                (Matcher("code", "=~", "5.."), Matcher("path", "!=", "/'x\""),
                 Matcher("q", "!~", "\\d+"), Matcher("z", "=", "é\n")),
            ),
        ),
    ],
)  # fmt: skip
def test_what_a_selector_means(text, selector):
    assert parse_selector(text) == selector
    assert parse_selector(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "`` names no metric"),
        ('{a="b"}', '`{a="b"}` names no metric'),
        ("rate(a[5m])", "`rate(a[5m])` is no series selector"),
        ('a{b="c"', '`a{b="c"` has no closing brace at its end'),
        ("a{b}", "`a{b}`: cannot read `b`"),
        ('a{b="c" d="e"}', '`a{b="c" d="e"}`: cannot read `b="c" d="e"`'),
        ('a{b=~"("}', '`a{b=~"("}`: `(` is no regular expression: missing ), unterminated subpattern at position 0'),
        ('a{b="\\d"}', '`a{b="\\d"}`: a backslash escapes nothing here'),
        ('a{__name__="b"}', '`a{__name__="b"}` selects by __name__'),
        ('a{b="\\UFFFFFFFF"}', '`a{b="\\UFFFFFFFF"}`: an escape that stands for no character'),
    ],
)
def test_what_is_no_selector(text, what):
    with pytest.raises(PolicyError) as caught:
        parse_selector(text)
    assert caught.value.what == what


def test_a_tracks_selector_has_no_name():
    assert parse_selector('{track="canary"}', named=False) == Selector("", (Matcher("track", "=", "canary"),))
    with pytest.raises(PolicyError, match="names a metric"):
        parse_selector('up{track="canary"}', named=False)


def test_a_track_is_merged_into_a_selector():
    track = parse_selector('{track="canary"}', named=False)
    merged = parse_selector('http_requests_total{code=~"5.."}').within(track)
    assert str(merged) == 'http_requests_total{code=~"5..",track="canary"}'
    assert str(parse_selector("up").within(track)) == 'up{track="canary"}'
    assert str(parse_selector("up").within(Selector(""))) == "up"


@pytest.mark.parametrize(
    ("matcher", "labels", "accepted"),
    [
        (Matcher("code", "=", "500"), {"code": "500"}, True),
        (Matcher("code", "=", ""), {}, True),
        (Matcher("code", "!=", "500"), {}, True),
        (Matcher("code", "!=", "500"), {"code": "500"}, False),
        (Matcher("code", "=~", "5."), {"code": "500"}, False),
        (Matcher("code", "=~", "5..|4.."), {"code": "404"}, True),
        (Matcher("code", "!~", "5.."), {"code": "200"}, True),
        (Matcher("code", "!~", "5.."), {"code": "500"}, False),
    ],
)
def test_a_matcher_means_the_whole_value(matcher, labels, accepted):
    assert matcher.accepts(labels) is accepted


@given(st.text(max_size=30) | st.text("a{}=\"~!,\\`' ", max_size=20))
def test_any_text_is_a_selector_that_reads_back_or_an_error(text):
    try:
        selector = parse_selector(text)
    except PolicyError:
        return
    assert parse_selector(str(selector)) == selector


@given(st.text())
def test_every_value_survives_being_written(value):
    selector = Selector("a", (Matcher("b", "=", value),))
    assert parse_selector(str(selector)) == selector
