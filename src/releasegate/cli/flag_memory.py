"""What changes of flags took away, and where `flags restore` finds it: a file, the ledger, this checkout."""

import json
from hashlib import sha256
from pathlib import Path

from releasegate.cli.app import App
from releasegate.cli.flag_file import flag_path, in_repository
from releasegate.errors import FlagError, InputError, RepositoryError
from releasegate.flags.document import LARGEST, Removed
from releasegate.forge.local import LocalForge
from releasegate.runbook.flags import Plan, last_removed


def from_file(app: App, name: str, source: str) -> Removed:
    """What the document in the file `source` says of a flag; `InputError` where it says nothing."""
    try:
        found = json.loads(app.read(source, limit=LARGEST))["flags"][name]["removed"]
        before, after = found["before"], found["after"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"nothing that was taken away from `{name}`", where=source, remedy="give what `--format json` printed"
        ) from error
    if not isinstance(before, str) or not isinstance(after, str):
        raise InputError(f"nothing that was taken away from `{name}`", where=source)
    return Removed(name, before, after)


def remembered(app: App, name: str, path: str | None, *, ledger: bool) -> Removed:
    """What the ledger (if asked), else this checkout, knows of a flag of the file `path`; `FlagError` if nothing."""
    policy = app.find_policy()
    named = flag_path(path, policy)
    if policy is not None and ledger:
        from releasegate.cli.world import journal  # noqa: PLC0415  loaded by the commands that need it

        found = last_removed(journal(app, policy).events(), name, in_repository(app, named))
        if found is not None:
            return found
    try:
        note = _note(app, in_repository(app, named), name)
    except RepositoryError as error:
        raise FlagError("nothing is remembered outside of a git repository", remedy="use --from") from error
    if note.is_file():
        return from_file(app, name, str(note.resolve()))
    stopped = policy is not None and policy.kill_switch is not None and name == policy.kill_switch.flag
    back = "`releasegate kill-switch off` gives it its lines back" if stopped else "use --from, or git's own history"
    raise FlagError(f"nothing is known that was taken away from `{name}`", remedy=back)


def keep(app: App, made: Plan, path: str) -> None:
    """Remember what was taken away from the file `path`, in git's folder; outside of git only the output has it."""
    try:
        for edit in (edit for edit in made.edits if edit.goal):  # no restore: it took nothing
            removed = {"before": edit.removed.before, "after": edit.removed.after}
            document = {"flags": {edit.name: {"removed": removed}}}
            note = _note(app, in_repository(app, path), edit.name)
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(json.dumps(document), encoding="utf-8")
    except (RepositoryError, OSError):
        app.say("not in a git repository: to restore later, keep what --format json prints")


def _note(app: App, file: str, name: str) -> Path:
    """Where a flag of a file is remembered, in the folder that all worktrees share."""
    digest = sha256(f"{file}\0{name}".encode()).hexdigest()[:16]
    return LocalForge(app.directory).private / "flags" / f"{digest}.json"
