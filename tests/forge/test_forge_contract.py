"""What every forge does, whichever it is."""

from datetime import UTC, datetime, timedelta

import pytest

from fakes import MemoryForge, blob_id
from git_over_http import serve
from github_calls import replaced
from github_front import github_forge
from releasegate.errors import RaceError, RepositoryError
from releasegate.forge.local import LocalForge
from releasegate.forge.port import FileAt
from releasegate.ledger.event import Actor
from repositories import origin, repository, with_origin


@pytest.fixture(params=["memory", "alone", "remote", "http", "github", "github without GraphQL"])
def forge(request, tmp_path):
    if request.param.startswith("github"):
        front = request.getfixturevalue("github")
        front.graphql = request.param == "github"
        yield github_forge(front)
    elif request.param == "memory":
        yield MemoryForge()
    elif request.param == "alone":
        yield LocalForge(repository(tmp_path / "repo"))
    elif request.param == "remote":
        yield LocalForge(with_origin(tmp_path / "repo", origin(tmp_path / "origin.git")))
    else:
        origin(tmp_path / "served" / "origin.git")
        with serve(tmp_path / "served") as server:
            yield LocalForge(with_origin(tmp_path / "repo", f"{server.address}origin.git"))


def first(forge, files=None, branch="main"):
    return forge.commit(branch, files or {"a": b"1\n"}, "first", parent=None)


def tells_heads(forge):
    """Whether a file that is read comes with the commit; GitHub tells it by GraphQL alone."""
    return forge.name != "github" or not forge.api.without_graphql


def test_an_empty_repository_has_nothing(forge):
    assert forge.branch_head("main") is None
    assert list(forge.history("main")) == []
    assert list(forge.tags("*")) == []


def test_the_actor_is_told_and_vouched_for_by_a_host_alone(forge):
    assert forge.actor() == Actor("Ada", verified=forge.name == "github")


def test_a_first_commit_starts_a_branch(forge):
    head = first(forge, {"config/flags.yaml": b"a: 1\n"})
    assert forge.branch_head("main") == head
    assert forge.default_branch() == "main"
    [commit] = forge.history("main")
    assert (commit.sha, commit.parents, commit.author, commit.message) == (head, (), "Ada", "first")
    assert [(c.status, c.path, c.content) for c in commit.changes] == [("A", "config/flags.yaml", b"a: 1\n")]
    assert commit.time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", bytes(range(256)), b"no newline at the end"],
    ids=["empty", "BOM and CRLF", "binary", "no newline"],
)
def test_bytes_come_back_as_they_went(forge, content):
    head = first(forge, {"dir/ein Pfad/ü.bin": content})
    file = forge.read("dir/ein Pfad/ü.bin", "main")
    known = head if tells_heads(forge) else None
    assert (file.path, file.content, file.blob, file.commit) == ("dir/ein Pfad/ü.bin", content, blob_id(content), known)
    assert forge.read("dir/ein Pfad/ü.bin", head) == FileAt(file.path, content, file.blob, head)


def test_a_file_can_be_read_at_a_commit(forge):
    old = first(forge)
    forge.commit("main", {"a": b"2\n"}, "second", parent=old)
    assert forge.read("a", old).content == b"1\n"
    assert forge.read("a", "main").content == b"2\n"


def test_a_branch_is_read_and_written_where_a_tag_has_the_same_name(forge):
    forge.create_tag("main", first(forge, {"dir/a": b"1\n"}), "a tag")
    head = forge.branch_head("main")
    second = forge.commit("main", {"dir/a": b"2\n", "dir/b": b"2\n"}, "second", parent=head)
    assert forge.read("dir/a", "main").content == b"2\n"
    new = replaced(forge, forge.read("dir/a", "main"), b"3\n")
    assert [commit.sha for commit in forge.history("main")] == [head, second, new]
    assert forge.files("dir", "main") == {"dir/a", "dir/b"}


def test_a_file_is_read_at_a_tag_too(forge):
    old = first(forge)
    forge.create_tag("v1", old, "a tag")
    forge.commit("main", {"a": b"2\n"}, "second", parent=old)
    assert (forge.read("a", "v1").content, forge.read("nothing", "v1")) == (b"1\n", None)


def test_a_tag_or_a_commit_is_not_written_to_as_if_it_were_a_branch(forge):
    head = first(forge)
    forge.create_tag("v1", head, "a tag")
    for name in ("v1", head):
        with pytest.raises(RaceError, match=f"^there is no branch `{name}`"):
            replaced(forge, forge.read("a", name), b"2\n", name)
        assert forge.branch_head(name) is None
    assert forge.branch_head("main") == head


