"""A file that is read and replaced by the contents API, where there is no GraphQL: refusals, races, lost answers."""

import base64
import json

import pytest

from fakes import blob_id
from github_calls import replaced
from github_front import Fault, github_forge
from releasegate.errors import RaceError, RefusedError, RepositoryError, UnknownOutcomeError
from releasegate.forge.github.api import LOOK
from releasegate.forge.port import FileAt

OLD, NEW, THEIRS = b"percent: 5\n", b"percent: 0\n", b"percent: 7\n"
LOST = Fault(drop_after=True)
NEVER_DONE = Fault(status=502)


@pytest.fixture
def forge(github):
    """A forge without GraphQL, on a repository with one file."""
    github.graphql = False
    made = github_forge(github)
    made.commit("main", {"flags.yaml": OLD, "b": b"1"}, "first", parent=None)
    return made


@pytest.fixture
def found(forge):
    return forge.read("flags.yaml", "main")


def on_put(front, fault, after=lambda: None):
    """The next PUT goes wrong, and `after` happens before anything else is asked."""
    pending = [fault]

    def happens(exchange):
        if exchange.method == "PUT" and pending:
            return pending.pop()
        if not pending and after is not None:
            pending.append(None)
            front.fault = lambda _: None
            after()
        return None

    front.fault = happens


def writes(front, fault):
    """The paths of all writes from now on; `fault` gives what goes wrong with the first, the second, …"""
    written = []

    def happens(exchange):
        if exchange.method == "GET":
            return None
        written.append(exchange.path)
        return fault(len(written))

    front.fault = happens
    return written


def theirs(front, forge, *contents, message="replaced"):
    """What others commit meanwhile, past the front; the file has `contents` one after the other."""

    def commit():
        for content in contents:
            place = f"/repos/{forge.home}/contents/flags.yaml"
            _, now = front.rest("GET", place, None)
            encoded = base64.b64encode(content).decode()
            body = {"message": message, "content": encoded, "sha": now["sha"], "branch": "main"}
            assert front.rest("PUT", place, body)[0] == 200

    return commit


def changes(forge):
    """What the branch was given after its first commit, oldest first."""
    return [[change.content for change in commit.changes] for commit in forge.history("main")[1:]]


def test_one_request_reads_and_one_replaces(github, forge, found):
    github.exchanges.clear()
    again = forge.read("flags.yaml", "main")
    new = replaced(forge, again, NEW)
    place = f"/repos/{forge.home}/contents/flags.yaml"
    asked = [(e.method, e.path, e.query) for e in github.exchanges]
    assert asked == [("GET", place, "ref=refs%2Fheads%2Fmain"), ("PUT", place, "")]
    assert json.loads(github.exchanges[1].body) == {
        "message": "replaced",
        "content": base64.b64encode(NEW).decode(),
        "sha": found.blob,
        "branch": "main",
    }
    assert (again, forge.branch_head("main")) == (FileAt("flags.yaml", OLD, blob_id(OLD), None), new)


def test_head_is_the_default_branch_and_a_short_id_is_found(forge):
    head = forge.resolve("main")
    assert forge.read("flags.yaml", "HEAD").content == OLD
    assert forge.read("flags.yaml", head[:10]).content == OLD
    assert forge.read("flags.yaml", head) == FileAt("flags.yaml", OLD, blob_id(OLD), head)
    assert forge.read("gone.yaml", "HEAD") is None


def test_graphql_is_asked_for_the_branch_and_for_a_tag_where_there_is_none(github):
    forge = github_forge(github)
    forge.create_tag("v1", forge.commit("main", {"flags.yaml": OLD}, "first", parent=None), "a tag")
    github.exchanges.clear()
    for name in ("main", "v1", head := forge.branch_head("main"), "HEAD"):
        assert forge.read("flags.yaml", name) == FileAt("flags.yaml", OLD, blob_id(OLD), head)
    asked = [json.loads(e.body)["variables"]["revision"] for e in github.exchanges if e.path == "/graphql"]
    assert asked == ["refs/heads/main", "refs/heads/v1", "v1", head, "HEAD"]


def test_a_file_of_which_contents_holds_nothing_is_read_as_a_blob(github, forge):
    told = {"type": "file", "encoding": "none", "size": 2_000_000, "content": "", "sha": blob_id(OLD)}
    big = Fault(status=200, body=json.dumps(told).encode())
    github.fault = lambda exchange: big if "/contents/" in exchange.path else None
    assert forge.read("flags.yaml", "main").content == OLD
    assert github.sent()[-1] == f"GET /repos/{forge.home}/git/blobs/{blob_id(OLD)}"


def refusal(status, message):
    return Fault(status=status, body=json.dumps({"message": message}).encode())


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (409, "Repository rule violations found\n\nChanges must be made through a pull request."),
        (422, "Invalid request."),
        (404, "Not Found"),
        (403, "Resource not accessible by integration"),
    ],
)
def test_a_refusal_is_told_in_githubs_words_where_the_file_is_as_it_was(github, forge, found, status, words):
    github.fault = lambda exchange: refusal(status, words) if exchange.method == "PUT" else None
    with pytest.raises(RefusedError) as caught:
        replaced(forge, found, NEW)
    assert (caught.value.status, caught.value.exit_code) == (status, 4)
    assert caught.value.what == f"GitHub answered {status}: {words}"
    assert caught.value.where == f"PUT /repos/{forge.home}/contents/flags.yaml"
    assert changes(forge) == []


