"""Finding Lighthouse's reports: single files, folders as LHCI leaves them, and artifacts as zips."""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import PurePath

import msgspec

from releasegate.cli.app import App
from releasegate.cli.evidence import LARGEST, Source, unusable
from releasegate.errors import InconclusiveError, ReleasegateError
from releasegate.gates.subject import SUBJECT_FILE
from releasegate.verdict import Finding

LHCI_REPORT = re.compile(r"lhr-[0-9]+\.json")
NO_REPORTS = {"manifest.json", "assertion-results.json", "links.json", SUBJECT_FILE}
Files = Mapping[str, Source]
"""The files of one folder, by name."""


def find_reports(app: App, path: str) -> tuple[list[Source], list[Finding]]:
    """The reports that `path` stands for (and the subject files among them), and what is missing.

    A folder below the one that was named counts where that one holds no report itself.
    """
    target = app.directory / path
    if target.is_dir():
        folders = _folders(path, ((name, partial(app.read, name, limit=LARGEST)) for name in _names(app, path)))
    elif PurePath(path).suffix == ".zip" and target.is_file():
        from releasegate.gates.archive import Archive  # noqa: PLC0415  most reports are plain files

        try:
            archive = Archive(app.read(path, limit=LARGEST), path)
        except ReleasegateError as error:
            return [], [unusable(error)]
        folders = _folders(path, ((f"{path}/{name}", partial(archive.read, name)) for name in archive.names))
    else:
        return [Source(path, partial(app.read, path, limit=LARGEST))], []
    own = folders.get(str(PurePath(path)), {})
    chosen = [_choose(files) for files in ([own] if _choose(own)[0] else folders.values())]
    if not any(found for found, _ in chosen):
        chosen.append((_any_json(own), []))
    stamps = [files[SUBJECT_FILE] for files in folders.values() if SUBJECT_FILE in files]
    return [source for found, _ in chosen for source in found] + stamps, [one for _, lost in chosen for one in lost]


def _names(app: App, folder: str) -> list[str]:
    root = app.directory / folder
    return [str(PurePath(folder) / path.relative_to(root)) for path in sorted(root.rglob("*.json")) if path.is_file()]


def _folders(root: str, files: Iterable[tuple[str, partial[bytes]]]) -> dict[str, dict[str, Source]]:
    """The files by their folders, the named one first."""
    found: dict[str, dict[str, Source]] = {str(PurePath(root)): {}}
    for path, read in files:
        found.setdefault(str(PurePath(path).parent), {})[PurePath(path).name] = Source(path, read)
    return found


def _choose(files: Files) -> tuple[list[Source], list[Finding]]:
    """The reports of one folder: LHCI's own, else those of its manifest, else `*.report.json`.

    A manifest that names more runs than are there tells that some were lost on the way.
    """
    try:
        listed = _manifest(files["manifest.json"]) if "manifest.json" in files else []
    except ReleasegateError as error:
        return [], [unusable(error)]
    kinds = (
        [source for name, source in files.items() if LHCI_REPORT.fullmatch(name)],
        [files[name] for name in listed if name in files],
        [source for name, source in files.items() if name.endswith(".report.json")],
    )
    found = next((kind for kind in kinds if kind), [])
    lost = len(listed) - len(found)
    if lost <= 0:
        return found, []
    what = f"{lost} of the {len(listed)} runs of its manifest are missing"
    return found, [unusable(InconclusiveError(what, where=files["manifest.json"].path))]


def _any_json(files: Files) -> list[Source]:
    return [source for name, source in files.items() if name not in NO_REPORTS and name.endswith(".json")]


class _Entry(msgspec.Struct):
    jsonPath: str  # noqa: N815  as LHCI spells it


def _manifest(source: Source) -> list[str]:
    """The names of the manifest's reports; their folders are those of the machine that ran Lighthouse."""
    try:
        entries = msgspec.json.decode(source.read(), type=list[_Entry])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InconclusiveError(f"is no manifest of LHCI: {error}", where=source.path) from error
    return list(dict.fromkeys(re.split(r"[/\\]", entry.jsonPath)[-1] for entry in entries))
