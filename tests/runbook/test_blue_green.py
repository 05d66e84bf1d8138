"""Blue-green: all traffic in one jump to the idle colour, which is the live one from then on."""

import pytest

from releasegate.canary.recording import Line
from releasegate.errors import NotNowError, PolicyError
from releasegate.forge.local import LocalForge
from releasegate.ledger.state import fold
from releasegate.policy.load import load_policy
from releasegate.policy.turned import turned
from releasegate.runbook.colours import facing_live
from releasegate.runbook.outside import Page
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from releasegate.runbook.status import status
from repositories import git, repository
from service import Service
from worlds import BAD, LIVE, POLICY, Flow, begin_service, kinds, next_candidate, route

ROUTE = b"spec:\n  - {name: blue, weight: 100}   # the first\n  - {name: green, weight: 0}\n"
FLAG = b"traffic: {flag: {name: checkout-v2}}"
TRAFFIC = (
    b"traffic: {document: {file: k8s/route.yaml, baseline: spec.0.weight, canary: spec.1.weight}, blue-green: true"
)
BLUE_GREEN = POLICY.replace(FLAG, TRAFFIC + b"}")
HEALTH = POLICY.replace(
    FLAG, TRAFFIC + b', health: {baseline: "http://127.0.0.1:1/blue", canary: "http://127.0.0.1:1/green"}}'
)
STEP = {"errors": {"baseline": (100, 10_000)}}
BEFORE = [Line(-10.0 * number, STEP) for number in range(6, -1, -1)]


class BlueGreen(Service):
    """A service whose route is a file, and whose two colours take turns."""

    def __init__(self, folder, forge=None, **options):
        super().__init__(folder, **{"policy": POLICY, **options})
        self.options = {"policy": BLUE_GREEN, "history": lambda _: BEFORE, **options}
        if forge is not None:
            self.options["forge"] = self.forge = forge
            self.tag = begin_service(Service.world(self, policy=POLICY, traffic=self.traffic))
        self.forge.commit("main", {"k8s/route.yaml": ROUTE}, "The route\n", parent=self.forge.branch_head("main"))

    def world(self, **changes):
        options = {**self.options, **changes}
        if options["policy"] is not POLICY and "traffic" not in options:
            policy = load_policy(options["policy"], "releasegate.yaml", {})
            changes = {"traffic": route(options.get("forge", self.forge), policy), **changes}
        return super().world(**changes)

    def roll_back(self, **request):
        world = self.world(**request.pop("world", {}))
        return Rollback(world, Request(**{"reason": "people complain", **request}), lambda _: None).run()

    def weights(self):
        return [int(part.split("}")[0]) for part in self.route().split("weight: ")[1:]]

    def route(self):
        return self.forge.read("k8s/route.yaml", "main").content.decode()

    def state(self):
        world = self.world()
        return fold(world.journal.events(), world.subject())


@pytest.fixture
def service(tmp_path):
    return BlueGreen(tmp_path / "documents")


def told(result):
    return {outcome.id: (outcome.state.value, outcome.text) for outcome in result.outcomes}


def deploys(service):
    return [argv[1:] for argv in service.shop.ran if argv[0] == "deploy" and argv[1] != "staging"]


