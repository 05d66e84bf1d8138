"""The commands that are printed for the hour in which this program does not run."""

from types import SimpleNamespace

from releasegate.policy.load import load_policy
from releasegate.runbook.story import break_glass

POLICY = b"""
version: 1
service: shop
environment: production
traffic: {command: {set: [./set, "{percent}", "Bearer ${SHOP_TOKEN}"], get: [./get]}}
"""


def test_what_came_from_the_environment_is_printed_as_it_is_written():
    policy = load_policy(POLICY, "releasegate.yaml", {"SHOP_TOKEN": "planted"})
    assert break_glass(SimpleNamespace(policy=policy)) == ("./set 0 Bearer ${SHOP_TOKEN}",)
