"""Pull requests that raise a flag do not outlive what takes it back: `flags.commit: pull-request`."""

import pytest

from fakes import Randomness
from github_front import Fault, github_forge
from github_shop import FLAGS, POLICY, SCOPE, told
from releasegate.cli.clock import SystemClock
from releasegate.flags.document import FlagFile
from releasegate.runbook.journal import Draft, Journal

FILE = "config/feature-flags.yaml"
BY_REQUEST = POLICY + b"flags: {commit: pull-request, merge-within: 1s}\nkill-switch: {flag: banner, value: 'off'}\n"
OFF = "on 0%, off 100%"
TRAFFIC = ["rollback", "--traffic-only", "--yes"]


@pytest.fixture
def forge(github):
    forge = github_forge(github)
    forge.commit("main", {"releasegate.yaml": BY_REQUEST, FILE: FLAGS}, "start", parent=None)
    return forge


@pytest.fixture
def shop(github, hosted, capsys, forge):
    return Shop(github, hosted, capsys, forge)


class Shop:
    """The repository, its commands, and its pull requests."""

    def __init__(self, github, folder, capsys, forge):
        self.github, self.folder, self.capsys, self.forge = github, folder, capsys, forge

    def call(self, words, sleep=lambda _: None):
        return told(self.folder, [*words, "--repo", self.forge.home], self.capsys, sleep)

    def open(self):
        return [one["title"] for one in self._open()]

    def _open(self):
        return self.github.rest("GET", f"/repos/{self.forge.home}/pulls?state=open", None)[1]

    def propose(self, change, title):
        """A pull request as a change by hand leaves it that nobody merged; its address."""
        found = self.forge.read(FILE, "main")
        branch = f"releasegate-flags/checkout/production/flags/{title.replace(' ', '-')}"
        self.forge.create_branch(branch, found.commit)
        content = change(FlagFile.parse(found.content, FILE)).content
        self.forge.commit(branch, {FILE: content}, title, parent=found.commit)
        asked = {"title": title, "head": branch, "base": "main"}
        return self.github.rest("POST", f"/repos/{self.forge.home}/pulls", asked)[1]["html_url"]

    def propose_raise(self):
        return self.propose(lambda file: file.rollout("checkout-v2", 50), "raise")

    def propose_banner(self, value):
        return self.propose(lambda file: file.set("banner", value), f"banner {value}")

    def merging(self, *titles):
        """What somebody does while a command waits: merge what is open of these, or all."""

        def sleep(_):
            for one in self._open():
                if not titles or one["title"] in titles:
                    status, body = self.github.rest("PUT", f"/repos/{self.forge.home}/pulls/{one['number']}/merge", {})
                    assert status == 200, body

        return sleep

    def commit(self, old, new):
        """A change of the flag file straight on main."""
        head = self.forge.branch_head("main")
        content = self.forge.read(FILE, "main").content
        assert old in content
        self.forge.commit("main", {FILE: content.replace(old, new)}, "change", parent=head)

    def says(self, name):
        return FlagFile.parse(self.forge.read(FILE, "main").content, FILE).state(name).text


def test_a_rollback_closes_a_raise_by_hand_before_anybody_merges_both(shop):
    raised = shop.propose_raise()
    code, out, err = shop.call(TRAFFIC, shop.merging())
    assert (code, out.splitlines()[0]) == (0, "traffic is back, and every step held")
    assert (f"closed {raised}" in err.splitlines(), shop.open(), shop.says("checkout-v2")) == (True, [], OFF)


@pytest.mark.soak
def test_a_rollback_with_nothing_to_lower_closes_it_as_well(shop):
    shop.commit(b'"on", 5], ["off", 95', b'"on", 0], ["off", 100')
    shop.commit(b'defaultVariant: "on"', b'defaultVariant: "off"')
    raised, banner = shop.propose_raise(), shop.propose_banner("on")
    code, out, _ = shop.call(TRAFFIC)
    flip = out.splitlines()[1].rpartition(f"{OFF}; ")[2]
    assert (code, flip, shop.open()) == (0, f"closed {banner}, closed {raised}", [])


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["flags", "off", "checkout-v2"], "Switch off checkout-v2"),
        pytest.param(["flags", "set", "checkout-v2", "off"], "Set checkout-v2 to off", marks=pytest.mark.soak),
        pytest.param(["flags", "rollout", "checkout-v2", "1"], "Roll out checkout-v2 to 1%", marks=pytest.mark.soak),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_lowering_by_hand_closes_what_raises_the_same_flag_and_nothing_else(shop, words, title):
    raised = shop.propose_raise()
    shop.propose_banner("off")
    shop.commit(b'"on", 5], ["off", 95', b'"on", 25], ["off", 75')  # which the one above knows nothing of
    code, _, err = shop.call(words, shop.merging(title))
    assert (code, err, shop.open()) == (0, f"closed {raised}\n", ["banner off"])


@pytest.mark.soak
def test_a_raise_by_hand_closes_nothing(shop):
    shop.propose(lambda file: file.off("checkout-v2"), "off")
    shop.propose_raise()
    title = "Roll out checkout-v2 to 25%"
    assert shop.call(["flags", "rollout", "checkout-v2", "25"], shop.merging(title))[0] == 0
    assert sorted(shop.open()) == ["off", "raise"]


@pytest.mark.soak
def test_what_cannot_be_closed_is_told_and_the_flag_goes_off_all_the_same(shop):
    raised = shop.propose_raise()
    closes = lambda e: e.method == "PATCH" and "/pulls/" in e.path  # noqa: E731
    shop.github.fault = lambda e: Fault(status=502) if closes(e) else None
    code, _, err = shop.call(["flags", "off", "checkout-v2"], shop.merging("Switch off checkout-v2"))
    assert (code, shop.says("checkout-v2")) == (0, OFF)
    assert err.startswith(f"LOOK: {raised} could not be closed (GitHub answered 502")


def test_the_kill_switch_closes_what_would_set_its_flag_to_something_else(shop):
    half = shop.propose(lambda file: file.rollout("banner", 50), "half")
    code, out, err = shop.call(["kill-switch", "on"], shop.merging())
    assert (code, out.splitlines()[0]) == (0, "the agents are stopped")
    assert (f"closed {half}" in err.splitlines(), shop.says("banner")) == (True, "off")
    again = shop.propose_banner("on")
    code, out, _ = shop.call(["kill-switch", "on"])
    assert (code, f"banner is off already; closed {again}" in out, shop.open()) == (0, True, [])


@pytest.mark.soak
def test_a_raise_that_a_rollback_overtakes_while_it_waits_is_closed(shop):
    def rolled_back(_):
        journal = Journal(shop.forge, "releasegate/ledger", SystemClock(), Randomness())
        if not journal.events():
            journal.append(Draft("rollback.started", SCOPE))

    code, out, err = shop.call(["flags", "rollout", "checkout-v2", "50"], rolled_back)
    closed, refused = err.splitlines()
    assert (code, out, closed[:12], shop.open()) == (3, "", "closed http:", [])
    assert refused.startswith("releasegate: `checkout-v2` is not raised by hand: a rollback is running since ")
