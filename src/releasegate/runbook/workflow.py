"""A workflow of the policy, carried out once: dispatched unless its run is there already, and waited for."""

from collections.abc import Callable, Mapping

from releasegate.errors import OutsideError, UnknownOutcomeError
from releasegate.forge.host import Host, WorkflowRun
from releasegate.policy.section import Workflow
from releasegate.runbook.clock import Clock

APPEARS_WITHIN = 120.0
"""Seconds after which a dispatched run must be listed under its id."""
ENDS_WITHIN = 1800.0
PAUSE = 3.0
"""Seconds between two looks."""


def dispatcher(
    host: Callable[[], Host], ref: Callable[[], str], clock: Clock
) -> Callable[[Workflow, Mapping[str, str]], str]:
    """What carries out a workflow at `ref`; neither is asked for before there is one."""
    return lambda workflow, values: carry_out(host(), workflow.file, ref(), values, clock)


def carry_out(host: Host, workflow: str, ref: str, values: Mapping[str, str], clock: Clock) -> str:
    """Dispatch `workflow` with `values` as its inputs, wait until its run has ended, and say where it is.

    The run is known by `id` (without one, by the flag file's blob), which its `run-name` has to hold: one that is
    under way, or went well, is found again and not started twice; one that failed is started anew.
    """
    run = ended(host, workflow, ref, values, clock)
    if run.conclusion != "success":
        raise OutsideError(f"{workflow} ended with `{run.conclusion}`", where=run.url, remedy="look at its log")
    return f"{workflow}: {run.url}"


def ended(host: Host, workflow: str, ref: str, values: Mapping[str, str], clock: Clock) -> WorkflowRun:
    """As `carry_out`, whatever became of the run."""
    inputs = {**values, "id": _identifier(values)}
    found = host.find_run(workflow, inputs["id"])
    if found is None or (found.finished and found.conclusion != "success"):
        found = _start(host, workflow, ref, inputs, found, clock)
    return await_end(host, found, clock)


def await_end(host: Host, run: WorkflowRun, clock: Clock) -> WorkflowRun:
    """Wait until `run` has ended; `OutsideError` if it does not in time."""
    last = run if run.finished else _await(lambda: _if_finished(host.run(run.id)), ENDS_WITHIN, clock)
    if last is None:
        raise OutsideError(f"{run.name or 'the run'} did not end within {ENDS_WITHIN:.0f} s", where=run.url)
    return last


def _start(
    host: Host, workflow: str, ref: str, inputs: Mapping[str, str], before: WorkflowRun | None, clock: Clock
) -> WorkflowRun:
    """Dispatch, and find the run. A dispatch whose answer was lost is not repeated: its run appears, or it does not."""
    identifier = inputs["id"]
    lost: UnknownOutcomeError | None = None
    try:
        others = {key: value for key, value in inputs.items() if key != "id"}
        host.start_workflow(workflow, ref, others, identifier)
    except UnknownOutcomeError as error:
        lost = error

    def newer() -> WorkflowRun | None:
        found = host.find_run(workflow, identifier)
        return None if found is None or (before is not None and found.id == before.id) else found

    found = _await(newer, APPEARS_WITHIN, clock)
    if found is None:
        raise lost or OutsideError(
            f"{workflow} was dispatched, and no run named `{identifier}` appeared within {APPEARS_WITHIN:.0f} s",
            remedy="its file needs `run-name: … ${{ inputs.id }}`; look at the Actions page",
        )
    return found


def _await(look: Callable[[], WorkflowRun | None], patience: float, clock: Clock) -> WorkflowRun | None:
    deadline = clock.now().timestamp() + patience
    while True:
        found = look()
        if found is not None or clock.now().timestamp() >= deadline:
            return found
        clock.sleep(PAUSE)


def _if_finished(run: WorkflowRun) -> WorkflowRun | None:
    return run if run.finished else None


def _identifier(values: Mapping[str, str]) -> str:
    return values.get("id") or f"flags-{values['blob'][:12]}"
