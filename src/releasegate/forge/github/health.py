"""What GitHub tells of a repository before anything has to work there."""

from collections.abc import Mapping

from releasegate.errors import RefusedError
from releasegate.forge.github.api import Api
from releasegate.forge.github.parts import decoded
from releasegate.forge.github.rules import of_branch
from releasegate.forge.host import Health

WORKFLOWS = ".github/workflows"


def of(api: Api, branch: str) -> Health:
    """What decides whether the procedures will work, with commits made straight on `branch`."""
    answer = api.send("GET", "", repeat=True)
    permissions = answer.body.get("permissions")
    scopes = answer.headers.get("x-oauth-scopes")
    rules = of_branch(api, branch)
    return Health(
        private=bool(answer.body.get("private")),
        may_push=None if permissions is None else bool(permissions.get("push")),
        scopes=None if scopes is None else tuple(part.strip() for part in scopes.split(",") if part.strip()),
        refusals=rules.refuses,
        auto_merge=answer.body.get("allow_auto_merge"),
        rules_known=rules.readable,
        environments=_environments(api),
        workflows=_workflows(api),
    )


def _environments(api: Api) -> Mapping[str, bool]:
    try:
        found = list(api.pages("environments", "environments"))
    except RefusedError as error:
        if error.status in (403, 404):
            return {}
        raise
    return {
        one["name"]: any(rule["type"] == "required_reviewers" for rule in one.get("protection_rules") or ())
        for one in found
    }


def _workflows(api: Api) -> Mapping[str, str]:
    listed = api.find(f"contents/{WORKFLOWS}") or []
    files = [one for one in listed if one["type"] == "file" and one["name"].endswith((".yml", ".yaml"))]
    return {
        one["path"]: decoded(api.get(f"git/blobs/{one['sha']}"), one["sha"]).decode("utf-8", "replace") for one in files
    }