@pytest.mark.parametrize(
    "words", [f"is at {'a' * 40} but expected {'b' * 40}", f"refs/heads/main expected to be at {'a' * 40}"]
)
def test_a_branch_that_moved_under_githubs_own_hands_is_a_race(github, forge, found, words):
    on_put(github, refusal(409, words))
    with pytest.raises(RaceError, match=r"^`main:flags\.yaml` was changed meanwhile"):
        replaced(forge, found, NEW)
    assert replaced(forge, found, NEW) == forge.branch_head("main")


def test_a_path_that_git_does_not_allow_is_refused_before_anything_is_sent(github, forge):
    github.exchanges.clear()
    with pytest.raises(RepositoryError, match="git does not allow such a path"):
        forge.replace("main", "a/../b", NEW, "x", blob="0" * 40, parent=None)
    assert github.sent() == []


def test_a_change_whose_answer_is_lost_is_found_again_below_those_of_others(github, forge, found):
    on_put(github, LOST, theirs(github, forge, THEIRS, b"x: 1\n"))
    new = replaced(forge, found, NEW)
    assert changes(forge) == [[NEW], [THEIRS], [b"x: 1\n"]]
    assert forge.history("main")[1].sha == new


@pytest.mark.parametrize("others", [(), (THEIRS, OLD)])
def test_one_that_was_never_made_is_made_once_more_where_the_file_is_as_it_was(github, forge, found, others):
    on_put(github, NEVER_DONE, theirs(github, forge, *others, message="x"))
    new = replaced(forge, found, NEW)
    assert changes(forge) == [*([content] for content in others), [NEW]]
    assert forge.branch_head("main") == new


@pytest.mark.parametrize(
    ("others", "message"),
    [((THEIRS,), "replaced"), ((THEIRS, OLD, THEIRS), "x"), ((NEW,), "the same by somebody else")],
)
def test_one_that_was_never_made_is_a_lost_race_where_the_file_is_another(github, forge, found, others, message):
    on_put(github, NEVER_DONE, theirs(github, forge, *others, message=message))
    with pytest.raises(RaceError) as caught:
        replaced(forge, found, NEW)
    assert caught.value.exit_code == 4
    assert changes(forge) == [[content] for content in others]


@pytest.mark.parametrize("graphql", [True, False])
def test_one_that_is_never_made_is_tried_twice_and_unknown(github, forge, graphql):
    """It may still come: whoever runs the command again looks first."""
    again = github_forge(github, forge.home)
    github.graphql = graphql
    found, written = again.read("flags.yaml", "main"), writes(github, lambda _: NEVER_DONE)
    with pytest.raises(UnknownOutcomeError) as caught:
        replaced(again, found, NEW)
    github.fault = lambda _: None
    place = "/graphql" if graphql else f"/repos/{forge.home}/contents/flags.yaml"
    assert (caught.value.exit_code, caught.value.remedy, written) == (4, LOOK, [place, place])
    assert changes(forge) == []


@pytest.mark.parametrize("graphql", [True, False])
def test_one_that_comes_late_is_not_made_twice(github, forge, graphql):
    """GitHub carries it out after it was looked for: the second try is refused, and whoever decides reads again."""
    again = github_forge(github, forge.home)
    github.graphql = graphql
    found = again.read("flags.yaml", "main")
    late = theirs(github, forge, NEW, message="x")
    written = writes(github, lambda number: NEVER_DONE if number == 1 else late())
    with pytest.raises(RaceError):
        replaced(again, found, NEW)
    github.fault = lambda _: None
    assert (len(written), changes(forge)) == (2, [[NEW]])


@pytest.mark.parametrize("graphql", [True, False])
def test_one_that_cannot_be_looked_up_stays_unknown(github, forge, graphql):
    """The advice is to look, not only to mend the network: the change may be there."""
    again = github_forge(github, forge.home)
    github.graphql = graphql
    found, sent = again.read("flags.yaml", "main"), []
    github.fault = lambda exchange: (sent.append(exchange), LOST if len(sent) == 1 else NEVER_DONE)[1]
    with pytest.raises(UnknownOutcomeError) as caught:
        replaced(again, found, NEW)
    assert caught.value.remedy == LOOK
    github.fault = lambda _: None
    assert changes(forge) == [[NEW]]


def test_an_equal_change_of_an_earlier_day_is_not_taken_for_one_whose_answer_is_lost(github, forge, found):
    replaced(forge, found, NEW)
    theirs(github, forge, OLD, message="restored")()
    on_put(github, NEVER_DONE, theirs(github, forge, THEIRS))
    with pytest.raises(RaceError):
        replaced(forge, found, NEW)
    assert changes(forge) == [[NEW], [OLD], [THEIRS]]
