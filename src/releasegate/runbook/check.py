"""The verdict of a stage's gates as a check run at the candidate's commit, where people look at commits."""

from collections.abc import Sequence

from releasegate.errors import ReleasegateError
from releasegate.forge.host import Conclusion
from releasegate.render.markdown import markdown
from releasegate.runbook.judged import worst
from releasegate.runbook.world import World
from releasegate.verdict import Outcome, Verdict

CONCLUSIONS: dict[Outcome, Conclusion] = {
    Outcome.PASS: "success",
    Outcome.WARN: "success",
    Outcome.FAIL: "failure",
    Outcome.INCONCLUSIVE: "action_required",
}
"""What lets a required check through is a verdict that lets a candidate through, and no other."""


def show(world: World, commit: str, stage: str, verdicts: Sequence[Verdict]) -> str:
    """Show them, once for each stage of the service; the answer is a note, empty where all is well.

    Only a GitHub App (GITHUB_TOKEN is one) may make check runs: nothing rests on them.
    """
    if world.host is None:
        return ""
    outcome = worst(verdicts)
    title = f"{outcome.value}: " + ("; ".join(f"{one.gate} {one.verdict.value}" for one in verdicts) or "no gate")
    name = f"releasegate {world.policy.service} {world.policy.environment} {stage}"
    try:
        world.host.check_run(commit, name, CONCLUSIONS[outcome], title, markdown(verdicts) or title)
    except ReleasegateError as error:
        return f" (not shown as a check run: {error.what})"
    return ""
