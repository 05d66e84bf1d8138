"""A rollout's result as the story that reports tell."""

from contextlib import suppress
from pathlib import Path

from releasegate.canary.recording import Recording, parse
from releasegate.errors import InputError
from releasegate.render.judgement import sli_lines
from releasegate.render.story import Story
from releasegate.runbook.break_glass import break_glass
from releasegate.runbook.rollout import Result
from releasegate.runbook.stages import RECORDING
from releasegate.runbook.step import row
from releasegate.runbook.tagged import folding
from releasegate.runbook.world import World


def story_of(world: World, result: Result) -> Story:
    """Everything that the last screen and the report tell of `result`."""
    policy = world.policy
    return Story(
        service=policy.service,
        environment=policy.environment,
        tag=result.candidate.name,
        commit=result.candidate.commit,
        headline=result.headline,
        exit_code=result.exit_code,
        stages=tuple(map(row, result.stages)),
        rollback=tuple(map(row, result.rollback.outcomes)) if result.rollback else (),
        verdicts=result.verdicts,
        recording=_recorded(world.documents / RECORDING),
        slis=tuple(sli_lines(result.judgement)) if result.judgement else (),
        notes=_notes(result),
        break_glass=by_hand(world, result.candidate.name),
        timezone=policy.timezone,
    )


def _recorded(path: Path) -> Recording | None:
    """What the watch saw; None where it saw nothing, or was killed while it wrote: the rest of the story is told."""
    with suppress(FileNotFoundError, InputError), path.open(encoding="utf-8") as lines:
        return next(parse(lines, RECORDING), None)
    return None


def by_hand(world: World, leaving: str | None, to: str | None = None) -> tuple[str, ...]:
    """The commands that take `leaving` back without this program; `to` is None for the last known good release."""
    state = folding(world)(world.journal.known())
    good = state.release(to) if to is not None else state.last_known_good(leaving)
    repository = world.forge.home if world.forge.name == "github" else None
    return break_glass(world.policy, repository=repository, good=good, live=world.live)


def _notes(result: Result) -> tuple[str, ...]:
    if result.failed is None:
        return ()
    if result.rollback is None and result.judgement is not None:
        return ("the canary is held at its weight: wait and run it again, or take it back with `releasegate rollback`",)
    if result.rollback is None and result.exit_code != 1:
        return ("bring what is missing, and run the same command again: it goes on from here",)
    return ("look at the evidence above, mend the cause, and tag the next candidate",)
