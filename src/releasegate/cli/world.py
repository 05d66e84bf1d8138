"""Build the world of the procedures from the policy: the real adapters, the clock, the user's commands and files."""

import atexit
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from releasegate.cli.app import App
from releasegate.cli.clock import SystemClock
from releasegate.cli.evidence import read_again
from releasegate.cli.runs import has_ended, run_name
from releasegate.errors import PolicyError
from releasegate.forge.github.forge import GitHubForge
from releasegate.forge.local import LocalForge
from releasegate.forge.port import Forge
from releasegate.policy.model import Policy
from releasegate.policy.smoke import Smoke, load_smoke
from releasegate.policy.turned import turned
from releasegate.runbook.flags import Change
from releasegate.runbook.journal import Journal
from releasegate.runbook.outbox import Outbox
from releasegate.runbook.outside import expiry, fetch
from releasegate.runbook.proposal import Patches, Proposals
from releasegate.runbook.raising_by_hand import lowered, off
from releasegate.runbook.withdrawal import Withdrawal
from releasegate.runbook.world import Judges, World
from releasegate.traffic.flag import Repository
from releasegate.traffic.port import Traffic

SMOKE_LIMIT = 1_000_000


def build_world(app: App, documents: Path | None = None) -> World:
    """Everything that a rollout or rollback of the policy's service touches."""
    from releasegate.metrics.past import history  # noqa: PLC0415  loaded by the commands that need it
    from releasegate.metrics.source import source_of  # noqa: PLC0415
    from releasegate.runbook.watch import canary_of  # noqa: PLC0415

    policy = app.policy()
    canary = policy.canary
    remembers = canary is not None and canary.metrics.scrape is None
    forge = app.forge()
    world = World(
        policy=policy,
        forge=forge,
        host=app.host() if forge.name == "github" else None,
        journal=journal(app, policy),
        traffic=traffic(app, policy),
        flags=changes(app, policy, "flags"),
        withdraw=withdrawal(app, policy, "traffic", undoing(app, policy, lowered(policy))),
        overtake=withdrawal(app, policy, "flags", undoing(app, policy, lowered(policy))),
        clock=SystemClock(app.say),
        shell=app.shell(),
        fetch=fetch,
        expiry=expiry,
        counts=lambda: source_of(canary_of(policy)),
        history=(lambda start: history(canary_of(policy), start)) if remembers else None,
        gates=gates(app, policy),
        read=partial(read_again, app),
        artifacts=own_folder(forge) / "artifacts",
        smoke=None if policy.rollback.smoke is None else lambda: smoke_of(app, policy),
        ended=has_ended,
        documents=documents or _documents(),
    )
    return _with_colours(app, world) if policy.blue_green else world


def _with_colours(app: App, world: World) -> World:
    """The world with blue as its baseline, which can be turned."""
    from releasegate.metrics.past import history  # noqa: PLC0415  loaded by the commands that need it
    from releasegate.metrics.source import source_of  # noqa: PLC0415

    policy = turned(world.policy)
    canary = policy.canary
    assert canary is not None  # noqa: S101  the caller looked
    green = replace(
        world,
        policy=policy,
        traffic=traffic(app, policy, green=True),
        counts=lambda: source_of(canary),
        history=None if world.history is None else lambda start: history(canary, start),
        live="green",
        turned=lambda: blue,
    )
    blue = replace(world, live="blue", turned=lambda: green)
    return blue


def journal(app: App, policy: Policy) -> Journal:
    """The policy's ledger, written by this run of the program."""
    forge = app.forge()
    outbox = Outbox(own_folder(forge) / "outbox", app.say)
    return Journal(forge, policy.ledger.branch, SystemClock(), secrets.token_bytes, run_name(), outbox=outbox)


def own_folder(forge: Forge) -> Path:
    """Where this machine keeps releasegate's own files: what waits to be recorded or told, and what was collected."""
    return forge.private if isinstance(forge, LocalForge | GitHubForge) else _documents()


