"""What the documentation tells people to write is a policy that loads."""

import re
from pathlib import Path

import pytest

from releasegate.policy.load import load_policy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "label-your-metrics.md"
POLICIES = [
    text for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if text.startswith("canary:")
]


def test_the_page_has_policies():
    assert len(POLICIES) == 6


@pytest.mark.parametrize("text", POLICIES)
def test_a_documented_policy_loads(text):
    policy = load_policy(
        f"version: 1\nservice: shop\nenvironment: production\n{text}".encode(), "page", {"PROMETHEUS_TOKEN": "hush"}
    )
    assert policy.canary.slis["rate"].throughput in {
        "http_requests_total", "http_server_request_duration_seconds_count",
    }  # fmt: skip
