"""A change of flags: on disk, as a patch, or committed, published and seen live."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from releasegate.cli.app import App, fields_of
from releasegate.cli.flag_file import flag_path, in_repository, read_flags
from releasegate.errors import (
    FlagError,
    InputError,
    OutsideError,
    PendingError,
    ReleasegateError,
    RepositoryError,
    UnsafeEditError,
)
from releasegate.flags.by_hand import patch_by_hand
from releasegate.flags.document import LARGEST, Removed
from releasegate.policy.model import Policy
from releasegate.runbook.flags import (
    Change,
    Committed,
    Plan,
    commit_changes,
    follow,
    last_removed,
    note,
    plan,
    restored,
)

if TYPE_CHECKING:
    from releasegate.runbook.journal import Journal
    from releasegate.traffic.flag import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about where a change goes."""

    path: str | None
    dialect: str | None
    branch: str | None
    in_place: bool
    patch: str | None
    dry_run: bool
    reason: str


def pairs(words: Sequence[str], what: str) -> list[tuple[str, str]]:
    """NAME VALUE NAME VALUE … as pairs."""
    if len(words) % 2:
        raise click.UsageError(f"every NAME needs its {what}")
    return list(zip(words[::2], words[1::2], strict=True))


def change(app: App, changes: Sequence[Change], title: str, options: Options, off: Sequence[str] = ()) -> int:
    """Make the changes where the options say. `off` names flags for which a person gets a patch if all else fails."""
    policy = app.find_policy()
    if policy is not None and policy.flags.commit == "patch" and not options.in_place:
        options = replace(options, patch=options.patch or "-")
    try:
        if options.in_place or options.dry_run or options.patch:
            return _without_commit(app, changes, options)
        return _with_commit(app, policy, changes, title, options)
    except UnsafeEditError as error:
        patch = _by_hand(app, options, off)
        if not patch:
            raise
        left = OutsideError(f"NOT OFF: {error}", remedy="apply the patch above by hand and commit it")
        app.emit({"schema": "releasegate/patch/1", "diff": patch, "error": fields_of(left)}, patch)
        return app.report(left, document=False)


def _without_commit(app: App, changes: Sequence[Change], options: Options) -> int:
    branch = _branch(app, options)
    file = read_flags(app, options.path, options.dialect, branch)
    made = plan(file.content, file.path, changes, options.dialect)
    if branch is not None:
        policy = app.find_policy()
        _fence(policy, _book(app, policy))(made)
    on_stdout = options.patch == "-" and not app.json
    if options.patch not in (None, "-") and not options.dry_run:
        app.write(str(options.patch), made.diff.encode())
    elif options.in_place and not options.dry_run and made.edits:
        _replace(app.directory / file.path, made)
        _keep(app, made)
    for warning in made.warnings:
        app.say(f"WARNING: {warning}")
    text = _text(made, "would be changed" if options.dry_run or options.patch == "-" else "written")
    app.emit(_document(made), made.diff if on_stdout else text)
    return 0


def _branch(app: App, options: Options) -> str | None:
    """The branch that the change is about; None where that is the file on disk."""
    if options.in_place:
        return None
    policy = app.find_policy()
    try:
        in_repository(app, flag_path(options.path, policy))
    except RepositoryError:
        return None
    return options.branch or (policy.release.branch if policy else app.forge().default_branch())


def _with_commit(app: App, policy: Policy | None, changes: Sequence[Change], title: str, options: Options) -> int:
    forge, path = app.forge(), in_repository(app, flag_path(options.path, policy))
    branch = options.branch or (policy.release.branch if policy else forge.default_branch())
    repository, book = _repository(app, policy), _book(app, policy)
    try:
        done = commit_changes(
            repository, path, branch, changes, title,
            reason=options.reason, dialect=options.dialect, fence=_fence(policy, book),
        )  # fmt: skip
    except PendingError as error:
        return _waiting(app, policy, book, changes, options, error)
    for warning in done.plan.warnings:
        app.say(f"WARNING: {warning}")
    if done.commit and policy is None:
        _keep(app, done.plan)
    # One that was merged after its command had given up waiting still has to go live.
    merged = policy is not None and policy.flags.commit == "pull-request"
    live, missing = _after(app, policy, book, done, branch) if done.commit or merged else ("", None)
    text = _text(done.plan, f"committed {(done.commit or '')[:12]} on {branch}")
    document = {**_document(done.plan), "branch": branch, "commit": done.commit, "blob": done.blob, "live": live}
    told = {"error": fields_of(missing)} if missing else {}
    app.emit({**document, **told}, f"{text}{'; ' if live else ''}{live}")
    return app.report(missing, document=False) if missing else 0


def _book(app: App, policy: Policy | None) -> "Journal | None":
    """The ledger, where a policy says which; nothing is read yet."""
    if policy is None:
        return None
    from releasegate.cli.world import journal  # noqa: PLC0415  loaded by the commands that write

    return journal(app, policy)


def _fence(policy: Policy | None, book: "Journal | None") -> Callable[[Plan], None]:
    """What refuses a raise while a rollback runs, or was the last word; nothing where there is no ledger to ask."""
    if policy is None or book is None:
        return lambda _: None
    from releasegate.runbook.raising_by_hand import fence  # noqa: PLC0415  loaded by the commands that write

    return fence(policy, book)


