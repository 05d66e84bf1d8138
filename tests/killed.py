"""Runs one procedure in a child process and, where asked, ends that child by SIGKILL before or after one effect.

    python killed.py     reads jobs as JSON lines, answers each with a JSON line

A job is `{"folder", "scenario", "do", "kill": null or [number, "before" or "after"], "forge", "traffic", …}`; the
answer holds the child's exit status and the effects that it came to. One process forks all children, so that nothing is
imported twice.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

from killed_places import ROUTE, Effects, Place
from releasegate.cli.app import App
from releasegate.cli.main import run as command_line
from releasegate.cli.runs import has_ended, run_name
from releasegate.errors import UsageError
from releasegate.ledger.state import fold
from releasegate.runbook.begin import candidate_of
from releasegate.runbook.outside import Page
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order, Rollout
from worlds import BAD, GOOD, begin_service, world_of

TAG = "v1.1.0-rc.1"


def built(folder, job, effects=None):
    """The world of one process, and the place that it works in."""
    place = Place(folder, job, effects)
    errors = BAD if job["scenario"] == "bad" else GOOD
    page = Page(500 if job["scenario"] == "red in the end" else 200, "")
    own = {"clock": place.clock, "errors": errors, "shell": place.shell, "run": run_name(), "ended": has_ended}
    own |= {"traffic": place.traffic, "policy": place.policy, "host": place.seen}
    return world_of(place.forge, folder / "documents", fetch=lambda _: page, **own), place


def prepare(folder, job):
    """The state that a scenario begins in."""
    world, _ = built(folder, job)
    tag, scenario = begin_service(world, ROUTE if job["traffic"] == "document" else None), job["scenario"]
    if scenario == "race":
        Rollout(world, tag, lambda _: None, Order(until="watch")).run()
    if scenario == "rollback in the canary":
        Rollout(world, tag, lambda _: None, Order(until="canary")).run()
    if scenario == "rollback of a release":
        Rollout(world, tag, lambda _: None).run()
    (folder / "ran").unlink(missing_ok=True)


def play(folder, job):
    """The command of the scenario, as a person would run it again."""
    kill = job.get("kill")
    world, _ = built(folder, job, Effects(folder, kill if isinstance(kill, list) else None))
    if job["scenario"].startswith("rollback") or kill == "rollback":
        return Rollback(world, Request(reason="people complain"), lambda _: None).run().exit_code
    try:
        return Rollout(world, candidate_of(world, TAG), lambda _: None).run().exit_code
    except UsageError as error:  # what is over may not begin again
        return error.exit_code


def state(folder, job):
    """Everything that has to be the same in the end, and how often each command ran."""
    world, place = built(folder, job)
    known = fold(world.journal.events(), world.subject())
    ran = (folder / "ran").read_text().splitlines() if (folder / "ran").exists() else []
    started = place.host.started()
    ran += [f"deploy {run}" for run in started]
    return {
        "split": world.traffic.split().weight,
        "tags": {tag.name: place.forge.read("VERSION", tag.commit).content.decode() for tag in world.forge.tags("*")},
        "deployed": {path.name: path.read_text() for path in sorted(folder.glob("deployed-*"))},
        "started": sorted({run.removesuffix(f"-{run.rpartition('-')[2]}") for run in started}),
        "shown": place.host.shown(),
        "live": known.live,
        "unfinished": [known.rollout is not None, known.rollback is not None],
        "releases": sorted([r.candidate, r.tag, bool(r.bad), r.settled is not None] for r in known.releases),
        "issues": place.host.issues(),
        "verified": verified(place.host),
        "most": max((ran.count(line) for line in set(ran) if line.startswith("deploy")), default=0),
    }


def verified(host):
    """What `ledger verify` exits with."""
    (host.directory / "releasegate.yaml").write_text("version: 1\nservice: shop\nenvironment: test\n")
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = command_line(App(directory=host.directory), ["ledger", "verify", *host.words])
    sys.stdout.flush()
    os.dup2(out, 1)
    return code


def answer(job):
    """Do one job in a child of its own."""
    folder = Path(job["folder"])
    (folder / "effects").unlink(missing_ok=True)
    if job["forge"] == "github":
        import_module("github")  # a second's work, which each child would do when it first asks GitHub
    child = os.fork()
    if child == 0:
        code = 70
        try:
            if job["do"] == "prepare":
                prepare(folder, job)
                code = 0
            elif job["do"] == "state":
                (folder / "state").write_text(json.dumps(state(folder, job)))
                code = 0
            else:
                code = play(folder, job)
        finally:
            sys.stderr.flush()
            if code == 70:
                sys.excepthook(*sys.exc_info())
            os._exit(code)
    _, status = os.waitpid(child, 0)
    log = folder / "effects"
    effects = log.read_text().splitlines() if log.exists() else []
    return {"status": os.waitstatus_to_exitcode(status), "effects": effects}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
