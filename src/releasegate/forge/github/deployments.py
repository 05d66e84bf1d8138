"""Deployments, check runs and releases."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from releasegate.errors import ForgeError, RefusedError, UnknownOutcomeError
from releasegate.forge.github.api import Api
from releasegate.forge.github.issues import hidden
from releasegate.forge.github.parts import moment
from releasegate.forge.host import Asset, Conclusion, Deployment, DeploymentState, DeploymentTask

LISTED = 30
STATES = 10
"""Of how many deployments the state is asked for: a request each."""
MOST_DESCRIPTION = 140
MOST_SUMMARY = 65_000


def deploy(
    api: Api, environment: str, commit: str, ref: str, identifier: str, *, production: bool, task: DeploymentTask
) -> Deployment:
    """Record a deployment, or find the one with this id.

    GitHub's defaults are wrong for a rollback: it would merge the default branch into the old tag (`auto_merge`), and
    refuse a commit whose checks are not green today (`required_contexts`).
    """
    found = _same(api, environment, commit, identifier)
    if found is not None:
        return _deployment(found, _state(api, found["id"]))
    body = {
        "ref": commit,
        "task": task,
        "environment": environment,
        "auto_merge": False,
        "required_contexts": [],
        "production_environment": production,
        "payload": {"releasegate": identifier, "ref": ref},
        "description": f"releasegate: {ref}"[:MOST_DESCRIPTION],
    }
    try:
        found = api.write("POST", "deployments", body)
    except UnknownOutcomeError:
        found = _same(api, environment, commit, identifier)
        if found is None:
            raise
    return _deployment(found, "pending")


def set_status(api: Api, deployment: int, state: DeploymentState, description: str, url: str) -> None:
    """Set how a deployment stands, once; older ones of the environment stay as they are.

    A canary and its baseline are both deployed, so that one is not the other's end (`auto_inactive`).
    """
    body = {"state": state, "description": description[:MOST_DESCRIPTION], "auto_inactive": False, "log_url": url}
    try:
        api.write("POST", f"deployments/{deployment}/statuses", body)
    except UnknownOutcomeError:
        if _state(api, deployment) != state:
            raise


def listed(api: Api, environment: str, commit: str) -> Sequence[Deployment]:
    """The newest deployments of a commit to an environment, newest first."""
    found = api.get("deployments", environment=environment, sha=commit, per_page=STATES)
    return [_deployment(one, _state(api, one["id"])) for one in found]


def _same(api: Api, environment: str, commit: str, identifier: str) -> Any:
    found = api.get("deployments", environment=environment, sha=commit, per_page=LISTED)
    return next((one for one in found if _payload(one).get("releasegate") == identifier), None)


def _payload(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A deployment's payload, which GitHub gives back as an object or as the text of one."""
    payload = found.get("payload")
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            payload = None
    return payload if isinstance(payload, dict) else {}


def _state(api: Api, deployment: int) -> str:
    found = api.get(f"deployments/{deployment}/statuses", per_page=1)
    return str(found[0]["state"]) if found else "pending"


def _deployment(found: Mapping[str, Any], state: str) -> Deployment:
    ref = str(_payload(found).get("ref") or found["ref"])
    return Deployment(found["id"], found["sha"], ref, found["environment"], state, moment(found["created_at"]))


def check_run(api: Api, commit: str, name: str, conclusion: Conclusion, title: str, summary: str) -> str:
    """Show a verdict at a commit; one with the same name that releasegate made there is brought up to date."""
    output = {"title": title[:255], "summary": summary[:MOST_SUMMARY]}
    facts = {"name": name, "status": "completed", "conclusion": conclusion, "output": output}

    def same() -> Any:
        found = api.get(f"commits/{commit}/check-runs", check_name=name, filter="latest", per_page=100)
        return next((one for one in found["check_runs"] if one.get("external_id") == EXTERNAL), None)

    present = same()
    if present is not None:
        return _address(api.send("PATCH", f"check-runs/{present['id']}", body=facts, repeat=True).body)
    try:
        return _address(api.write("POST", "check-runs", {**facts, "head_sha": commit, "external_id": EXTERNAL}))
    except UnknownOutcomeError:
        present = same()
        if present is None:
            raise
        return _address(present)


EXTERNAL = "releasegate"


def _address(found: Mapping[str, Any]) -> str:
    return str(found.get("html_url") or found["url"])


def release(api: Api, tag: str, title: str, notes: str, assets: Sequence[Asset], *, prerelease: bool) -> str:
    """Publish the release of a tag, or complete the one that is there; the words of one that people made stay."""
    notes = f"{notes.rstrip()}\n\n{hidden('release')}\n"
    path = f"releases/tags/{quote(tag, safe='')}"
    found = api.find(path)
    if found is None:
        try:
            asked = {"tag_name": tag, "name": title, "body": notes, "prerelease": prerelease}
            found = api.write("POST", "releases", asked)
        except (UnknownOutcomeError, RefusedError) as error:
            found = api.find(path)
            if found is None:
                raise error from None
    elif hidden("release") in (found["body"] or "") and (found["name"], found["body"]) != (title, notes):
        changed = {"name": title, "body": notes}
        found = api.send("PATCH", f"releases/{found['id']}", body=changed, repeat=True).body
    for asset in assets:
        _attach(api, found, asset)
    return str(found["html_url"])


def _attach(api: Api, release: Mapping[str, Any], asset: Asset) -> None:
    """Add a file to a release, once."""

    def present() -> bool:
        listed = api.pages(f"releases/{release['id']}/assets")
        one = next((one for one in listed if one["name"] == asset.name), None)
        if one is None:
            return False
        digest = f"sha256:{hashlib.sha256(asset.content).hexdigest()}"
        if one["size"] != len(asset.content) or one.get("digest") not in (None, digest):
            raise ForgeError(
                f"the release holds another `{asset.name}`", remedy="look at it; nothing that is published is replaced"
            )
        return True

    if present():
        return
    address = str(release["upload_url"]).partition("{")[0]
    try:
        api.upload(f"{address}?name={quote(asset.name)}", asset.content, asset.media_type)
    except UnknownOutcomeError:
        if not present():
            raise
