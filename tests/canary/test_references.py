"""The judge's mathematics against the values of independent implementations (savvi and confseq, both MIT)."""

import json
from math import exp, lgamma, log, sqrt

import pytest

from releasegate.canary.ratio import slopes
from releasegate.canary.sequence import radius

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def references(data):
    return json.loads((data / "canary" / "sequential_and_rule_cases.json").read_text())


def test_the_likelihood_ratio_mixed_by_another_prior_is_the_published_bayes_factor(references):
    case = references["netflix_multinomial_poisson"]
    share, (b, a) = case["theta0_rho"][1], case["dirichlet_alpha0"]
    norm, steps = lgamma(a + b) - lgamma(a) - lgamma(b), 4000
    for (baseline, canary), expected in case["cumulative_counts_logBF"]:
        total = 0.0
        for step in range(1, steps):
            theta = step / steps
            times = theta / (1 - theta) * (1 - share) / share
            up, down = slopes(share / (1 - share), 1.0, times)
            total += exp(canary * up + baseline * down + norm + (a - 1) * log(theta) + (b - 1) * log(1 - theta))
        assert log(total / steps) == pytest.approx(expected, abs=1e-6)


def test_the_confidence_sequence_is_the_normal_mixture_that_is_tuned_for_the_end_of_the_window(references):
    expected = references["confseq"]["two_sided_normal"]["bound(v=100)"]
    assert radius(1.0) * sqrt(100) == pytest.approx(expected, abs=1e-5)
