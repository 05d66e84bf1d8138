"""Rolls back with its migrations in a process of its own, which may be killed: python reverting.py FOLDER"""

import json
import sys
from pathlib import Path

from releasegate.cli.clock import SystemClock
from releasegate.cli.runs import has_ended, run_name
from releasegate.forge.local import LocalForge
from releasegate.runbook.migrations import Wish
from releasegate.runbook.outside import shell
from releasegate.runbook.rollback import Request, Rollback
from worlds import MemoryTraffic, world_of

folder = Path(sys.argv[1])
world = world_of(
    LocalForge(folder / "repo"),
    folder / "documents",
    policy=(folder / "policy.yaml").read_bytes(),
    shell=shell(folder / "repo", lambda *_: ""),
    traffic=MemoryTraffic(),
    clock=SystemClock(),
    run=run_name(),
    ended=has_ended,
    smoke=None,
)
result = Rollback(world, Request(reason="people complain", wish=Wish(revert=True)), lambda _: None).run()
told = {outcome.id: [outcome.state.value, outcome.text] for outcome in result.outcomes}
sys.stdout.write(json.dumps({"told": told, "code": result.exit_code}))
