"""GitHub's JSON as the port's values, and small things that every part of the forge needs."""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from releasegate.errors import ForgeError, RepositoryError
from releasegate.forge.port import Tag

SHA = re.compile(r"[0-9a-f]{40}")


def moment(text: str) -> datetime:
    """An RFC 3339 time, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def blob_id(content: bytes) -> str:
    """Git's id of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def decoded(blob: Mapping[str, Any], sha: str) -> bytes:
    """The content of a blob or file in an answer; `ForgeError` if its git id is not `sha`."""
    content = base64.b64decode(blob["content"])
    if blob_id(content) != sha:
        raise ForgeError(f"GitHub sent other bytes than the blob {sha}", remedy="run the command again")
    return content


def ref_path(kind: str, name: str) -> str:
    """`heads/NAME` or `tags/NAME` for an address; `RepositoryError` for a name that git does not allow."""
    return f"{kind}/{quote(checked(name), safe='/')}"


def checked(name: str) -> str:
    """A ref's name as it is; `RepositoryError` for one that git does not allow (man git-check-ref-format)."""
    bad = r"(^|/)\.|\.\.|[\x00-\x20\x7f~^:?*\[\\]|@\{|\.lock(/|$)|^-|^@$|^/|//|[/.]$|^$"
    if re.search(bad, name):
        raise RepositoryError(f"git does not allow the name `{name}`", remedy="choose another name")
    return name


def refuse_odd(kind: str, link: bool, where: str) -> None:
    """`RepositoryError` for what is no file."""
    if kind != "blob" or link:
        raise RepositoryError(f"is {'a symbolic link' if link else 'a folder'}, not a file", where=where)


def at(revision: str) -> str:
    """A branch, commit or `HEAD` as GitHub is asked for it, so that no tag of the branch's name is meant."""
    return revision if revision == "HEAD" or SHA.fullmatch(revision) else f"refs/heads/{revision}"


def annotated(name: str, found: Mapping[str, Any]) -> Tag | None:
    """An annotated tag from GitHub's tag object; None where it is not on a commit."""
    if found["object"]["type"] != "commit":
        return None
    message = found["message"].rstrip("\n") + "\n"
    return Tag(name, found["object"]["sha"], message, True, moment(found["tagger"]["date"]))


def lightweight(name: str, commit: str, time: str) -> Tag:
    """A tag that is only a ref."""
    return Tag(name, commit, "", False, moment(time))
