"""Files, commits and histories on GitHub, without a checkout."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from releasegate.errors import InconclusiveError, RaceError, RefusedError, RepositoryError
from releasegate.forge.github import contents, refs
from releasegate.forge.github.api import Api
from releasegate.forge.github.mirror import Mirror
from releasegate.forge.github.parts import SHA, at, blob_id, checked, decoded, moment, refuse_odd
from releasegate.forge.github.queries import COMMIT, FILE, graphql_or_none
from releasegate.forge.port import Change, Commit, FileAt

STATUS = {"added": "A", "modified": "M", "removed": "D", "renamed": "R", "changed": "T", "copied": "C"}
MOST_FILES = 300
"""GitHub tells of no more files of one commit in one answer."""


def resolve(api: Api, revision: str) -> str:
    """The commit that a branch, tag or (short) id stands for."""
    fault = RepositoryError(
        f"there is no branch, tag or commit `{revision}` on GitHub", remedy="is it spelled right, and pushed?"
    )
    try:
        named = quote(checked(revision), safe="/")
        return str(api.get(f"commits/{named}", per_page=1)["sha"])
    except RepositoryError as error:
        raise fault from error
    except RefusedError as error:
        if error.status in (404, 409, 422):
            raise fault from error
        raise


def read(api: Api, path: str, branch: str) -> FileAt | None:
    """The file at the head of `branch` (or at a commit): one request, mostly."""
    names = dict.fromkeys((at(checked(branch)), branch))  # a tag or short id is asked for where there is no such branch
    head = next(filter(None, (_head_with(api, path, name) for name in names)), None)
    if api.without_graphql:
        return _read_rest(api, path, branch)
    if head is None:
        raise RepositoryError(
            f"there is no branch, tag or commit `{branch}` on GitHub", remedy="is it spelled right, and pushed?"
        )
    file = head["file"]
    if file is None:
        return None
    refuse_odd(file["type"], file["mode"] == 0o120000, f"{branch}:{path}")
    blob = file["object"]
    content = (blob["text"] or "").encode()
    if blob["isTruncated"] or blob["isBinary"] or blob_id(content) != blob["oid"]:
        content = decoded(api.get(f"git/blobs/{blob['oid']}"), blob["oid"])
    return FileAt(path, content, blob["oid"], head["oid"])


def _head_with(api: Api, path: str, expression: str) -> Mapping[str, Any] | None:
    """GraphQL's answer about a commit and a file in it; None without that commit, or without GraphQL."""
    owner, name = api.repository.split("/")
    data = graphql_or_none(api, FILE, {"owner": owner, "name": name, "revision": expression, "path": path})
    return ((data or {}).get("repository") or {}).get("head") or None


def _read_rest(api: Api, path: str, branch: str) -> FileAt | None:
    found = contents.read(api, path, branch)
    if found is not None or SHA.fullmatch(branch):
        return found
    if branch != "HEAD" and refs.get(api, "heads", branch) is not None:  # it is the file that is not there
        return None
    return contents.read(api, path, resolve(api, branch))


def files(api: Api, folder: str, commit: str) -> set[str]:
    """The path of every file below `folder`: one request for each part of the folder's path."""
    tree = _tree(api, commit)
    for part in folder.split("/"):
        entries = _entries(api, tree)
        found = next((entry for entry in entries if (entry["path"], entry["type"]) == (part, "tree")), None)
        if found is None:
            return set()
        tree = found["sha"]
    below = _entries(api, tree, recursive=1)
    return {f"{folder}/{entry['path']}" for entry in below if entry["type"] == "blob" and entry["mode"] != "120000"}


def _entries(api: Api, tree: str, **options: int) -> Sequence[Mapping[str, Any]]:
    """What a tree holds; `InconclusiveError` where GitHub does not tell all of it."""
    answer = api.get(f"git/trees/{tree}", **options)
    if answer["truncated"]:
        raise InconclusiveError("this folder holds more files than GitHub tells of", remedy="use a clone")
    entries: Sequence[Mapping[str, Any]] = answer["tree"]
    return entries


def commit_signed(api: Api, branch: str, files: Mapping[str, bytes | None], message: str, parent: str) -> str | None:
    """Commit through GraphQL: one request, and GitHub signs it. None where GraphQL is not to be had."""
    title, _, body = message.partition("\n")
    variables = {
        "input": {
            "branch": {"repositoryNameWithOwner": api.repository, "branchName": checked(branch)},
            "expectedHeadOid": parent,
            "message": {"headline": title, "body": body.strip("\n")},
            "fileChanges": {
                "additions": [
                    {"path": path, "contents": base64.b64encode(content).decode()}
                    for path, content in files.items()
                    if content is not None
                ],
                "deletions": [{"path": path} for path, content in files.items() if content is None],
            },
        }
    }
    if api.without_graphql:
        return None

    def write() -> str:
        return str(api.graphql(COMMIT, variables, repeat=False)["createCommitOnBranch"]["commit"]["oid"])

    try:
        return api.swap(write, lambda: _landed(api, branch, files, message, parent))
    except RefusedError as error:
        if re.search(r"expected branch to point to|expectedHeadOid|STALE_DATA|is at [0-9a-f]{40}", error.what) or (
            error.status == 409
        ):
            raise RaceError(f"`{branch}` moved meanwhile", remedy="run the command again") from error
        if error.status in (403, 404):
            if refs.get(api, "heads", branch) is None:
                raise RaceError(f"there is no branch `{branch}`") from error
            api.without_graphql = True
            return None
        raise