def test_what_is_not_there_is_said(forge):
    first(forge, {"dir/file": b""})
    assert forge.read("nothing", "main") is None
    with pytest.raises(RepositoryError, match="no branch, tag or commit `nowhere`"):
        forge.read("a", "nowhere")
    with pytest.raises(RepositoryError, match="is a folder"):
        forge.read("dir", "main")


def test_the_files_of_a_folder_are_listed_as_they_were_at_a_commit(forge):
    old = first(forge, {"db/migrations/1.sql": b"one", "db/migrations/deep/ü.sql": b"two", "db/other.sql": b""})
    forge.commit("main", {"db/migrations/1.sql": None, "db/migrations/3.sql": b"three"}, "second", parent=old)
    assert forge.files("db/migrations", old) == {"db/migrations/1.sql", "db/migrations/deep/ü.sql"}
    assert forge.files("db/migrations", "main") == {"db/migrations/3.sql", "db/migrations/deep/ü.sql"}
    for nothing in ("db/migration", "db/other.sql", "none/at/all"):
        assert forge.files(nothing, "main") == set()


def test_a_commit_changes_only_its_files(forge):
    one = first(forge, {"a": b"1\n", "b": b"2\n", "c": b"3\n"})
    two = forge.commit("main", {"a": b"4\n", "b": None, "d": b"5\n"}, "second", parent=one)
    commit = forge.history("main")[-1]
    assert (commit.sha, commit.parents) == (two, (one,))
    assert {(c.status, c.path, c.content) for c in commit.changes} == {
        ("M", "a", b"4\n"),
        ("D", "b", b""),
        ("A", "d", b"5\n"),
    }
    assert [forge.read(path, "main") and forge.read(path, "main").content for path in "abcd"] == [
        b"4\n",
        None,
        b"3\n",
        b"5\n",
    ]


def test_a_lost_race_changes_nothing(forge):
    one = first(forge)
    two = forge.commit("main", {"a": b"2\n"}, "second", parent=one)
    for parent in (one, None):
        with pytest.raises(RaceError):
            forge.commit("main", {"a": b"3\n"}, "late", parent=parent)
    with pytest.raises(RaceError):
        forge.commit("other", {"a": b"3\n"}, "on a branch that is not there", parent=two)
    assert forge.branch_head("main") == two
    assert forge.branch_head("other") is None
    assert forge.read("a", "main").content == b"2\n"


@pytest.mark.parametrize("content", [b"b: 2\n", b"", bytes(range(256))], ids=["text", "empty", "binary"])
def test_a_file_that_was_read_is_replaced_and_nothing_else(forge, content):
    one = first(forge, {"dir/ein Pfad/ü": b"a: 1\n", "dir/other": b"2\n"})
    two = replaced(forge, forge.read("dir/ein Pfad/ü", "main"), content)
    commit = forge.history("main")[-1]
    assert (commit.sha, commit.parents, commit.message.strip()) == (two, (one,), "replaced")
    assert [(c.status, c.path, c.content) for c in commit.changes] == [("M", "dir/ein Pfad/ü", content)]
    assert forge.branch_head("main") == two


def test_a_file_that_was_changed_meanwhile_is_not_replaced(forge):
    one = first(forge)
    found = forge.read("a", "main")
    two = forge.commit("main", {"a": b"2\n"}, "second", parent=one)
    for branch in ("main", "nowhere"):
        with pytest.raises(RaceError):
            replaced(forge, found, b"3\n", branch)
    assert (forge.branch_head("main"), forge.branch_head("nowhere")) == (two, None)


def test_a_head_that_moved_without_the_file_is_a_race_where_it_is_the_head_that_is_compared(forge):
    one = first(forge, {"a": b"1\n", "b": b"1\n"})
    found = forge.read("a", "main")
    two = forge.commit("main", {"b": b"2\n"}, "second", parent=one)
    if tells_heads(forge):
        with pytest.raises(RaceError):
            replaced(forge, found, b"3\n")
        assert forge.branch_head("main") == two
        found = forge.read("a", "main")
    new = replaced(forge, found, b"3\n")
    assert [(c.sha, c.parents) for c in forge.history("main", since=two)] == [(new, (two,))]
    assert [forge.read(path, "main").content for path in "ab"] == [b"3\n", b"2\n"]


def test_history_since_a_commit(forge):
    assert forge.newest("main") is None
    one = first(forge)
    assert [forge.newest("main")] == forge.history("main")
    two = forge.commit("main", {"a": b"2\n"}, "second", parent=one)
    three = forge.commit("main", {"a": b"3\n"}, "third", parent=two)
    assert [forge.newest("main")] == forge.history("main")[2:]
    assert [commit.sha for commit in forge.history("main")] == [one, two, three]
    assert [commit.sha for commit in forge.history("main", since=one)] == [two, three]
    assert list(forge.history("main", since=three)) == []


