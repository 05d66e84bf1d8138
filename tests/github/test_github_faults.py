"""For each call and each fault: the right result, or exit 4 and one effect at most; run again, it is done once."""

import json
from contextlib import suppress
from itertools import cycle

import pytest

from github_calls import ALL, Prepared, calls, replaced
from github_front import TOKEN, Fault, github_forge
from releasegate.errors import ForgeError, OutsideError, RaceError
from releasegate.forge.github.api import NETWORK
from releasegate.forge.github.host import GitHubHost
from releasegate.forge.host import Asset

LIMIT = b'{"message": "API rate limit exceeded for user ID 1."}'
SECONDARY = b'{"message": "You have exceeded a secondary rate limit."}'
FAULTS = {
    "500": Fault(status=500),
    "502 though it was done": Fault(status=502, body=b"<html>", execute=True),
    "403 with the limit used up": Fault(
        status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, body=LIMIT
    ),
    "429": Fault(status=429, headers={"Retry-After": "3"}),
    "secondary limit": Fault(status=403, body=SECONDARY),
    "dropped before": Fault(drop_before=True),
    "dropped after": Fault(drop_after=True),
    "truncated": Fault(truncate=True),
    "stalled": Fault(stall=True),
}


class Call:
    """Something with an effect: `act(forge, host, first)`, and `effects(front, base)`, a list that must hold one."""

    def __init__(self, act, effects):
        self.act, self.effects = act, effects


def replace(forge, *_):
    """As everything that edits a file: it is read first, and left alone where it is as wanted."""
    found = forge.read("a", "main")
    if found.content != b"2":
        replaced(forge, found, b"2")


def refs(prefix):
    return lambda front, base: front.rest("GET", f"{base}/git/matching-refs/{prefix}", None)[1]


def listed(path, key=None):
    def effects(front, base):
        found = front.rest("GET", f"{base}/{path}", None)[1]
        return found[key] if key else found

    return effects


def commits(front, base):
    return front.rest("GET", f"{base}/commits?sha=main", None)[1][:-1]


def open_issues(front, base):
    return [one for one in front.rest("GET", f"{base}/issues?state=open", None)[1] if "pull_request" not in one]


def asset(front, base):
    found = front.rest("GET", f"{base}/releases", None)[1]
    assert len(found) <= 1
    return found[0]["assets"] if found else []


CALLS = {
    "create_branch": Call(lambda forge, _, first: forge.create_branch("release/v1", first), refs("heads/release")),
    "create_tag": Call(lambda forge, _, first: forge.create_tag("v1", first, "one"), refs("tags/v1")),
    "commit": Call(lambda forge, _, first: forge.commit("main", {"a": b"2"}, "two", parent=first), commits),
    "commit of events": Call(
        lambda forge, _, first: forge.commit("main", {"events/1": b"2"}, "two", parent=first), commits
    ),
    "replace": Call(replace, commits),
    "open_issue": Call(lambda forge, *_: forge.open_issue("drill", "A drill", "text"), open_issues),
    "comment": Call(lambda _, host, __: host.comment("1", "note", "text"), listed("issues/1/comments")),
    "release": Call(lambda _, host, __: host.release("v0", "0", "text", [Asset("e.zip", b"PK")]), asset),
    "check_run": Call(
        lambda _, host, first: host.check_run(first, "gate", "success", "fine", ""),
        lambda front, base: front.rest("GET", f"{base}/commits/main/check-runs", None)[1]["check_runs"],
    ),
    "open_pull_request": Call(
        lambda _, host, __: host.open_pull_request("other", "main", "Off", "why"),
        listed("pulls?state=open&head=Ada:other"),
    ),
    "deploy": Call(
        lambda _, host, first: host.deploy("production", first, "v1", "id-1", production=True),
        lambda front, _: [one for one in front.stub.deployments if one["environment"] == "production"],
    ),
    "deployment_status": Call(
        lambda _, host, __: host.deployment_status(1, "success", "done"),
        lambda front, _: front.stub.statuses.get("1", []),
    ),
    "close_pull_request": Call(lambda _, host, __: host.close_pull_request(2), listed("pulls?state=closed")),
    "start_workflow": Call(
        lambda _, host, __: host.find_run("d.yml", "id-1") or host.start_workflow("d.yml", "main", {}, "id-1"),
        lambda front, _: front.stub.runs,
    ),
}

BY_REST = ("commit by REST", "replace by REST")


