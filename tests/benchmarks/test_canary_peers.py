"""The peers' rules, as the benchmark has them, against the peers' own cases."""

import json
import math

import canary_peers as peers
import numpy as np
import pytest

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def kayenta(data):
    return json.loads((data / "canary" / "kayenta_cases.json").read_text())


@pytest.fixture(scope="module")
def rules(data):
    return json.loads((data / "canary" / "sequential_and_rule_cases.json").read_text())


def test_kayenta_mann_whitney(kayenta):
    checked = 0
    for case in kayenta["mannwhitney"]:
        if not case["fn"].startswith("mannWhitneyUTest"):
            continue
        low, high, estimate = peers.mann_whitney(case["experiment"], case["control"], case["confidence_level"])
        expected = case["expected"]
        assert low == pytest.approx(expected["ci_low"], abs=case["ci_abs_tol"]), case["name"]
        assert high == pytest.approx(expected["ci_high"], abs=case["ci_abs_tol"]), case["name"]
        assert estimate == pytest.approx(expected["estimate"], abs=case["estimate_abs_tol"]), case["name"]
        checked += 1
    assert checked == 4


def test_kayenta_wilcoxon_and_quantile(kayenta):
    wilcoxon, quantile = kayenta["mannwhitney"][:2]
    for case in wilcoxon["cases"]:
        x, y = np.array(wilcoxon["x"]), np.array(wilcoxon["y"])
        value = peers.wilcoxon(case["mu"], case["quantile"], x, y)
        assert value == pytest.approx(case["expected"], abs=wilcoxon["abs_tol"])
    for case in quantile["cases"]:
        assert peers.normal_quantile(case["p"]) == pytest.approx(case["expected"], abs=quantile["abs_tol"])


def test_kayenta_intermediate_values(kayenta):
    case = kayenta["mannwhitney"][-1]
    x, y, expected = np.array(case["x"]), np.array(case["y"]), case["expected"]
    for name in ("f_lower1(mu_min,zq_lower)", "f_upper1(mu_max,zq_lower)", "f_lower2(mu_min,zq_upper)"):
        shift, quantile = name[name.index("(") + 1 : -1].split(",")
        value = peers.wilcoxon(expected[shift], expected[quantile], x, y)
        assert value == pytest.approx(expected[name], abs=case["abs_tol"])
    low, high, estimate = peers.mann_whitney(case["x"], case["y"], case["confidence_level"])
    found = {"ci_lower": low, "ci_upper": high, "estimate": estimate}
    assert found == {name: pytest.approx(expected[name], abs=1e-4) for name in found}


def test_kayenta_classifier(kayenta):
    cases = kayenta["classifier"]
    assert len(cases) == 37
    for case in cases:
        expected = case["expected"]
        if case["classifier"] == "MeanInequality":
            said = peers.mean_inequality(case["experiment"], case["control"], case["direction"])
            assert said == expected["classification"], case["name"]
            continue
        options = peers.Options(
            direction=case["direction"],
            tolerance=case["tolerance"],
            level=case["conf_level"],
            measure=case["effect_size_measure"],
            thresholds=tuple(case["effect_size_thresholds_low_high"]),
            critical=case["is_critical"],
            critical_thresholds=tuple(case["critical_thresholds_low_high"]),
            missing=case["nan_strategy"],
        )
        said, size, critical = peers.classify(case["experiment"], case["control"], options)
        assert said == expected.get("classification", said), case["name"]
        assert critical == expected.get("critical", critical), case["name"]
        if expected.get("deviation") == "NaN":
            assert math.isnan(size), case["name"]
        elif "deviation" in expected:
            assert size == pytest.approx(expected["deviation"]), case["name"]


def test_kayenta_effect_sizes(kayenta):
    sizes = {"meanRatio": peers.mean_ratio, "cles": peers.cles}  # the two that its judge offers
    checked = [case for case in kayenta["effect_sizes"] if case["measure"] in sizes]
    assert len(checked) == 4
    for case in checked:
        size = sizes[case["measure"]](np.array(case["experiment"], float), np.array(case["control"], float))
        assert math.isnan(size) if case["expected"] == "NaN" else size == pytest.approx(case["expected"])


PREDICATES = {
    "result >= 0.9": lambda result: result >= 0.9,
    "result < 0.9": lambda result: result < 0.9,
    "result >= 0.9 || isNaN(result)": lambda result: result >= 0.9 or math.isnan(result),
    "isInf(result)": math.isinf,
    "result[0] >= 0.9": lambda result: result[0] >= 0.9,
    None: None,
}


def test_argo_measurements_and_phases(rules):
    for case in rules["argo"]["evaluate"]:
        value = float(case["value"]) if isinstance(case["value"], str) else case["value"]
        conditions = PREDICATES[case.get("success")], PREDICATES[case.get("failure")]
        assert peers.argo_measure(value, *conditions) == case["phase"]
    for case in rules["argo"]["assess"]:
        metric = peers.ArgoMetric(
            failure_limit=case.get("failureLimit", 0),
            inconclusive_limit=case.get("inconclusiveLimit", 0),
            consecutive_success_limit=case.get("consecutiveSuccessLimit", 0),
            count=case.get("count"),
            failed=case.get("failed", 0),
            successful=case.get("successful", 0),
            inconclusive=case.get("inconclusive", 0),
            consecutive_error=case.get("consecutiveError", 0),
            consecutive_success=case.get("consecutiveSuccess", 0),
            measured=0,
        )
        if case["phase"] == "Running" and "count" in case:
            metric.count = case["count"] + 1
        assert metric.phase() == case["phase"], case
        if "phase_if_terminating" in case:
            assert metric.phase(terminating=True) == case["phase_if_terminating"]


def test_flagger_takes_no_value_and_nan_for_a_failed_check(rules):
    for case in rules["flagger_prometheus"]["cases"]:
        result = case["body"]["result"]
        if case.get("error") == "ErrNoValuesFound":
            value = float(result[0]["value"][1]) if result else math.nan
            assert peers.flagger_failed((value, 1.0), 1000.0)
        elif "value" in case:
            assert not peers.flagger_failed((case["value"], 1.0), 100.0)
            assert peers.flagger_failed((case["value"], 1.0), 99.0)
