"""Traffic through a real HAProxy: what is asked for is what flows, also after a reload."""

import subprocess

import pytest

from balancer import ROUTED, Balancer, free_ports, running
from releasegate.errors import FenceError, OutsideError
from releasegate.policy.load import load_policy
from releasegate.runbook.break_glass import break_glass
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order
from releasegate.traffic.haproxy import HaproxyTraffic
from servers import counting_app, free_port
from service import Service

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """The ports of a balancer, of which both tracks answer."""
    ports, folder = free_ports(), tmp_path_factory.mktemp("tracks")
    with counting_app(folder, ports["stable"]), counting_app(folder, ports["canary"]):
        yield ports


@pytest.fixture
def balancer(program, ports, tmp_path):
    with running(Balancer(program, tmp_path, ports)) as made:
        yield made


@pytest.mark.parametrize("weight", [0.05, 0.25, 0.5, 1.0])
def test_what_is_asked_for_flows(balancer, weight):
    traffic = balancer.traffic(f"127.0.0.1:{balancer.ports['admin']}")
    assert (traffic.split().weight, balancer.served(40)) == (0.0, 0.0)
    assert "set weight shop/canary" in traffic.preview(weight)
    asked = traffic.set_weight(weight, reason="", expected=traffic.split().revision)
    assert (asked.weight, traffic.preview(weight)) == (weight, "")
    assert asked.description == f"shop of 2 HAProxy: {weight:.1%} to canary"
    assert balancer.served() == pytest.approx(weight, abs=0.01)
    assert traffic.set_weight(0.0, reason="").weight == 0.0
    assert balancer.served(40) == 0.0


def test_weights_that_a_reload_lost_are_set_again_and_those_of_others_are_not(balancer):
    traffic = balancer.traffic()
    first = traffic.set_weight(0.05, reason="")
    balancer.reload()
    assert traffic.split().weight == 0.0
    assert traffic.split().revision != first.revision
    again = traffic.set_weight(0.05, reason="", expected=first.revision)
    assert again.weight == 0.05
    traffic.set_weight(0.01, reason="by hand")
    with pytest.raises(FenceError, match="`shop` is not raised: its weights were changed by somebody else"):
        traffic.set_weight(0.05, reason="", expected=again.revision)
    assert traffic.split().weight == pytest.approx(0.01, abs=1e-3)


def test_a_raise_that_a_dead_run_left_half_done_is_finished(balancer):
    traffic = balancer.traffic()
    first = traffic.split()
    balancer.tell("set weight shop/stable 247")
    assert (traffic.split().weight, traffic.split().revision != first.revision) == (0.0, True)
    assert traffic.set_weight(0.05, reason="", expected=first.revision).weight == 0.05
    balancer.tell("set weight shop/stable 200")
    with pytest.raises(FenceError, match="its weights were changed by somebody else"):
        traffic.set_weight(0.25, reason="", expected=first.revision)


def test_one_of_several_that_does_not_answer_is_named_and_the_others_are_lowered(balancer):
    traffic = balancer.traffic()
    traffic.set_weight(0.25, reason="")
    gone = f"127.0.0.1:{free_port()}"
    both = balancer.traffic(gone)
    with pytest.raises(OutsideError, match=f"{gone}: HAProxy does not answer"):
        both.set_weight(0.0, reason="")
    assert traffic.split().weight == 0.0


def test_a_name_that_is_not_there(balancer):
    wrong = HaproxyTraffic(
        sockets=(str(balancer.folder / "admin.sock"),), backend="shop", baseline=("stable",), canary=("cannery",)
    )
    with pytest.raises(OutsideError, match=r"shop/cannery: No such server\.; is it named so there\?"):
        wrong.split()


def test_a_rollout_through_it_and_a_reload_in_the_middle(balancer, tmp_path):
    traffic = balancer.traffic()
    service = Service(tmp_path / "documents", policy=ROUTED, traffic=traffic)
    service.roll_out(order=Order(until="canary"))
    assert traffic.split().weight == 0.05
    balancer.reload()
    service.clock.sleep(10)
    result, world = service.roll_out(order=Order(until="watch"))
    assert (result.exit_code, traffic.split().weight) == (0, 0.05), result.failed
    again = [event.data["weight"] for event in world.journal.events() if event.kind == "traffic.raised"]
    assert again == [0.05, 0.05]
    back = Rollback(service.world(), Request(reason="slow"), lambda _: None).run()
    assert (back.exit_code, traffic.split().weight, balancer.served(40)) == (0, 0.0, 0.0)


def test_the_commands_without_this_program_work(balancer, program):
    program("socat")
    at = balancer.folder / "admin.sock"
    text = ROUTED.replace(b"/run/admin.sock", str(at).encode()).replace(b"9999", str(balancer.ports["admin"]).encode())
    policy = load_policy(text, "releasegate.yaml", {})
    commands = [line for line in break_glass(policy) if "socat" in line]
    assert len(commands) == 2
    for command in commands:
        balancer.traffic().set_weight(0.25, reason="")
        subprocess.run(["bash", "-c", command], check=True, capture_output=True)
        assert balancer.traffic().split().weight == 0.0
