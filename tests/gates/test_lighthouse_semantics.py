"""LHCI's rules one by one, on reports of a few lines: what `lhci assert` would answer, result by result."""

import json

import pytest

from releasegate.errors import InputError
from releasegate.gates.lighthouse.assertions import parse_config
from releasegate.gates.lighthouse.gate import peer
from releasegate.gates.lighthouse.lhci import representative
from releasegate.gates.lighthouse.presets import KNOWN_AUDITS
from releasegate.gates.lighthouse.report import parse

URL = "https://shop.test/"
SUMMARY = {"resource-summary": {"details": {"items": [
    {"resourceType": "script", "requestCount": 4, "transferSize": 900},
    {"resourceType": "image", "requestCount": 2, "size": 300, "transferSize": 1},
    {"resourceType": "font"},
]}}}  # fmt: skip
TIMINGS = {"user-timings": {"numericValue": 7, "details": {"items": [
    "no row",
    {"name": "Cart: first Item!", "startTime": 500, "duration": None},
    {"name": "checkoutLoaded", "startTime": 100, "duration": 40},
    {"name": "checkout-loaded", "startTime": 1, "duration": 1},
    {"name": "lost"},
    {"name": 7, "startTime": 1},
]}}}  # fmt: skip


def run(audits, categories=None, number=0, url=URL):
    document = {"lighthouseVersion": "12.6.1", "finalUrl": url, "audits": audits, "categories": categories or {}}
    return parse(json.dumps(document).encode(), f"lhr-{number}.json")[0]


def ask(assertions, *runs, **more):
    """LHCI's exit code and results."""
    config = parse_config({"assertions": assertions, "includePassedAssertions": True, **more}, "rc.json")
    said = peer(runs, config)
    return said["exit_code"], said["results"]


def one(assertion, *runs, key="a"):
    """The only result's name, expected, actual, values and whether it passed."""
    _, (result,) = ask({key: assertion}, *runs)
    return tuple(result.get(name) for name in ("name", "expected", "actual", "values", "passed"))


def scored(*scores, **more):
    return [run({"a": {"score": score, **more}}, number=number) for number, score in enumerate(scores)]


def numbers(*values):
    return [run({"a": {"score": 1, "numericValue": value}}, number=number) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("method", "score", "numeric"),
    [("optimistic", 0.9, 1), ("pessimistic", 0.2, 9), ("median", 0.5, 4), (None, 0.9, 1)],
)
def test_several_runs_become_one_value(method, score, numeric):
    more = {"aggregationMethod": method} if method else {}
    assert one(["error", {"minScore": 0.6, **more}], *scored(0.5, 0.9, 0.2)) == (
        "minScore", 0.6, score, [0.5, 0.9, 0.2], score >= 0.6,
    )  # fmt: skip
    assert one(["error", {"maxNumericValue": 4, **more}], *numbers(4, 9, 1)) == (
        "maxNumericValue", 4, numeric, [4, 9, 1], numeric <= 4,
    )  # fmt: skip


def test_the_median_of_two_middles_is_their_mean():
    assert one(["error", {"maxNumericValue": 5, "aggregationMethod": "median"}], *numbers(8, 1, 4, 6))[2] == 5


def test_the_length_of_details_is_counted():
    details = {"a": {"score": 0, "details": {"items": [{}, {}, {}]}}}
    assert one(["error", {"maxLength": 2}], run(details)) == ("maxLength", 2, 3, [3], False)
    assert one(["error", {"maxLength": 3}], run(details))[4] is True
    assert one(["error", {"maxLength": 0}], run({"a": {"score": 0}})) == ("maxLength", 0, 0, [0], True)


def test_without_a_threshold_nine_tenths_are_asked_and_several_come_in_their_order():
    assert one("error", *scored(0.89)) == ("minScore", 0.9, 0.89, [0.89], False)
    assert one(["warn", {}], *scored(0.9))[1:] == (0.9, 0.9, [0.9], True)
    audit = {"a": {"score": 0.5, "numericValue": 10, "details": {"items": [1]}}}
    code, results = ask({"a": ["error", {"minScore": 1, "maxNumericValue": 9, "maxLength": 0}]}, run(audit))
    assert (code, [result["name"] for result in results]) == (1, ["maxLength", "maxNumericValue", "minScore"])
    assert [result["operator"] for result in results] == ["<=", "<=", ">="]


def test_levels_decide_about_the_exit_code():
    assert ask({"a": "warn"}, *scored(0.1))[0] == 0
    assert ask({"a": "error"}, *scored(0.1))[0] == 1
    assert ask({"a": "off"}, *scored(0.1)) == (0, [])
    assert ask({"a": "error"}, *scored(0.95))[0] == 0