def prepared(front, timeout=120):
    """A repository with branches, an issue, a pull request and a deployment, and a connection to it."""
    forge = github_forge(front)
    first = forge.commit("main", {"a": b"1"}, "first", parent=None)
    for branch in ("other", "asked"):
        forge.create_branch(branch, first)
        forge.commit(branch, {branch: b"1"}, branch, parent=first)
    front.rest("POST", f"/repos/{forge.home}/issues", {"title": "comments go here", "body": ""})
    front.rest("PATCH", f"/repos/{forge.home}/issues/1", {"state": "closed"})
    front.rest("POST", f"/repos/{forge.home}/pulls", {"title": "asked", "head": "asked", "base": "main"})
    GitHubHost(forge.api).deploy("staging", first, "v0", "id-0", production=False)
    forge = github_forge(front, forge.home, timeout=timeout)
    front.exchanges.clear()
    return forge, GitHubHost(forge.api), first


def tried(front, call, forge, host, first):
    """Whether it went well; what stands there is one effect then, and one at most otherwise."""
    failed = None
    try:
        call.act(forge, host, first)
    except OutsideError as error:
        failed = error
    effects = len(call.effects(front, f"/repos/{forge.home}"))
    if failed is None:
        assert effects == 1
        return True
    assert effects <= 1
    assert failed.exit_code == 4
    assert TOKEN not in str(failed)
    return False


def played(front, call, fault, position, *, graphql=True, timeout=120):
    """One call in which the request at `position` goes wrong once, and the same call again."""
    front.reset()
    front.graphql = graphql
    forge, host, first = prepared(front, timeout)
    front.fault = lambda _: fault if len(front.exchanges) == position + 1 else None
    went_well = tried(front, call, forge, host, first)
    reached = len(front.exchanges) > position
    front.fault = lambda _: None
    if not went_well:
        with suppress(RaceError):  # a commit's parent may be the branch's head no more: somebody reads again
            call.act(*prepared_again(front, forge), first)
        assert len(call.effects(front, f"/repos/{forge.home}")) == 1
    return reached


def prepared_again(front, forge):
    again = github_forge(front, forge.home)
    return again, GitHubHost(again.api)


@pytest.mark.parametrize("name", [*CALLS, *BY_REST])
def test_the_answer_to_the_last_write_of_a_call_is_lost(github, name):
    graphql, call = name not in BY_REST, CALLS[name.removesuffix(" by REST")]
    github.graphql = graphql
    forge, host, first = prepared(github)
    assert tried(github, call, forge, host, first)
    writes = [index for index, e in enumerate(github.exchanges) if e.method != "GET"]
    assert played(github, call, FAULTS["dropped after"], writes[-1], graphql=graphql)


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", [*CALLS, *BY_REST])
def test_any_request_of_a_call_goes_wrong(github, name, fault):
    position, graphql = 0, name not in BY_REST
    name = name.removesuffix(" by REST")
    timeout = 1 if fault == "stalled" else 120
    while played(github, CALLS[name], FAULTS[fault], position, graphql=graphql, timeout=timeout):
        position += 1
    assert position >= 1


WRITES = {name.partition(" ")[0] for name in CALLS}
READS = [name for name in ALL if name not in WRITES]
BY_GRAPHQL = ("read", "tags", "changes_between")
"""Those of them that have another way where there is no GraphQL."""


def read_again(it, name, right, fault, position, *, graphql=True, timeout=120):
    """A read in which the request at `position` goes wrong once: the same answer, and nothing is written."""
    front = it.front
    front.exchanges.clear()
    front.graphql = graphql
    front.fault = lambda _: fault if len(front.exchanges) == position + 1 else None
    assert calls(it.forge(timeout=timeout), it)[name]() == right
    asked = (e for e in front.exchanges if e.path != "/graphql" or b"mutation" in e.body)
    assert [str(e) for e in asked if e.method != "GET"] == []
    return len(front.exchanges) > position + 1


def test_every_method_that_is_no_write_reads_the_same_whatever_went_wrong_before(github):
    it = Prepared(github)
    for name, fault in zip(READS, cycle([FAULTS["dropped after"], FAULTS["truncated"], FAULTS["429"]])):
        right = calls(it.forge(), it)[name]()
        assert right or name == "find_run", name
        went_wrong = read_again(it, name, right, fault, 0)
        assert went_wrong or (name == "download" and fault.truncate), name  # a redirect has no body to be cut


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_any_request_of_a_read_goes_wrong(github, fault):
    it = Prepared(github)
    stalled = fault == "stalled"
    for name, graphql in [*((name, True) for name in READS), *((name, False) for name in BY_GRAPHQL)]:
        github.fault, github.graphql = lambda _: None, graphql
        right, position = calls(it.forge(), it)[name](), 0
        settings = {"graphql": graphql, "timeout": 1 if stalled else 120}
        while read_again(it, name, right, FAULTS[fault], position, **settings) and not stalled:
            position += 1