def traffic(app: App, policy: Policy, *, green: bool = False) -> Traffic:
    """The policy's way of splitting traffic; the policy is a turned one where green is live."""
    from releasegate.traffic.command import CommandTraffic  # noqa: PLC0415
    from releasegate.traffic.document import DocumentTraffic  # noqa: PLC0415
    from releasegate.traffic.flag import FlagTraffic  # noqa: PLC0415
    from releasegate.traffic.haproxy import HaproxyTraffic  # noqa: PLC0415
    from releasegate.traffic.whole import WholeTraffic  # noqa: PLC0415

    wanted = policy.traffic
    if wanted is None:
        return WholeTraffic()
    if wanted.haproxy is not None:
        at = wanted.haproxy
        return HaproxyTraffic(sockets=at.sockets, backend=at.backend, baseline=at.baseline, canary=at.canary)
    if wanted.document is not None:
        branch, paths = policy.release.branch, wanted.document
        return DocumentTraffic(
            repository=changes(app, policy, "traffic"),
            branch=branch,
            file=paths.file,
            baseline=paths.baseline,
            canary=paths.canary,
        )
    if wanted.command is not None:
        return CommandTraffic(app.shell(), wanted.command.get, wanted.command.set, turned=green)
    assert wanted.flag is not None  # noqa: S101  it is one of the four
    flag = wanted.flag
    return FlagTraffic(
        changes(app, policy, "traffic", undoing(app, policy, {flag.name: off(flag.name, flag.on)})),
        branch=policy.release.branch, path=policy.flags.file, flag=flag.name, on=flag.on, warn=app.say,
    )  # fmt: skip


def changes(app: App, policy: Policy, kind: str, also: Callable[[], str] = lambda: "") -> Repository:
    """What takes changes of files as the policy says; of the `kind` flags any number may wait for their merge.

    Where a change becomes a pull request, `also` closes others that would undo it, and says so.
    """
    forge = app.forge()
    if policy.flags.commit == "patch":
        return Patches(forge, _documents())
    return _proposals(app, policy, kind, also) if policy.flags.commit == "pull-request" else forge


def withdrawal(app: App, policy: Policy, kind: str, also: Callable[[], str]) -> Callable[[], str]:
    """Closes the pull requests of this kind that still wait (of flags none), and what `also` does; says which."""
    if policy.flags.commit != "pull-request":
        return lambda: ""
    return lambda: _proposals(app, policy, kind, also).withdraw(policy.release.branch)


def undoing(app: App, policy: Policy, taken_back: Mapping[str, Change]) -> Callable[[], str]:
    """Closes the pull requests that would undo what is `taken_back` in the policy's flag file, and says which."""
    return Withdrawal(app.forge(), app.host, policy.release.branch, policy.flags.file, taken_back)


def _proposals(app: App, policy: Policy, kind: str, also: Callable[[], str]) -> Proposals:
    name = f"{policy.service}/{policy.environment}/{kind}"
    patience, newest = policy.flags.merge_within, kind != "flags"
    clock = SystemClock(app.say, sleep=app.sleep)
    return Proposals(
        app.forge(), app.host, clock, name=name, patience=patience, tell=app.say, newest_only=newest, also=also
    )


def require_split(policy: Policy) -> None:
    """`PolicyError` where nothing says how traffic is split and what is measured, as a rollout needs it."""
    if policy.canary is None or policy.traffic is None:
        raise PolicyError(
            "no `canary` and `traffic` in the policy", remedy="say how traffic is split and what is measured"
        )


def require_commits(app: App, policy: Policy, *, by_itself: bool) -> None:
    """`PolicyError` where changes of the flag file cannot be made as the policy says (`by_itself`: with no person)."""
    if policy.flags.commit == "pull-request" and app.forge().name == "local":
        raise PolicyError(
            "flags.commit: pull-request needs GitHub, and this is a plain git repository",
            remedy="write flags.commit: direct or patch, or name the repository on GitHub: --repo OWNER/NAME",
        )
    if policy.flags.commit == "patch" and by_itself:
        raise PolicyError(
            "flags.commit: patch commits nothing, so nothing can send traffic to a canary",
            remedy="write flags.commit: direct or pull-request, or split the traffic by a router",
        )


def gates(app: App, policy: Policy) -> Judges:
    """Judge gates of the policy on the evidence that lies in the checkout, and on artifacts."""
    from releasegate.cli.gate_run import judge_all  # noqa: PLC0415

    return lambda subject, artifacts, mine: judge_all(app, policy, subject, artifacts=artifacts, mine=mine)


def smoke_of(app: App, policy: Policy) -> Smoke:
    """The smoke checks that the policy names."""
    path = policy.rollback.smoke or ""
    return load_smoke(app.read(path, limit=SMOKE_LIMIT), path, os.environ)


def _documents() -> Path:
    """A folder for documents: the runner's own in GitHub Actions, else (or if unusable) one of the temporary files."""
    runner = os.environ.get("RUNNER_TEMP")
    with suppress(OSError):
        if runner:
            folder = Path(runner) / "releasegate"
            folder.mkdir(parents=True, exist_ok=True)
            return folder
    made = Path(tempfile.mkdtemp(prefix="releasegate-"))
    atexit.register(_drop_unused, made)
    return made


def _drop_unused(folder: Path) -> None:
    """Remove a folder that nothing was written to: whoever only looks leaves nothing behind."""
    with suppress(OSError):
        folder.rmdir()
