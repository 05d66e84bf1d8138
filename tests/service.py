"""A service with one release candidate, and any number of runs of the program on it."""

from fakes import FakeClock, MemoryForge
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order, Rollout
from worlds import MemoryTraffic, Shop, begin_service, world_of

BEGUN = 5
"""Events before the rollout: four of the first release, and the candidate's."""


class Service:
    """A forge and one release candidate; `world` is another run of the program on it."""

    def __init__(self, folder, **options):
        self.folder, self.options = folder, options
        self.clock, self.shop, self.traffic = FakeClock(), Shop(), MemoryTraffic()
        self.forge = MemoryForge(self.clock)
        self.runs = 0
        self.tag = begin_service(self.world())

    def world(self, **changes):
        self.runs += 1
        own = {"clock": self.clock, "shell": self.shop, "traffic": self.traffic, "run": f"run-{self.runs}"}
        options = {**own, **self.options, **changes}
        return world_of(options.pop("forge", self.forge), self.folder, **options)

    def roll_out(self, tag=None, order=None, **changes):
        world = self.world(**changes)
        result = Rollout(world, tag or self.tag, lambda _: None, order or Order()).run()
        return result, world

    def roll_back(self, world=None, **request):
        wanted = Request(**{"reason": "people complain", **request})
        return Rollback(world or self.world(), wanted, lambda _: None).run()


def told(result):
    """What became of each step of a rollback, in words."""
    return {outcome.id: (outcome.state.value, outcome.text) for outcome in result.outcomes}
