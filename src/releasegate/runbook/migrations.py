"""The migrations between two releases: which they are, and whether they are taken back."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from releasegate.errors import InputError, ReleasegateError, UsageError, VerificationError
from releasegate.forge.port import Forge
from releasegate.ledger.state import Release, State
from releasegate.migrations.kind import Kind, Migration, by_kind, read
from releasegate.policy.migrations import Migrations as Rules
from releasegate.runbook.aim import Aim
from releasegate.runbook.revert import Revert
from releasegate.runbook.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    revert: bool = False
    snapshot: str | None = None
    """The id of a copy of the data from before the contract, by which it can be brought back."""


def refuse_wish(rules: Rules | None, wish: Wish, *, traffic_only: bool) -> None:
    """`UsageError` where the options fit neither each other nor the policy, before anything is done."""
    if not wish.revert and wish.snapshot is None:
        return
    option = "--migrations" if wish.revert else "--snapshot"
    if traffic_only:
        raise UsageError("`--traffic-only` leaves the migrations alone", where=option, remedy="give one of them")
    if rules is None:
        raise UsageError("the policy has no `rollback.migrations`", where=option, remedy="roll back without it")
    if not wish.revert and rules.when != "always":
        raise UsageError("a snapshot is for migrations that are reverted", where=option, remedy="add --migrations")


def intent(rules: Rules, wish: Wish) -> str:
    """What will be done with the migrations, for the plan."""
    if wanted(rules, wish):
        return "revert the migrations between the two releases"
    return "leave the migrations where they are" + (", and open an issue for them" if rules.when == "ask" else "")


def wanted(rules: Rules, wish: Wish) -> bool:
    """Whether the migrations are to be reverted."""
    return wish.revert or rules.when == "always"


def find(world: World, aim: Aim, state: State) -> tuple[Migration, ...]:
    """The migrations that the release that is left has and the target has not, newest first.

    They are read through the forge. `VerificationError` where it cannot be told which they are.
    """
    left, target = _release(state, aim.leaving, "is left"), _release(state, aim.to, "is gone back to")
    try:
        found = added(world.forge, _rules(world), left.commit, target.commit)
    except InputError as error:
        raise VerificationError(f"{left.name}: {error.what}", remedy=error.remedy) from error
    return tuple(migration for migration, _ in found)


def added(forge: Forge, rules: Rules, newer: str, older: str) -> Sequence[tuple[Migration, bytes]]:
    """The migrations that the commit `newer` has and `older` has not, newest first, with their bytes.

    `InputError` where there is no such folder: a folder that is misspelled must not look like one without news.
    """
    has = forge.files(rules.directory, newer)
    if not has:
        raise InputError(f"there is no folder `{rules.directory}`", remedy="correct `rollback.migrations.directory`")
    new = sorted(has - forge.files(rules.directory, older), reverse=True)
    files = [forge.read(path, newer) for path in new]
    judged = [(read(f.path, f.content, rules.directory, rules.dialect), f.content) for f in files if f is not None]
    return [(migration, content) for migration, content in judged if migration is not None]


def take_back(world: World, aim: Aim, state: State, wish: Wish, found: Sequence[Migration], unsafe: str) -> str:
    """Revert the migrations once, or leave them and open an issue, and say so in one line.

    `unsafe` says why they may not be reverted now; empty where they may. `VerificationError` where a revert was asked
    for and is refused, or changed nothing; `UnknownError` where nobody can tell what became of it.
    """
    rules = _rules(world)
    if not found:
        return "none between the two releases"
    if not wanted(rules, wish):
        left = f"left in place: {_counted(found)}"
        return left if rules.when == "never" else f"{left}; issue {_issue(world, aim, found, '')}"
    refusal = _refusal(rules, wish, found) or unsafe
    if refusal:
        with suppress(ReleasegateError):
            refusal = f"{refusal} (issue {_issue(world, aim, found, refusal)})"
        raise VerificationError(f"not reverted: {refusal}")
    target = _release(state, aim.to, "is gone back to")
    place = {**world.place(target.name, target.commit, "baseline"), "leaving": aim.leaving or ""}
    return Revert(world, rules, found, place, wish.snapshot, _counted(found)).once(state)


def _refusal(rules: Rules, wish: Wish, found: Sequence[Migration]) -> str:
    """Why these migrations are not reverted; empty where they may be."""
    if rules.when == "never":
        return "the policy says `when: never`"
    for migration in found:
        if migration.kind is Kind.IRREVERSIBLE:
            return f"irreversible: {migration.path} ({migration.why})"
    contracts = [migration for migration in found if migration.kind is Kind.CONTRACT]
    if contracts and not wish.snapshot:
        names = ", ".join(f"{one.path} ({one.why})" for one in contracts)
        return f"a contract takes a copy of the data to come back from: --snapshot ID, for {names}"
    return ""


def _issue(world: World, aim: Aim, found: Sequence[Migration], refusal: str) -> str:
    """Open the issue for whoever takes the schema back, or goes on with it."""
    policy = world.policy
    marker = f"migrations:{policy.service}:{policy.environment}:{aim.leaving}"
    lines = [f"{aim.leaving} was taken back to {aim.to}. Its migrations are still in the database:", ""]
    lines += [f"- `{migration.path}`: {migration.kind} ({migration.why})" for migration in found]
    lines += ["", f"They were not reverted: {refusal}." if refusal else "A rollback leaves them where they are.", ""]
    lines += ["To revert them, once nothing uses them: `releasegate rollback --migrations`"]
    return world.forge.open_issue(marker, f"Migrations of {aim.leaving} are still applied", "\n".join(lines) + "\n")


def _counted(found: Sequence[Migration]) -> str:
    """`3 migrations (2 expand, 1 contract)`."""
    return f"{len(found)} migration{'' if len(found) == 1 else 's'} ({by_kind(found)})"


def document(found: Sequence[Migration]) -> list[dict[str, Any]]:
    """The migrations as JSON tells them."""
    return [
        {"path": m.path, "kind": m.kind.value, "declared": m.declared and m.declared.value, "why": m.why} for m in found
    ]


def _rules(world: World) -> Rules:
    rules = world.policy.rollback.migrations
    assert rules is not None  # noqa: S101  the plan has no such step without it
    return rules


def _release(state: State, tag: str | None, what: str) -> Release:
    found = state.release(tag) if tag else None
    if found is None:
        raise VerificationError(f"which migrations are between cannot be told: nobody knows the release that {what}")
    return found
