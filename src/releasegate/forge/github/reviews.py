"""Pull requests and their reviews, and how each commit between two releases came to be."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from releasegate.errors import ForgeError, InconclusiveError, RefusedError, UnknownOutcomeError
from releasegate.forge.github.api import MOST_PAGES, PAGE, Api
from releasegate.forge.github.commits import changed_paths
from releasegate.forge.github.parts import moment
from releasegate.forge.github.queries import AUTO_MERGE, CAME_BY, graphql_or_none
from releasegate.forge.github.rules import of_branch
from releasegate.forge.host import Approval
from releasegate.forge.host import PullRequest as Request
from releasegate.gates.changes import Check, IncomingCommit, PullRequest, Review, ReviewState

Required = Callable[[str], tuple[str, ...] | None]
"""Tells the checks that a base branch asks for."""
STATES = {
    "APPROVED": ReviewState.APPROVED,
    "CHANGES_REQUESTED": ReviewState.CHANGES_REQUESTED,
    "COMMENTED": ReviewState.COMMENTED,
    "DISMISSED": ReviewState.DISMISSED,
}

OWN = ("OWNER", "MEMBER", "COLLABORATOR")
"""Whose review counts as an approval: in a public repository everybody may write one."""


def open_request(api: Api, branch: str, base: str, title: str, body: str, *, auto_merge: bool) -> Request:
    """Ask for `branch` to be merged into `base`; an open one for that branch is found again."""
    owner = api.repository.split("/")[0]

    def same() -> Any:
        found = api.get("pulls", head=f"{owner}:{branch}", base=base, state="open", per_page=PAGE)
        return next((one for one in found if one["head"]["ref"] == branch), None)

    found = same()
    if found is None:
        try:
            found = api.write("POST", "pulls", {"title": title, "body": body, "head": branch, "base": base})
        except UnknownOutcomeError:
            found = same()
            if found is None:
                raise
    if auto_merge and not found.get("auto_merge"):
        _merge_when_ready(api, found)
        return get(api, found["number"])
    return _request(found)


def get(api: Api, number: int) -> Request:
    """One pull request, as it is now."""
    return _request(api.get(f"pulls/{number}"))


def listed(api: Api, base: str, prefix: str) -> Sequence[Request]:
    """The open pull requests into `base` from branches of this repository whose name begins with `prefix`."""
    found = api.pages("pulls", base=base, state="open")
    return [_request(one) for one in found if one["head"]["ref"].startswith(prefix) and _is_own(api, one)]


def _is_own(api: Api, found: Mapping[str, Any]) -> bool:
    """Whether its branch lies in this repository: anybody can give one in a fork any name."""
    home = found["head"].get("repo") or {}
    return str(home.get("full_name", "")).lower() == api.repository.lower()


def close(api: Api, number: int) -> None:
    """Close a pull request: doing it twice is doing it once."""
    api.send("PATCH", f"pulls/{number}", body={"state": "closed"}, repeat=True)


def approvals(api: Api, number: int) -> Sequence[Approval]:
    """Those whose newest word on the pull request's present head is a yes, but for its author."""
    request = api.get(f"pulls/{number}")
    newest: dict[str, Mapping[str, Any]] = {}
    for review in api.pages(f"pulls/{number}/reviews"):
        if review["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and review["user"]:
            newest[review["user"]["login"]] = review
    return [
        Approval(login, "pull-request", review["html_url"])
        for login, review in newest.items()
        if review["state"] == "APPROVED"
        and review["commit_id"] == request["head"]["sha"]
        and login != request["user"]["login"]
        and review.get("author_association") in OWN
    ]


def _merge_when_ready(api: Api, found: Mapping[str, Any]) -> None:
    """Have GitHub merge it once its rules are met; at once where they are met already."""
    settings = api.get("")
    methods = {"MERGE": "allow_merge_commit", "SQUASH": "allow_squash_merge", "REBASE": "allow_rebase_merge"}
    method = next((name for name, key in methods.items() if settings.get(key, True)), "MERGE")
    asked = {"input": {"pullRequestId": found["node_id"], "mergeMethod": method}}
    try:
        api.graphql(AUTO_MERGE, asked, repeat=True)  # switching it on twice is switching it on
    except RefusedError as error:
        if not re.search(r"clean status", error.what):
            raise ForgeError(
                f"auto-merge could not be switched on: {error.what}",
                where=found["html_url"],
                remedy="allow it in the repository's settings, or merge the pull request by hand",
            ) from error
        body = {"sha": found["head"]["sha"], "merge_method": method.lower()}
        try:
            api.write("PUT", f"pulls/{found['number']}/merge", body)
        except UnknownOutcomeError:
            if get(api, found["number"]).state != "merged":
                raise


def _request(found: Mapping[str, Any]) -> Request:
    merged = found.get("merged") or found.get("merged_at")
    state: Literal["open", "closed", "merged"] = "open" if found["state"] == "open" else "closed"
    return Request(
        found["number"],
        found["html_url"],
        found["head"]["sha"],
        "merged" if merged else state,
        auto_merge=bool(found.get("auto_merge")),
        title=found["title"],
        merged_as=found.get("merge_commit_sha") if merged else None,
        base=found["base"]["sha"],
    )


def incoming(api: Api, older: str, newer: str) -> Sequence[IncomingCommit]:
    """The commits that `newer` holds and `older` does not, oldest first, and how each came."""
    required: dict[str, tuple[str, ...] | None] = {}

    def checks(base: str) -> tuple[str, ...] | None:
        if base not in required:
            required[base] = of_branch(api, base).checks
        return required[base]

    return [_incoming(api, item, checks) for item in _between(api, older, newer)]


def _incoming(api: Api, item: Mapping[str, Any], checks: Required) -> IncomingCommit:
    requests = _came_by(api, item["sha"], checks)
    return IncomingCommit(
        sha=item["sha"],
        author=(item["author"] or {}).get("login") or item["commit"]["author"]["name"],
        message=item["commit"]["message"],
        paths=None if requests else changed_paths(api, item["sha"]),
        pull_requests=requests,
    )


def _between(api: Api, older: str, newer: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    total = 1
    for page in range(1, MOST_PAGES + 1):
        part = api.get(f"compare/{older}...{newer}", per_page=PAGE, page=page)
        found, total = [*found, *part["commits"]], part["total_commits"]
        if len(found) >= total or not part["commits"]:
            break
    if len(found) < total:
        raise InconclusiveError(f"GitHub tells of {len(found)} of {total} commits", remedy="judge a shorter range")
    return found


def _came_by(api: Api, commit: str, checks: Required) -> tuple[PullRequest, ...] | None:
    """The merged pull requests of a commit; None where GitHub cannot be asked, or does not tell all of it."""
    owner, name = api.repository.split("/")
    data = graphql_or_none(api, CAME_BY, {"owner": owner, "name": name, "commit": commit})
    if data is None:
        return None
    found = data["repository"]["object"]["associatedPullRequests"]
    return tuple(_pull_request(node, checks(node["baseRefName"])) for node in _whole(found, commit) if node["merged"])


def _pull_request(node: Mapping[str, Any], required: tuple[str, ...] | None) -> PullRequest:
    where = node["url"]
    head = node["commits"]
    people = [person for one in _whole(head, where) for person in _people(one["commit"])]
    return PullRequest(
        number=node["number"],
        url=where,
        title=node["title"],
        body=node["body"],
        base=node["baseRefName"],
        head=node["headRefOid"],
        merged=moment(node["mergedAt"]),
        author=(node["author"] or {}).get("login") or "ghost",
        contributors=tuple(dict.fromkeys(people)),
        reviews=tuple(_review(review) for review in _whole(node["reviews"], where)),
        required=required,
        checks=tuple(_checks(node)),
    )


def _people(commit: Mapping[str, Any]) -> Iterator[str]:
    for author in commit["authors"]["nodes"]:
        yield (author["user"] or {}).get("login") or author["email"] or author["name"] or "?"


def _review(review: Mapping[str, Any]) -> Review:
    author = review["author"] or {"login": "ghost", "__typename": "User"}
    return Review(
        author=author["login"],
        state=STATES.get(review["state"], ReviewState.COMMENTED),
        commit=(review["commit"] or {}).get("oid"),
        submitted=moment(review["submittedAt"] or "1970-01-01T00:00:00Z"),
        bot=author["__typename"] != "User",
    )


def _checks(node: Mapping[str, Any]) -> Iterator[Check]:
    """The newest check of each name on the final head."""
    last = node["finalCommit"]["nodes"]
    rollup = last[0]["commit"]["statusCheckRollup"] if last else None
    newest: dict[str, str] = {}
    for one in _whole(rollup["contexts"], node["url"]) if rollup else ():
        if one["__typename"] == "CheckRun":
            newest[one["name"]] = (one["conclusion"] or "pending").lower()
        else:
            newest[one["context"]] = one["state"].lower()
    yield from (Check(name=name, conclusion=said) for name, said in newest.items())


def _whole(connection: Mapping[str, Any], where: str) -> Sequence[Mapping[str, Any]]:
    """All of a list; `InconclusiveError` where there is more of it than was asked for."""
    nodes: Sequence[Mapping[str, Any]] = connection["nodes"]
    if connection["totalCount"] > len(nodes):
        raise InconclusiveError(f"GitHub tells of {len(nodes)} of {connection['totalCount']}", where=where)
    return nodes