def test_scores_that_are_none_count_by_their_kind():
    assert one("error", *scored(None, scoreDisplayMode="notApplicable"))[2:] == (1, [1], True)
    assert one("error", *scored(None, scoreDisplayMode="informative"))[2:] == (0, [0], False)
    _, (result,) = ask({"a": "error"}, *scored(None, scoreDisplayMode="manual"))
    assert (result["actual"], result["values"], result["passed"]) == ("NaN", ["NaN"], False)
    assert result["message"] == (
        'Audit did not produce a value at all. "minScore" might not be a valid assertion for this audit.'
    )


def test_runs_without_a_value_are_left_out_but_not_by_a_pessimist():
    runs = [*numbers(5), run({"a": {"score": 1, "numericValue": None}}, number=2)]
    assert one(["error", {"maxNumericValue": 6}], *runs)[2:] == (5, [5], True)
    _, (result,) = ask({"a": ["error", {"maxNumericValue": 6, "aggregationMethod": "pessimistic"}]}, *runs)
    assert (result["actual"], result["values"], result["passed"]) == ("NaN", [5, "NaN"], False)
    assert result["message"] == (
        'Audit failed to produce a valid value. Try using an aggregationMethod other than "pessimistic".'
    )
    _, (result,) = ask({"a": ["error", {"maxNumericValue": 6}]}, runs[1])
    assert result["message"] == (
        "Audit failed to produce a valid value. If this is reproducible, please file an issue on GitHub."
    )
    _, (result,) = ask({"a": ["error", {"maxNumericValue": 6}]}, run({"a": {"score": 1}}))
    assert result["message"] == (
        'Audit did not produce a value at all. "maxNumericValue" might not be a valid assertion for this audit.'
    )


def test_an_audit_that_is_missing_in_any_run_did_not_run():
    known = min(KNOWN_AUDITS)
    _, (result,) = ask({known: "error"}, run({known: {"score": 1}}), run({}, number=1))
    assert (result["name"], result["expected"], result["actual"], result["values"], result["passed"]) == (
        "auditRan", 1, 0, [1, 0], False,
    )  # fmt: skip
    assert "message" not in result
    _, (result,) = ask({"no-such": "error"}, run({}))
    assert result["message"] == '"no-such" is not a known audit.'
    assert (result["auditId"], result["url"], result["level"], result["operator"]) == ("no-such", URL, "error", ">=")


def test_pages_are_judged_apart_and_patterns_choose_among_them():
    runs = [run({"a": {"score": 0}}), run({"a": {"score": 1}}, number=1, url=f"{URL}cart")]
    assert [r["url"] for r in ask({"a": "error"}, *runs)[1]] == [URL, f"{URL}cart"]
    matrix = [{"matchingUrlPattern": "cart$", "assertions": {"a": "error"}}]
    config = parse_config({"assertMatrix": matrix, "includePassedAssertions": True}, "rc.json")
    assert [(r["url"], r["passed"]) for r in peer(runs, config)["results"]] == [(f"{URL}cart", True)]


def test_only_what_failed_is_told_unless_asked():
    config = parse_config({"assertions": {"a": "error"}}, "rc.json")
    assert peer(scored(1), config) == {"exit_code": 0, "results": []}


def test_a_category_is_a_score_of_its_own():
    runs = [run({}, {"performance": {"score": score}}, number) for number, score in enumerate((0.5, 0.8))]
    for key in ("categories:performance", "categories.performance"):
        _, (result,) = ask({key: ["error", {"minScore": 0.7}]}, *runs)
        assert (result["auditId"], result["auditProperty"], result["actual"], result["values"], result["passed"]) == (
            "categories", "performance", 0.8, [0.5, 0.8], True,
        )  # fmt: skip
    _, (result,) = ask({"categories:pwa": "error"}, *runs)
    assert (result["name"], result["auditProperty"], result["values"]) == ("auditRan", "pwa", [0, 0])
    _, (result,) = ask({"categories": "error"}, *runs)
    assert (result["name"], result["message"]) == ("auditRan", '"categories" is not a known audit.')
    with pytest.raises(InputError, match=r'Invalid resource-summary assertion "a\.b"; write categories:<name>'):
        ask({"categories:a:b": "error"}, *runs)
    bare = parse(b'{"audits": {}, "finalUrl": "https://a/"}', "bare.json")
    with pytest.raises(InputError, match=r"^bare\.json: a report has no categories, but one is asserted$"):
        ask({"categories:performance": "error"}, *bare)


