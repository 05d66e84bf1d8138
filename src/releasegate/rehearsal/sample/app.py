"""The sample service: `python -I -m releasegate.rehearsal.sample.app --port N --track TRACK --seed S`.

It alone knows the scenario, and only a canary has its faults; an outage is both tracks'. Its pages are an app that can
be installed and works without a network: what `/admin` adds meanwhile is sent later.

    /                        the page            (counted)
    /api/cart                what is in the cart (counted)
    POST /api/checkout       an order            (counted)
    POST /api/agent          one agent task      (counted, with its cost)
    /api/work                the staff's work; POST adds some    (from here on: not counted)
    /staff  /admin           its pages
    /manifest.webmanifest  /sw.js  /assets/…  /healthz  /metrics
"""

import argparse
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from releasegate.rehearsal.sample.behaviour import FIRST, LATENCY, READ, SCENARIOS, Behaviour, Fault, Outcome, Scenario
from releasegate.rehearsal.sample.measures import Measures
from releasegate.rehearsal.sample.work import Work
from releasegate.rehearsal.serving import Handler, serve

ROUTES = {"/": "GET", "/api/cart": "GET", "/api/checkout": "POST", "/api/agent": "POST"}
SCRIPT = "text/javascript; charset=utf-8"
HTML = "text/html; charset=utf-8"
SCRIPTS = ("install", "page", "staff", "admin", "queue")
FILES = {
    "/manifest.webmanifest": "application/manifest+json",
    "/sw.js": SCRIPT,
    "/assets/style.css": "text/css; charset=utf-8",
    "/assets/icon.svg": "image/svg+xml",
    **{f"/assets/{name}.js": SCRIPT for name in SCRIPTS},
}
"""Files that the pages are made of, by their path, and of which type they are."""
PAGES = {
    "/": (
        "page",
        "Cart",
        "Your cart",
        "The cart of Rope &amp; Torch, the small shop that a releasegate rehearsal releases.",
    ),
    "/staff": ("staff", "Staff", "To do", "What the staff of Rope &amp; Torch have to do, also without a network."),
    "/admin": ("admin", "Admin", "Order stock", "Order stock for Rope &amp; Torch, also without a network."),
}
"""The pages by their path: the name of their files, what links call them, title and description."""
JSON = "application/json"
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
CART = [
    {"name": "Fire extinguisher", "quantity": 1, "price": 49.0},
    {"name": "Rope, 30 m", "quantity": 2, "price": 34.5},
    {"name": "Torch", "quantity": 1, "price": 18.9},
]


def page(path: str, names: Mapping[str, str]) -> bytes:
    """A page in the frame that all of them have; `names` are what differs from one process to another."""
    name, _, title, description = PAGES[path]
    here = {path: ' aria-current="page"'}
    links = " ".join(f'<a href="{there}"{here.get(there, "")}>{PAGES[there][1]}</a>' for there in PAGES)
    parts = {"name": name, "title": title, "description": description, "links": links}
    main = asset(f"{name}.html").decode().removesuffix("\n")
    return Template(asset("frame.html").decode()).substitute(names, main=main, **parts).encode()


@dataclass(frozen=True, slots=True)
class Identity:
    """What this process says of itself."""

    track: str
    release: str


