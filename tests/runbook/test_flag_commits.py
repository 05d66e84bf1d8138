"""Several flags in one commit, races, and the flags that a rollback switches off."""

import pytest

from fakes import MemoryForge
from releasegate.errors import FlagError, OutsideError, RaceError
from releasegate.runbook.features import switch_off
from releasegate.runbook.flags import commit_changes, facts
from releasegate.runbook.races import TRIES

FILE = "flags.yaml"
FLAGS = "a: true\nb: {enabled: true, percentage: 50}\nc: &x true\nd: *x\n"


@pytest.fixture
def forge():
    forge = MemoryForge()
    forge.commit("main", {FILE: FLAGS.encode()}, "begin", parent=None)
    return forge


def read(forge):
    return forge.read(FILE, "main").content.decode()


def test_several_edits_are_one_commit_and_each_can_be_taken_back(forge):
    changes = [lambda file: file.off("a"), lambda file: file.rollout("b", 75), lambda file: file.off("a")]
    done = commit_changes(forge, FILE, "main", changes, "Two flags", reason="because")
    assert read(forge) == FLAGS.replace("a: true", "a: false").replace("50", "75")
    assert [commit.message for commit in forge.history("main")] == ["begin", "Two flags\n\nbecause\n"]
    assert facts(done, "main") == [
        {"flag": name, "file": FILE, "branch": "main", "commit": done.commit, "blob": forge.read(FILE, "main").blob,
         "removed": {"before": before, "after": after}, "restored": False}
        for name, before, after in (
            ("a", "a: true", "a: false"),
            ("b", "b: {enabled: true, percentage: 50}", "b: {enabled: true, percentage: 75}"),
        )
    ]  # fmt: skip


def test_one_edit_that_is_refused_keeps_all_from_being_made(forge):
    with pytest.raises(FlagError):
        commit_changes(forge, FILE, "main", [lambda f: f.off("a"), lambda f: f.rollout("b", 101)], "x", reason="")
    assert read(forge) == FLAGS


def test_a_race_is_decided_again_on_what_is_there_then(forge):
    def faster():
        forge.before_commit = lambda: None
        forge.commit("main", {FILE: FLAGS.replace("50", "10").encode()}, "faster", parent=forge.branch_head("main"))

    forge.before_commit = faster
    asked = []

    def change(file):
        asked.append(file.state("b").percent)
        return file.off("b")

    commit_changes(forge, FILE, "main", [change], "Off", reason="")
    assert asked == [50, 10]
    assert "b: {enabled: false, percentage: 0}" in read(forge)


def test_a_branch_that_never_stands_still(forge):
    tries = []

    def faster():
        tries.append(1)
        raise RaceError("`main` moved meanwhile")

    forge.before_commit = faster
    with pytest.raises(RaceError):
        commit_changes(forge, FILE, "main", [lambda file: file.off("a")], "Off", reason="")
    assert len(tries) == TRIES


def test_a_flag_that_cannot_be_switched_off_keeps_no_other_on_and_its_patch_is_there(forge):
    with pytest.raises(OutsideError) as error:
        switch_off(forge, FILE, "main", ["a", "d", "none"], "a rollback")
    head = forge.branch_head("main")[:12]
    assert error.value.what == (
        "d is NOT off: flags.yaml:4:4: an alias (*x) on the way to `d`: no safe edit; write it out plainly; "
        "none is NOT off: flags.yaml: there is no flag `none`; it has a, b, c, d; "
        f"a switched off in {head}"
    )
    assert error.value.remedy == (
        "switch it off by hand: \n--- a/flags.yaml\n+++ b/flags.yaml\n@@ -1,4 +1,4 @@\n a: false\n"
        " b: {enabled: true, percentage: 50}\n c: &x true\n-d: *x\n+d: false\n"
    )
    assert read(forge) == FLAGS.replace("a: true", "a: false")


def test_off_already_is_done_already(forge):
    assert switch_off(forge, FILE, "main", ["a"], "x").startswith("a switched off in ")
    assert switch_off(forge, FILE, "main", ["a"], "x") == "a: off already"
    assert len(forge.history("main")) == 2
