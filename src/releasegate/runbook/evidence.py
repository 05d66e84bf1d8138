"""The bytes are kept: artifacts expire, so what a rollout or rollback rests on is stored as one zip.

Its hash is an event of the ledger, so that whoever has the zip later can prove that it is the one.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path, PurePosixPath

from releasegate.errors import OutsideError, ReleasegateError
from releasegate.forge.host import Asset
from releasegate.ledger.state import Release, Rollout, fold
from releasegate.policy.model import EvidenceStore
from releasegate.render.bundle import bundle
from releasegate.runbook.journal import Draft
from releasegate.runbook.races import until_won
from releasegate.runbook.step import Outcome, Step, take
from releasegate.runbook.world import World
from releasegate.verdict import Verdict, rfc3339

DOCUMENTS = ("report.html", "recording.jsonl", "smoke-checklist.md")
"""What a rollout leaves among the documents; a rollback's are called `rollback-*.md`."""
OF = ".rollout"
"""Says of which rollout the documents are: its id, and its candidate's tag."""
LARGEST = 512 * 1024 * 1024
"""Bytes of all files together; what is beyond is named in the manifest, and left out."""
ENDS = ("rollout.settled", "rollback.finished")
"""The kinds of event after which the evidence is to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a procedure leaves behind."""

    tag: str
    """The candidate that it is about."""
    commit: str
    release: str | None = None
    """The release's tag, where it became one."""
    headline: str
    verdicts: Sequence[Verdict] = ()


def keep(world: World, record: Callable[[], Record]) -> Outcome | None:
    """Store the zip as the policy says, and record its hash; None where the policy says nothing.

    What cannot be stored is a failed outcome (exit 4), and undoes nothing.
    """
    store = world.policy.evidence
    if store is None:
        return None
    step = Step("evidence", "keep the evidence", "store one zip", lambda: _keep(world, store, record()))
    return take(step, world.clock)


def of_rollback(world: World, leaving: str | None, headline: str) -> Record:
    """What a rollback from `leaving` leaves; `OutsideError` where nobody knows that release."""
    known = fold(world.journal.known(), world.subject()).release(leaving or "")
    if known is None:
        raise OutsideError(f"the ledger does not know {leaving or 'what was left'}", remedy="keep the document by hand")
    return Record(tag=known.candidate, commit=known.commit, headline=headline)


def make_room(folder: Path, rollout: Rollout) -> None:
    """Put the documents of another rollout aside, into a folder of its own: one job may run several policies."""
    mark, own = folder / OF, f"{rollout.id} {rollout.tag}"
    with suppress(OSError):  # a disk that takes nothing is told where the documents are written
        before = mark.read_text(encoding="utf-8") if mark.is_file() else "before"
        if before == own:
            return
        aside = folder / before.partition(" ")[0]
        for path in _documents(folder):
            aside.mkdir(exist_ok=True)
            path.rename(aside / path.name)
        mark.write_text(own, encoding="utf-8")


def owed(world: World) -> Release | None:
    """The release whose rollout or rollback ended last, where nothing was kept of it since: the run that should have
    died, or could not store it. As the ledger was last read or written.
    """
    events = [event for event in world.journal.known() if event.about(world.subject())]
    state, left = fold(events), None
    for event in events:
        about = state.release(event.subject.get("tag", ""))
        if event.kind in ENDS:
            left = about
        elif event.kind == "evidence.stored" and about == left:
            left = None
    return left


def of_ended(release: Release) -> Record:
    """What is left of a release whose run ended before it could keep anything."""
    became = "was taken back" if release.bad is not None else "is live"
    headline = f"{release.name} {became}; the run that did it ended before this was kept"
    return Record(tag=release.candidate, commit=release.commit, release=release.tag, headline=headline)


def _keep(world: World, store: EvidenceStore, record: Record) -> str:
    files, missing = _collected(world, record)
    content = bundle({**files, "manifest.json": _manifest(world, record, files, missing)})
    digest = sha256(content).hexdigest()
    name = f"{record.tag.replace('/', '-')}-evidence-{digest[:12]}.zip"
    try:
        where = _stored(world, store, record, name, content)
    except ReleasegateError as error:
        raise OutsideError(f"the evidence is NOT kept: {error.what}", where=error.where, remedy=error.remedy) from error
    until = rfc3339(world.clock.now() + timedelta(seconds=store.retain))
    facts = {"name": name, "sha256": digest, "bytes": len(content), "store": store.store, "where": where}
    subject = world.subject(record.tag, record.commit)
    world.journal.record(Draft("evidence.stored", subject, {**facts, "until": until, "missing": list(missing)}))
    lost = f"; {len(missing)} files were not there any more: {', '.join(missing[:3])}" if missing else ""
    return f"{len(files)} files, {len(content)} bytes, SHA-256 {digest}: {where}{lost}"


