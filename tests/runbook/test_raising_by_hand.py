"""`flags set`, `rollout` and `restore` by hand look at the ledger's fence; what takes back never does."""

from functools import partial

import pytest

from fakes import FakeClock, MemoryForge, Randomness
from releasegate.cli.clock import SystemClock
from releasegate.errors import FenceError, OutsideError
from releasegate.forge.local import LocalForge
from releasegate.policy.load import load_policy
from releasegate.runbook.flags import commit_changes
from releasegate.runbook.journal import Draft, Journal
from releasegate.runbook.raising_by_hand import fence
from repositories import committed, git, porcelain, repository

FILE = "config/feature-flags.yaml"
FLAGS = "checkout-v2:\n  enabled: true\n  percentage: 5\nbanner: false\nsearch: false\n"
POLICY = """\
version: 1
service: shop
environment: test
traffic: {flag: {name: checkout-v2}}
rollback: {flags: {off: [banner]}}
"""
LOOK = "look at `releasegate status`; tag the next candidate, or begin a rollout"
SCOPE = {"service": "shop", "environment": "test"}
ABORT = {"decision": "abort"}
RUNNING = "a rollback is running since 10:00:00 UTC (Ada)"
OVER = "{} at 10:00:00 UTC (Ada), and no candidate since"


@pytest.fixture
def forge():
    forge = MemoryForge(FakeClock())
    forge.commit("main", {FILE: FLAGS.encode()}, "begin", parent=None)
    return forge


def journal_of(forge, clock=None):
    return Journal(forge, "releasegate/ledger", clock or FakeClock(), Randomness())


def record(forge, *kinds, clock=None):
    drafts = [Draft(kind, {**SCOPE, "tag": "v1-rc.1"}, ABORT if kind == "canary.decided" else {}) for kind in kinds]
    journal_of(forge, clock).append(*drafts)


def raised(forge, name="checkout-v2", percent=25):
    """A raise by hand; the commit, None where it was so already."""
    look = fence(load_policy(POLICY.encode(), "releasegate.yaml", {}), journal_of(forge))
    change = [lambda file: file.rollout(name, percent)]
    return commit_changes(forge, FILE, "main", change, "Roll out", reason="", fence=look).commit


def read(forge):
    return forge.read(FILE, "main").content.decode()


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        (["rollback.started"], RUNNING),
        (["rollback.started", "release.candidate"], RUNNING),
        (["rollback.started", "rollback.finished"], OVER.format("rollback.started")),
        (["rollout.started", "canary.decided"], "the canary was aborted at 10:00:00 UTC"),
        (["rollout.started", "rollout.aborted"], OVER.format("rollout.aborted")),
        (["rollout.started", "rollout.aborted", "flag.changed"], OVER.format("rollout.aborted")),
    ],
)
def test_a_raise_by_hand_is_refused_while_the_ledger_takes_back(forge, kinds, why):
    record(forge, *kinds)
    for name in ("checkout-v2", "banner"):
        with pytest.raises(FenceError) as caught:
            raised(forge, name, 100)
        assert str(caught.value) == f"`{name}` is not raised by hand: {why}; {LOOK}"
    assert read(forge) == FLAGS
    assert raised(forge, "search", 100), "a flag that no rollback touches"


@pytest.mark.parametrize(
    "kinds",
    [
        [],
        ["rollout.started"],
        ["rollback.started", "rollback.finished", "release.candidate"],
        ["rollout.started", "rollout.aborted", "rollout.started"],
        ["rollback.started", "rollback.finished", "rollout.started", "rollout.settled"],
    ],
)
def test_a_raise_by_hand_is_made_where_nothing_newer_takes_back(forge, kinds):
    if kinds:
        record(forge, *kinds)
    assert raised(forge)
    assert "percentage: 25" in read(forge)


def test_another_services_rollback_closes_nothing(forge):
    journal_of(forge).append(Draft("rollback.started", {**SCOPE, "environment": "staging"}))
    assert raised(forge)


