"""Reading commits and tags from git's own object format, which no configuration changes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from releasegate.errors import InconclusiveError
from releasegate.forge.git import Git
from releasegate.forge.port import Change, Commit, Tag
from releasegate.forge.refs import common_directory, is_shallow
from releasegate.gates.changes import IncomingCommit

GONE = re.compile(r"0+\Z")


def commits(git: Git, head: str, since: str | None) -> Sequence[Commit]:
    """The commits from `since` (left out) to `head`, oldest first; parents come before their children."""
    if head == since:  # most often nothing is new, and git need not be asked three times to say so
        return []
    shas, headers = _listed(git, head, since)
    parents = [tuple(header.get("parent", ())) for header in headers]
    changes = _changes(git, shas, parents)
    return [_commit(*facts) for facts in zip(shas, parents, headers, changes, strict=True)]


def incoming(git: Git, older: str, newer: str) -> Sequence[IncomingCommit]:
    """The commits that `newer` holds and `older` does not, oldest first, with the paths that they changed."""
    shas, headers = _listed(git, newer, older)
    paths: dict[str, list[str]] = {sha: [] for sha in shas}
    for sha, _, path, _ in _differences(git, shas, [header.get("parent", ()) for header in headers], "--no-renames"):
        paths[sha].append(path)
    return [
        IncomingCommit(
            sha=sha,
            author=_person(header.get("author", [""])[0])[0],
            message=header["message"][0],
            paths=tuple(paths[sha]),
            pull_requests=None,
        )
        for sha, header in zip(shas, headers, strict=True)
    ]


def _listed(git: Git, head: str, since: str | None) -> tuple[Sequence[str], Sequence[Mapping[str, list[str]]]]:
    limits = [head] if since is None else [head, f"^{since}"]
    shas = git.ok("rev-list", "--topo-order", "--reverse", *limits, "--").text.split()
    _refuse_cut_history(git, shas)
    return shas, [_header(content) for _, _, content in _present(git, shas)]


def tag(name: str, kind: str, content: bytes, commit: str) -> Tag:
    """The tag `name`, whose ref points to an object of type `kind` (`tag` or `commit`) with this `content`."""
    header = _header(content)
    annotated = kind == "tag"
    _, moment = _person(header.get("tagger" if annotated else "committer", [""])[0])
    return Tag(name, commit, header["message"][0] if annotated else "", annotated, moment)


def _commit(sha: str, parents: tuple[str, ...], header: Mapping[str, list[str]], changes: tuple[Change, ...]) -> Commit:
    author, _ = _person(header.get("author", [""])[0])
    _, moment = _person(header.get("committer", [""])[0])
    return Commit(sha, parents, author, moment, header["message"][0], changes)


def _refuse_cut_history(git: Git, shas: Sequence[str]) -> None:
    if not is_shallow(git):
        return
    boundary = set((common_directory(git) / "shallow").read_text(encoding="ascii").split())
    if boundary.intersection(shas):
        raise InconclusiveError(
            "this clone is shallow and hides older commits", remedy="run `git fetch --unshallow` and try again"
        )


def _present(git: Git, names: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
    for name, found in zip(names, git.objects(names), strict=True):
        if found is None:
            raise InconclusiveError(f"the object {name} is missing from this clone", remedy="run `git fsck`")
        yield found


def _header(content: bytes) -> Mapping[str, list[str]]:
    """A commit's or tag's header lines by name, and its text as `message`."""
    head, _, message = content.partition(b"\n\n")
    lines: dict[str, list[str]] = {"message": [message.decode("utf-8", "replace")]}
    for line in head.decode("utf-8", "replace").split("\n"):
        key, _, value = line.partition(" ")
        if key:  # a line that begins with a space continues a signature
            lines.setdefault(key, []).append(value)
    return lines


def _person(line: str) -> tuple[str, datetime]:
    """The name and the moment of `Name <email> 1700000000 +0100`."""
    found = re.match(r"(.*?) ?<.*> (-?\d+) [+-]\d+\Z", line, re.DOTALL)
    if found is None:
        return line, datetime.fromtimestamp(0, UTC)
    try:
        return found[1], datetime.fromtimestamp(int(found[2]), UTC)
    except (OverflowError, ValueError, OSError):
        return found[1], datetime.fromtimestamp(0, UTC)


def _changes(git: Git, shas: Sequence[str], parents: Sequence[Sequence[str]]) -> list[tuple[Change, ...]]:
    """What each commit changed against its first parent."""
    found = _differences(git, shas, parents, "-M")
    blobs = [blob for _, _, _, blob in found if not GONE.match(blob)]
    contents = dict(zip(blobs, (item[2] if item else b"" for item in git.objects(blobs)), strict=True))
    by_commit: dict[str, list[Change]] = {sha: [] for sha in shas}
    for sha, status, path, blob in found:
        by_commit[sha].append(Change(status, path, contents.get(blob, b"")))
    return [tuple(by_commit[sha]) for sha in shas]


def _differences(
    git: Git, shas: Sequence[str], parents: Sequence[Sequence[str]], renames: str
) -> list[tuple[str, str, str, str]]:
    """What differs between each commit and its first parent: commit, status, path and blob."""
    asked = "".join(f"{sha} {own[0]}\n" if own else f"{sha}\n" for sha, own in zip(shas, parents, strict=True))
    arguments = ("--stdin", "-r", "-z", "--root", renames, "--raw", "--no-abbrev", "--no-ext-diff", "--always")
    raw = git.ok("diff-tree", *arguments, stdin=asked.encode()).stdout
    return list(_entries(raw.decode("utf-8", "surrogateescape").split("\0"), set(shas)))


def _entries(fields: Sequence[str], shas: set[str]) -> Iterator[tuple[str, str, str, str]]:
    """Commit, status, path and blob of each entry of `diff-tree -z --raw`; a rename's path is the new one."""
    commit = ""
    position = 0
    while position < len(fields):
        field = fields[position]
        position += 1
        if field in shas:
            commit = field
        elif field.startswith(":"):
            _, _, _, blob, status = field.split(" ")
            position += 2 if status[0] in "RC" else 1
            yield commit, status[0], fields[position - 1], blob