def _landed(api: Api, branch: str, files: Mapping[str, bytes | None], message: str, parent: str) -> str | None:
    """The commit whose answer was lost, or None if the branch is where it was; `RaceError` if others were faster."""
    head = refs.get(api, "heads", branch)
    if head is None or head[1] == parent:
        return None
    for commit in reversed(history(api, branch, since=parent)):
        if commit.parents[:1] == (parent,) and commit.message.strip() == message.strip():
            written = {change.path: change.content for change in commit.changes if change.status != "D"}
            if all(written.get(path) == content for path, content in files.items()):
                return commit.sha
    raise RaceError(f"`{branch}` moved meanwhile", remedy="run the command again")


def commit_as(
    api: Api, branch: str, files: Mapping[str, bytes | None], message: str, parent: str | None, who: str | None
) -> str:
    """Commit through git's objects, in the name of `who`: a tree, a commit, and the branch's move.

    Without a name it is the token's own account, and GitHub signs what an App commits so.
    """
    tree: dict[str, Any] = {"tree": [_entry(api, path, content) for path, content in files.items()]}
    if parent is not None:
        tree["base_tree"] = _tree(api, parent)
    made = api.make("git/trees", tree)
    body: dict[str, Any] = {"message": message, "tree": made["sha"], "parents": [] if parent is None else [parent]}
    if who is not None:
        body["author"] = {"name": who, "email": f"{who}@users.noreply.github.com"}
    new = str(api.make("git/commits", body)["sha"])
    api.trees[new] = made["sha"]
    if parent is None:
        refs.create(api, "heads", branch, new)
    else:
        refs.advance(api, branch, new, parent)
    return new


def _entry(api: Api, path: str, content: bytes | None) -> dict[str, Any]:
    """An entry of a tree; only text can travel inside it."""
    entry: dict[str, Any] = {"path": path, "mode": "100644", "type": "blob"}
    if content is None:
        return {**entry, "sha": None}
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None and "\0" not in text and not text.startswith("\ufeff"):
        return {**entry, "content": text}
    blob = api.make("git/blobs", {"content": base64.b64encode(content).decode(), "encoding": "base64"})
    return {**entry, "sha": blob["sha"]}


def history(api: Api, branch: str, since: str | None, mirror: Mirror | None = None) -> Sequence[Commit]:
    """The commits of `branch` (after `since`), oldest first: one request for a hundred, and one for each commit.

    Where there are many, `mirror` is asked for them.
    """
    found: list[str] = []
    try:
        for item in api.pages("commits", sha=checked(branch)):
            api.trees[item["sha"]] = item["commit"]["tree"]["sha"]
            if item["sha"] == since:
                break
            found.append(item["sha"])
    except RefusedError as error:
        if error.status in (404, 409):  # no such branch, or a repository without commits
            return []
        raise
    if mirror is not None and len(found) >= mirror.many:
        told = mirror.history(branch, since)
        if told is not None:
            return told
    return [_commit(api, sha) for sha in reversed(found)]


def newest(api: Api, branch: str) -> Commit | None:
    """The commit at the head of `branch`: one request, mostly. None where there is no such branch."""
    try:
        return _commit(api, f"heads/{checked(branch)}")
    except RefusedError as error:
        if error.status in (404, 409, 422):
            return None
        raise


def committed(api: Api, commit: str) -> datetime:
    """When the commit was made, UTC."""
    return moment(api.get(f"git/commits/{commit}")["committer"]["date"])


def _tree(api: Api, commit: str) -> str:
    """The id of a commit's tree, which was mostly seen when the commit was."""
    if commit not in api.trees:
        api.trees[commit] = api.get(f"git/commits/{commit}")["tree"]["sha"]
    return api.trees[commit]


def _commit(api: Api, revision: str) -> Commit:
    item = api.get(f"commits/{quote(revision, safe='/')}")
    files = _files(item)
    sha, facts = str(item["sha"]), item["commit"]
    api.trees[sha] = facts["tree"]["sha"]
    return Commit(
        sha,
        tuple(parent["sha"] for parent in item["parents"]),
        facts["author"]["name"],
        moment(facts["committer"]["date"]),
        facts["message"],
        tuple(_change(api, file) for file in files),
    )


def _files(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    files = item.get("files") or []
    if len(files) >= MOST_FILES:
        raise InconclusiveError(f"{item['sha'][:12]} changed more files than GitHub tells of", remedy="use a clone")
    return files


def _change(api: Api, file: Mapping[str, Any]) -> Change:
    status = STATUS.get(file["status"], "X")
    if status == "D":
        return Change(status, file["filename"], b"")
    content = _from_patch(file)
    if content is None:
        content = decoded(api.get(f"git/blobs/{file['sha']}"), file["sha"])
    return Change(status, file["filename"], content)


def _from_patch(file: Mapping[str, Any]) -> bytes | None:
    """The content of an added file out of its patch, if that gives the right git id: it saves a request."""
    patch = file.get("patch")
    if file["status"] != "added" or not patch:
        return None
    lines = [line[1:] for line in patch.split("\n")[1:] if line.startswith("+")]
    text = "\n".join(lines)
    for content in (f"{text}\n".encode(), text.encode()):
        if blob_id(content) == file["sha"]:
            return content
    return None


def refuse_tricks(files: Iterable[str]) -> None:
    """`RepositoryError` for a path that git does not allow."""
    for path in files:
        if not path or "\0" in path or any(part in ("", ".", "..", ".git") for part in path.split("/")):
            raise RepositoryError("git does not allow such a path", where=repr(path))


def changed_paths(api: Api, sha: str) -> tuple[str, ...]:
    """The paths that a commit changed against its first parent, a rename's old one too."""
    files = _files(api.get(f"commits/{sha}"))
    paths = [path for file in files for path in (file.get("previous_filename"), file["filename"]) if path]
    return tuple(dict.fromkeys(paths))
