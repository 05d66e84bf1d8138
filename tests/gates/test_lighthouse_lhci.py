"""LHCI's own results, case by case: the same in compatibility mode, and different only for a stated reason without."""

import json

import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.gate import gate
from releasegate.errors import InputError
from releasegate.gates.lighthouse.budgets import budget_options
from releasegate.gates.lighthouse.lhci import kebab

pytestmark = pytest.mark.data

NO_REPORT = "no report"
NO_PAGE = "a matrix that matches no page"
KEY = "a camelCase or unknown audit key"
PRESET = "a preset older than the report"
REFUSED = "the command `lhci assert` refuses it as well"
MEDIAN_RUN = "median-run uses the representative run for categories too"
REASONS = {
    NO_REPORT: "there is no Lighthouse report",
    "a runtimeError": "Lighthouse ended this run with an error",
    NO_PAGE: "so that nothing was asserted",
    KEY: "asserts nothing in LHCI",
    PRESET: "the preset is older than the report",
    REFUSED: "asserts nothing; give --config FILE",
}
"""Why our own mode may differ from LHCI, and the words with which it says so."""

DEVIATIONS = {
    "peer:getAllAssertionResults > should de-dupe camelcase audits#1": KEY,
    "camelCase audit key is silently off (kebab lookup)": KEY,
    "camelCase + kebab both given": KEY,
    "peer:getAllAssertionResults > URL-grouping > should work when no filter matches#1": NO_PAGE,
    "peer:getAllAssertionResults > assertMatrix > should not throw when trying to use assertMatrix with other "
    "unrelated options#1": NO_REPORT,
    "budgets dollar path on lh/sets/yaswecan-12.6.1-3runs/lhr-1763730862015.json (+runs)": NO_PAGE,
    "preset lighthouse:recommended on lighthouse-head-sample_v2": PRESET,
    "preset lighthouse:no-pwa on lighthouse-head-sample_v2": PRESET,
    "aggregation median-run on 12.0.0": MEDIAN_RUN,
    "median-run on categories uses ALL runs and max (known bug lighthouse-ci#1064)": MEDIAN_RUN,
    "threshold-between-runs categories:performance median-run on 12.0.0": MEDIAN_RUN,
    "threshold-between-runs categories:performance median-run on yaswecan-3runs": MEDIAN_RUN,
    "empty LHR list": NO_REPORT,
    "no assertions": REFUSED,
}


@pytest.fixture(scope="session")
def cases(data):
    return json.loads((data / "lighthouse" / "lhci_cases.json").read_text())


def reports(case, data, folder):
    """The case's reports as files: the real ones where they lie, the peer's own test inputs written out."""
    if case.get("lhr_files"):
        return [str(data / name) for name in case["lhr_files"]]
    paths = []
    for number, lhr in enumerate(case.get("lhrs", [])):
        path = folder / f"lhr-{number}.json"
        path.write_text(json.dumps(lhr))
        paths.append(str(path))
    if not paths:
        (folder / "empty").mkdir()
        paths = [str(folder / "empty")]
    return paths


def run(case, data, folder, *options):
    config = folder / "lighthouserc.json"
    config.write_text(json.dumps(case["options"]))
    arguments = ["lighthouse", *reports(case, data, folder), "--config", str(config), "--format", "json", *options]
    return CliRunner().invoke(gate, arguments, obj=App(), standalone_mode=False)


def test_every_case_matches_lhci_field_by_field(cases, data, tmp_path):
    differing = {}
    for number, case in enumerate(cases["cases"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = run(case, data, folder, "--compatibility", "lhci")
        if "expected_error" in case:
            if getattr(done.exception, "exit_code", None) != 2:
                differing[case["name"]] = done.output or repr(done.exception)
            continue
        if done.exception is not None:
            differing[case["name"]] = repr(done.exception)
            continue
        said = json.loads(done.stdout)["compatibility"]
        if (
            said != {"exit_code": case["exit_code"], "results": case["expected"]}
            or done.return_value != said["exit_code"]
        ):
            differing[case["name"]] = (said, case["expected"])
    assert differing == {}
    assert len(cases["cases"]) == 96


def own_answer(case, data, folder):
    """What our own mode says: its exit code, LHCI's fields of its checks, and its other words."""
    done = run(case, data, folder)
    if done.exception is not None:
        return done.exception.exit_code, [], str(done.exception)
    document = json.loads(done.stdout)
    details = [finding["details"] for finding in document["findings"] if "auditId" in finding["details"]]
    words = " ".join(finding["title"] for finding in document["findings"] if "auditId" not in finding["details"])
    return done.return_value, details, words


def reason(case, details, words):
    """Why the answer differs: in its own words, or since only categories under median-run do."""
    found = next((reason for reason, said in REASONS.items() if said in words), None)
    others = [[r for r in results if r["auditId"] != "categories"] for results in (details, case["expected"])]
    if found is None and "median-run" in json.dumps(case["options"]) and others[0] == others[1]:
        return MEDIAN_RUN
    return found


def test_our_own_mode_differs_only_for_the_listed_reasons(cases, data, tmp_path):
    differing = {}
    for number, case in enumerate(cases["cases"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        code, details, words = own_answer(case, data, folder)
        if "expected_error" in case:
            assert code == 2, case["name"]
        elif (code, details) != (case["exit_code"], case["expected"]):
            differing[case["name"]] = reason(case, details, words)
    assert differing == DEVIATIONS


def test_budgets_become_lhcis_assertions_or_the_same_refusal(cases):
    for case in cases["budget_conversion"]:
        if "expected_error" in case:
            with pytest.raises(InputError):
                budget_options(case["budgets"], "budgets.json")
        else:
            assert budget_options(case["budgets"], "budgets.json") == case["converted"], case["name"]


def test_kebab_case_is_lhcis(cases):
    for case in cases["kebab"]:
        assert kebab(case["in"]) == case["kebab"]
        assert kebab(case["in"], alphanumeric=True) == case["alnum"]