def test_a_server_that_is_down_ends_every_method_in_exit_4_and_nothing_is_done(github):
    it = Prepared(github)
    github.fault = lambda _: FAULTS["500"]
    for name in ALL:
        with pytest.raises(OutsideError) as caught:
            calls(it.forge(), it)[name]()
        assert (caught.value.exit_code, "GitHub answered 500" in str(caught.value)) == (4, True), name


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_ends_in_exit_4(github, fault):
    stalled = fault == "stalled"  # six seconds a call
    forge, host, first = prepared(github, 1 if stalled else 120)
    github.fault = lambda _: FAULTS[fault]
    for name in ["deploy"] if stalled else ["create_tag", "deploy"]:
        assert not tried(github, CALLS[name], forge, host, first)


def test_a_wait_that_is_too_long_is_said_and_not_waited(github):
    forge = github_forge(github)
    github.fault = lambda _: Fault(status=403, headers={"Retry-After": "3600"}, body=SECONDARY)
    with pytest.raises(OutsideError) as caught:
        forge.branch_head("main")
    assert str(caught.value) == (
        f"GET /repos/{forge.home}/git/ref/heads/main: GitHub's rate limit is reached (You have exceeded a secondary"
        " rate limit.); waiting 3600 s more would be longer than the 120 s that this command may wait in all; run the"
        " command again later, or allow more with --max-wait"
    )
    assert (caught.value.exit_code, forge.api.waited, len(github.exchanges)) == (4, 0, 1)


def graphql_said(message, kind=None, *, execute=False, **headers):
    """An answer of GraphQL's that holds no data: its status is 200, whatever went wrong."""
    error = {"message": message, **({"type": kind} if kind else {})}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(status=200, headers=named, body=json.dumps({"errors": [error]}).encode(), execute=execute)


GAVE_UP = "Something went wrong while executing your query. This may be the result of a timeout."
SAID = {
    "the limit is used up": (
        graphql_said("API rate limit exceeded", "RATE_LIMITED", X_RateLimit_Remaining="0", X_RateLimit_Reset="1"),
        0.5,
    ),
    "a secondary limit": (graphql_said(json.loads(SECONDARY)["message"], Retry_After="7"), 7.5),
    "a secondary limit without a time": (graphql_said(json.loads(SECONDARY)["message"]), 60.5),
    "it gave up": (graphql_said(GAVE_UP), 0.25),
    "it gave up though it was done": (graphql_said(GAVE_UP, execute=True), 0.25),
}


@pytest.mark.parametrize("fault", SAID)
def test_what_graphql_says_with_status_200_is_no_refusal(github, fault):
    forge, _, first = prepared(github)
    said, waits = SAID[fault]
    left = [said]
    github.fault = lambda e: left.pop() if left and e.path == "/graphql" else None
    assert forge.read("a", "main").content == b"1"
    assert forge.api.waited == waits
    left.append(said)
    assert tried(github, CALLS["commit"], *prepared_again(github, forge), first)
    assert left == []


def test_a_branch_that_is_called_after_a_limit_is_no_limit(github):
    forge = github_forge(github)
    head = forge.commit("main", {"a": b"1"}, "first", parent=None)
    forge.create_branch("rate-limit/abuse", head)
    with pytest.raises(RaceError):
        forge.commit("rate-limit/abuse", {"a": b"2"}, "second", parent="0" * 40)
    assert forge.api.waited == 0


def test_a_bad_token_is_said(github):
    forge = github_forge(github, token="ghp_wrong")
    with pytest.raises(OutsideError) as caught:
        forge.branch_head("main")
    assert str(caught.value).endswith(
        "Bad credentials; the token is not accepted: is GITHUB_TOKEN or GH_TOKEN set, and not expired?"
    )
    assert json.dumps("ghp_wrong") not in str(caught.value)


def test_an_answer_that_comes_a_byte_at_a_time_is_given_up_and_looked_for(github):
    forge = github_forge(github)
    slow = github_forge(github, forge.home, whole=2.0)
    github.fault = lambda e: Fault(trickle=True) if e.method == "POST" else None
    where = slow.open_issue("mark", "title", "body")
    assert [e.method for e in github.exchanges].count("POST") == 1
    assert [one["html_url"] for one in open_issues(github, f"/repos/{forge.home}")] == [where]


@pytest.mark.soak
def test_a_server_that_only_answers_a_byte_at_a_time_is_told(github):
    slow = github_forge(github, whole=1.0)
    github.fault = lambda _: Fault(trickle=True)
    with pytest.raises(ForgeError) as caught:
        slow.default_branch()
    assert str(caught.value) == (
        f"GET /repos/{slow.home}: GitHub's answer came too slowly to be waited for, 6 times in a row; {NETWORK}"
    )