def _collected(world: World, record: Record) -> tuple[dict[str, bytes], list[str]]:
    """The files by their names in the zip, and what the verdicts rest on that is not there as it was judged."""
    known = fold(world.journal.known(), world.subject()).release(record.tag)
    names = {record.tag, known.tag or record.tag} if known else {record.tag}
    paths = [path for path in _documents(world.documents) if _is_of(path, names)]
    files: dict[str, bytes] = {}
    missing = []
    for path in paths:
        try:
            files[path.name] = path.read_bytes()
        except OSError:
            missing.append(path.name)
    judged, recording = _judged(world, record.tag)
    if recording is not None and recording not in {*files, *missing}:
        missing.append(recording)
    judged.update((one.path, one.sha256) for verdict in record.verdicts for one in verdict.evidence)
    missing += _add_evidence(world, judged, files)
    if record.verdicts:
        told = [verdict.document() for verdict in record.verdicts]
        files["verdicts.json"] = _json(told)
    return files, missing


def _documents(folder: Path) -> list[Path]:
    """What a rollout or rollback left in `folder`."""
    found = [folder / name for name in DOCUMENTS]
    return [path for path in (*found, *sorted(folder.glob("rollback-*.md"))) if path.is_file()]


def _is_of(path: Path, names: Collection[str]) -> bool:
    """Whether the document is about a release with one of these tags, as far as can be told."""
    if path.name not in DOCUMENTS:
        return path.name in {f"rollback-{name.replace('/', '-')}.md" for name in names}
    try:
        return (path.parent / OF).read_text(encoding="utf-8").partition(" ")[2] in names
    except OSError:
        return True  # no rollout ran here


def _judged(world: World, tag: str) -> tuple[dict[str, str], str | None]:
    """What the ledger has the newest verdicts on `tag` rest on, path to SHA-256, and the name of its recording."""
    stages: dict[str, dict[str, str]] = {}
    recording: str | None = None
    for event in world.journal.known():
        if not event.about(world.subject(tag)):
            continue
        if event.kind == "gates.judged":
            files = event.data.get("evidence")
            stages[str(event.data.get("stage"))] = {
                str(one["path"]): str(one["sha256"]) for one in (files if isinstance(files, list) else ())
            }
        elif event.kind == "canary.decided":
            recording = str(event.data["recording"]["path"])
    return {path: digest for files in stages.values() for path, digest in files.items()}, recording


def _add_evidence(world: World, judged: Mapping[str, str], files: dict[str, bytes]) -> Iterable[str]:
    """Add each file that was judged, if its bytes still have the SHA-256 that they had then; else give its path."""
    total = sum(map(len, files.values()))
    for path, digest in judged.items():
        try:
            content = world.read(path)
        except ReleasegateError:
            content = b""
        if sha256(content).hexdigest() != digest or total + len(content) > LARGEST:
            yield path
            continue
        total += len(content)
        parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..", ".")]
        files["/".join(["evidence", *parts])] = content


def _manifest(world: World, record: Record, files: Mapping[str, bytes], missing: Sequence[str]) -> bytes:
    listed = [
        {"name": name, "sha256": sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(files.items())
    ]
    head = {"schema": "releasegate/evidence/1", **world.subject(record.tag, record.commit), "release": record.release}
    return _json({**head, "headline": record.headline, "files": listed, "missing": list(missing)})


def _json(document: object) -> bytes:
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")


def _stored(world: World, store: EvidenceStore, record: Record, name: str, content: bytes) -> str:
    """Put it where the policy says, once, and say where that is."""
    if store.store == "repository":
        return _committed(world, store.branch, f"{world.policy.service}/{world.policy.environment}/{name}", content)
    if store.store == "command":
        path = world.documents / name
        try:
            path.write_bytes(content)
        except OSError as error:
            raise OutsideError(f"cannot be written: {error.strerror}", where=str(path)) from error
        values = {"file": str(path), "name": name, "tag": record.tag, "commit": record.commit}
        printed = world.shell(store.command or (), {**values, "sha256": sha256(content).hexdigest()})
        return printed.rpartition("\n")[2] or (store.command or ("",))[0]
    if world.host is None:
        raise OutsideError("a plain git repository has no releases", remedy="write evidence: {store: repository}")
    title = record.release or record.tag
    notes = f"{record.headline}\n\nEvidence: `{name}`, SHA-256 `{sha256(content).hexdigest()}`\n"
    asset = Asset(name, content, "application/zip")
    return world.host.release(title, title, notes, [asset], prerelease=record.release is None)


def _committed(world: World, branch: str, path: str, content: bytes) -> str:
    """Commit it to a branch of its own."""

    def attempt() -> str:
        head = world.forge.branch_head(branch)
        if head is None or world.forge.read(path, head) is None:
            world.forge.commit(branch, {path: content}, f"Keep {PurePosixPath(path).name}\n", parent=head)
        return f"{branch}:{path}"

    return until_won(attempt)