@pytest.mark.parametrize(
    ("key", "limit", "actual", "passed"),
    [
        ("resource-summary:script:size", 900, 900, True),
        ("resource-summary:script:size", 899, 900, False),
        ("resource-summary:script:count", 3, 4, False),
        ("resource-summary.image.size", 299, 300, False),
        ("resource-summary:image:count", 2, 2, True),
    ],
)
def test_resources_have_a_size_and_a_count(key, limit, actual, passed):
    assert one(["error", {"maxNumericValue": limit}], run(SUMMARY), key=key) == (
        "maxNumericValue", limit, actual, [actual], passed,
    )  # fmt: skip


def test_resources_that_are_not_there_did_not_run_and_other_quantities_are_refused():
    for key in ("resource-summary:media:size", "resource-summary:font:size", "resource-summary:font:count"):
        _, (result,) = ask({key: ["error", {"maxNumericValue": 1}]}, run(SUMMARY))
        assert (result["name"], result["auditProperty"]) == ("auditRan", ".".join(key.split(":")[1:]))
        assert "message" not in result
    _, (result,) = ask({"resource-summary:script:size": "error"}, run({"resource-summary": {"details": {}}}))
    assert result["name"] == "auditRan"
    for key in ("resource-summary:script", "resource-summary:script:bytes", "resource-summary:script:size:x"):
        with pytest.raises(InputError, match=r"^Invalid resource-summary assertion .*; write resource-summary:<type>"):
            ask({key: "error"}, run(SUMMARY))


@pytest.mark.parametrize(
    ("name", "actual"), [("checkout-loaded", 40), ("cart-first-item", 500), ("lost", None), ("none", "missing")]
)
def test_user_timings_are_a_measure_s_duration_or_a_mark_s_start(name, actual):
    _, (result,) = ask({f"user-timings:{name}": ["error", {"maxNumericValue": 45}]}, run(TIMINGS))
    assert result["auditProperty"] == name
    if actual == "missing":
        assert result["name"] == "auditRan"
    elif actual is None:
        assert result["message"].startswith("Audit did not produce a value at all")
    else:
        assert (result["name"], result["actual"], result["passed"]) == ("maxNumericValue", actual, actual <= 45)


def test_lighthouses_own_budgets_fail_row_by_row():
    rows = [
        {
            "resourceType": "script",
            "size": 1000,
            "sizeOverBudget": 400,
            "requestCount": 9,
            "countOverBudget": "2 requests",
        },
        {"resourceType": "image", "transferSize": 70, "sizeOverBudget": 20},
        {"resourceType": "font", "size": 5, "sizeOverBudget": 0, "countOverBudget": "none"},
        {"resourceType": "media", "sizeOverBudget": 3},
    ]
    audit = {"performance-budget": {"title": "Budget", "details": {"items": rows}}}
    code, results = ask({"performance-budget": "error"}, run(audit), run(audit, number=1))
    assert code == 1
    assert [(r["auditProperty"], r["name"], r["expected"], r["actual"], r["passed"]) for r in results] == [
        ("script.size", "maxNumericValue", 600, 1000, False),
        ("script.count", "maxNumericValue", 7, 9, False),
        ("image.size", "maxNumericValue", 50, 70, False),
        ("media.size", "maxNumericValue", 0, "NaN", False),
    ]
    assert {r["auditTitle"] for r in results} == {"Budget"}
    assert [r.get("message", "")[:38] for r in results] == ["", "", "", "Audit did not produce a value at all. "]
    assert ask({"performance-budget": "error"}, run({"performance-budget": {"details": {"items": []}}})) == (0, [])
    assert ask({"performance-budget": "error"}, run({})) == (0, [])


def timed(paint, interactive, score=0.5, number=0):
    audits = {"first-contentful-paint": {"score": 1, "numericValue": paint}, "a": {"score": score}}
    return run({**audits, "interactive": {"score": 1, "numericValue": interactive}}, {"p": {"score": score}}, number)


def test_the_representative_run_is_nearest_to_the_medians():
    runs = [timed(100, 900, 0.1, 1), timed(200, 800, 0.2, 2), timed(300, 100, 0.3, 3)]
    assert representative(runs) is runs[1]
    # of two middles the upper one counts: 300 and 900
    assert representative([timed(100, 900), timed(300, 850), timed(20, 100), timed(400, 950)]).audits[
        "interactive"
    ].numeric == 850  # fmt: skip
    assert representative([run({}), runs[0]]) is runs[0]


def test_median_run_takes_one_run_and_for_categories_the_best_of_all():
    runs = [timed(100, 900, 0.1, 1), timed(200, 800, 0.2, 2), timed(300, 100, 0.3, 3)]
    median_run = ["error", {"minScore": 0.25, "aggregationMethod": "median-run"}]
    assert one(median_run, *runs)[2:] == (0.2, [0.2], False)
    assert one(median_run, *runs, key="categories:p")[2:] == (0.3, [0.1, 0.2, 0.3], True)
    code, (result,) = ask({"a": ["error", {"minScore": 0.25}]}, *runs, aggregationMethod="median-run")
    assert (code, result["values"]) == (1, [0.2])


