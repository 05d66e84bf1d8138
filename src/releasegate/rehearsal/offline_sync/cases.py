"""The tests of offline work: by the protocol alone, and in a browser with the real pages and their service worker."""

import json
import re
from collections.abc import Callable, Mapping

from releasegate.errors import VerificationError
from releasegate.rehearsal.offline_sync.browser import Browser
from releasegate.rehearsal.offline_sync.device import Device, ask, kept
from releasegate.rehearsal.offline_sync.line import Line

Case = Callable[[], None]
"""A test: `VerificationError` says what is wrong, `OutsideError` why it could not be run."""
ADD = """(async () => {
  const form = document.querySelector("#add");
  form.querySelector("[name=item]").value = %s;
  form.requestSubmit();
})()"""
WAITING = 'document.querySelectorAll("#waiting li").length'


def by_protocol(service: str, line: Line) -> Mapping[str, Case]:
    """What a device and the service have to agree on, whatever the browser."""

    def installable() -> None:
        manifest = json.loads(ask(service, "GET", "/manifest.webmanifest")[2])
        missing = {"name", "start_url", "display", "icons"} - manifest.keys()
        require(not missing, f"the manifest has no {', '.join(sorted(missing))}")
        worker = ask(service, "GET", "/sw.js")
        require(worker[1].startswith("text/javascript"), f"/sw.js is served as {worker[1] or 'nothing'}")
        paths = re.findall(r'"(/[^"]*)"', worker[2].decode())
        answers = {path: ask(service, "GET", path)[0] for path in (manifest["start_url"], *paths)}
        wrong = [f"{path}: {status}" for path, status in answers.items() if status != 200]
        require(not wrong, f"cannot be kept for later: {', '.join(wrong)}")

    def queued() -> None:
        device, items = Device(line.address), [f"queued {number}" for number in range(1, 5)]
        line.cut()
        for item in items:
            device.add(item)
            device.send()
        require(len(device.waiting) == len(items), f"{len(device.waiting)} of {len(items)} jobs wait")
        line.mend()
        device.send()
        require(not device.waiting, f"{len(device.waiting)} jobs still wait with the network back")
        same(kept(service, "queued"), items)

    def lost() -> None:
        device = Device(line.address)
        device.add("lost 1")
        line.loses = True
        device.send()
        require(len(device.waiting) == 1, "a job without an answer does not wait any more")
        device.send()
        same(kept(service, "lost"), ["lost 1"])

    def refused() -> None:
        device = Device(line.address)
        device.add("refused 1", quantity=0)
        device.add("refused 2")
        require(device.send() == ["refused 1"], "a job with nothing to order is not refused")
        same(kept(service, "refused"), ["refused 2"])

    return {
        "the app can be installed": installable,
        "work queued without a network arrives once and in order": queued,
        "work whose answer was lost is sent again and kept once": lost,
        "work that is refused holds up nothing": refused,
    }


def in_browser(service: str, line: Line, browser: Browser) -> Mapping[str, Case]:
    """What a person sees in the real pages; the tests build on one another."""
    items = [f"browser {number}" for number in range(1, 4)]

    def opens() -> None:
        browser.go(f"{line.address}/admin")
        browser.until("navigator.serviceWorker.controller !== null", "the service worker taking over")
        line.cut()
        for page, title in (("staff", "To do"), ("admin", "Order stock")):
            browser.go(f"{line.address}/{page}")
            found = browser.value('document.querySelector("h1")?.textContent')
            require(found == title, f"/{page} without a network shows {found!r}")

    def waits() -> None:
        for number, item in enumerate(items, start=1):
            browser.value(ADD % json.dumps(item))
            browser.until(f"{WAITING} === {number}", f"{item} waiting")
        browser.go(f"{line.address}/staff")
        browser.go(f"{line.address}/admin")
        browser.until(f"{WAITING} === {len(items)}", "the work being there after the page was opened again")
        same(kept(service, "browser"), [])

    def arrives() -> None:
        line.loses = True
        line.mend()
        browser.until(f"{WAITING} === 0", "everything being sent")
        require(not line.loses, "nothing was sent")
        same(kept(service, "browser"), items)

    def listed() -> None:
        browser.go(f"{line.address}/staff")
        browser.until('document.querySelector("#work li") !== null', "the list of work")
        shown = browser.value('[...document.querySelectorAll("#work li")].map((line) => line.textContent)')
        same([line for line in shown if "browser" in line], [f"1 \N{MULTIPLICATION SIGN} {item}" for item in items])

    return {
        "the pages open without a network": opens,
        "work added without a network waits, also when the page is opened again": waits,
        "it is sent once and in order when the network is back, though an answer gets lost": arrives,
        "the staff sees it": listed,
    }


def require(holds: bool, otherwise: str) -> None:
    """`VerificationError` unless it holds."""
    if not holds:
        raise VerificationError(otherwise)


def same(found: list[str], wanted: list[str]) -> None:
    """`VerificationError` where these are other jobs, or in another order."""
    require(found == wanted, f"asked for {', '.join(wanted) or 'nothing'}; there is {', '.join(found) or 'nothing'}")
