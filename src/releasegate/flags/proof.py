"""What a flag does to users, worked out by evaluating it as its runtime would, for many keys."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from releasegate.errors import FlagError
from releasegate.flags.dialect import Runtime
from releasegate.flags.document import Edit, FlagFile
from releasegate.flags.splice import same

HUNDRED = Decimal(100)
RISK = 1e-6
"""The chance that a sound hash falls outside the bound."""


@dataclass(frozen=True, slots=True)
class Run:
    """The keys of one proof, through one evaluator."""

    evaluator: str
    on: int
    lost: int
    """Keys that were on before and are not any more, though the share was raised."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How many of `keys` users are on, and whether that is what `percent` means."""

    name: str
    percent: Decimal
    keys: int
    low: int
    high: int
    """The fewest and the most keys that a sound hash turns on."""
    runs: tuple[Run, ...]

    @property
    def ok(self) -> bool:
        """Whether every evaluator turns on as many keys as it should, and takes none back."""
        return all(self.low <= run.on <= self.high and not run.lost for run in self.runs)

    @property
    def share(self) -> float:
        """The share of keys that are on (0 to 1), by the evaluator that is farthest off."""
        counts = [run.on for run in self.runs]
        return max(counts, key=lambda on: abs(on / self.keys - float(self.percent) / 100)) / self.keys

    @property
    def text(self) -> str:
        """One line an evaluator."""
        return "\n".join(map(self.line, self.runs))

    def document(self) -> dict[str, Any]:
        """The proof for machines."""
        runs = [{"evaluator": run.evaluator, "on": run.on, "lost": run.lost} for run in self.runs]
        head = {"schema": "releasegate/proof/1", "flag": self.name, "percent": float(self.percent), "keys": self.keys}
        return {**head, "bounds": [self.low, self.high], "runs": runs, "share": self.share, "ok": self.ok}

    def line(self, run: Run) -> str:
        """What one evaluator did, and what it should have done."""
        inside = "as it should be" if self.low <= run.on <= self.high else "NOT as it should be"
        lost = f", and takes {run.lost} keys back that were on" if run.lost else ""
        return (
            f"{self.name} at {self.percent.normalize():f}%: {run.on} of {self.keys} keys are on "
            f"({100 * run.on / self.keys:.2f}%), {inside} ({self.low} to {self.high}){lost} [{run.evaluator}]"
        )


def evaluator(file: FlagFile, name: str, runtime: Runtime | None = None) -> Callable[[str], Any]:
    """What the runtime serves for a flag, as a function of the user key; made once, quick to call."""
    file.locate(name)
    with file.placed(name):
        return file.rules.evaluator(name, file.flag(name), file.tree.data, runtime or Runtime())


def prove(
    file: FlagFile,
    name: str,
    percent: Decimal | float,
    keys: int = 10000,
    *,
    before: FlagFile | None = None,
    on: str | None = None,
    runtime: Runtime | None = None,
) -> Proof:
    """Evaluate the flag for the keys `user-0`, `user-1`, … and compare with `percent`.

    With `before`, the file that a raise starts from, keys that were on have to stay on. A key counts as on where it
    gets the on value (of the variant `on`) whatever the caller's default.
    """
    share = Decimal(str(percent))
    low, high = bounds(keys, share)
    runs = []
    for label, how in file.rules.evaluators(runtime or Runtime()):
        now = _who_is_on(file, name, keys, on, how)
        was = _who_is_on(before, name, keys, on, how) if before else now
        runs.append(Run(label, sum(now), sum(a and not b for a, b in zip(was, now, strict=True))))
    return Proof(name, share, keys, low, high, tuple(runs))


def decide(edit: Edit) -> tuple[Proof | None, str | None]:
    """Prove an edit before it is made: the proof, and what is missing of it.

    A raise without proof is refused by `FlagError`; anything else is done, and the caller warns of what is missing. A
    restore promises no share, and needs no proof.
    """
    if edit.goal is None:
        return None, None
    goal = edit.goal
    raising = raises(edit)
    proof, missing = None, None
    try:
        before = edit.file if raising and edit.changed else None
        proof = prove(edit.after, edit.name, goal.percent, before=before, on=goal.on)
        missing = None if proof.ok else "; ".join(proof.text.splitlines())
    except FlagError as error:
        missing = str(error)
    if missing and raising and edit.changed:
        what = f"`{edit.name}` is not raised without proof: {missing}"
        remedy = f"see `releasegate flags lint --file {edit.file.path}`"
        if not goal.percent:
            what = f"what `{edit.name}` serves after it is not proved: {missing}"
            remedy = f"use `releasegate flags off {edit.name}`, which takes the rules away"
        raise FlagError(what, where=None if proof is None else edit.file.path, remedy=remedy)
    return proof, missing


def raises(edit: Edit) -> bool:
    """Whether more users may be on after the edit than before, and it does not take back."""
    if edit.goal is not None and edit.goal.taking_back:
        return False
    on = edit.goal.on if edit.goal and edit.goal.percent < HUNDRED else None
    try:
        before, after = (file.state(edit.name, on).percent for file in (edit.file, edit.after))
    except FlagError:
        return edit.goal is None or edit.goal.percent > 0
    return after is None or (after > 0 and (before is None or after > before))


def _who_is_on(file: FlagFile, name: str, keys: int, on: str | None, runtime: Runtime) -> list[bool]:
    with file.placed(name):
        wanted = file.rules.on_value(file.flag(name), on)
    serve = evaluator(file, name, replace(runtime, default=_NOBODY))
    return [same(serve(f"user-{number}"), wanted) for number in range(keys)]


_NOBODY = "\0the caller's default"


def bounds(keys: int, percent: Decimal) -> tuple[int, int]:
    """The fewest and most successes of a binomial that leave `RISK / 2` beyond each; exact at 0 and 100 percent."""
    chance = float(percent) / 100
    if chance in {0.0, 1.0}:
        return round(keys * chance), round(keys * chance)
    return _tail(keys, chance), keys - _tail(keys, 1 - chance)


def _tail(keys: int, chance: float) -> int:
    """The least count at or below which a binomial falls with a probability above `RISK / 2`."""
    log_chance, log_rest, total = math.log(chance), math.log1p(-chance), 0.0
    for count in range(keys + 1):
        ways = math.lgamma(keys + 1) - math.lgamma(count + 1) - math.lgamma(keys - count + 1)
        total += math.exp(ways + count * log_chance + (keys - count) * log_rest)
        if total > RISK / 2:
            return count
    return keys
