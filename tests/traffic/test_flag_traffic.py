"""Traffic that is split by a flag: raised behind the fence and with a proof, lowered whatever happens."""

import pytest

from fakes import MemoryForge
from releasegate.errors import FenceError, FlagError, InconclusiveError, RaceError
from releasegate.traffic.flag import TRIES, FlagTraffic

FILE = "config/feature-flags.yaml"
FLAGS = "checkout-v2: {enabled: true, percentage: 0}   # canary\nother: true\n"
FLAGD = (
    'flags:\n  checkout-v2:\n    state: ENABLED\n    variants: {"on": true, "off": false}\n    defaultVariant: "off"\n'
    '    targeting: {if: [{sem_ver: [{var: v}, ">", "1"]}, "on", "off"]}\n'
)


class House:
    def __init__(self, flags=FLAGS):
        self.forge, self.warnings = MemoryForge(), []
        self.forge.commit("main", {FILE: flags.encode()}, "begin", parent=None)
        self.traffic = FlagTraffic(
            self.forge, branch="main", path=FILE, flag="checkout-v2", on="on", warn=self.warnings.append
        )

    def read(self):
        return self.forge.read(FILE, "main").content.decode()

    def write(self, text):
        self.forge.commit("main", {FILE: text.encode()}, "by hand", parent=self.forge.branch_head("main"))

    def messages(self):
        return [commit.message for commit in self.forge.history("main")]


@pytest.fixture
def house():
    return House()


def test_raise_and_lower_are_one_commit_each_and_asking_again_is_none(house):
    before = house.traffic.split()
    assert (before.weight, before.description) == (0.0, f"flag checkout-v2 in {FILE}: on for 0%")
    split = house.traffic.set_weight(0.05, reason="v1.4.0-rc.1", expected=before.revision)
    assert (split.weight, split.revision) == (0.05, house.forge.read(FILE, "main").blob)
    assert house.read() == FLAGS.replace("percentage: 0", "percentage: 5")
    assert house.traffic.set_weight(0.05, reason="again", expected=split.revision) == split
    assert house.traffic.set_weight(0.0, reason="it was bad").weight == 0.0
    assert house.read() == FLAGS.replace("true, percentage: 0", "false, percentage: 0")
    assert house.messages() == [
        "begin", "Set checkout-v2 to 5%\n\nv1.4.0-rc.1\n", "Set checkout-v2 to 0%\n\nit was bad\n",
    ]  # fmt: skip
    assert house.warnings == []


def test_a_raise_stops_at_somebody_elses_change_and_lowering_does_not(house):
    seen = house.traffic.split().revision
    house.write(FLAGS.replace("other: true", "other: false"))
    with pytest.raises(FenceError) as error:
        house.traffic.set_weight(0.05, reason="x", expected=seen)
    assert str(error.value) == (
        f"{FILE}: `checkout-v2` is not raised: the flag file was changed by somebody else; "
        "look at its history, then start again"
    )
    assert "percentage: 0" in house.read()
    assert house.traffic.set_weight(0.0, reason="x", expected=seen).weight == 0.0


def test_a_fence_also_holds_when_somebody_is_faster_by_a_moment(house):
    seen = house.traffic.split().revision

    def faster():
        house.forge.before_commit = lambda: None
        house.write(FLAGS + "new: 1\n")

    house.forge.before_commit = faster
    with pytest.raises(FenceError):
        house.traffic.set_weight(0.05, reason="x", expected=seen)
    assert house.read() == FLAGS + "new: 1\n"


def test_lowering_keeps_somebody_elses_change(house):
    house.traffic.set_weight(0.05, reason="x")

    def faster():
        house.forge.before_commit = lambda: None
        house.write(house.read() + "new: 1\n")

    house.forge.before_commit = faster
    house.traffic.set_weight(0.0, reason="x")
    assert house.read() == FLAGS.replace("true, p", "false, p") + "new: 1\n"


def test_a_branch_that_never_stands_still(house):
    tries = []

    def faster():
        tries.append(1)
        raise RaceError("`main` moved meanwhile")

    house.forge.before_commit = faster
    with pytest.raises(RaceError, match=f"`main` kept moving: {TRIES} commits lost the race"):
        house.traffic.set_weight(0.05, reason="x")
    assert len(tries) == TRIES


def test_a_rule_that_cannot_be_proved_is_not_raised_and_is_taken_away_by_lowering():
    house = House(FLAGD)
    with pytest.raises(InconclusiveError) as error:
        house.traffic.split()
    assert error.value.what == "`checkout-v2` has no single percentage: targeting rules, else off"
    with pytest.raises(FlagError, match="the targeting is not one `fractional`"):
        house.traffic.set_weight(0.05, reason="x")
    assert house.read() == FLAGD
    assert house.traffic.set_weight(0.0, reason="x").weight == 0.0
    assert house.read().endswith("    targeting: {}\n")


def test_a_file_that_is_not_there():
    house = House()
    house.traffic.path = "config/none.yaml"
    with pytest.raises(FlagError) as error:
        house.traffic.split()
    assert str(error.value) == "main:config/none.yaml: there is no such flag file; is `flags.file` right?"
