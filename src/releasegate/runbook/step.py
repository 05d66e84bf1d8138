"""One convergent step of a procedure, and the run of several."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from traceback import extract_tb

from releasegate.errors import EXIT_BUG, ReleasegateError
from releasegate.render.story import Row
from releasegate.runbook.clock import Clock


class State(StrEnum):
    """How a step ended."""

    ALREADY = "already"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """Looks at the world, and acts only if it is not yet as wanted."""

    id: str
    title: str
    plan: str
    """What it would do: one line, for a dry run and for the person who is asked."""
    act: Callable[[], str]
    """Do it and say what was done, in one line; an error says what is missing."""
    already: Callable[[], str | None] = lambda: None
    """How the world already is as wanted, or None."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step."""

    id: str
    title: str
    state: State
    text: str
    started: datetime
    finished: datetime
    exit_code: int = 0


def take(step: Step, clock: Clock) -> Outcome:
    """Take one step. An error, even a bug's, becomes a failed outcome: the steps after a safe one have to go on."""
    started = clock.now()
    code = 0
    try:
        text = step.already()
        state = State.ALREADY
        if text is None:
            text, state = step.act(), State.DONE
    except ReleasegateError as error:
        text, state, code = str(error), State.FAILED, error.exit_code
    except Exception as error:  # noqa: BLE001  a bug in one step must not keep the next from being taken
        text, state, code = f"a bug in releasegate ({_place(error)}); please report it", State.FAILED, EXIT_BUG
    return Outcome(step.id, step.title, state, text, started, clock.now(), code)


def _place(error: Exception) -> str:
    """The kind of error and the line that raised it; its text may hold a secret."""
    last = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {PurePath(last.filename).name}:{last.lineno}"


def row(outcome: Outcome) -> Row:
    """The outcome as a report tells it."""
    return Row(outcome.title, outcome.state.value, outcome.text, outcome.started, outcome.finished)
