"""The rehearsal: a house, a shop with real load, and the same rollout that production uses."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from releasegate.errors import InputError, OutsideError
from releasegate.forge.port import Tag
from releasegate.rehearsal import prometheus
from releasegate.rehearsal.evidence import write_evidence
from releasegate.rehearsal.house import FLAG, FLAG_FILE, LIVE, REPORT, VERSION, Addresses, House
from releasegate.rehearsal.processes import Processes, free_ports, python_module
from releasegate.rehearsal.shop import Shop
from releasegate.render.report import html
from releasegate.render.story import Story
from releasegate.runbook import tags
from releasegate.runbook.journal import Draft
from releasegate.runbook.outside import fetch
from releasegate.runbook.rollout import Result, Rollout
from releasegate.runbook.story import story_of
from releasegate.runbook.world import Tell, World

RATE = 800
"""Requests a second, both tracks together."""
GONE = "all else that it wrote is removed again: to keep repository, recording, documents and issue, give --keep DIR"
"""What is told of the paths in a story whose folder goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the person asked for."""

    scenario: str = "healthy"
    seed: int = 1
    keep: Path | None = None
    """Where everything stays; None for a folder that is removed in the end."""
    prometheus: bool = False
    faults: tuple[str, ...] = ()
    """More faults of the canary, `KIND:ROUTE:FACTOR`."""


Build = Callable[[Path, Path], World]
"""Builds the world of a checkout; the second folder is for its documents."""


def rehearse(options: Options, build: Build, tell: Tell) -> tuple[Result, Story]:
    """Play one release and write its report, which the story's last note names.

    Processes, ports and files are gone afterwards, however it ends, but for the report and what `keep` names.
    """
    if options.prometheus:
        prometheus.executable()
    with _folder(options.keep) as root, open_shop(root, options) as house:
        world = build(house.repo, root)
        _begin(world)
        candidate = _candidate(world)
        write_evidence(house.repo / "evidence", candidate, world.clock.now())
        result = Rollout(world, candidate, tell).run()
        for verdict in result.verdicts:
            (house.verdicts / f"{verdict.gate.replace('/', '-')}.json").write_text(
                json.dumps(verdict.document(), indent=2)
            )
        story = story_of(world, result)
        if options.keep is None:
            story = replace(story, notes=(*story.notes, GONE))
        report = house.report if options.keep else Path(tempfile.mkdtemp(prefix="releasegate-report-")) / REPORT
        report.write_text(html(story), encoding="utf-8")
        story = replace(story, notes=(*story.notes, f"report: {report}"))
    return result, story


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """`keep`, which must be new or empty, or a folder that is removed afterwards."""
    if keep is None:
        root = Path(tempfile.mkdtemp(prefix="releasegate-rehearsal-"))
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)
        return
    try:
        if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise InputError("is there already", where=str(keep), remedy="name a new folder, or remove this one")
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made: {error.strerror}", where=str(keep), remedy="name another folder") from error
    yield keep.resolve()


@contextmanager
def open_shop(root: Path, options: Options) -> Iterator[House]:
    """The house with its shop open and under load."""
    house = House(root)
    baseline, canary, staging, load, server = free_ports(5)
    tracks = {"baseline": baseline, "canary": canary}
    ports = {**tracks, "staging": staging}
    addresses = Addresses(
        **{name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
        load=f"http://127.0.0.1:{load}",
        prometheus=f"http://127.0.0.1:{server}" if options.prometheus else None,
    )
    house.build(addresses)
    faults = [argument for fault in options.faults for argument in ("--fault", fault)]
    shared = ["--shared", str(root / "outage")]
    behaviour = ["--seed", str(options.seed), "--scenario", options.scenario, *shared, *faults]
    with Processes(house.logs) as processes:
        shop = Shop(processes, house.deployed, ports, lambda _: behaviour)
        try:
            shop.open(LIVE)
            if options.prometheus:
                prometheus.start(processes, root / "prometheus", server, tracks)
            _start_load(processes, house, addresses, load, options.seed)
            if addresses.prometheus:
                prometheus.await_counts(processes, addresses.prometheus)
            yield house
        finally:
            shop.close()


def _start_load(processes: Processes, house: House, addresses: Addresses, port: int, seed: int) -> None:
    arguments = {
        "--repository": str(house.origin), "--branch": "main", "--file": FLAG_FILE, "--flag": FLAG,
        "--baseline": addresses.baseline, "--canary": addresses.canary,
        "--rate": str(RATE), "--seed": str(seed), "--port": str(port),
    }  # fmt: skip
    flat = [part for pair in arguments.items() for part in pair]
    processes.start("load", python_module("releasegate.rehearsal.load", *flat))
    processes.await_ready("load", lambda: _sends(f"{addresses.load}/live"))


def _sends(url: str) -> bool:
    try:
        page = fetch(url)
    except OutsideError:
        return False
    return page.status == 200 and json.loads(page.body)["sent"]["baseline"] > 0


def _candidate(world: World) -> Tag:
    """Tag the head of the main branch as the candidate."""
    commit = world.forge.resolve(world.policy.release.branch)
    made = tags.candidate(world.forge, world.journal, world.policy, commit, version=VERSION)
    tag = tags.find(world.forge, made.tag)
    assert tag is not None  # noqa: S101  it was made or found a line above
    return tag


def _begin(world: World) -> None:
    """Put the release that is live into the ledger, as its own rollout would have left it."""
    commit = world.forge.resolve(LIVE)
    subject = world.subject(LIVE, commit)
    world.journal.append(
        Draft("release.candidate", subject),
        Draft("gates.judged", subject, {"verdict": "pass", "stage": "gates", "gates": {}}),
        Draft("rollout.settled", subject),
        Draft("release.tagged", subject, {"release": LIVE}),
    )