def test_what_comes_between_two_commits(forge):
    one = first(forge)
    two = forge.commit("main", {"a": b"2\n", "dir/b": b""}, "second\n\nSHOP-1", parent=one)
    three = forge.commit("main", {"a": None}, "third", parent=two)
    found = forge.changes_between(one, three)
    assert [(c.sha, c.author, c.message.rstrip(), sorted(c.paths)) for c in found] == [
        (two, "Ada", "second\n\nSHOP-1", ["a", "dir/b"]),
        (three, "Ada", "third", ["a"]),
    ]
    known = () if forge.name == "github" and tells_heads(forge) else None
    assert [c.pull_requests for c in found] == [known, known]
    assert list(forge.changes_between(three, three)) == []
    assert list(forge.changes_between(three, one)) == []


def test_branches_without_common_history(forge):
    first(forge)
    head = forge.commit("releasegate/ledger", {"events/1": b"{}"}, "event", parent=None)
    assert forge.branch_head("releasegate/ledger") == head
    assert forge.history("releasegate/ledger")[0].parents == ()
    assert not forge.is_ancestor(head, forge.branch_head("main"))


def test_a_branch_is_made_found_brought_forward_and_never_moved_aside(forge):
    one = first(forge)
    two = forge.commit("main", {"a": b"2\n"}, "second", parent=one)
    for commit in (one, one, two, one):
        forge.create_branch("release/v1.0.0", commit)
    assert forge.branch_head("release/v1.0.0") == two
    aside = forge.commit("aside", {"x": b""}, "aside", parent=None)
    with pytest.raises(RaceError, match="gone another way"):
        forge.create_branch("release/v1.0.0", aside)
    assert forge.branch_head("release/v1.0.0") == two


def test_a_tag_is_annotated_found_again_and_never_moved(forge):
    one = first(forge)
    two = forge.commit("main", {"a": b"2\n"}, "second", parent=one)
    made = forge.create_tag("v1.0.0-rc.1", one, "Candidate\n\nLedger: x")
    assert (made.name, made.commit, made.message, made.annotated) == (
        "v1.0.0-rc.1",
        one,
        "Candidate\n\nLedger: x\n",
        True,
    )
    assert datetime(2026, 1, 1, tzinfo=UTC) < made.time
    assert forge.create_tag("v1.0.0-rc.1", one, "another text") == made
    with pytest.raises(RaceError, match="never moved"):
        forge.create_tag("v1.0.0-rc.1", two, "Candidate")
    assert list(forge.tags("v*")) == [made]


def test_tags_are_found_by_pattern_oldest_first(forge):
    one = first(forge)
    for name in ("v1.0.0-rc.1", "checkout-v1.0.0", "v1.0.0-rc.2", "v1.0.0"):
        forge.create_tag(name, one, name)
    found = forge.tags("v*")
    assert {tag.name for tag in found} == {"v1.0.0-rc.1", "v1.0.0-rc.2", "v1.0.0"}
    assert list(found) == sorted(found, key=lambda tag: tag.time)
    assert [tag.name for tag in forge.tags("v*-rc.2")] == ["v1.0.0-rc.2"]
    assert [tag.name for tag in forge.tags("v1.0.0")] == ["v1.0.0"]


def test_revisions(forge):
    one = first(forge)
    two = forge.commit("main", {"a": b"2\n"}, "second", parent=one)
    forge.create_tag("v1.0.0", one, "one")
    assert forge.resolve("main") == two
    assert forge.resolve("v1.0.0") == one
    assert forge.resolve(one) == one
    assert forge.resolve(one[:10]) == one
    for unknown in ("nothing", "0" * 40, "--all", "a b", "main..v1.0.0", "", "main^{tree}"):
        with pytest.raises(RepositoryError):
            forge.resolve(unknown)


def test_ancestry(forge):
    one = first(forge)
    two = forge.commit("main", {"a": b"2\n"}, "second", parent=one)
    assert forge.is_ancestor(one, two)
    assert forge.is_ancestor(one, one)
    assert not forge.is_ancestor(two, one)


def test_an_issue_is_opened_once_for_each_marker(forge):
    first(forge)
    place = forge.open_issue("rollback checkout v1.0.0", "Find the cause", "It was slow.")
    assert forge.open_issue("rollback checkout v1.0.0", "Another title", "") == place
    assert forge.open_issue("rollback checkout v1.1.0", "Find the cause", "") != place
