"""One file through the contents API: read with one request, and replaced with one. It is the way without GraphQL.

Neither tells, nor asks for, the branch's head: what is compared is the file. That is enough for an edit that was
decided on this file alone, and spares an emergency the requests that would find the head, make a tree and a commit.
GitHub compares the file and moves the branch in one step, and signs what an App commits so. It compares nothing where
the file was removed meanwhile: that file is there again then.
"""

import base64
import re
from urllib.parse import quote

from releasegate.errors import RaceError, RefusedError
from releasegate.forge.github.api import Api
from releasegate.forge.github.parts import SHA, at, blob_id, checked, decoded, refuse_odd
from releasegate.forge.port import FileAt

LOOK_BACK = 10
"""How many changes of the file are looked through for one whose answer was lost."""


def read(api: Api, path: str, revision: str) -> FileAt | None:
    """The file at a branch or commit; None where one of the two is not there."""
    found = api.find(_place(path), **({} if revision == "HEAD" else {"ref": at(revision)}))
    if found is None:
        return None
    kind = "dir" if isinstance(found, list) else found["type"]
    refuse_odd("tree" if kind == "dir" else "blob", kind == "symlink", f"{revision}:{path}")
    whole = found.get("encoding") == "base64" and (found["content"] or not found["size"])
    content = decoded(found if whole else api.get(f"git/blobs/{found['sha']}"), found["sha"])
    return FileAt(path, content, found["sha"], revision if SHA.fullmatch(revision) else None)


def replace(api: Api, branch: str, path: str, content: bytes, message: str, blob: str) -> str:
    """Commit `content` in place of `blob`, and return the new commit; `RaceError` if the file is another by now."""
    encoded = base64.b64encode(content).decode()
    body = {"message": message, "content": encoded, "sha": blob, "branch": checked(branch)}

    def write() -> str:
        return str(api.write("PUT", _place(path), body)["commit"]["sha"])

    try:
        return api.swap(write, lambda: _landed(api, branch, path, blob, blob_id(content), message))
    except RefusedError as error:
        if error.status not in (404, 409, 422):
            raise
        # 409 is a race as well as a rule of the branch: the file tells which, or GitHub's words where the head moved
        moved = re.search(r"\b(is|be) at [0-9a-f]{40}", error.what)
        if moved or _blob(api, path, branch) != blob:
            raise _lost(branch, path) from error
        raise


def _landed(api: Api, branch: str, path: str, blob: str, wanted: str, message: str) -> str | None:
    """What became of a change whose answer was lost: found since the file was `blob`, or None where it still is.

    `RaceError` if others were faster.
    """
    changes = api.get("commits", sha=branch, path=path, per_page=LOOK_BACK)
    for index, commit in enumerate(changes):
        now = _blob(api, path, commit["sha"])
        if now == wanted and commit["commit"]["message"].strip() == message.strip():
            return str(commit["sha"])
        if now == blob and not index:
            return None
        if now == blob:
            break
    raise _lost(branch, path)


def _blob(api: Api, path: str, revision: str) -> str | None:
    """Git's id of the file; None where there is none."""
    found = api.find(_place(path), ref=at(revision))
    return found["sha"] if isinstance(found, dict) else None


def _lost(branch: str, path: str) -> RaceError:
    return RaceError(f"`{branch}:{path}` was changed meanwhile", remedy="run the command again")


def _place(path: str) -> str:
    return f"contents/{quote(path)}"
