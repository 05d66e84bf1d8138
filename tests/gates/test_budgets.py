"""`budgets.json`: the assertions that stand for it, and every refusal in whole."""

import pytest

from releasegate.errors import InputError
from releasegate.gates.lighthouse.budgets import METRIC, RESOURCE, budget_options

WHERE = "budgets.json: budgets[1]"


def limit(value):
    return ["error", {"maxNumericValue": value}]


def test_every_section_becomes_assertions():
    budget = {
        "path": "/shop/*.html$",
        "options": {"firstPartyHostnames": ["example.com", "*.example.com"]},
        "resourceSizes": [{"resourceType": name, "budget": size} for size, name in enumerate(RESOURCE[1])],
        "resourceCounts": [{"resourceType": "third-party", "budget": 7}],
        "timings": [{"metric": name, "budget": 100.5} for name in METRIC[1]],
    }
    assert budget_options([budget, {}], "budgets.json") == {
        "assertMatrix": [
            {
                "matchingUrlPattern": r"https?:\/\/[^/]+\/shop\/.*\.html\$".replace(r"\$", "$"),
                "assertions": {
                    **{f"resource-summary:{name}:size": limit(1024 * size) for size, name in enumerate(RESOURCE[1])},
                    "resource-summary:third-party:count": limit(7),
                    **{name: limit(100.5) for name in METRIC[1]},
                },
            },
            {"matchingUrlPattern": ".*", "assertions": {}},
        ]
    }


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/", ".*"),
        ("/a", r"https?:\/\/[^/]+\/a"),
        ("/*", r"https?:\/\/[^/]+\/.*"),
        ("/a*/b c$", r"https?:\/\/[^/]+\/a.*\/b\ c$"),
        ("/-[]{}()+?.,\\^|#", r"https?:\/\/[^/]+\/\-\[\]\{\}\(\)\+\?\.\,\\\^\|\#"),
    ],
)
def test_a_path_becomes_a_pattern(path, pattern):
    assert budget_options([{"path": path}], "b")["assertMatrix"][0]["matchingUrlPattern"] == pattern


RESOURCES = "total, document, script, stylesheet, image, media, font, other, third-party"
METRICS = (
    "first-contentful-paint, interactive, first-meaningful-paint, max-potential-fid, total-blocking-time, speed-index, "
    "largest-contentful-paint, cumulative-layout-shift"
)
PATH_REMEDY = "begin it with `/`, with at most one `*`, and `$` only at its end"


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"paths": "/", "b": 1}, "Budget has unrecognized properties: [paths, b]; remove them"),
        ({"options": []}, "Invalid options property; write an object"),
        ({"options": {"host": []}}, "Options property has unrecognized properties: [host]; remove them"),
        (
            {"options": {"firstPartyHostnames": "a"}},
            "firstPartyHostnames should be defined as an array of strings",
        ),
        (
            {"options": {"firstPartyHostnames": [1]}},
            "firstPartyHostnames should be defined as an array of strings",
        ),
        *(
            (
                {"options": {"firstPartyHostnames": [host]}},
                f"{host} is not a valid hostname; write example.com",
            )
            for host in ("", "https://a", "a/b", "a:80", "a.*.b", "*", "*.a.*")
        ),
        ({"timings": {}}, "Invalid timings entry; write a list of objects"),
        ({"resourceSizes": [1]}, "Invalid resourceSizes entry; write a list of objects"),
        ({"resourceCounts": None}, "Invalid resourceCounts entry; write a list of objects"),
        (
            {"timings": [{"metric": "interactive", "budget": 1, "x": 1}]},
            "Timing Budget has unrecognized properties: [x]; remove them",
        ),
        (
            {"resourceSizes": [{"metric": "interactive", "budget": 1}]},
            "Resource Budget has unrecognized properties: [metric]; remove them",
        ),
        ({"timings": [{"metric": "lcp", "budget": 1}]}, f"Invalid metric 'lcp'; write one of {METRICS}"),
        ({"resourceCounts": [{"budget": 1}]}, f"Invalid resourceType None; write one of {RESOURCES}"),
        ({"timings": [{"metric": "interactive", "budget": "1"}]}, "Invalid budget: '1'; write a number"),
        (
            {"resourceSizes": [{"resourceType": "font", "budget": 1}] * 2},
            "resourceSizes has duplicate entry of type 'font'; keep one",
        ),
        *(
            ({"path": path}, f"Invalid path {path!r}; {PATH_REMEDY}")
            for path in (1, "shop", "/*/*", "/a$b")
        ),
    ],
)  # fmt: skip
def test_what_the_format_does_not_have_is_refused(budget, said):
    with pytest.raises(InputError) as caught:
        budget_options([{}, budget], "budgets.json")
    assert str(caught.value) == f"{WHERE}: {said}"


@pytest.mark.parametrize("document", [{}, None, "x", [1], [{}, []]])
def test_a_file_is_a_list_of_budgets(document):
    with pytest.raises(InputError) as caught:
        budget_options(document, "budgets.json")
    assert str(caught.value) == "budgets.json: Budget file is not defined as an array of budgets.; write [{…}]"


def test_long_names_are_cut():
    with pytest.raises(InputError) as caught:
        budget_options([{"a" * 300: 1}], "b")
    assert str(caught.value) == f"b: budgets[0]: Budget has unrecognized properties: [{'a' * 200}]; remove them"
