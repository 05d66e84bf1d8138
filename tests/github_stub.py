"""The parts of GitHub that the emulator does not have, for tests: deployments, runs, artifacts, rules, reviews.

Every answer begins as GitHub's own published example of it and is checked against GitHub's description by the front.
"""

import base64
import hashlib
import io
import json
import re
import tarfile
import zipfile
from copy import deepcopy
from urllib.parse import parse_qs

REPOSITORY = "/repos/{owner}/{repo}"


class Stub:
    """State of one repository; the routes are the methods named in `ROUTES`."""

    def __init__(self, front, login):
        self.front, self.login = front, login
        self.deployments, self.statuses, self.runs, self.artifacts = [], {}, [], []
        self.rules, self.reviews, self.approvals, self.environments = [], {}, {}, []
        self.pull_requests, self.workflows = {}, {}
        self.jobs = {}
        """What a dispatched workflow does before it is completed, by its file: called with the inputs."""
        self.bypass, self.auto_merge = "never", None
        self.on_dispatch, self.on_ref, self.on_tag = "completed", {}, []

    def answer(self, exchange):
        """Status, headers and body; None for a request that is the emulator's."""
        for method, pattern, _, handler in ROUTES:
            found = re.fullmatch(rf"/repos/[^/]+/[^/]+/{pattern}", exchange.path)
            if method == exchange.method and found:
                answer = getattr(self, handler)(exchange, *found.groups())
                if answer is not None:
                    status, body, *headers = answer
                    content = b"" if body is None else json.dumps(body).encode()
                    return status, headers[0] if headers else {}, content
        return None

    def example(self, method, path, status):
        return self.front.contract.example(method, f"{REPOSITORY}/{path}", status)

    # what the tests put in

    def run(self, commit, title="CI", event="push", status="completed", conclusion="success", actor=None):
        """A workflow run."""
        made = self.example("get", "actions/runs/{run_id}", 200)
        made |= {
            "id": 100 + len(self.runs), "display_title": title, "head_sha": commit, "event": event, "status": status,
            "conclusion": conclusion if status == "completed" else None, "run_attempt": 1,
        }  # fmt: skip
        made["triggering_actor"] = {**made["triggering_actor"], "login": actor or self.login}
        self.runs.append(made)
        return made

    def artifact(self, name, run, files, **changes):
        """An artifact with these files, and its archive."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for path, text in files.items():
                file.writestr(path, text)
        content = archive.getvalue()
        made = deepcopy(self.example("get", "actions/artifacts", 200)["artifacts"][0])
        moment = f"2026-11-24T10:00:{len(self.artifacts):02}Z"
        made |= {
            "id": 500 + len(self.artifacts), "name": name, "size_in_bytes": len(content), "expired": False,
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "created_at": moment,
        }  # fmt: skip
        made["workflow_run"] |= {"id": run["id"], "head_sha": run["head_sha"]}
        self.artifacts.append((made | changes, content))
        return content

    # routes

    def list_deployments(self, exchange):
        query = parse_qs(exchange.query)
        wanted = {key: query[key][0] for key in ("environment", "sha") if key in query}
        found = [one for one in self.deployments if all(one[key] == value for key, value in wanted.items())]
        return 200, found[::-1]

    def create_deployment(self, exchange):
        asked = json.loads(exchange.body)
        if asked.get("auto_merge", True) or asked.get("required_contexts") != []:
            return 409, {"message": "Conflict: Commit status checks failed for this ref."}
        made = self.example("post", "deployments", 201)
        same = {key: asked[key] for key in ("ref", "task", "payload", "environment", "production_environment")}
        made |= {"id": 1 + len(self.deployments), "sha": asked["ref"], **same}
        self.deployments.append(made)
        return 201, made

    def list_statuses(self, exchange, number):
        del exchange
        return 200, self.statuses.get(number, [])[::-1]

    def create_status(self, exchange, number):
        asked = json.loads(exchange.body)
        made = self.example("post", "deployments/{deployment_id}/statuses", 201)
        made |= {"state": asked["state"], "description": asked["description"]}
        self.statuses.setdefault(number, []).append(made)
        return 201, made

    def dispatch(self, exchange, workflow):
        asked = json.loads(exchange.body)
        self.jobs.get(workflow, lambda _: None)(asked["inputs"])
        status = self.on_dispatch
        commit = self.on_ref.get(asked["ref"], "0" * 40)
        title = f"deploy {asked['inputs']['id']}"
        made = self.run(commit, title=title, event="workflow_dispatch", status=status)
        self.workflows[made["id"]] = workflow
        return 204, None

    def list_runs(self, exchange, workflow=None):
        query = parse_qs(exchange.query)
        wanted = {key: query[key][0] for key in ("event", "head_sha") if key in query}
        mine = [one for one in self.runs if workflow in (None, self.workflows.get(one["id"], workflow))]
        found = [one for one in mine if all(one[key] == value for key, value in wanted.items())]
        return 200, {"total_count": len(found), "workflow_runs": found[::-1]}

    def get_run(self, exchange, number):
        del exchange
        found = next((one for one in self.runs if one["id"] == int(number)), None)
        return (200, found) if found else (404, {"message": "Not Found"})

    def list_approvals(self, exchange, number):
        del exchange
        example = self.example("get", "actions/runs/{run_id}/approvals", 200)[0]
        return 200, [
            {**example, "state": state, "user": {**example["user"], "login": login}}
            for login, state in self.approvals.get(int(number), ())
        ]

    def list_artifacts(self, exchange):
        return self.artifacts_of(exchange, lambda _: True)

    def list_runs_artifacts(self, exchange, number):
        return self.artifacts_of(exchange, lambda made: made["workflow_run"]["id"] == int(number))

    def artifacts_of(self, exchange, mine):
        query = parse_qs(exchange.query)
        named = [made for made, _ in self.artifacts if made["name"] == query["name"][0] and mine(made)]
        return 200, {"total_count": len(named), "artifacts": named[::-1][: int(query["per_page"][0])]}

    def download(self, exchange, number):
        del exchange
        return 302, None, {"Location": f"{self.front.storage.address}/{number}"}

    def archive(self, exchange, ref):
        """What git has at `ref`, below one folder; it is fetched from where artifacts lie, by the name `tarball`."""
        base, made = "/".join(exchange.path.split("/")[:4]), io.BytesIO()
        _, found = self.front.rest("GET", f"{base}/git/trees/{ref}?recursive=1", None)
        with tarfile.open(fileobj=made, mode="w:gz") as file:
            for one in (one for one in found["tree"] if one["type"] == "blob"):
                _, blob = self.front.rest("GET", f"{base}/git/blobs/{one['sha']}", None)
                content = base64.b64decode(blob["content"])
                about = tarfile.TarInfo(f"shop-{ref}/{one['path']}")
                about.size = len(content)
                file.addfile(about, io.BytesIO(content))
        self.artifacts.append(({"id": "tarball", "name": "tarball"}, made.getvalue()))
        return 302, None, {"Location": f"{self.front.storage.address}/tarball"}

    def list_rules(self, exchange, branch):
        del exchange, branch
        return 200, self.rules

    def get_ruleset(self, exchange, number):
        del exchange
        made = self.example("get", "rulesets/{ruleset_id}", 200)
        return 200, made | {"id": int(number), "current_user_can_bypass": self.bypass}

    def list_environments(self, exchange):
        del exchange
        example = self.example("get", "environments", 200)["environments"][0]
        found = [{**example, "name": name} for name in self.environments]
        return 200, {"total_count": len(found), "environments": found}

    def list_reviews(self, exchange, number):
        del exchange
        example = self.example("get", "pulls/{pull_number}/reviews", 200)[0]
        return 200, [
            {
                **example,
                "id": index,
                "state": state,
                "commit_id": commit,
                "user": {**example["user"], "login": login},
                "author_association": "NONE" if login == "Guest" else "MEMBER",
            }
            for index, (login, state, commit) in enumerate(self.reviews.get(int(number), ()))
        ]

    def set_ref(self, exchange, name=None):
        """As GitHub: a job's own token gets no ref on workflow files that no branch's tip has, and starts no run.

        For any other token the pushed tag starts the workflows `on_tag`. Then the emulator sets the ref.
        """
        asked, base = json.loads(exchange.body), "/".join(exchange.path.split("/")[:4])
        status, tag = self.front.rest("GET", f"{base}/git/tags/{asked['sha']}", None)
        commit = tag["object"]["sha"] if status == 200 else asked["sha"]
        if exchange.by_job and not self.on_a_tip(base, commit):
            return 403, {"message": "Resource not accessible by integration"}
        if name is None and asked["ref"].startswith("refs/tags/") and not exchange.by_job:
            for workflow in self.on_tag:
                self.workflows[self.run(commit, title=asked["ref"])["id"]] = workflow
        return None

    def on_a_tip(self, base, commit):
        """Whether some branch's tip has the same workflow files; a commit without any (the ledger's) adds none."""
        _, tips = self.front.rest("GET", f"{base}/git/matching-refs/heads/", None)
        wanted = self.workflow_files(base, commit)
        return not wanted or any(self.workflow_files(base, tip["object"]["sha"]) == wanted for tip in tips)

    def workflow_files(self, base, commit):
        _, found = self.front.rest("GET", f"{base}/git/trees/{commit}?recursive=1", None)
        folder = ".github/workflows/"
        return {one["path"]: one["sha"] for one in found["tree"] if one["path"].startswith(folder)}


# method, path below the repository, why the stub has it, handler
ROUTES = [
    ("GET", r"deployments", "not in the emulator", "list_deployments"),
    ("POST", r"deployments", "not in the emulator", "create_deployment"),
    ("GET", r"deployments/(\d+)/statuses", "not in the emulator", "list_statuses"),
    ("POST", r"deployments/(\d+)/statuses", "not in the emulator", "create_status"),
    ("POST", r"actions/workflows/([^/]+)/dispatches", "in the emulator no run follows", "dispatch"),
    ("GET", r"actions/workflows/([^/]+)/runs", "no run can be put into the emulator", "list_runs"),
    ("GET", r"actions/runs", "no run can be put into the emulator", "list_runs"),
    ("GET", r"actions/runs/(\d+)/artifacts", "no artifact can be put into the emulator", "list_runs_artifacts"),
    ("GET", r"actions/runs/(\d+)", "no run can be put into the emulator", "get_run"),
    ("GET", r"actions/runs/(\d+)/approvals", "not in the emulator", "list_approvals"),
    ("GET", r"actions/artifacts", "no artifact can be put into the emulator", "list_artifacts"),
    ("GET", r"actions/artifacts/(\d+)/zip", "not in the emulator", "download"),
    ("GET", r"tarball/(.+)", "not in the emulator", "archive"),
    ("GET", r"rules/branches/(.+)", "not in the emulator", "list_rules"),
    ("GET", r"rulesets/(\d+)", "not in the emulator", "get_ruleset"),
    ("GET", r"environments", "not in the emulator", "list_environments"),
    ("GET", r"pulls/(\d+)/reviews", "the emulator has one person only", "list_reviews"),
    ("POST", r"git/refs", "the emulator sets it; refuses a job's token where GitHub does", "set_ref"),
    ("PATCH", r"git/refs/heads/(.+)", "the emulator sets it; refuses a job's token where GitHub does", "set_ref"),
]