class Service:
    """The routes of one process: what they answer, what they count."""

    def __init__(
        self,
        identity: Identity,
        seed: int,
        scenario: Scenario,
        faults: Sequence[Fault] = (),
        shared: Path | None = None,
    ) -> None:
        self.identity = identity
        self.measures = Measures(tuple(LATENCY))
        self._is_canary = identity.track == "canary"
        own = (*scenario.faults, *faults) if self._is_canary else ()
        self._behaviour = Behaviour(seed, identity.track, own)
        self._in_outage = Behaviour(seed, identity.track, (*own, *scenario.outage))
        self._scenario = scenario
        self._shared = shared if scenario.outage else None
        self._count = {route: itertools.count() for route in ROUTES}
        self._arrivals = itertools.count(1)
        self._flows = False
        self._read = 0
        self.work = Work(loses=scenario.loses and identity.track != "baseline")
        self.files = {path: asset(path.rpartition("/")[2]) for path in FILES}
        names = {"track": identity.track, "release": identity.release}
        self.pages = {path: page(path, names) for path in PAGES}

    def hears(self) -> bool:
        """Whether the next request arrives at all: none does any more at a canary that has fallen silent."""
        first = next(self._arrivals) <= FIRST
        self._flows = self._flows or not first
        if self._is_canary and self._read >= READ and self._shared is not None:
            self._shared.touch()
        return first or not (self._is_canary and self._scenario.silent)

    def respond(self, route: str) -> tuple[int, str, bytes]:
        """Take the time that a request for `route` takes, count it, and return status, content type and body."""
        started = time.perf_counter()
        outage = self._shared is not None and self._shared.exists()
        outcome = (self._in_outage if outage else self._behaviour).outcome(route, next(self._count[route]))
        if route == "/api/agent":
            with self.measures.queue.track_inprogress():
                time.sleep(outcome.seconds)
            self.measures.agent_task(outcome.cost)
        else:
            time.sleep(outcome.seconds)
        status = 500 if outcome.fails else 200
        answer = self._failure() if outcome.fails else self._success(route, outcome)
        self.measures.request(route, status, time.perf_counter() - started)
        return status, *answer

    def plain(self, path: str) -> tuple[str, bytes, dict[str, str]] | None:
        """Content type, body and headers of what is not counted and takes no time; None if there is no such thing."""
        fresh = {**SECURITY, "Cache-Control": "no-cache"}
        if path in self.files:
            kept = {**SECURITY, "Cache-Control": "max-age=86400"} if path.startswith("/assets/") else fresh
            return FILES[path], self.files[path], kept
        if path in self.pages:
            return HTML, self.pages[path], fresh
        match path:
            case "/api/work":
                return JSON, self.work.listed(), fresh
            case "/healthz":
                return JSON, self._health(), {}
            case "/metrics":
                self._read += self._flows
                return self.measures.content_type, self.measures.page(), {}
        return None

    def _health(self) -> bytes:
        """What a smoke check reads."""
        return to_json({"status": "ok", "version": self.identity.release, "track": self.identity.track})

    def _success(self, route: str, outcome: Outcome) -> tuple[str, bytes]:
        total = sum(item["quantity"] * item["price"] for item in CART)  # type: ignore[operator]
        track = self.identity.track
        match route:
            case "/":
                return HTML, self.pages["/"]
            case "/api/cart":
                return JSON, to_json({"track": track, "items": CART, "total": total})
            case "/api/checkout":
                return JSON, to_json({"track": track, "order": "accepted", "total": total})
            case _:
                return JSON, to_json({"track": track, "answer": "Rope, 30 m", "cost_usd": round(outcome.cost, 6)})

    def _failure(self) -> tuple[str, bytes]:
        return JSON, to_json({"track": self.identity.track, "error": "the sample service failed, as it was told to"})


def asset(name: str) -> bytes:
    """A file of the page, as the package ships it."""
    return files("releasegate.rehearsal.sample").joinpath("assets", name).read_bytes()


def to_json(document: object) -> bytes:
    """A compact JSON document."""
    return json.dumps(document, separators=(",", ":")).encode()


def respond(service: Service, route: str, to: Handler) -> None:
    """Answer a request for `route`, or hang up where it does not arrive."""
    if service.hears():
        to.answer(*service.respond(route), SECURITY)
    else:
        to.close_connection = True


def handler(service: Service) -> type[Handler]:
    """The HTTP face of `service`."""

    class SampleHandler(Handler):
        def do_GET(self) -> None:  # noqa: N802  http.server calls it so
            self._route("GET")

        def do_POST(self) -> None:  # noqa: N802
            self._route("POST")

        def _route(self, method: str) -> None:
            path = self.path.partition("?")[0]
            body = self.read_body()
            if body is None:
                self.answer(413, JSON, b'{"error":"too large a body, or none that can be read"}')
            elif path in ROUTES and ROUTES[path] != method:
                self.answer(405, JSON, b'{"error":"another method is needed"}', {"Allow": ROUTES[path]})
            elif path in ROUTES:
                respond(service, path, self)
            elif path == "/api/work" and method == "POST":
                status, content = service.work.take(body)
                self.answer(status, JSON, content, SECURITY)
            elif (found := service.plain(path)) is not None:
                self.answer(200, *found)
            else:
                self.answer(404, JSON, b'{"error":"there is nothing here"}')

    return SampleHandler


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="releasegate.rehearsal.sample.app", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one and prints it")
    parser.add_argument("--track", choices=("baseline", "canary", "staging"), required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--release", default="0.0.0", help="what /healthz calls the version")
    parser.add_argument("--scenario", choices=tuple(SCENARIOS), default="healthy")
    parser.add_argument("--fault", type=Fault.parse, action="append", default=[], metavar="KIND:ROUTE:FACTOR")
    parser.add_argument("--shared", type=Path, help="is there while what both tracks depend on is down")
    return parser.parse_args(argv)


def main() -> None:
    """Serve until the rehearsal ends."""
    options = arguments()
    identity = Identity(options.track, options.release)
    service = Service(identity, options.seed, SCENARIOS[options.scenario], options.fault, options.shared)
    serve(options.port, handler(service))


if __name__ == "__main__":
    main()
