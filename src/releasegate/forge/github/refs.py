"""Branches and tags on GitHub."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from releasegate.errors import ForgeError, RaceError, RefusedError, RepositoryError, UnknownOutcomeError
from releasegate.forge.github.api import Api
from releasegate.forge.github.parts import annotated, checked, lightweight, moment, ref_path
from releasegate.forge.github.queries import TAGS, graphql_or_none
from releasegate.forge.port import Tag

WORKFLOWS = (
    "GITHUB_TOKEN may not make a ref on a commit whose workflow files differ from every branch; push the release branch"
    " yourself, or give a GitHub App with `workflows: write`"
)


def get(api: Api, kind: str, name: str) -> tuple[str, str] | None:
    """Type and id of what a ref points to."""
    found = api.find(f"git/ref/{ref_path(kind, name)}")
    if found is None or found["ref"] != f"refs/{kind}/{name}":
        return None
    return found["object"]["type"], found["object"]["sha"]


def create(api: Api, kind: str, name: str, sha: str) -> None:
    """Make a ref; `RaceError` if it is there with another value, and nothing happens if it has this one."""
    try:
        api.write("POST", "git/refs", {"ref": f"refs/{kind}/{checked(name)}", "sha": sha})
    except UnknownOutcomeError:
        now = get(api, kind, name)
        if now is None:  # a ref that is not there can be made again: it is made once, or refused
            api.write("POST", "git/refs", {"ref": f"refs/{kind}/{name}", "sha": sha})
        elif now[1] != sha:
            raise _taken(kind, name, now[1]) from None
    except RefusedError as error:
        now = get(api, kind, name) if error.status in (409, 422) else None
        if now is None:
            raise _explained(error) from error
        if now[1] != sha:
            raise _taken(kind, name, now[1]) from error


def advance(api: Api, branch: str, new: str, old: str) -> None:
    """Bring `branch` from `old` to its descendant `new`, not forced; `RaceError` if it has gone elsewhere meanwhile."""
    try:
        api.write("PATCH", f"git/refs/{ref_path('heads', branch)}", {"sha": new, "force": False})
    except (UnknownOutcomeError, RefusedError) as error:
        if isinstance(error, RefusedError) and error.status not in (404, 409, 422):
            raise _explained(error) from error
        now = get(api, "heads", branch)
        if now is not None and (now[1] == new or (now[1] != old and contains(api, new, now[1]))):
            return
        if now is None:
            raise RaceError(f"there is no branch `{branch}`") from error
        if now[1] != old:
            raise RaceError(f"`{branch}` moved meanwhile", remedy="run the command again") from error
        if isinstance(error, RefusedError):
            raise _explained(error) from error
        api.write("PATCH", f"git/refs/{ref_path('heads', branch)}", {"sha": new, "force": False})


def contains(api: Api, older: str, newer: str) -> bool:
    """Whether the commit `older` is `newer` or one of its ancestors."""
    if older == newer:
        return True
    found = api.find(f"compare/{quote(older)}...{quote(newer)}", per_page=1)
    if found is not None:
        return found["status"] in ("ahead", "identical")
    for sha in (older, newer):  # no common ancestor is answered like a commit that does not exist
        if api.find(f"git/commits/{sha}") is None:
            raise RepositoryError(f"there is no commit `{sha[:12]}` on GitHub", remedy="push it first")
    return False


def create_branch(api: Api, branch: str, commit: str) -> None:
    """Make `branch` at `commit`, or bring it forward to it."""
    head = get(api, "heads", branch)
    if head is None:
        try:
            create(api, "heads", branch, commit)
        except RaceError:
            head = get(api, "heads", branch)
        else:
            return
    if head is None or contains(api, commit, head[1]):
        return
    if not contains(api, head[1], commit):
        raise RaceError(f"the branch `{branch}` has gone another way than {commit[:12]}")
    advance(api, branch, commit, head[1])


def tag(api: Api, name: str) -> Tag | None:
    """The tag of exactly this name."""
    found = get(api, "tags", name)
    return None if found is None else _read(api, name, *found)


def tags(api: Api, pattern: str) -> Sequence[Tag]:
    """The tags whose name matches the glob `pattern`, oldest first: a hundred with one request where GraphQL is."""
    found = _tags_graphql(api, pattern)
    if found is None:
        fixed = quote(re.split(r"[*?\[]", pattern, maxsplit=1)[0], safe="/")
        refs = api.get(f"git/matching-refs/tags/{fixed}")
        named = {ref["ref"].removeprefix("refs/tags/"): ref["object"] for ref in refs}
        wanted = {name: target for name, target in named.items() if fnmatchcase(name, pattern)}
        found = [_read(api, name, target["type"], target["sha"]) for name, target in wanted.items()]
    return sorted((one for one in found if one is not None), key=lambda one: (one.time, one.name))


def create_tag(api: Api, name: str, commit: str, message: str, who: str) -> Tag:
    """Make an annotated tag, or return the one that is there on the same commit; a tag is never moved."""
    present = tag(api, name)
    if present is None:
        body = {"tag": checked(name), "message": message.rstrip() + "\n", "object": commit, "type": "commit"}
        made = api.make("git/tags", {**body, "tagger": {"name": who, "email": f"{who}@users.noreply.github.com"}})
        try:
            create(api, "tags", name, made["sha"])
        except RaceError:
            present = tag(api, name)
        else:
            done = annotated(name, made)
            if done is None:
                raise ForgeError(f"the tag `{name}` is not on a commit", remedy="run the command again")
            return done
    if present is None or present.commit != commit:
        place = "elsewhere" if present is None else f"on {present.commit[:12]}"
        raise RaceError(f"the tag `{name}` is {place} already, and a tag is never moved")
    return present


def _read(api: Api, name: str, kind: str, sha: str) -> Tag | None:
    if kind == "tag":
        return annotated(name, api.get(f"git/tags/{sha}"))
    if kind != "commit":
        return None
    return lightweight(name, sha, api.get(f"git/commits/{sha}")["committer"]["date"])


def _tags_graphql(api: Api, pattern: str) -> list[Tag | None] | None:
    owner, name = api.repository.split("/")
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    variables: dict[str, Any] = {"owner": owner, "name": name, "query": fixed, "after": None}
    found: list[Tag | None] = []
    while True:
        data = graphql_or_none(api, TAGS, variables)
        if data is None:
            return None
        refs = data["repository"]["refs"]
        found += [_node(node) for node in refs["nodes"] if fnmatchcase(node["name"], pattern)]
        if not refs["pageInfo"]["hasNextPage"]:
            return found
        variables["after"] = refs["pageInfo"]["endCursor"]


def _node(node: dict[str, Any]) -> Tag | None:
    target, name = node["target"], node["name"]
    if target["__typename"] == "Commit":
        return lightweight(name, target["oid"], target["committedDate"])
    if target["__typename"] != "Tag" or target["target"]["__typename"] != "Commit":
        return None
    date = (target["tagger"] or {}).get("date") or "1970-01-01T00:00:00Z"
    message = (target["message"] or "").rstrip("\n") + "\n"
    return Tag(name, target["target"]["oid"], message, True, moment(date))


def _taken(kind: str, name: str, sha: str) -> RaceError:
    what = "tag" if kind == "tags" else "branch"
    return RaceError(f"the {what} `{name}` is there already, at {sha[:12]}", remedy="run the command again")


def _explained(error: RefusedError) -> ForgeError:
    """The refusal, with what helps where a workflow file is the reason."""
    if "workflow" not in error.what.lower() and "Resource not accessible" not in error.what:
        return error
    return RefusedError(error.status, error.what, where=error.where, remedy=WORKFLOWS)
