"""Blue-green through the command line, a real HAProxy and real requests."""

import json

import pytest

from repositories import committed, git
from routed import routed

pytestmark = [pytest.mark.servers, pytest.mark.soak]

TRAFFIC = (
    "traffic: {{haproxy: {{sockets: {socket}, backend: shop, baseline: stable, canary: canary}}, blue-green: true}}"
)


def said(shop):
    code, output, errors = shop.run("status", "--format", "json")
    document = json.loads(output)
    assert code in {0, 4}, errors
    return document["live"], document["colour"], document["idle_holds"], document["split"]


def test_two_releases_and_a_rollback_between_on_the_command_line(program, tmp_path):
    with routed(program, tmp_path, traffic=TRAFFIC) as shop:
        assert said(shop) == (None, "blue", None, 0.0)
        code, output, errors = shop.run("rollout", "--format", "json")
        assert (code, json.loads(output).get("headline")) == (0, "v0.1.0 is live for everybody"), (output, errors)
        assert (shop.weights(), said(shop)) == ((0, 100), ("v0.1.0", "green", None, 0.0))

        committed(shop.folder, {"VERSION": "2\n"})
        git(shop.folder, "push", "--quiet", "origin", "HEAD:main")
        code, output, errors = shop.run("rollout", "--format", "json")
        assert (code, json.loads(output).get("headline")) == (0, "v0.2.0 is live for everybody"), (output, errors)
        assert (shop.weights(), said(shop)) == ((100, 0), ("v0.2.0", "blue", "v0.1.0", 0.0))

        code, output, errors = shop.run("rollback", "--yes", "--reason", "slow", "--format", "json")
        result = json.loads(output)
        assert (code, result["headline"], result["to"]) == (0, "traffic is back, and every step held", "v0.1.0"), errors
        assert (shop.weights(), said(shop)) == ((0, 100), ("v0.1.0", "green", "v0.2.0", 0.0))
        assert shop.run("ledger", "verify")[0] == 0
