"""Changes of flags that are committed: any number of them in one commit, with compare-and-swap on the file.

They are published and seen live as the policy says, recorded in the ledger, and found there again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from releasegate.errors import FlagError, OutsideError, ReleasegateError
from releasegate.flags.document import Edit, FlagFile, Removed, unified_diff
from releasegate.flags.proof import Proof, decide
from releasegate.ledger.event import Event
from releasegate.policy.model import Policy
from releasegate.runbook.clock import Clock
from releasegate.runbook.journal import Draft, Journal
from releasegate.runbook.outside import Fetch, Shell
from releasegate.runbook.publish import deadline_of, go_live
from releasegate.runbook.races import until_won
from releasegate.traffic.flag import Repository

CHANGED = "flag.changed"
"""The event that keeps what a change took away."""

Change = Callable[[FlagFile], Edit | None]
"""One edit, made of the file as it is when it is its turn; None if nothing is to be changed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Edits of one file, each made on the one before it and proved as far as it can be."""

    path: str
    dialect: str
    before: bytes
    content: bytes
    edits: tuple[Edit, ...]
    """Those that change something."""
    proofs: tuple[Proof, ...]
    warnings: tuple[str, ...]
    """What is done although it is not proved."""

    @property
    def diff(self) -> str:
        """The unified diff of all edits together."""
        return unified_diff(self.before, self.content, self.path)


@dataclass(frozen=True, slots=True)
class Committed:
    """A plan that was carried out."""

    plan: Plan
    commit: str | None
    """None if there was nothing to change."""
    blob: str
    """Git's id of the file's content now."""


def plan(content: bytes, path: str, changes: Sequence[Change], dialect: str | None = None) -> Plan:
    """Make `changes` one after the other; `FlagError` if one of them cannot be made, or is a raise without proof."""
    file, edits, proofs, warnings = FlagFile.parse(content, path, dialect), [], [], []
    for change in changes:
        edit = change(file)
        if edit is None:
            continue
        file = edit.after
        proof, missing = decide(edit)
        proofs += [proof] if proof else []
        warnings += [f"{edit.name} is lowered WITHOUT PROOF ({missing}): see that it takes effect"] if missing else []
        edits += [edit] if edit.changed else []
    return Plan(path, file.dialect, content, file.content, tuple(edits), tuple(proofs), tuple(warnings))


def commit_changes(
    forge: Repository,
    path: str,
    branch: str,
    changes: Sequence[Change],
    title: str,
    *,
    reason: str,
    dialect: str | None = None,
    fence: Callable[[Plan], None] = lambda _: None,
) -> Committed:
    """Commit `changes` to the file at the head of `branch`. On a lost race it is read again and decided again.

    `fence` looks at what is about to be committed, and once more after it: a rollback that came between has seen
    nothing to lower. Where it raises then, whatever it raises, the change is taken back and the error passed on;
    `OutsideError` where that cannot be done.
    """

    def attempt() -> Committed:
        found = forge.read(path, branch)
        if found is None:
            where = f"{branch}:{path}"
            raise FlagError("there is no such flag file", where=where, remedy="commit it first, or name it with --file")
        planned = plan(found.content, path, changes, dialect)
        if not planned.edits:
            return Committed(planned, None, found.blob)
        fence(planned)
        message = f"{title}\n\n{reason}\n" if reason else f"{title}\n"
        commit = forge.replace(branch, path, planned.content, message, blob=found.blob, parent=found.commit)
        written = forge.read(path, commit)
        return Committed(planned, commit, written.blob if written else "")

    done = until_won(attempt)
    try:
        fence(done.plan)
    except ReleasegateError as error:
        back = [restored(edit.removed) for edit in reversed(done.plan.edits)]
        try:
            commit_changes(forge, path, branch, back, f"Take back: {title}", reason=error.what, dialect=dialect)
        except FlagError:  # the rollback, or somebody else, has changed it since
            raise error from None
        except ReleasegateError as second:
            what = f"{title} is committed in {(done.commit or '')[:12]}, and could not be taken back ({second.what})"
            raise OutsideError(f"{what}: {error.what}", remedy="revert that commit by hand") from second
        raise
    return done


def restored(removed: Removed) -> Change:
    """Give the lines back that an edit took away."""
    return lambda file: file.restore(removed)


def facts(committed: Committed, branch: str) -> list[Mapping[str, Any]]:
    """What the ledger keeps of each edit: with `removed`, `flags restore` gives the old bytes back."""
    return [
        {
            "flag": edit.name,
            "file": committed.plan.path,
            "branch": branch,
            "commit": committed.commit,
            "blob": committed.blob,
            "removed": {"before": edit.removed.before, "after": edit.removed.after},
            "restored": edit.goal is None,
        }
        for edit in committed.plan.edits
    ]


def follow(
    policy: Policy, journal: Journal, done: Committed, branch: str, *, shell: Shell, fetch: Fetch, clock: Clock
) -> tuple[str, OutsideError | None]:
    """Publish a change, see it live, and record it: since when it is live, and the first thing that is missing.

    The change stays, whatever fails after it.
    """
    live, missing = "", None
    try:
        if policy.flags.publish or policy.flags.live:
            live = go_live(policy.flags, done.blob, deadline=deadline_of(policy), shell=shell, fetch=fetch, clock=clock)
    except ReleasegateError as error:
        missing = _after_all(error)
    try:
        note(policy, journal, done, branch)
    except ReleasegateError as error:
        missing = missing or _after_all(error)
    return live, missing


def note(policy: Policy, journal: Journal, done: Committed, branch: str) -> None:
    """Record what a change took away; nothing where it changed nothing."""
    subject = {"service": policy.service, "environment": policy.environment}
    drafts = [Draft(CHANGED, subject, fact) for fact in facts(done, branch)]
    if drafts:
        journal.record(*drafts)


def _after_all(error: ReleasegateError) -> OutsideError:
    said = error.what if error.what.startswith("committed, ") else f"committed, but {error.what}"
    return OutsideError(said, where=error.where, remedy=error.remedy)


def last_removed(events: Sequence[Event], name: str, path: str) -> Removed | None:
    """What the newest change of `name` in the file `path` took away; None if the ledger knows of none."""
    for event in reversed(events):
        about = (event.data.get("flag"), event.data.get("file")) == (name, path)
        removed = event.data.get("removed")
        if event.kind == CHANGED and about and not event.data.get("restored") and isinstance(removed, Mapping):
            return Removed(name, str(removed.get("before")), str(removed.get("after")))
    return None