def _repository(app: App, policy: Policy | None) -> "Repository":
    """What the change is committed to, as the policy says."""
    if policy is None:
        return app.forge()
    from releasegate.cli.world import changes, require_commits  # noqa: PLC0415  loaded by the commands that write

    require_commits(app, policy, by_itself=False)
    return changes(app, policy, "flags")


def _waiting(
    app: App,
    policy: Policy | None,
    book: "Journal | None",
    changes: Sequence[Change],
    options: Options,
    error: PendingError,
) -> int:
    """Show what waits in a pull request, and keep what it takes away, so that `flags restore` knows it later."""
    file = read_flags(app, options.path, options.dialect, _branch(app, options))
    made = plan(file.content, file.path, changes, options.dialect)
    document = {**_document(made), "commit": None, "live": "", "error": fields_of(error)}
    app.emit(document, _text(made, "NOT LIVE"))
    if policy is not None and book is not None:
        with suppress(ReleasegateError):  # the error that follows is about the pull request
            note(policy, book, Committed(made, None, ""), _branch(app, options) or "")
    return app.report(error, document=False)


def _after(
    app: App, policy: Policy | None, book: "Journal | None", done: Committed, branch: str
) -> tuple[str, OutsideError | None]:
    """Publish, see it live, and record it, as far as a policy says how."""
    if policy is None or book is None:
        return "", None
    from releasegate.cli.clock import SystemClock  # noqa: PLC0415  loaded by the commands that write
    from releasegate.runbook.outside import fetch  # noqa: PLC0415

    return follow(policy, book, done, branch, shell=app.shell(), fetch=fetch, clock=SystemClock())


def restore(app: App, name: str, source: str | None, options: Options) -> int:
    """Give a flag its lines back: from a file, else from the ledger, else from what this checkout remembers."""
    removed = _from_file(app, name, source) if source else _remembered(app, name, options)
    return change(app, [restored(removed)], f"Restore {name}", options)


def _from_file(app: App, name: str, source: str) -> Removed:
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


def _remembered(app: App, name: str, options: Options) -> Removed:
    policy = app.find_policy()
    if policy is not None and not options.in_place:
        from releasegate.cli.world import journal  # noqa: PLC0415  loaded by the commands that need it

        path = in_repository(app, flag_path(options.path, policy))
        found = last_removed(journal(app, policy).events(), name, path)
        if found is not None:
            return found
    note = _notes(app) / f"{name.replace('/', '_')}.json"
    if note.is_file():
        return _from_file(app, name, str(note.resolve()))
    raise FlagError(f"nothing is known that was taken away from `{name}`", remedy="use --from, or git's own history")


def _keep(app: App, made: Plan) -> None:
    """Remember what was taken away, in git's folder of this checkout; outside of one, only the output has it."""
    try:
        folder = _notes(app)
        folder.mkdir(parents=True, exist_ok=True)
        rows = _document(made)["flags"]
        for name, row in (
            (edit.name, rows[edit.name]) for edit in made.edits if edit.goal
        ):  # no restore: it took nothing
            (folder / f"{name.replace('/', '_')}.json").write_text(json.dumps({"flags": {name: row}}), encoding="utf-8")
    except (FlagError, OSError):
        app.say("not in a git repository: to restore later, keep what --format json prints")


def _notes(app: App) -> Path:
    target = Path.absolute(app.directory)
    for root in (target, *target.parents):
        if (root / ".git").is_dir():
            return root / ".git" / "releasegate" / "flags"
    raise FlagError("nothing is remembered outside of a git repository", remedy="use --from")


def _by_hand(app: App, options: Options, names: Sequence[str]) -> str:
    with suppress(FlagError):
        file = read_flags(app, options.path, options.dialect, _branch(app, options))
        return "".join(filter(None, (patch_by_hand(file, name) for name in names)))
    return ""


def _replace(path: Path, made: Plan) -> None:
    """Put the new content in the file's place, whole or not at all; refused if somebody wrote it meanwhile."""
    target = path.resolve()
    draft = target.with_name(f".{target.name}.releasegate")
    try:
        draft.write_bytes(made.content)
        draft.chmod(target.stat().st_mode & 0o7777)
        if target.read_bytes() != made.before:
            raise FlagError("changed meanwhile by somebody else", where=made.path, remedy="run the command again")
        draft.replace(target)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=made.path) from error
    finally:
        draft.unlink(missing_ok=True)


def _document(made: Plan) -> dict[str, Any]:
    proofs = {proof.name: proof.document() for proof in made.proofs}
    flags = {
        edit.name: {
            "text": edit.after.state(edit.name).text,
            "removed": {"before": edit.removed.before, "after": edit.removed.after},
            "proof": proofs.get(edit.name),
        }
        for edit in made.edits
    }
    head = {
        "schema": "releasegate/flag-change/1",
        "file": made.path,
        "dialect": made.dialect,
        "changed": bool(made.edits),
    }
    return {**head, "flags": flags, "warnings": list(made.warnings), "diff": made.diff}


def _text(made: Plan, done: str) -> str:
    if not made.edits:
        return "nothing to change: it is so already"
    proofs = [proof.text for proof in made.proofs if any(edit.name == proof.name for edit in made.edits)]
    return "\n".join([made.diff.rstrip("\n"), *proofs, done])
