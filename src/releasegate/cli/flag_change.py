"""A change of flags: on disk, as a patch, or committed, published and seen live."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from releasegate.cli.app import App, fields_of
from releasegate.cli.flag_file import flag_path, in_repository, read_flags
from releasegate.cli.flag_memory import from_file, keep, remembered
from releasegate.errors import (
    FenceError,
    FlagError,
    InputError,
    OutsideError,
    PendingError,
    ReleasegateError,
    RepositoryError,
    UnsafeEditError,
)
from releasegate.flags.by_hand import patch_off
from releasegate.flags.document import FlagFile
from releasegate.policy.model import Policy
from releasegate.runbook.flags import (
    Change,
    Committed,
    Plan,
    commit_changes,
    follow,
    note,
    plan,
    restored,
)
from releasegate.runbook.proposal import withdrawn

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
    once(words[::2])
    return list(zip(words[::2], words[1::2], strict=True))


def once(names: Sequence[str]) -> None:
    """Refuse a flag that is named twice: what the first change took away would be forgotten."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise click.UsageError(f"`{twice}` is named twice")


def change(
    app: App, changes: Sequence[Change], title: str, options: Options, off: Mapping[str, str | None] | None = None
) -> int:
    """Make the changes where the options say. Flags that go `off` get a patch for a person where no edit is safe."""
    policy = app.find_policy()
    if policy is not None and policy.flags.commit == "patch" and not options.in_place:
        options = replace(options, patch=options.patch or "-")
    try:
        if options.in_place or options.dry_run or options.patch:
            return _without_commit(app, changes, options)
        return _with_commit(app, policy, changes, title, options)
    except UnsafeEditError as error:
        if off is None:
            raise
        file = read_flags(app, options.path, options.dialect, _branch(app, options))
        patch = patch_off(file, off)
        by_hand = "apply the patch above by hand and commit it" if patch else "switch it off by hand"
        left = OutsideError(f"NOT OFF: {error}", remedy=by_hand)
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
        keep(app, made, flag_path(options.path, app.find_policy()))
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
    if policy is not None:
        from releasegate.cli.world import require_commits  # noqa: PLC0415  loaded by the commands that write

        require_commits(app, policy, by_itself=False)
    undoing, book = _undoing(app, policy, changes, branch, path, options.dialect), _book(app, policy)
    repository = _repository(app, policy, undoing)
    try:
        done = commit_changes(
            repository, path, branch, changes, title,
            reason=options.reason, dialect=options.dialect, fence=_fence(policy, book),
        )  # fmt: skip
    except PendingError as error:
        return _waiting(app, policy, book, changes, options, error)
    if done.commit is None and (closed := withdrawn(undoing)):
        app.say(closed)
    for warning in done.plan.warnings:
        app.say(f"WARNING: {warning}")
    if done.commit and policy is None:
        keep(app, done.plan, flag_path(options.path, policy))
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


def _undoing(
    app: App, policy: Policy | None, changes: Sequence[Change], branch: str, path: str, dialect: str | None
) -> Callable[[], str]:
    """Closes the pull requests that would undo those of `changes` that raise nothing, and says which."""
    if policy is None or policy.flags.commit != "pull-request":
        return lambda: ""
    from releasegate.runbook.raising_by_hand import taking_back  # noqa: PLC0415  loaded by the commands that write
    from releasegate.runbook.withdrawal import Withdrawal  # noqa: PLC0415

    found = app.forge().read(path, branch)
    lowers = {} if found is None else taking_back(FlagFile.parse(found.content, path, dialect), changes)
    return Withdrawal(app.forge(), app.host, branch, path, lowers, dialect)


def _repository(app: App, policy: Policy | None, undoing: Callable[[], str]) -> "Repository":
    """What the change is committed to, as the policy says."""
    if policy is None:
        return app.forge()
    from releasegate.cli.world import changes  # noqa: PLC0415  loaded by the commands that write

    return changes(app, policy, "flags", undoing)


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
    _fence_again(app, policy, book, made, options)
    document = {**_document(made), "commit": None, "live": "", "error": fields_of(error)}
    app.emit(document, _text(made, "NOT LIVE"))
    if policy is not None and book is not None:
        with suppress(ReleasegateError):  # the error that follows is about the pull request
            note(policy, book, Committed(made, None, ""), _branch(app, options) or "")
    return app.report(error, document=False)


def _fence_again(app: App, policy: Policy | None, book: "Journal | None", made: Plan, options: Options) -> None:
    """`FenceError` where a rollback came while a raise waited for its merge; that has seen nothing, so it is closed.

    Where the ledger does not answer nothing is said: the error that follows is about the pull request.
    """
    with suppress(OutsideError):
        try:
            _fence(policy, book)(made)
        except FenceError:
            from releasegate.runbook.raising_by_hand import taken_back  # noqa: PLC0415  loaded by the commands that write
            from releasegate.runbook.withdrawal import Withdrawal  # noqa: PLC0415

            back = {} if policy is None else taken_back(policy)
            mine = {edit.name: back[edit.name] for edit in made.edits if edit.name in back}
            branch = _branch(app, options) or ""
            app.say(withdrawn(Withdrawal(app.forge(), app.host, branch, made.path, mine, options.dialect)))
            raise


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
    removed = (
        from_file(app, name, source) if source else remembered(app, name, options.path, ledger=not options.in_place)
    )
    return change(app, [restored(removed)], f"Restore {name}", options)


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
