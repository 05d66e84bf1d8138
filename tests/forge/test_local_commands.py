"""How often the local forge starts git: a rollout reads and writes hundreds of times."""

from releasegate.forge.local import LocalForge
from repositories import repository


def asked(forge, act):
    """The git commands that `act` starts, in turn."""
    run, commands = forge.git.run, []

    def noted(*arguments, **options):
        commands.append(arguments[0])
        return run(*arguments, **options)

    forge.git.run = noted
    act()
    forge.git.run = run
    return commands


COMMIT = ["ls-tree", "hash-object", "read-tree", "update-index", "write-tree", "commit-tree", "worktree", "update-ref"]


def test_git_is_asked_nothing_twice(tmp_path):
    forge = LocalForge(repository(tmp_path / "repo"))
    first = forge.commit("ledger", {"events/1/a": b"1"}, "one", parent=None)
    second = []
    write = lambda: second.append(forge.commit("ledger", {"events/1/b": b"2"}, "two", parent=first))  # noqa: E731
    assert asked(forge, write) == COMMIT
    forge.read("events/1/a", "ledger")
    assert asked(forge, lambda: forge.read("events/1/a", "ledger")) == ["for-each-ref", "ls-tree", "cat-file"]
    assert asked(forge, lambda: forge.history("ledger", since=second[0])) == ["for-each-ref"]
    assert asked(forge, forge.actor) == []


def test_a_new_folder_is_looked_at_once_more(tmp_path):
    """Git would make room for it by removing a file of its name."""
    forge = LocalForge(repository(tmp_path / "repo"))
    first = forge.commit("ledger", {"events/1/a": b"1"}, "one", parent=None)
    write = lambda: forge.commit("ledger", {"events/2/b": b"2"}, "two", parent=first)  # noqa: E731
    assert asked(forge, write) == [*COMMIT[:4], "diff-index", *COMMIT[4:]]
