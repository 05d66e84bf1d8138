"""Workflow runs and what they leave behind."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from releasegate.errors import ForgeError, InconclusiveError, cause
from releasegate.forge.github.api import FILE, PAGE, Api
from releasegate.forge.github.bounded import TooSlowError, within
from releasegate.forge.github.parts import moment
from releasegate.forge.host import Approval, Artifact, WorkflowRun

CHUNK = 1 << 16
DOWNLOAD_TRIES = 3


def start(api: Api, workflow: str, ref: str, inputs: Mapping[str, str], identifier: str) -> None:
    """Dispatch a workflow once; `UnknownOutcomeError` if no answer tells whether it was."""
    body = {"ref": ref, "inputs": {**inputs, "id": identifier}}
    api.write("POST", f"actions/workflows/{quote(workflow, safe='')}/dispatches", body)


def find(api: Api, workflow: str, identifier: str) -> WorkflowRun | None:
    """The newest of the last hundred dispatched runs whose title holds `identifier` as a word of its own."""
    path = f"actions/workflows/{quote(workflow, safe='')}/runs"
    found = api.get(path, event="workflow_dispatch", per_page=100)["workflow_runs"]
    word = re.compile(rf"(?<![\w.-]){re.escape(identifier)}(?![\w.-])")
    return _newest([one for one in found if word.search(one.get("display_title") or "")])


def get(api: Api, number: int) -> WorkflowRun:
    """One run, as it is now."""
    return _run(api.get(f"actions/runs/{number}"))


def of_commit(api: Api, workflow: str, commit: str) -> WorkflowRun | None:
    """The newest run of `workflow` for `commit`."""
    path = f"actions/workflows/{quote(workflow, safe='')}/runs"
    return _newest(api.get(path, head_sha=commit, per_page=100)["workflow_runs"])


def approvals(api: Api, number: int) -> Sequence[Approval]:
    """Who let a run into a protected environment."""
    found = api.get(f"actions/runs/{number}/approvals")
    where = f"actions/runs/{number}"
    return [Approval(one["user"]["login"], "environment", where) for one in found if one["state"] == "approved"]


def artifacts(api: Api, name: str, commit: str) -> Sequence[Artifact]:
    """The artifacts called `name` of all runs and attempts for `commit`, newest first.

    One request, where the repository has no more than a hundred of that name; else those of each run are asked for.
    """
    answer = api.get("actions/artifacts", name=name, per_page=PAGE)
    listed = answer["artifacts"]
    if answer["total_count"] > len(listed):
        runs = api.pages("actions/runs", "workflow_runs", head_sha=commit)
        listed = [
            one for run in runs for one in api.pages(f"actions/runs/{run['id']}/artifacts", "artifacts", name=name)
        ]
    found = [_artifact(one) for one in listed]
    return sorted((one for one in found if one.commit == commit), key=lambda one: one.created, reverse=True)


def download(api: Api, artifact: Artifact, limit: int) -> bytes:
    """The artifact's zip archive, whose size and digest are checked. The storage that holds it never sees the token."""
    where = f"artifact {artifact.name} of run {artifact.run}"
    if artifact.expired:
        raise InconclusiveError("has expired", where=where, remedy="run the workflow again")
    if artifact.size > limit:
        raise InconclusiveError(f"is larger than {limit} bytes", where=where, remedy="is it the right one?")
    fault: Exception | None = None
    for attempt in range(DOWNLOAD_TRIES):
        if attempt:
            api.pause(api.patience.share() * 0.5 * 2**attempt, ForgeError(str(fault), where=where))
        answer = api.send("GET", f"actions/artifacts/{artifact.id}/zip", repeat=True)
        try:
            address = str(answer.headers.get("location", ""))
            content = within(api.patience.whole * FILE, partial(_fetch, address, limit))
        except TooSlowError:
            fault = ForgeError("its storage answers too slowly to be waited for")
            continue
        except ForgeError as error:
            fault = error
            continue
        digest = hashlib.sha256(content).hexdigest()
        if artifact.sha256 is not None and digest != artifact.sha256:
            raise InconclusiveError(
                f"its SHA-256 is {digest}, GitHub names {artifact.sha256}", where=where, remedy="run the workflow again"
            )
        return content
    raise ForgeError(f"could not be downloaded: {fault}", where=where)


def _fetch(url: str, limit: int) -> bytes:
    """The bytes behind an address that holds its own permission; no credentials are sent, whatever ~/.netrc says."""
    import requests  # noqa: PLC0415

    host = urlsplit(url).hostname
    try:
        with requests.get(url, stream=True, timeout=30, auth=lambda request: request) as answer:
            if answer.status_code != 200:
                raise ForgeError(f"{host} answered {answer.status_code}")
            content = bytearray()
            for chunk in answer.iter_content(CHUNK):
                content += chunk
                if len(content) > limit:
                    raise InconclusiveError(f"the artifact is larger than {limit} bytes", remedy="is it the right one?")
            return bytes(content)
    except requests.RequestException as error:
        raise ForgeError(f"{host} did not answer ({cause(error)})") from None  # the address is a secret


def _newest(found: Sequence[Mapping[str, Any]]) -> WorkflowRun | None:
    runs = sorted((_run(one) for one in found), key=lambda run: (run.id, run.attempt))
    return runs[-1] if runs else None


def _run(found: Mapping[str, Any]) -> WorkflowRun:
    return WorkflowRun(
        id=found["id"],
        name=found.get("display_title") or found.get("name") or "",
        url=found["html_url"],
        commit=found["head_sha"],
        event=found["event"],
        attempt=found.get("run_attempt") or 1,
        status=found["status"],
        conclusion=found["conclusion"],
        actor=(found.get("triggering_actor") or found.get("actor") or {}).get("login", ""),
    )


def _artifact(found: Mapping[str, Any]) -> Artifact:
    run = found.get("workflow_run") or {}
    kind, _, digest = (found.get("digest") or "").partition(":")
    return Artifact(
        id=found["id"],
        name=found["name"],
        run=run.get("id") or 0,
        commit=run.get("head_sha") or "",
        size=found["size_in_bytes"],
        sha256=digest if kind == "sha256" else None,
        expired=found["expired"],
        created=moment(found["created_at"]),
    )
