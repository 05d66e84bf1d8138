"""The run of a workflow that tests a candidate: found or started, awaited, and the artifacts that it left behind."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from releasegate.errors import InconclusiveError, InputError, RefusedError, VerificationError
from releasegate.forge.host import Host, WorkflowRun
from releasegate.forge.port import Tag
from releasegate.ledger.state import State
from releasegate.policy.gates import Gates
from releasegate.policy.model import Policy
from releasegate.runbook.claim import Effect, once
from releasegate.runbook.workflow import await_end, ended
from releasegate.runbook.world import Fetched, World

LARGEST = 256 * 1024 * 1024
"""Bytes of an artifact's zip; no folder of reports comes near."""


IN_STAGING = "tests/"
"""Gates with this prefix are judged after the tests in staging, where the policy has such tests."""


def in_staging(policy: Policy, gate: str) -> bool:
    """Whether this gate waits for the tests in staging."""
    return policy.staging_tests is not None and gate.startswith(IN_STAGING)


def names_of(gates: Gates, mine: Callable[[str], bool]) -> tuple[str, ...]:
    """The artifacts that hold the reports of those gates (`lighthouse`, `zap`, `tests/…`) that are `mine`."""
    named = {"lighthouse": gates.lighthouse, "zap": gates.zap, **{f"tests/{k}": v for k, v in gates.tests.items()}}
    wanted = (gate.artifact for name, gate in named.items() if gate is not None and mine(name))
    return tuple(dict.fromkeys(name for names in wanted for name in names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """The one run of a workflow that tests the candidate `tag`, dispatched at that tag unless it is there.

    A candidate has one CI run, that of its commit, whoever started it (`by_commit`); other runs are known by the id
    among their `values`.
    """

    world: World
    host: Host
    workflow: str
    tag: Tag
    step: str
    """The id of the step that starts it, in the ledger."""
    values: Mapping[str, str]
    by_commit: bool
    fence: Callable[[State], None]

    def run(self) -> str:
        """Have it run to its end, whatever that is, once; `InconclusiveError` where it cannot be started."""
        subject = self.world.subject(self.tag.name, self.tag.commit)
        try:
            return once(
                self.world, Effect(step=self.step, subject=subject, act=self._act, repeat=True, fence=self.fence)
            )
        except RefusedError as error:
            raise self._missing(f", and none can be started ({error.what})") from error

    def result(self, artifacts: Sequence[str]) -> tuple[str, Mapping[str, Fetched]]:
        """What became of it in words, and its artifacts of these names.

        `VerificationError` where it is red, `InconclusiveError` where it is missing or left no such artifact.
        """
        self.run()
        found = self._look()
        if found is None:
            raise self._missing("")
        run = await_end(self.host, found, self.world.clock)
        self._require_green(run)
        fetched = {name: self._fetch(run, name) for name in artifacts}
        kept = "".join(f", {name} ({one.size} bytes, SHA-256 {one.sha256[:12]})" for name, one in fetched.items())
        return f"{self.workflow} is green: {run.url}{kept}", fetched

    def _look(self) -> WorkflowRun | None:
        if self.by_commit:
            return self.host.ci_run(self.workflow, self.tag.commit)
        return self.host.find_run(self.workflow, self.values["id"])

    def _act(self) -> str:
        clock = self.world.clock
        found = self._look() if self.by_commit else None
        if found is None:
            found = ended(self.host, self.workflow, self.tag.name, self.values, clock)
        return f"{self.workflow}: {await_end(self.host, found, clock).url}"

    def _missing(self, why: str) -> InconclusiveError:
        what = f"there is no run of {self.workflow} for {self.tag.commit[:12]}{why}"
        return InconclusiveError(what, remedy="has it `on: workflow_dispatch`, and this job `actions: write`?")

    def _require_green(self, run: WorkflowRun) -> None:
        if run.conclusion in ("failure", "startup_failure"):
            remedy = "look at its log, mend the cause, and tag the next candidate"
            raise VerificationError(f"{self.workflow} is red", where=run.url, remedy=remedy)
        if run.conclusion != "success":
            remedy = "run it again on its page, then this command"
            raise InconclusiveError(f"{self.workflow} ended with `{run.conclusion}`", where=run.url, remedy=remedy)

    def _fetch(self, run: WorkflowRun, name: str) -> Fetched:
        """Bring the newest artifact of this name that the run left, over all its attempts, onto this machine."""
        left = [one for one in self.host.artifacts(name, run.commit) if one.run == run.id]
        if not left:
            remedy = f"have {self.workflow} upload it by actions/upload-artifact, or mend `artifact` in the policy"
            raise InconclusiveError(f"{self.workflow} left no artifact `{name}`", where=run.url, remedy=remedy)
        content = self.host.download(left[0], LARGEST)
        file = f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}.zip"
        path = self.world.artifacts / str(run.id) / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error
        return Fetched(path, run.commit, len(content), sha256(content).hexdigest())
