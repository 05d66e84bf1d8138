"""What every way of splitting traffic promises. HAProxy's own tests are in `test_haproxy.py`: they need the server."""

import sys

import pytest

from fakes import MemoryForge
from releasegate.errors import FenceError, OutsideError, ReleasegateError
from releasegate.runbook.outside import shell
from releasegate.traffic.command import CommandTraffic
from releasegate.traffic.document import DocumentTraffic
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


def of_document(_):
    return document(ROUTE, "spec.rules.0.backendRefs")


LISTED = ("0.weight", "1.weight")


def document(text, path, keys=LISTED):
    forge = MemoryForge()
    forge.commit("main", {"k8s/route.yaml": text.encode()}, "first\n", parent=None)
    paths = {"baseline": f"{path}.{keys[0]}", "canary": f"{path}.{keys[1]}"}
    return DocumentTraffic(repository=forge, branch="main", file="k8s/route.yaml", **paths)


ROUTE = """\
# who gets the shop
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  rules:
    - backendRefs:
        - {name: shop, port: 80, weight: 100}   # what users have
        - {name: shop-canary, port: 80, weight: 0}
"""
ISTIO = """\
kind: VirtualService
spec:
  http:
  - route:
    - destination: {host: shop, subset: stable}
      weight: 100
    - destination: {host: shop, subset: canary}
      weight: 0   # on trial
"""
TRAEFIK = """\
http:
  services:
    shop:
      weighted:
        services:
        - name: old
          weight: 20
        - name: new
          weight: 0
""".replace("\n", "\r\n")
HELM = "image: shop\ncanary.weights:\n  stable: 100\n  canary: 0 # percent\n"


@pytest.fixture(
    params=[of_command, of_flag, of_document, lambda _: MemoryTraffic()], ids=["command", "flag", "document", "memory"]
)
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


BUSY = "import sys; text = open('split').read(); print(text + '%') if text == '0' else sys.exit('503')"
SILENT = "import sys; sys.exit('503')"


@pytest.mark.parametrize(("get", "read"), [(BUSY, True), (SILENT, False)])
def test_a_command_that_cannot_tell_the_split_keeps_nobody_from_lowering_it(tmp_path, get, read):
    (tmp_path / "split").write_text("5")
    python = [sys.executable, "-c"]
    traffic = CommandTraffic(shell(tmp_path, lambda *_: ""), [*python, get], [*python, PUT, "{percent}"])
    with pytest.raises(OutsideError, match="503"):
        traffic.set_weight(0.1, reason="a raise is not made blind", expected="5%")
    assert (tmp_path / "split").read_text() == "5"
    if read:
        assert traffic.set_weight(0.0, reason="back").weight == 0.0
    else:
        with pytest.raises(OutsideError, match="503"):
            traffic.set_weight(0.0, reason="back")
    assert (tmp_path / "split").read_text() == "0"


@pytest.mark.parametrize(
    ("text", "path", "keys", "edits"),
    [
        (ROUTE, "spec.rules.0.backendRefs", LISTED, {"weight: 100}": "weight: 95}", "weight: 0}": "weight: 5}"}),
        (ISTIO, "spec.http.0.route", LISTED, {"weight: 100\n": "weight: 95\n", "weight: 0 ": "weight: 5 "}),
        (TRAEFIK, "http.services.shop.weighted.services", LISTED, {"ght: 20\r": "ght: 19\r", "ght: 0\r": "ght: 1\r"}),
        (HELM, r"canary\.weights", ("stable", "canary"), {"stable: 100": "stable: 95", "canary: 0 ": "canary: 5 "}),
    ],
    ids=["gateway", "istio", "traefik", "helm"],
)
def test_two_numbers_change_and_no_other_byte(text, path, keys, edits):
    traffic = document(text, path, keys)
    traffic.set_weight(0.05, reason="a canary")
    expected = text
    for old, new in edits.items():
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert traffic.repository.read("k8s/route.yaml", "main").content == expected.encode()
    traffic.set_weight(0.0, reason="back")
    assert traffic.repository.read("k8s/route.yaml", "main").content == text.encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ROUTE.replace("weight: 0", "weight: much"),
            "k8s/route.yaml: no whole number at `spec.rules.0.backendRefs.1.weight`",
        ),
        (ROUTE.replace("weight: 100", "weight: 0"), "k8s/route.yaml: both weights are 0; give the baseline its weight"),
        ("a: [", "k8s/route.yaml:"),
    ],
)
def test_a_file_that_cannot_be_read_so(text, message):
    with pytest.raises(ReleasegateError) as error:
        document(text, "spec.rules.0.backendRefs").split()
    assert str(error.value).startswith(message)
