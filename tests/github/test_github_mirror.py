"""A long history is read through git: the same commits, and the token in no argument list."""

from pathlib import Path

from git_over_http import serve
from github_front import TOKEN, github_forge
from releasegate.forge.github.mirror import Mirror
from releasegate.forge.local import LocalForge
from repositories import origin, with_origin

BRANCH = "releasegate/ledger"


def test_git_tells_the_same_as_a_clone_and_goes_on_from_there(tmp_path):
    remote = origin(tmp_path / "served" / "origin.git")
    local = LocalForge(with_origin(tmp_path / "repo", remote))
    head = local.commit(BRANCH, {"events/1": b"1"}, "one", parent=None)
    with serve(tmp_path / "served", password=TOKEN, user="x-access-token") as server:
        mirror = Mirror(tmp_path / "mirror.git", f"{server.address}origin.git", lambda: TOKEN)
        assert mirror.history(BRANCH, None) == local.history(BRANCH)
        local.commit(BRANCH, {"events/2": b"2"}, "two", parent=head)
        assert mirror.history(BRANCH, head) == local.history(BRANCH, since=head)
        assert [commit.message.strip() for commit in mirror.history(BRANCH, head)] == ["two"]
        wrong = Mirror(tmp_path / "other.git", f"{server.address}origin.git", lambda: "ghp_wrong")
        assert wrong.history(BRANCH, None) is None
    kept = [path for path in (tmp_path / "mirror.git").rglob("*") if path.is_file() and TOKEN in _text(path)]
    assert kept == []


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


class Told:
    """A mirror that tells what it is given."""

    many = 3

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def history(self, branch, since):
        self.asked.append((branch, since))
        return self.answer


def test_it_is_asked_where_much_is_new_and_done_without_where_it_cannot_tell(github):
    forge = github_forge(github)
    heads = [forge.commit(BRANCH, {"events/0": b"0"}, "0", parent=None)]
    for number in range(1, 4):
        heads.append(forge.commit(BRANCH, {f"events/{number}": b"x"}, f"{number}", parent=heads[-1]))
    whole = forge.history(BRANCH)
    for answer, requests in ((whole, 1), (None, 1 + len(heads))):
        mirror = Told(answer)
        reader = github_forge(github, forge.home, mirror=mirror)
        github.exchanges.clear()
        assert reader.history(BRANCH) == whole
        assert (mirror.asked, len(github.exchanges)) == ([(BRANCH, None)], requests)
    mirror = Told(None)
    assert github_forge(github, forge.home, mirror=mirror).history(BRANCH, since=heads[1]) == whole[2:]
    assert mirror.asked == []
