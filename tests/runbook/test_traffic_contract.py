"""What every way of splitting traffic promises. HAProxy's own tests are in `test_haproxy.py`: they need the server."""

import sys

import pytest

from fakes import MemoryForge
from releasegate.errors import FenceError, OutsideError
from releasegate.runbook.outside import shell
from releasegate.traffic.command import CommandTraffic
from releasegate.traffic.flag import FlagTraffic
from worlds import FLAG_FILE, FLAGS, MemoryTraffic

GET = "import sys; print(open('split').read() + '%')"
PUT = "import sys; open('split', 'w').write(sys.argv[1])"


def of_command(folder):
    (folder / "split").write_text("0")
    python = [sys.executable, "-c"]
    return CommandTraffic(shell(folder, lambda *_: ""), [*python, GET], [*python, PUT, "{percent}"])


def of_flag(_):
    forge = MemoryForge()
    forge.commit("main", {FLAG_FILE: FLAGS}, "first\n", parent=None)
    return FlagTraffic(forge, branch="main", path=FLAG_FILE, flag="checkout-v2", warn=lambda _: None)


@pytest.fixture(params=[of_command, of_flag, lambda _: MemoryTraffic()], ids=["command", "flag", "memory"])
def traffic(request, tmp_path):
    return request.param(tmp_path)


def test_what_is_asked_for_is_what_there_is(traffic):
    first = traffic.split()
    assert first.weight == 0.0
    raised = traffic.set_weight(0.05, reason="a canary", expected=first.revision)
    assert (raised.weight, traffic.split()) == (0.05, raised)
    assert raised.revision != first.revision


def test_asking_twice_changes_nothing(traffic):
    raised = traffic.set_weight(0.25, reason="once")
    assert traffic.preview(0.25) == ""
    assert traffic.set_weight(0.25, reason="twice", expected="something else") == raised


def test_a_preview_changes_nothing(traffic):
    before = traffic.split()
    assert traffic.preview(0.05) != ""
    assert traffic.split() == before


def test_a_raise_is_fenced_and_lowering_is_not(traffic):
    first = traffic.split()
    traffic.set_weight(0.05, reason="a canary", expected=first.revision)
    with pytest.raises(FenceError, match="changed by somebody else"):
        traffic.set_weight(0.5, reason="too late", expected=first.revision)
    assert traffic.split().weight == 0.05
    assert traffic.set_weight(0.0, reason="back").weight == 0.0


def test_a_command_that_does_not_do_what_it_says(tmp_path):
    (tmp_path / "split").write_text("0")
    traffic = CommandTraffic(shell(tmp_path, lambda *_: ""), [sys.executable, "-c", GET], [sys.executable, "-c", ""])
    with pytest.raises(OutsideError, match=r"ended well, and 0% to the canary, as .* says: 5.0% was asked for"):
        traffic.set_weight(0.05, reason="a canary")
    (tmp_path / "split").write_text("lots")
    with pytest.raises(OutsideError, match="printed 'lots%', which is no percentage; let it print 5%"):
        traffic.split()
