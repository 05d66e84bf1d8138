"""Blue-green, ended before or after each of its effects, and the same command run anew: the same end, nothing twice."""

from contextlib import suppress

import pytest
from test_blue_green import HEALTH, BlueGreen

from releasegate.errors import NotNowError
from releasegate.runbook.begin import candidate_of
from releasegate.runbook.outside import Page
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Rollout
from worlds import BAD

MOST = 40
"""More effects than any of the procedures has."""


class KilledError(BaseException):
    """As SIGKILL: nothing is caught, nothing is put right."""


class Ends:
    """Counts the effects of one run, and ends it before or after the one that is meant."""

    def __init__(self, service, at=None, when="before"):
        self.at, self.when, self.names = at, when, []
        self.forge, self.shell = service.forge, service.shop
        self.before = {name: getattr(self.forge, name) for name in ("commit", "create_tag", "open_issue")}
        for name, act in self.before.items():
            setattr(self.forge, name, self.wrap(name, act))
        self.run = self.wrap("run", service.shop)

    def undo(self):
        for name, act in self.before.items():
            setattr(self.forge, name, act)

    def wrap(self, name, act):
        def effect(*arguments, **options):
            self.names.append(name)
            mine = len(self.names) - 1 == self.at
            if mine and self.when == "before":
                raise KilledError
            answer = act(*arguments, **options)
            if mine:
                raise KilledError
            return answer

        return effect


def rollout(service, ends):
    world = service.world(shell=ends.run)
    return Rollout(world, candidate_of(world, None) or service.tag, lambda _: None).run()


def rollback(service, ends):
    pages = service.options.get("fetch", lambda _: Page(200, "ok"))
    world = service.world(shell=ends.run, fetch=pages)
    return Rollback(world, Request(reason="people complain"), lambda _: None).run()


def good(folder):
    return BlueGreen(folder), rollout


def bad(folder):
    return BlueGreen(folder, errors=BAD), rollout


def back(folder):
    """Of a release that is live on green, to blue."""
    service = BlueGreen(folder)
    assert service.roll_out()[0].exit_code == 0
    return service, rollback


def down(folder):
    """Back to a colour whose page does not answer before the release before was deployed there again."""
    service, _ = back(folder)
    service.options["policy"] = HEALTH

    def pages(url):
        return Page(503 if url.endswith("blue") and "blue" not in service.shop.deployed else 200, "ok")

    service.options["fetch"] = pages
    return service, rollback


def end(service):
    """Everything that has to be the same, and how often each deploy ran."""
    state = service.state()
    ran = [" ".join(argv) for argv in service.shop.ran if argv[0] == "deploy"]
    return {
        "weights": service.weights(),
        "colours": (state.colours.live, dict(state.colours.holds)),
        "live": state.live,
        "unfinished": (state.rollout is not None, state.rollback is not None),
        "releases": sorted((r.candidate, r.tag, bool(r.bad), r.settled is not None) for r in state.releases),
        "deploys": {line: ran.count(line) for line in ran},
    }


def play(folder, scenario, at, when):
    """The run that is ended, if it comes so far, and the one after it; the effects of the first, and the end."""
    service, procedure = scenario(folder)
    ends, ended = Ends(service, at, when), False
    try:
        procedure(service, ends)
    except KilledError:
        ended = True
    ends.undo()
    service.clock.sleep(1)
    if ended:
        again = Ends(service)
        with suppress(NotNowError):  # what is over may not begin again
            procedure(service, again)
        again.undo()
    return ended, len(ends.names), end(service)


def check(tmp_path, scenario, chosen):
    _, effects, expected = play(tmp_path / "whole", scenario, None, "")
    assert 3 < effects < MOST
    for at in range(effects) if chosen is None else chosen:
        for when in ("before", "after"):
            ended, _, found = play(tmp_path / f"{at}-{when}", scenario, at, when)
            assert ended, (at, when)
            assert found == expected, (at, when)
    return effects


@pytest.mark.parametrize("scenario", [good, down])
def test_each_ends_as_if_nothing_had_happened(tmp_path, scenario):
    check(tmp_path, scenario, (2,))


@pytest.mark.soak
@pytest.mark.parametrize("scenario", [good, bad, back, down])
def test_each_ends_so_wherever_it_was_ended(tmp_path, scenario):
    assert check(tmp_path, scenario, None) >= {good: 25, bad: 25, back: 5, down: 8}[scenario]