@pytest.mark.parametrize("real", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_two_releases_in_a_row_and_a_rollback_between(tmp_path, real):
    forge = LocalForge(repository(tmp_path / "repo")) if real else None
    service = BlueGreen(tmp_path / "documents", forge=forge)
    assert service.weights() == [100, 0]
    result, world = service.roll_out()
    assert (result.exit_code, result.headline) == (0, "v1.1.0 is live for everybody"), result.failed
    text = {stage.id: stage.text for stage in result.stages}
    assert text["canary"].startswith("k8s/route.yaml: 0 to 100, 100.0% to the canary; ")
    assert text["canary"].endswith("; 1 of 1 smoke checks are green")
    assert text["watch"].endswith("measured: 100.0% (100.0% to 100.0%) of 60000 requests")
    assert text["settle"].startswith("green is live, blue keeps the release before; 1 of 1 smoke checks are green")
    assert (service.weights(), service.state().colours.live, service.state().live) == ([0, 100], "green", "v1.1.0-rc.1")
    assert deploys(service) == [["green", "v1.1.0-rc.1"]]

    back = service.roll_back()
    assert (back.exit_code, back.headline, back.to) == (0, "traffic is back, and every step held", LIVE), told(back)
    assert told(back)["deploy"] == ("done", "not needed: blue still holds v1.0.0")
    assert (service.weights(), service.state().colours.live, service.state().live) == ([100, 0], "blue", LIVE)
    assert service.state().release("v1.1.0").bad == "people complain"
    again = service.roll_back()
    assert (again.exit_code, again.leaving, again.to, service.weights()) == (0, "v1.1.0-rc.1", LIVE, [100, 0])

    for version, weights, colour in (("v1.2.0", [0, 100], "green"), ("v1.3.0", [100, 0], "blue")):
        result, world = service.roll_out(next_candidate(service.world()))
        assert (result.exit_code, result.headline) == (0, f"{version} is live for everybody"), result.failed
        assert (service.weights(), service.state().colours.live) == (weights, colour)
    assert deploys(service)[1:] == [["green", "v1.2.0-rc.1"], ["blue", "v1.3.0-rc.1"]]
    assert "# the first" in service.route()
    assert kinds(world)[-10:] == [
        "rollout.started", "gates.judged", "gates.judged", "traffic.raised", "canary.started", "canary.decided",
        "rollout.completed", "tracks.swapped", "rollout.settled", "release.tagged",
    ]  # fmt: skip
    if real:
        subjects = git(tmp_path / "repo", "log", "--format=%s", "main", "--", "k8s/route.yaml").splitlines()
        flips = ["Set the canary in k8s/route.yaml to 1"] * 2 + ["Set the canary in k8s/route.yaml to 0"]
        assert subjects == [*flips, "Set the canary in k8s/route.yaml to 1", "The route"]


def test_a_bad_release_goes_back_to_the_colour_that_was_live(service):
    service.options["errors"] = BAD
    result, _ = service.roll_out()
    assert (result.exit_code, result.failed.id, result.rollback.traffic_is_back) == (1, "watch", True)
    assert result.headline.startswith("v1.1.0-rc.1 was taken back: errors: the canary is "), result.headline
    assert (service.weights(), service.state().colours.live, service.state().live) == ([100, 0], "blue", LIVE)
    assert deploys(service) == [["green", "v1.1.0-rc.1"]]


def test_twice_the_errors_of_before_are_worse_and_a_little_more_is_not(service):
    service.options["errors"] = {"baseline": 0.01, "canary": 0.013}
    assert service.roll_out()[0].exit_code == 0
    service.options["errors"] = {"baseline": 0.01, "canary": 0.02}
    result, _ = service.roll_out(next_candidate(service.world()))
    assert (result.exit_code, result.rollback.traffic_is_back) == (1, True)
    assert (service.weights(), service.state().colours.live) == ([0, 100], "green")


def test_red_smoke_checks_right_after_the_flip_take_it_back(service):
    result, _ = service.roll_out(fetch=lambda _: Page(500, ""))
    assert (result.exit_code, result.failed.id, result.rollback.traffic_is_back) == (1, "canary", True)
    assert service.weights() == [100, 0]


def test_without_a_history_nothing_is_promoted_blind(service):
    result, _ = service.roll_out(history=lambda _: [])
    assert (result.exit_code, result.failed.id, result.rollback) == (3, "watch", None)
    assert service.weights() == [0, 100]
    assert service.roll_back().exit_code == 0
    assert (service.weights(), service.state().colours.live) == ([100, 0], "blue")


@pytest.mark.parametrize("only", [True, False])
def test_in_the_middle_it_flips_back_at_once_and_deploys_nothing(service, only):
    service.roll_out(order=Order(until="canary"))
    assert service.weights() == [0, 100]
    result = service.roll_back(traffic_only=only)
    assert (result.exit_code, service.weights(), len(deploys(service))) == (0, [100, 0], 1), told(result)
    assert service.state().colours.live == "blue"


def test_before_the_flip_a_rollback_leaves_the_traffic_where_it_is(service):
    service.roll_out(order=Order(until="production"))
    assert (service.roll_back().exit_code, service.weights()) == (0, [100, 0])
    assert service.state().colours.live == "blue"


def test_the_traffic_alone_and_the_rest_later_go_one_release_back_together(service):
    service.roll_out()
    assert (service.roll_back(traffic_only=True).exit_code, service.weights()) == (0, [100, 0])
    assert (service.state().colours.live, service.state().live) == ("blue", LIVE)
    result = service.roll_back()
    assert (result.exit_code, result.leaving, result.to) == (0, "v1.1.0-rc.1", LIVE)
    assert (service.weights(), service.state().live) == ([100, 0], LIVE)


def test_a_colour_that_holds_another_release_gets_the_right_one_before_the_flip(service):
    service.roll_out()
    service.options["errors"] = BAD
    bad, _ = service.roll_out(next_candidate(service.world()))
    assert (bad.exit_code, bad.rollback.to, service.weights()) == (1, "v1.1.0", [0, 100])
    result = service.roll_back(to=LIVE, leaving="v1.1.0")
    assert result.exit_code == 0, told(result)
    assert told(result)["flip"][1].endswith("; LOOK: blue does not hold v1.0.0, so v1.0.0 is there (deploy) first"), (
        told(result)["flip"]
    )
    assert (deploys(service)[-1], service.weights()) == (["blue", LIVE], [100, 0])
    assert (service.state().colours.live, service.state().live) == ("blue", LIVE)


def test_with_the_ledger_away_it_goes_to_the_colour_without_traffic(service):
    service.roll_out()

    def away(*_, **__):
        raise NotNowError("the ledger does not answer")

    world = service.world()
    world.journal.events = away
    result = Rollback(world, Request(reason="slow", traffic_only=True), lambda _: None).run()
    assert (result.traffic_is_back, service.weights()) == (True, [100, 0])


def test_status_names_the_colours(service):
    service.roll_out()
    world = facing_live(service.world())
    found = status(world.policy, world.journal, world.traffic, None, service.clock.now())
    lines = dict(found.lines)
    assert lines["colours"] == "green is live; blue is idle and holds v1.0.0"
    assert lines["split"] == "0% to the canary (k8s/route.yaml: 100 to 0, 0.0% to the canary)"
    assert lines["rollback"] == "would take back v1.1.0-rc.1, to v1.0.0"
    assert (found.document["colour"], found.document["idle_holds"]) == ("green", "v1.0.0")


def test_turned_twice_a_policy_is_itself():
    policy = load_policy(BLUE_GREEN, "releasegate.yaml", {})
    assert turned(turned(policy)) == policy
    assert turned(policy).canary.tracks.baseline == '{track="canary"}'
    assert turned(policy).traffic.document.canary == "spec.0.weight"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            POLICY.replace(FLAG, FLAG[:-1] + b", blue-green: true}"),
            (
                "releasegate.yaml:9:38: `blue-green`: a flag that is off shows one side, and that may be the old one; "
                "split the traffic by `haproxy`, `document` or `command`"
            ),
        ),
        (
            BLUE_GREEN.replace(b"  weight: 5%", b"  steps: [5%, 50%]"),
            (
                "releasegate.yaml:10:1: `canary`: `traffic.blue-green` is one jump, and `steps` are several; "
                "remove one of them"
            ),
        ),
    ],
)
def test_what_does_not_go_together_is_said(text, said):
    with pytest.raises(PolicyError) as error:
        load_policy(text, "releasegate.yaml", {})
    assert str(error.value) == said


