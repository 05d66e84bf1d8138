"""Runs one procedure in a child process and, where asked, ends that child by SIGKILL before or after one effect.

    python killed.py     reads jobs as JSON lines, answers each with a JSON line

A job is `{"folder", "scenario", "kill": null or [number, "before" or "after"]}`; the answer holds the child's exit
status and the effects that it came to. One process forks all children, so that nothing is imported twice.
"""

import json
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from releasegate.cli.app import App
from releasegate.cli.main import run as command_line
from releasegate.cli.runs import has_ended, run_name
from releasegate.errors import OutsideError, UsageError
from releasegate.flags.document import FlagFile
from releasegate.forge.local import LocalForge
from releasegate.ledger.state import fold
from releasegate.runbook.begin import candidate_of
from releasegate.runbook.outside import Page, fill
from releasegate.runbook.rollback import Request, Rollback
from releasegate.runbook.rollout import Order, Rollout
from repositories import git, repository
from worlds import BAD, FLAG_FILE, GOOD, START, begin_service, world_of

TAG = "v1.1.0-rc.1"


class Clock:
    """A clock that moves only when somebody waits, and goes on where the dead process left it."""

    def __init__(self, file):
        self.file = file

    def now(self):
        return datetime.fromtimestamp(float(self.file.read_text()), UTC) if self.file.exists() else START

    def sleep(self, seconds):
        draft = self.file.with_suffix(f".{os.getpid()}")
        draft.write_text(repr((self.now() + timedelta(seconds=max(seconds, 0))).timestamp()))
        draft.replace(self.file)
        time.sleep(0.02)  # another process may be what it waits for


class Effects:
    """Counts what is done outside, keeps its names, and ends the process at the one that is meant."""

    def __init__(self, folder, kill):
        self.log, self.kill, self.number = folder / "effects", kill, 0

    def wrap(self, name, act):
        def effect(*arguments, **options):
            self.number += 1
            mine = self.kill is not None and self.number == self.kill[0]
            with self.log.open("a") as log:
                log.write(f"{name(*arguments)}\n")
            if mine and self.kill[1] == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = act(*arguments, **options)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return effect


def built(folder, scenario, effects=None):
    """The world of one process: a real repository, and files for what commands do."""
    forge = LocalForge(folder / "repo")
    ran = folder / "ran"

    def shell(command, values):
        argv = fill(command, values)
        target = folder / f"deployed-{argv[1]}"
        if argv[0] == "deployed":
            if not target.exists() or target.read_text() != argv[2]:
                raise OutsideError("deployed exited 1: not there")
            return ""
        act(argv, target)
        return ""

    def act(argv, target):
        with ran.open("a") as log:
            log.write(" ".join(argv) + "\n")
        if argv[0] == "deploy":
            target.write_text(argv[2])

    if effects is not None:
        act = effects.wrap(lambda argv, _: " ".join(argv), act)
        forge.commit = effects.wrap(lambda branch, *more: f"commit {branch}: {more[1].splitlines()[0]}", forge.commit)
        for name in ("create_tag", "create_branch", "open_issue"):
            setattr(forge, name, effects.wrap(lambda first, *_, name=name: f"{name} {first}", getattr(forge, name)))
    errors = BAD if scenario == "bad" else GOOD
    clock = Clock(folder / "clock")
    commit = forge.commit

    def at_its_time(*arguments, **options):
        """The commit's time is the clock's too, as the ledger's verification wants it."""
        os.environ["GIT_AUTHOR_DATE"] = os.environ["GIT_COMMITTER_DATE"] = f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"
        return commit(*arguments, **options)

    forge.commit = at_its_time
    page = Page(500 if scenario == "red in the end" else 200, "")
    own = {"clock": clock, "errors": errors, "shell": shell, "run": run_name(), "ended": has_ended}
    return world_of(forge, folder / "documents", fetch=lambda _: page, **own)


def prepare(folder, scenario):
    """The state that a scenario begins in."""
    repo = repository(folder / "repo")
    git(repo, "switch", "--quiet", "--orphan", "elsewhere")
    world = built(folder, scenario)
    tag = begin_service(world)
    if scenario == "race":
        Rollout(world, tag, lambda _: None, Order(until="watch")).run()
    if scenario == "rollback in the canary":
        Rollout(world, tag, lambda _: None, Order(until="canary")).run()
    if scenario == "rollback of a release":
        Rollout(world, tag, lambda _: None).run()
    (folder / "ran").unlink(missing_ok=True)


def play(folder, scenario, kill):
    """The command of the scenario, as a person would run it again."""
    world = built(folder, scenario, Effects(folder, kill if isinstance(kill, list) else None))
    if scenario.startswith("rollback") or kill == "rollback":
        return Rollback(world, Request(reason="people complain"), lambda _: None).run().exit_code
    try:
        return Rollout(world, candidate_of(world, TAG), lambda _: None).run().exit_code
    except UsageError as error:  # what is over may not begin again
        return error.exit_code


def state(folder, scenario):
    """Everything that has to be the same in the end, and how often each command ran."""
    world = built(folder, scenario)
    known = fold(world.journal.events(), world.subject())
    flag = FlagFile.parse(world.forge.read(FLAG_FILE, "main").content, FLAG_FILE).state("checkout-v2", None)
    ran = (folder / "ran").read_text().splitlines() if (folder / "ran").exists() else []
    app = App(directory=folder / "repo")
    (folder / "repo/releasegate.yaml").write_text("version: 1\nservice: shop\nenvironment: test\n")
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    verified = command_line(app, ["ledger", "verify"])
    sys.stdout.flush()
    os.dup2(out, 1)
    return {
        "split": float(flag.percent),
        "tags": {tag.name: tag.commit for tag in world.forge.tags("*")},
        "deployed": {path.name: path.read_text() for path in sorted(folder.glob("deployed-*"))},
        "live": known.live,
        "unfinished": [known.rollout is not None, known.rollback is not None],
        "releases": sorted([r.candidate, r.tag, bool(r.bad), r.settled is not None] for r in known.releases),
        "issues": len(list((folder / "repo/.git/releasegate/issues").glob("*.md"))),
        "verified": verified,
        "most": max((ran.count(line) for line in set(ran) if line.startswith("deploy")), default=0),
    }


def answer(job):
    """Do one job in a child of its own."""
    folder, scenario = Path(job["folder"]), job["scenario"]
    (folder / "effects").unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 70
        try:
            if job["do"] == "prepare":
                prepare(folder, scenario)
                code = 0
            elif job["do"] == "state":
                (folder / "state").write_text(json.dumps(state(folder, scenario)))
                code = 0
            else:
                code = play(folder, scenario, job.get("kill"))
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
