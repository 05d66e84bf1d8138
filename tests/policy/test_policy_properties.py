"""Whatever bytes arrive: a policy or a PolicyError."""

import json
import re

import jsonschema
import yaml
from hypothesis import given
from hypothesis import strategies as st

from releasegate.errors import PolicyError
from releasegate.policy.explain import explain_text
from releasegate.policy.load import load_policy
from releasegate.policy.model import Policy
from releasegate.policy.schema import policy_schema

KEYS = st.sampled_from(re.findall(r"[a-z-]+", json.dumps(policy_schema())))
SCALARS = st.one_of(
    st.sampled_from(["5%", "30m", "direct", "high", 'x{a="b"}', '{track="a"}', "${NAME}", "${NOPE}", "on", "", "1e3"]),
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.dates(),
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)
SLIS = st.dictionaries(
    st.text("abct", min_size=1, max_size=2),
    st.fixed_dictionaries(
        {}, optional={
            "ratio": st.fixed_dictionaries({"bad": st.just("bad_total"), "total": st.just("all_total{a!~'b'}")}),
            "throughput": st.just("all_total"), "gauge": st.just("depth"), "histogram": st.just("seconds"),
            "limit": st.sampled_from(["5%", 100, {"le": 1, "share": "95%"}]),
            "tolerate": st.sampled_from([0.5, 1, 1.2]),
            "compare": st.booleans(), "critical": st.booleans(),
        },
    ),
    max_size=2,
)  # fmt: skip
CANARIES = st.fixed_dictionaries(
    {"metrics": st.just({"scrape": {"baseline": "http://a/metrics", "canary": ["http://b/metrics"]}}), "slis": SLIS},
    optional={
        "weight": st.sampled_from(["5%", 0.2, "120%"]), "window": st.sampled_from(["30m", "1h30m", 30]),
        "interval": st.sampled_from(["15s", "2h"]), "max-window": st.sampled_from(["2h", "1m"]), "early": st.booleans(),
    },
)  # fmt: skip
POLICIES = st.fixed_dictionaries(
    {"version": st.just(1), "service": st.just("shop"), "environment": st.just("test")},
    optional={"canary": CANARIES, "release": TREES, "flags": TREES, "rollback": TREES, "kill-switch": TREES},
)


def outcome(content):
    """The policy, or the line that a user reads."""
    try:
        return load_policy(content, "releasegate.yaml", {"NAME": "1"})
    except PolicyError as error:
        return str(error)


def is_told(result):
    return isinstance(result, Policy) or (result.startswith("releasegate.yaml") and "\n" not in result)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_arbitrary_bytes(content):
    assert is_told(outcome(content))


@given(TREES | POLICIES)
def test_arbitrary_yaml(tree):
    assert is_told(outcome(yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass")))


@given(POLICIES)
def test_a_policy_is_valid_by_the_schema_and_loads_again_from_its_explanation(tree):
    content = yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass")
    policy = outcome(content)
    if isinstance(policy, Policy):
        jsonschema.validate(yaml.safe_load(content), policy_schema(), cls=jsonschema.Draft202012Validator)
        assert load_policy(explain_text(policy).encode(), "again.yaml", {"NAME": "1"}) == policy
