"""Reading evidence for the gates: bytes from files, and the commit that they belong to."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePath
from typing import TypeVar

from releasegate.cli.app import App
from releasegate.errors import InconclusiveError, InputError, ReleasegateError, UsageError
from releasegate.gates.document import LARGEST as LARGEST_DOCUMENT
from releasegate.gates.subject import SUBJECT_FILE, Stamp, bind, checked_commit, read_stamp
from releasegate.gates.waivers import Waiver, read_waivers
from releasegate.verdict import Evidence, Finding, Level, Subject

T = TypeVar("T")
LARGEST = 512 * 1024 * 1024
"""Bytes; no report of any tool comes near, and what is larger would only fill the memory."""


def unusable(error: ReleasegateError) -> Finding:
    """The finding that stands for evidence which is there but cannot be read."""
    return Finding(
        check="evidence",
        level=Level.ERROR,
        title=f"unusable: {error.what}{f'; {error.remedy}' if error.remedy else ''}",
        where=error.where or "",
        unusable=True,
    )


def waivers_in(app: App, path: str | None) -> tuple[Waiver, ...]:
    """The accepted findings in the file that the user named; none where none is named."""
    return read_waivers(app.read(path, limit=LARGEST_DOCUMENT), path) if path else ()


@dataclass(frozen=True, slots=True)
class Source:
    """A file of evidence, on the disk or in a zip; its bytes are read when they are wanted."""

    path: str
    read: Callable[[], bytes]


def gather(app: App, paths: Iterable[str], suffixes: Collection[str]) -> tuple[list[Source], list[Finding]]:
    """The files that `paths` stand for, and what could not be read.

    A path is a file, a zip, a folder, or a pattern; of zips and folders the files with one of `suffixes` count, and the
    subject files. `InputError` where a path that is no pattern is not there.
    """
    sources: list[Source] = []
    broken: list[Finding] = []
    for path in paths:
        found: list[Source] = []
        before = len(broken)
        for name in matching(app, path, "*"):
            try:
                found += _opened(app, name, suffixes, named=name == path)
            except ReleasegateError as error:
                if not (app.directory / name).exists():
                    raise
                broken.append(unusable(error))
        if len(broken) == before and all(is_subject(source.path) for source in found):
            what = f"holds no report ({', '.join(sorted(suffixes))})"
            broken.append(unusable(InconclusiveError(what, where=path, remedy="was it made, and fetched?")))
        sources += found
    return sources, broken


def read_each(
    app: App, sources: Sequence[Source], parse: Callable[[bytes, str], Iterable[T]]
) -> tuple[list[T], list[Evidence], list[Finding]]:
    """What `parse` finds in the reports, the bytes that it came from, and what could not be read."""
    read: list[T] = []
    evidence: list[Evidence] = []
    problems: list[Finding] = []
    for source in sources:
        if is_subject(source.path):
            continue
        try:
            content = source.read()
            evidence.append(Evidence.of(source.path, content))
            read += parse(content, source.path)
        except (InputError, InconclusiveError) as error:
            there = (app.directory / source.path).exists() or ".zip/" in source.path
            if isinstance(error, InputError) and not there:
                raise
            problems.append(unusable(error))
    return read, evidence, problems


def read_again(app: App, path: str) -> bytes:
    """The bytes of what a verdict rests on, by the path that it names.

    `InputError` or `InconclusiveError` if it is gone.
    """
    archive, inside, member = path.partition(".zip/")
    if not inside:
        return app.read(path)
    from releasegate.gates.archive import Archive  # noqa: PLC0415  most reports are plain files

    opened = Archive(app.read(f"{archive}.zip"), path)
    if member not in opened.names:
        raise InconclusiveError("is not in its zip any more", where=path)
    return opened.read(member)


def _opened(app: App, name: str, suffixes: Collection[str], *, named: bool) -> list[Source]:
    """The file `name`, or the files in it; nothing where it is no report and nobody named it."""
    target = app.directory / name
    if target.is_file() and target.stat().st_size > LARGEST:
        what = f"is larger than {LARGEST // 2**20} MiB"
        raise InconclusiveError(what, where=name, remedy="is this a report?")
    if PurePath(name).suffix == ".zip":
        from releasegate.gates.archive import Archive  # noqa: PLC0415  most reports are plain files

        archive = Archive(app.read(name), name)
        wanted = [one for one in archive.names if _wanted(one, suffixes)]
        return [Source(f"{name}/{one}", partial(archive.read, one)) for one in wanted]
    return [Source(name, partial(app.read, name))] if named or _wanted(name, suffixes) else []


def _wanted(name: str, suffixes: Collection[str]) -> bool:
    return PurePath(name).suffix in suffixes or is_subject(name)


def subject(
    app: App, paths: Iterable[str], commit: str | None, sources: Sequence[Source] = ()
) -> tuple[Subject, datetime | None, tuple[Finding, ...]]:
    """The commit of the evidence at `paths` (files, or folders of them), its time, and what speaks against it.

    It comes from the subject files beside the evidence, or among its `sources`, else from `commit`; with none the
    subject is empty.
    """
    stamps: list[Stamp] = []
    broken: list[Finding] = []
    beside = {str(_beside(app, path)): partial(app.read, _beside(app, path), limit=1_000_000) for path in paths}
    files: dict[str, Callable[[], bytes]] = {
        name: read for name, read in beside.items() if (app.directory / name).is_file()
    }
    files |= {source.path: source.read for source in sources if is_subject(source.path)}
    for name, read in files.items():
        try:
            stamps.append(read_stamp(read(), name))
        except (InputError, InconclusiveError) as error:
            broken.append(unusable(error))
    if commit is not None:
        stamps.append(Stamp(checked_commit(commit, "--commit"), origin="--commit"))
    found, committed, wrong = bind(stamps)
    said = [PurePath(stamp.origin).parent for stamp in stamps]
    untold = () if commit is not None or not stamps else _untold((source.path for source in sources), said)
    return found, committed, (*broken, *wrong, *untold)


def _untold(paths: Iterable[str], stamped: Collection[PurePath]) -> tuple[Finding, ...]:
    """What speaks of no commit while the rest does: a stamp is for its own folder and what lies below, for no other."""
    folders = {PurePath(path).parent for path in paths if not is_subject(path)}
    bare = sorted(str(one) for one in folders if not any(at in (one, *one.parents) for at in stamped))
    what = "tells no commit, although other evidence of this gate does"
    return tuple(
        unusable(InconclusiveError(what, where=folder, remedy=f"releasegate gate stamp {folder}")) for folder in bare
    )


def is_subject(path: str) -> bool:
    """Whether this is the name of a subject file, which tells of evidence and is none."""
    return PurePath(path).name == SUBJECT_FILE


def commit_time(app: App, commit: str) -> datetime | None:
    """When the commit was made, as far as the checkout's repository knows it."""
    from releasegate.forge.git import Git  # noqa: PLC0415  keeps `gate --help` fast

    try:
        return datetime.fromisoformat(Git(app.directory).ok("show", "-s", "--format=%cI", commit).text)
    except (UsageError, ValueError):
        return None


def _beside(app: App, path: str) -> PurePath:
    folder = Path(path) if (app.directory / path).is_dir() else Path(path).parent
    return folder / SUBJECT_FILE


def matching(app: App, path: str, inside: str) -> list[str]:
    """The files that `path` stands for: itself, those called `inside` in the folder that it is, or those that match.

    A path without `*`, `?` or `[` is returned as it is, whether it is there or not.
    """
    target = app.directory / path
    if target.is_dir():
        found = [name for name in sorted(target.rglob(inside)) if name.is_file()]
    elif not target.exists() and any(letter in path for letter in "*?["):
        pattern = PurePath(path)
        root = Path(pattern.anchor) if pattern.anchor else app.directory
        try:
            found = [name for name in sorted(root.glob(str(pattern.relative_to(pattern.anchor)))) if name.is_file()]
        except ValueError as error:  # such as `**.xml`
            raise InputError(f"no pattern: {error}", where=path, remedy="write it as in `reports/**/*.xml`") from error
    else:
        return [path]
    absolute = PurePath(path).is_absolute()
    return [str(name if absolute else name.relative_to(app.directory)) for name in found]
