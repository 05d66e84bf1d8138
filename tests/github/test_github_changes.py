"""The facts for gate `changes`: the pull request of each commit, its reviews, and the checks that were asked for."""

import pytest

from github_front import github_forge
from releasegate.errors import InconclusiveError
from releasegate.gates.changes import Check, ReviewState


def counted(*nodes, more=0):
    return {"totalCount": len(nodes) + more, "nodes": list(nodes)}


def person(login, kind="User"):
    return {"__typename": kind, "login": login}


def review(login, state, commit, minute, kind="User"):
    moment = f"2026-11-24T10:{minute:02}:00Z"
    return {"author": person(login, kind), "state": state, "submittedAt": moment, "commit": {"oid": commit}}


def request(number, head, reviews=(), checks=(), **changes):
    author = {"name": "Ada", "email": "ada@example.com", "user": {"login": "ada"}}
    stranger = {"name": "Bo", "email": "bo@example.com", "user": None}
    contexts = counted(*checks)
    return {
        "number": number, "url": f"https://github.test/pull/{number}", "title": "SHOP-1 faster", "body": "",
        "baseRefName": "main", "headRefOid": head, "merged": True, "mergedAt": "2026-11-24T10:30:00Z",
        "author": person("ada"), "reviews": counted(*reviews),
        "commits": lambda _, first=None, **__: (
            counted({"commit": {"authors": {"nodes": [author, stranger]}}})
            if first
            else counted({"commit": {"statusCheckRollup": {"contexts": contexts}}})
        ),
    } | changes  # fmt: skip


@pytest.fixture
def forge(github):
    return github_forge(github)


@pytest.fixture
def commits(forge):
    """A first commit and two on top of it."""
    made = [forge.commit("main", {"a": b"0"}, "first", parent=None)]
    for text in (b"1", b"2"):
        made.append(forge.commit("main", {"a": text}, "more", parent=made[-1]))
    return made


def test_how_each_commit_came(github, forge, commits):
    older, one, two = commits
    checks = [
        {"__typename": "CheckRun", "name": "ci", "conclusion": "SUCCESS"},
        {"__typename": "CheckRun", "name": "e2e", "conclusion": None},
        {"__typename": "StatusContext", "context": "scan", "state": "FAILURE"},
    ]
    reviews = [review("bob", "APPROVED", one, 10), review("robot", "APPROVED", one, 11, "Bot")]
    github.stub.pull_requests[one] = [request(7, one, reviews, checks), request(8, one, merged=False, mergedAt=None)]
    github.stub.rules = [
        {
            "type": "required_status_checks",
            "parameters": {
                "required_status_checks": [{"context": "ci"}],
                "strict_required_status_checks_policy": False,
            },
            "ruleset_source_type": "Repository", "ruleset_source": "x", "ruleset_id": 1,
        }
    ]  # fmt: skip
    first, second = forge.changes_between(older, two)
    assert (first.sha, first.author, second.sha, second.pull_requests, second.paths) == (one, "Ada", two, (), ("a",))
    [found] = first.pull_requests
    assert (found.number, found.base, found.head, found.author) == (7, "main", one, "ada")
    assert found.contributors == ("ada", "bo@example.com")
    assert [(r.author, r.state, r.commit, r.bot) for r in found.reviews] == [
        ("bob", ReviewState.APPROVED, one, False),
        ("robot", ReviewState.APPROVED, one, True),
    ]
    assert found.required == ("ci",)
    assert found.checks == (
        Check(name="ci", conclusion="success"),
        Check(name="e2e", conclusion="pending"),
        Check(name="scan", conclusion="failure"),
    )


def test_what_github_does_not_tell_whole_is_inconclusive(github, forge, commits):
    older, one, _ = commits
    github.stub.pull_requests[one] = [request(7, one, reviews=()) | {"reviews": counted(more=101)}]
    with pytest.raises(InconclusiveError, match="0 of 101"):
        forge.changes_between(older, one)
