"""What a branch asks of a commit: classic protection and rulesets, as far as the token may read them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from releasegate.errors import RefusedError
from releasegate.forge.github.api import Api


@dataclass(frozen=True, slots=True)
class BranchRules:
    """The rules of one branch."""

    checks: tuple[str, ...] | None
    """The checks that have to be green; None where that cannot be read."""
    refuses: tuple[str, ...]
    """Why a commit that this token makes straight on the branch would be refused; empty where nothing is known to."""
    readable: bool
    """False where the branch is protected and the token may not read how."""


def of_branch(api: Api, branch: str) -> BranchRules:
    """The rules of `branch`: two requests, and more where there are any."""
    found = api.find(f"branches/{quote(branch, safe='/')}") or {}
    rules = _rulesets(api, branch)
    checks, refuses = [], []
    bypass: dict[int, bool] = {}
    for rule in rules or ():
        settings = rule.get("parameters") or {}
        if rule["type"] == "required_status_checks":
            checks += [one["context"] for one in settings["required_status_checks"]]
        if rule["type"] == SIGNED and not api.without_graphql:
            continue  # GitHub signs what GraphQL commits
        if rule["type"] in RULES and not _may_bypass(api, rule, bypass):
            refuses.append(RULES[rule["type"]])
    summary = (found.get("protection") or {}).get("required_status_checks") or {}
    checks += summary.get("contexts") or []
    protection = _protection(api, branch) if found.get("protected") else {}
    if protection and (_on(protection.get("enforce_admins")) or not _is_admin(api)):
        refuses += [words for key, words in CLASSIC.items() if _on(protection.get(key))]
    readable = rules is not None and protection is not None
    return BranchRules(tuple(dict.fromkeys(checks)) if rules is not None else None, tuple(refuses), readable)


def _rulesets(api: Api, branch: str) -> Any:
    try:
        return api.get(f"rules/branches/{quote(branch, safe='/')}", per_page=100)
    except RefusedError as error:
        if error.status in (403, 404):
            return None
        raise


def _may_bypass(api: Api, rule: Any, known: dict[int, bool]) -> bool:
    """Whether this token stands in the bypass list of the rule's ruleset."""
    number = rule.get("ruleset_id")
    if number is not None and number not in known:
        found = api.find(f"rulesets/{number}")  # those of its organization and enterprise too
        known[number] = (found or {}).get("current_user_can_bypass") == "always"
    return known.get(number, False)


def _protection(api: Api, branch: str) -> Any:
    """Classic protection; empty where there is none (a ruleset protects it), None where it cannot be read."""
    try:
        return api.get(f"branches/{quote(branch, safe='/')}/protection")
    except RefusedError as error:
        if error.status == 404 and "not protected" in error.what.lower():
            return {}
        if error.status in (403, 404):
            return None
        raise


def _is_admin(api: Api) -> bool:
    return bool((api.get("").get("permissions") or {}).get("admin"))


def _on(setting: Any) -> bool:
    return bool(setting.get("enabled", True)) if isinstance(setting, dict) else bool(setting)


SIGNED = "required_signatures"
RULES = {
    "pull_request": "a ruleset asks for a pull request",
    "update": "a ruleset lets nobody update the branch",
    "required_status_checks": "a ruleset asks for green checks first",
    SIGNED: "a ruleset asks for signed commits",
    "merge_queue": "a ruleset asks for the merge queue",
    "required_deployments": "a ruleset asks for deployments first",
    "workflows": "a ruleset asks for workflows first",
    "code_scanning": "a ruleset asks for code scanning first",
    "commit_message_pattern": "a ruleset says what the messages of commits hold",
    "commit_author_email_pattern": "a ruleset says who may be a commit's author",
    "committer_email_pattern": "a ruleset says who may commit",
    "file_path_restriction": "a ruleset keeps files from being changed",
}
CLASSIC = {
    "required_pull_request_reviews": "the branch's protection asks for a pull request",
    "required_status_checks": "the branch's protection asks for green checks first",
    "restrictions": "the branch's protection says who may push",
    "lock_branch": "the branch is locked",
}