def test_the_title_and_the_link_come_from_the_first_run_that_did_not_do():
    words = [
        {"score": 1, "title": "Good", "description": "[x](https://web.dev/good)"},
        {
            "score": 0,
            "title": "Bad",
            "description": "[x](https://a.test/) [y](https://web.dev/bad) [z](https://b.test/)",
        },
        {"score": 0, "title": "Worse", "description": ""},
    ]
    _, (result,) = ask({"a": "error"}, *(run({"a": word}, number=number) for number, word in enumerate(words)))
    assert (result["auditTitle"], result["auditDocumentationLink"]) == ("Bad", "https://web.dev/bad")
    links = {
        "[x](https://a.test/) [y](https://b.test/)": "https://b.test/",
        "[x](https://a.test/) [y](https://developers.google.com/web/y) [z](https://c.test/)": (
            "https://developers.google.com/web/y"
        ),
        "[x](https://developers.google.com/web/x) [y](http://web.dev/y)": "http://web.dev/y",
        "[](https://a.test/) none [x](ftp://b)": None,
    }
    for description, link in links.items():
        _, (result,) = ask({"a": "error"}, run({"a": {"score": 0, "description": description}}))
        assert result.get("auditDocumentationLink") == link
        assert "auditTitle" not in result


def test_keys_are_looked_up_as_they_are_written_in_small_letters_only():
    assert ask({"aB": "error"}, run({"aB": {"score": 0}, "a-b": {"score": 0}})) == (0, [])
    _, (result,) = ask({"a-b": "error"}, run({"a-b": {"score": 0}}))
    assert result["auditId"] == "a-b"


def test_presets_differ_in_their_levels():
    audits = {"document-title": {"score": 0}, "interactive": {"score": 0}, "network-requests": {"score": 0}}
    levels = {}
    for preset in ("all", "recommended", "no-pwa"):
        config = parse_config({"preset": f"lighthouse:{preset}"}, "rc.json")
        found = [r for r in peer([run(audits)], config)["results"] if r["auditId"] in audits]
        levels[preset] = {r["auditId"]: r["level"] for r in found}
    assert levels["all"] == {"document-title": "error", "interactive": "error"}
    assert levels["recommended"] == levels["no-pwa"] == {"document-title": "error", "interactive": "warn"}


def preset(stated):
    """What is asked of `uses-long-cache-ttl`, of which the preset wants no row, and which has two."""
    audits = {"uses-long-cache-ttl": {"score": 0.95, "details": {"items": [1, 2]}}}
    asked = {"preset": "lighthouse:recommended", "assertions": stated, "includePassedAssertions": True}
    found = peer([run(audits)], parse_config(asked, "rc.json"))["results"]
    mine = [result for result in found if result["auditId"] == "uses-long-cache-ttl"]
    return [(r["level"], r["name"], r["expected"], r["passed"]) for r in mine]


def test_assertions_are_laid_over_a_preset_position_by_position():
    assert preset({}) == [("warn", "maxLength", 0, False)]
    assert preset({"uses-long-cache-ttl": ["error"]}) == [("error", "maxLength", 0, False)]
    assert preset({"uses-long-cache-ttl": ["error", {"maxLength": 2}]}) == [("error", "maxLength", 2, True)]
    assert preset({"uses-long-cache-ttl": ["warn", {"minScore": 1}]}) == [
        ("warn", "maxLength", 0, False),
        ("warn", "minScore", 1, False),
    ]
    assert preset({"uses-long-cache-ttl": "error"}) == [("error", "minScore", 0.9, True)]
    assert preset({"uses-long-cache-ttl": "off"}) == []


def test_a_row_whose_value_is_no_number_was_given_and_is_not_valid():
    invalid = "Audit failed to produce a valid value. If this is reproducible, please file an issue on GitHub."
    rows = [{"name": "void", "startTime": None}, {"name": "m", "duration": 3}]
    timings = run({"user-timings": {"details": {"items": rows}}})
    resources = run({"resource-summary": {"details": {"items": [{"resourceType": "font", "size": None}]}}})
    for key, report in (("user-timings:void", timings), ("resource-summary:font:size", resources)):
        _, (result,) = ask({key: ["error", {"maxNumericValue": 1}]}, report)
        assert (result["actual"], result["message"]) == ("NaN", invalid)
    assert one(["error", {"maxNumericValue": 3}], timings, key="user-timings:m")[2:] == (3, [3], True)
    _, (result,) = ask({"a": "error"}, run({"a": {"score": None, "numericValue": 5}}))
    assert result["message"].startswith('Audit did not produce a value at all. "minScore"')
