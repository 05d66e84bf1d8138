"""One call of each method of the forge and its host, on a repository that has what they ask for."""

import inspect

from github_front import github_forge
from releasegate.forge.github.forge import GitHubForge
from releasegate.forge.github.host import GitHubHost
from releasegate.forge.host import Asset, Host
from releasegate.forge.port import Forge


def methods(protocol):
    """The names of a port's methods."""
    found = inspect.getmembers(protocol, inspect.isfunction)
    return sorted(name for name, _ in found if not name.startswith("_"))


ALL = [*methods(Forge), *methods(Host)]


class Prepared:
    """The repository, and the ids of what stands there."""

    def __init__(self, front):
        self.front, forge = front, github_forge(front)
        host = GitHubHost(forge.api)
        files = {"a": b"1", ".github/workflows/ci.yml": b"on: push\n"}
        self.home, self.first = forge.home, forge.commit("main", files, "first", parent=None)
        self.second = forge.commit("main", {"a": b"2"}, "second", parent=self.first)
        forge.create_tag("v0", self.first, "zero")
        for branch in ("other", "asked"):
            forge.create_branch(branch, self.first)
            forge.commit(branch, {branch: b"1"}, branch, parent=self.first)
        self.issue = forge.open_issue("x", "x", "x")
        self.request = host.open_pull_request("asked", "main", "asked", "why").number
        self.deployment = host.deploy("staging", self.first, "v0", "id-0", production=False).id
        self.run = front.stub.run(self.second)["id"]
        front.stub.approvals[self.run] = [("Bob", "approved")]
        front.stub.reviews[self.request] = [("Bob", "APPROVED", host.pull_request(self.request).head)]
        front.stub.artifact("lighthouse", front.stub.runs[0], {"a": "1"})
        self.artifact = host.artifacts("lighthouse", self.second)[0]

    def forge(self, **options):
        """A new connection."""
        return github_forge(self.front, self.home, **options)


def replaced(forge, found, content, branch="main"):
    """Commit other content of a file that was read."""
    return forge.replace(branch, found.path, content, "replaced", blob=found.blob, parent=found.commit)


def calls(forge, it):
    """Method to a call of it on `forge`, in an order in which they can all be made."""
    host = GitHubHost(forge.api)
    git = {
        "actor": lambda: GitHubForge(forge.api).actor(),
        "default_branch": forge.default_branch,
        "resolve": lambda: forge.resolve("main"),
        "branch_head": lambda: forge.branch_head("main"),
        "create_branch": lambda: forge.create_branch("release/v1", it.second),
        "tags": lambda: forge.tags("v*"),
        "create_tag": lambda: forge.create_tag("v1", it.second, "one"),
        "is_ancestor": lambda: forge.is_ancestor(it.first, it.second),
        "read": lambda: forge.read("a", "main"),
        "files": lambda: forge.files(".github", "main"),
        "history": lambda: forge.history("main"),
        "newest": lambda: forge.newest("main"),
        "changes_between": lambda: forge.changes_between(it.first, it.second),
        "open_issue": lambda: forge.open_issue("y", "y", "y"),
        "commit": lambda: forge.commit("main", {"a": b"3"}, "third", parent=it.second),
        "replace": lambda: replaced(forge, forge.read("a", "main"), b"4"),
    }
    hosts = {
        "start_workflow": lambda: host.start_workflow("ci.yml", "main", {}, "id-1"),
        "find_run": lambda: host.find_run("ci.yml", "id-1"),
        "run": lambda: host.run(it.run),
        "ci_run": lambda: host.ci_run("ci.yml", it.second),
        "artifacts": lambda: host.artifacts("lighthouse", it.second),
        "download": lambda: host.download(it.artifact, 10_000),
        "deploy": lambda: host.deploy("production", it.second, "v1", "id-1", production=True),
        "deployment_status": lambda: host.deployment_status(it.deployment, "success", "done"),
        "deployments": lambda: host.deployments("staging", it.first),
        "check_run": lambda: host.check_run(it.second, "gate", "success", "fine", ""),
        "release": lambda: host.release("v0", "0", "text", [Asset("e.zip", b"PK")]),
        "open_pull_request": lambda: host.open_pull_request("other", "main", "x", "x", auto_merge=True),
        "pull_request": lambda: host.pull_request(it.request),
        "pull_requests": lambda: host.pull_requests("main", "ask"),
        "close_pull_request": lambda: host.close_pull_request(it.request),
        "reviewers": lambda: host.reviewers(it.request),
        "approvals": lambda: host.approvals(it.run),
        "comment": lambda: host.comment(it.issue, "note", "text"),
        "committed": lambda: host.committed(it.second),
        "health": lambda: host.health("main"),
    }
    assert [*sorted(git), *sorted(hosts)] == ALL
    return {**git, **hosts}
