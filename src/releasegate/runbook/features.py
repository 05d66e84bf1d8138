"""The features that a rollback switches off: committed, published as the flip is, and recorded for `flags restore`."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from releasegate.errors import FlagError, OutsideError
from releasegate.flags.by_hand import patch_off
from releasegate.flags.document import Edit, FlagFile
from releasegate.runbook.flags import Change, Committed, commit_changes, follow
from releasegate.runbook.world import World
from releasegate.traffic.flag import Repository

After = Callable[[Committed], tuple[str, OutsideError | None]]
"""What follows a commit: in words, and the first thing that is missing."""


def off_of(name: str) -> Change:
    """Switch `name` off; one that cannot be is left as it is."""

    def change(file: FlagFile) -> Edit | None:
        with suppress(FlagError):
            return file.off(name)
        return None

    return change


def features_off(world: World, reason: str, *, live: str) -> str:
    """Switch off what the policy names, and see it live, but for the content `live`, which is; says what was done."""
    policy = world.policy
    branch, names = policy.release.branch, policy.rollback.flags.off

    def after(done: Committed) -> tuple[str, OutsideError | None]:
        if done.blob == live:
            return "", None
        return follow(policy, world.journal, done, branch, shell=world.shell, fetch=world.fetch, clock=world.clock)

    return switch_off(world.flags, policy.flags.file, branch, names, reason, after)


def switch_off(
    forge: Repository,
    path: str,
    branch: str,
    names: Sequence[str],
    reason: str,
    after: After = lambda _: ("", None),
) -> str:
    """Switch `names` off in the flag file and say what was changed. Already off is already done.

    A flag that cannot be switched off keeps none of the others on: `OutsideError` names it after the commit.
    """
    failed = dict[str, FlagError]()

    def off(name: str) -> Change:
        def change(file: FlagFile) -> Edit | None:
            try:
                return file.off(name)
            except FlagError as error:
                failed[name] = error
                return None

        return change

    title = f"Switch off {', '.join(names)}"
    done = commit_changes(forge, path, branch, [off(name) for name in names], title, reason=reason)
    live, missing = after(done)
    told = [*_told(done, names, failed), *filter(None, [live, missing.what if missing else ""])]
    if failed:
        left = "; ".join(f"{name} is NOT off: {error}" for name, error in failed.items())
        patch = _patch(forge, path, branch, failed)
        by_hand = f"switch it off by hand: \n{patch}" if patch else "switch it off by hand"
        raise OutsideError("; ".join([left, *told]), remedy=by_hand)
    if missing is not None:
        raise OutsideError("; ".join(told), where=missing.where, remedy=missing.remedy)
    return "; ".join(told)


def _told(done: Committed, names: Sequence[str], failed: Collection[str]) -> list[str]:
    changed = [edit.name for edit in done.plan.edits]
    already = [name for name in names if name not in changed and name not in failed]
    told = [f"{', '.join(changed)} switched off in {(done.commit or '')[:12]}"] if changed else []
    told += [f"{', '.join(already)}: off already"] if already else []
    return [*told, *done.plan.warnings]


def _patch(forge: Repository, path: str, branch: str, names: Collection[str]) -> str:
    """What a person has to apply to switch flags off; empty where not even that is clear."""
    found = forge.read(path, branch)
    return patch_off(FlagFile.parse(found.content, path), dict.fromkeys(names)) if found else ""