def test_a_raise_that_a_rollback_overtakes_is_taken_back(forge):
    def meanwhile():
        forge.before_commit = lambda: None
        record(forge, "rollback.started")

    forge.before_commit = meanwhile
    with pytest.raises(FenceError, match="a rollback is running since"):
        raised(forge)
    assert read(forge) == FLAGS
    assert [commit.message for commit in forge.history("main")] == [
        "begin", "Roll out\n", f"Take back: Roll out\n\n`checkout-v2` is not raised by hand: {RUNNING}\n",
    ]  # fmt: skip


def test_a_raise_that_loses_the_race_against_a_rollback_is_decided_again(forge):
    lowered = FLAGS.replace("percentage: 5", "percentage: 0").encode()

    def meanwhile():
        forge.before_commit = lambda: None
        forge.commit("main", {FILE: lowered}, "back", parent=forge.branch_head("main"))
        record(forge, "rollback.started")

    forge.before_commit = meanwhile
    with pytest.raises(FenceError, match="a rollback is running since"):
        raised(forge)
    assert [commit.message for commit in forge.history("main")] == ["begin", "back"]


def looks(forge, *, and_then=lambda: None):
    """A fence that lets the change through, and cannot be asked again."""
    answers = iter([None])

    def look(_):
        if next(answers, "away") == "away":
            and_then()
            raise OutsideError("the ledger does not answer")

    change = [lambda file: file.rollout("checkout-v2", 25)]
    return commit_changes(forge, FILE, "main", change, "Roll out", reason="", fence=look)


def test_a_raise_whose_second_look_nobody_answers_is_taken_back(forge):
    with pytest.raises(OutsideError) as caught:
        looks(forge)
    assert (str(caught.value), read(forge)) == ("the ledger does not answer", FLAGS)


def test_a_raise_that_can_neither_be_looked_at_nor_be_taken_back_says_where_it_is(forge):
    def refuse():
        raise OutsideError("the forge does not answer")

    with pytest.raises(OutsideError) as caught:
        looks(forge, and_then=lambda: setattr(forge, "before_commit", refuse))
    assert str(caught.value) == (
        f"Roll out is committed in {forge.branch_head('main')[:12]}, and could not be taken back (the forge does not "
        "answer): the ledger does not answer; revert that commit by hand"
    )


@pytest.fixture
def repo(tmp_path):
    folder = repository(tmp_path / "repo")
    committed(folder, {FILE: FLAGS, "releasegate.yaml": POLICY})
    return folder


@pytest.fixture
def flags(repo, command):
    return partial(command, repo, "flags")


@pytest.mark.parametrize(
    "arguments",
    [
        ["rollout", "checkout-v2", "25"],
        ["rollout", "checkout-v2", "25", "--dry-run"],
        ["set", "checkout-v2", "on", "--patch", "-"],
        ["restore", "checkout-v2"],
    ],
    ids=" ".join,
)
def test_the_command_line_refuses_it_and_writes_nothing(repo, flags, arguments):
    assert flags("off", "checkout-v2")[0] == 0
    record(LocalForge(repo), "rollback.started", "rollback.finished", clock=SystemClock())
    head = git(repo, "rev-parse", "main")
    code, out, err = flags(*arguments)
    assert (code, out) == (3, "")
    assert err.startswith("releasegate: `checkout-v2` is not raised by hand: rollback.started at ")
    assert err.endswith(f" UTC (Ada), and no candidate since; {LOOK}\n")
    assert (git(repo, "rev-parse", "main"), porcelain(repo)) == (head, [])


def test_taking_back_asks_no_ledger_and_the_next_candidate_opens_the_fence(repo, flags):
    record(LocalForge(repo), "rollback.started", clock=SystemClock())
    assert flags("off", "checkout-v2", "banner")[0] == 0
    assert flags("set", "banner", "on", "--in-place")[0] == 0, "nothing is committed, so nobody gets it"
    git(repo, "checkout", "--quiet", FILE)
    record(LocalForge(repo), "rollback.finished", "release.candidate", clock=SystemClock())
    assert flags("restore", "checkout-v2")[0] == 0
    assert (repo / FILE).read_text() == FLAGS
