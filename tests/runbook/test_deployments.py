"""What the host's page of deployments shows of a rollout and a rollback, against the front before the emulator."""

import json

import pytest

from github_front import Fault, github_forge
from releasegate.forge.github.host import GitHubHost
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from service import Service
from worlds import BAD, next_candidate


@pytest.fixture
def service(github, tmp_path):
    return Service(tmp_path / "documents", host=GitHubHost(github_forge(github).api))


def roll_back(service):
    return Rollback(service.world(), Request(reason="people complain"), lambda _: None).run()


def told(github):
    """Environment, release and states of each deployment, oldest first."""
    return [
        (
            one["environment"],
            one["payload"]["ref"],
            [status["state"] for status in github.stub.statuses[str(one["id"])]],
        )
        for one in github.stub.deployments
    ]


def test_a_rollout_and_its_rollback_are_shown_once(github, service):
    result, _ = service.roll_out()
    assert (result.exit_code, [stage.exit_code for stage in result.stages]) == (0, [0] * 9)
    staging = ("staging", "v1.1.0-rc.1", ["in_progress", "success"])
    assert told(github) == [staging, ("test", "v1.1.0-rc.1", ["in_progress", "success"])]
    assert [one["production_environment"] for one in github.stub.deployments] == [False, True]
    for _ in range(2):
        assert roll_back(service).exit_code == 0
    assert told(github) == [
        staging,
        ("test", "v1.1.0-rc.1", ["in_progress", "success", "inactive"]),
        ("test", "v1.0.0", ["success"]),
    ]
    asked = [json.loads(e.body) for e in github.exchanges if e.method == "POST" and e.path.endswith("/deployments")]
    assert [one["task"] for one in asked] == ["deploy", "deploy", "rollback"]
    assert {(one["auto_merge"], tuple(one["required_contexts"])) for one in asked} == {(False, ())}
    statuses = [json.loads(e.body) for e in github.exchanges if e.method == "POST" and e.path.endswith("/statuses")]
    assert {one["auto_inactive"] for one in statuses} == {False}


def test_the_next_release_takes_the_place_of_the_one_before(github, service):
    service.roll_out()
    service.roll_out(next_candidate(service.world()))
    production = [(release, states) for environment, release, states in told(github) if environment == "test"]
    assert production == [
        ("v1.1.0-rc.1", ["in_progress", "success", "inactive"]),
        ("v1.2.0-rc.1", ["in_progress", "success"]),
    ]


def test_a_canary_that_is_taken_back_has_failed(github, service):
    result, _ = service.roll_out(errors=BAD)
    assert result.exit_code == 1
    assert told(github)[1:] == [("test", "v1.1.0-rc.1", ["in_progress", "failure"])]


def test_a_deploy_that_fails_is_shown_and_goes_on_in_the_next_run(github, service):
    service.shop.broken.add("deploy")
    assert service.roll_out()[0].exit_code == 4
    assert told(github) == [("staging", "v1.1.0-rc.1", ["in_progress", "failure"])]
    service.shop.broken.clear()
    assert service.roll_out(order=Order(until="staging"))[0].exit_code == 0
    assert told(github) == [("staging", "v1.1.0-rc.1", ["in_progress", "failure", "in_progress", "success"])]


def test_a_host_that_refuses_is_a_note_and_stops_nothing(github, service):
    refuse = lambda e: Fault(status=403, body=b'{"message": "no"}') if "/deployments" in e.path else None  # noqa: E731
    github.fault = refuse
    result, _ = service.roll_out()
    assert result.exit_code == 0
    texts = {stage.id: stage.text for stage in result.stages}
    for stage in ("staging", "production", "settle"):
        assert texts[stage].count("(not shown among the deployments: GitHub answered 403: no)") == 1, texts[stage]
    back = roll_back(service)
    assert (back.exit_code, back.traffic_is_back) == (0, True)
    assert "not shown among the deployments" in {one.id: one.text for one in back.outcomes}["follow-up"]
