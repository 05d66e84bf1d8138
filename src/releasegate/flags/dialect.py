"""What a dialect of flag files can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from releasegate.errors import FlagError
from releasegate.flags.splice import Change, as_read, same
from releasegate.flags.tree import Path


@dataclass(frozen=True, slots=True)
class State:
    """What a flag says now."""

    value: Any
    """What a user gets to whom no rollout and no rule applies; None where that is the caller's own default."""
    percent: Decimal | None
    """The share that gets the on value, in percent; None where rules, or the caller's own default, decide."""
    text: str
    """One line for a person."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an evaluation depends on besides the file."""

    default: Any = False
    """What the caller falls back to."""
    generation: str | None = None
    """flagd's hash: `cbor` (Python provider 0.6 and later) or `concat` (all others, and Python before); None is `cbor`
    for an evaluation, and each of the two for a proof."""
    now: datetime | None = None
    """The moment of the evaluation; None where nothing in the file depends on it."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What the caller says about the user besides the key."""


class Dialect(Protocol):
    """One format of flag files. A `flag` is the data of one flag, `path` leads to it; names of variants are text.

    `set`, `rollout` and `off` return the changes that are needed and raise `FlagError` (without a place) for what the
    flag cannot hold; no changes means that it is so already.
    """

    @property
    def NAME(self) -> str:  # noqa: N802  a module's constant
        """The word that `--dialect` takes."""

    @property
    def NOT_RUN_AGAINST(self) -> str:  # noqa: N802  a module's constant
        """Which evaluators of this dialect the proofs were not compared with; empty if none is known."""

    def recognises(self, data: Mapping[str, Any]) -> bool:
        """Whether a whole file's data have this dialect's shape."""

    def home(self) -> Path:
        """Where the flags are: the path of the mapping from names to flags."""

    def state(self, flag: Any, on: str | None = None) -> State:
        """What the flag says now; `FlagError` if it is not a flag of this dialect, or has no variant `on`."""

    def set_value(self, path: Path, flag: Any, value: Any) -> list[Change]:
        """Everybody gets `value`, whatever a caller's default is."""

    def rollout(self, path: Path, flag: Any, percent: Decimal, on: str | None) -> list[Change]:
        """`percent` of all keys get the on value (of the variant `on`, where a flag has variants)."""

    def off(self, path: Path, flag: Any, on: str | None) -> list[Change]:
        """Nobody gets the on value: every rule that could serve it is neutralised."""

    def on_value(self, flag: Any, on: str | None) -> Any:
        """The value of the variant `on`: what a rollout gives to the share that it is for."""

    def evaluators(self, runtime: Runtime) -> Sequence[tuple[str, Runtime]]:
        """What a proof goes through: every evaluator that may read the file, by a label for people."""

    def evaluator(self, name: str, flag: Any, whole: Mapping[str, Any], runtime: Runtime) -> Callable[[str], Any]:
        """What the runtime would serve, as a function of the user key."""


def variant_name(variant: Any) -> str:
    """How runtimes spell a variant that was written as a boolean or a number."""
    return str(variant).lower() if isinstance(variant, bool) else str(variant)


def is_switch(variants: Mapping[str, Any]) -> bool:
    """Whether there is one variant for true and one for false, and no other."""
    values = list(variants.values())
    return all(isinstance(value, bool) for value in values) and sorted(values) == [False, True]


def on_variant(variants: Mapping[str, Any], on: str | None) -> str:
    """The variant that is rolled out: the one that was named, that is true, or that is called `on`."""
    if on is not None:
        return variant_named(variants, on)
    named = [name for name, value in variants.items() if value is True] or [n for n in variants if n == "on"]
    if len(named) != 1:
        raise FlagError("which variant is to be rolled out is not clear", remedy=f"use --on with {_listed(variants)}")
    return named[0]


def off_variant(variants: Mapping[str, Any], on: str, default: Any) -> str:
    """The variant for everybody else: false, called `off`, the only other one, or the default."""
    others = [name for name in variants if name != on]
    false = [name for name in others if variants[name] is False] or [name for name in others if name == "off"]
    found = false or (others if len(others) == 1 else [name for name in others if name == variant_name(default)])
    if len(found) != 1:
        raise FlagError(f"which variant is the opposite of `{on}` is not clear", remedy="use `flags set` with its name")
    return found[0]


def variant_named(variants: Mapping[str, Any], value: Any) -> str:
    """The variant of that name, or the only one that has that value."""
    if variant_name(value) in variants:
        return variant_name(value)
    truth = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}.get(
        variant_name(value), value
    )
    found = [name for name, held in variants.items() if same(held, truth) or same(str(held), str(value))]
    if len(found) != 1:
        raise FlagError(f"there is no variant `{value}`", remedy=f"use one of {_listed(variants)}")
    return found[0]


def _listed(variants: Mapping[str, Any]) -> str:
    return ", ".join(variants)


def needed(changes: Sequence[Change], path: Path, flag: Any) -> list[Change]:
    """Those that change something."""

    def current(change: Change) -> Any:
        found = flag
        for step in change.path[len(path) :]:
            found = found.get(step) if isinstance(found, dict) else found[step]
        return found

    return [change for change in changes if not _holds(current(change), change.value)]


def _holds(found: Any, value: Any) -> bool:
    """Whether a value is there already; 5.0 is 5 where a share is meant."""
    if isinstance(value, Decimal) and isinstance(found, int | float) and not isinstance(found, bool):
        return bool(found == as_read(value))
    return same(found, as_read(value))