@pytest.mark.parametrize(("errors", "code"), [({"baseline": 0.01, "canary": 0.01}, 0), (BAD, 1)])
def test_metrics_pages_are_watched_before_the_flip_and_taken_over_after_it(tmp_path, errors, code):
    """The baseline is polled for as long as the window; a process that dies leaves it all in the ledger."""

    class DiesError(BaseException):
        pass

    healthy = {"baseline": 0.01, "canary": 0.01}
    policy = BLUE_GREEN.replace(b"window: 60s", b"window: 600s")
    service = BlueGreen(tmp_path / "documents", policy=policy, history=None, errors=errors)
    end = service.clock.moment.timestamp() + 800
    traffic = service.world().traffic

    class Dying(Flow):
        def advance(self, at):
            if at > end:
                raise DiesError
            return super().advance(at)

    with pytest.raises(DiesError):
        service.roll_out(counts=lambda: Dying(traffic, healthy))
    assert service.weights() == [0, 100]
    result, world = service.roll_out(order=Order(resume_or_rollback=True), counts=lambda: Flow(traffic, errors))
    assert result.exit_code == code, result.failed
    kept = [line for event in world.journal.events() for line in event.data.get("lines", ())]
    history = [line for line in kept if '"t": -' in line]
    assert len(history) >= 59
    assert service.weights() == ([0, 100] if code == 0 else [100, 0])
    if code == 0:
        assert "s were not seen, since the process that watched ended" in result.stages[6].text
