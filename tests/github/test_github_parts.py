"""What each method of the forge was tested against: the emulator, GraphQL's schema, or the stub."""

import inspect
import re
from functools import reduce
from pathlib import Path

from github_front import github_forge
from github_stub import ROUTES
from releasegate.forge.github.forge import GitHubForge
from releasegate.forge.github.host import GitHubHost
from releasegate.forge.host import Asset, Host
from releasegate.forge.port import Forge

DOCS = Path(__file__).resolve().parents[2] / "docs" / "github.md"
BEGIN, END = "<!-- parts -->\n", "<!-- /parts -->"


def methods(protocol):
    found = inspect.getmembers(protocol, inspect.isfunction)
    return sorted(name for name, _ in found if not name.startswith("_"))


def prepared(github):
    forge = github_forge(github)
    first = forge.commit("main", {"a": b"1", ".github/workflows/ci.yml": b"on: push\n"}, "first", parent=None)
    second = forge.commit("main", {"a": b"2"}, "second", parent=first)
    forge.create_tag("v0", first, "zero")
    forge.create_branch("other", first)
    forge.commit("other", {"b": b"1"}, "other", parent=first)
    issue = forge.open_issue("x", "x", "x")
    run = github.stub.run(second)
    github.stub.artifact("lighthouse", run, {"a": "1"})
    return forge, GitHubHost(forge.api), first, second, issue, run["id"]


def calls(forge, host, first, second, issue, run):
    """One call of each method, in an order in which they can be made."""
    git = {
        "actor": lambda: GitHubForge(forge.api).actor(),
        "default_branch": forge.default_branch,
        "resolve": lambda: forge.resolve("main"),
        "branch_head": lambda: forge.branch_head("main"),
        "create_branch": lambda: forge.create_branch("release/v1", second),
        "tags": lambda: forge.tags("v*"),
        "create_tag": lambda: forge.create_tag("v1", second, "one"),
        "is_ancestor": lambda: forge.is_ancestor(first, second),
        "read": lambda: forge.read("a", "main"),
        "files": lambda: forge.files(".github", "main"),
        "history": lambda: forge.history("main"),
        "changes_between": lambda: forge.changes_between(first, second),
        "open_issue": lambda: forge.open_issue("y", "y", "y"),
        "commit": lambda: forge.commit("main", {"a": b"3"}, "third", parent=second),
    }
    hosts = {
        "start_workflow": lambda: host.start_workflow("ci.yml", "main", {}, "id-1"),
        "find_run": lambda: host.find_run("ci.yml", "id-1"),
        "run": lambda: host.run(run),
        "ci_run": lambda: host.ci_run("ci.yml", second),
        "artifacts": lambda: host.artifacts("lighthouse", second),
        "download": lambda: host.download(host.artifacts("lighthouse", second)[0], 10_000),
        "deploy": lambda: host.deploy("production", second, "v1", "id-1", production=True),
        "deployment_status": lambda: host.deployment_status(1, "success", "done"),
        "deployments": lambda: host.deployments("production", second),
        "check_run": lambda: host.check_run(second, "gate", "success", "fine", ""),
        "release": lambda: host.release("v0", "0", "text", [Asset("e.zip", b"PK")]),
        "open_pull_request": lambda: host.open_pull_request("other", "main", "x", "x", auto_merge=True),
        "pull_request": lambda: host.pull_request(host.open_pull_request("other", "main", "x", "x").number),
        "pull_requests": lambda: host.pull_requests("main", "oth"),
        "close_pull_request": lambda: host.close_pull_request(host.open_pull_request("other", "main", "x", "x").number),
        "reviewers": lambda: host.reviewers(host.open_pull_request("other", "main", "x", "x").number),
        "approvals": lambda: host.approvals(run),
        "comment": lambda: host.comment(issue, "note", "text"),
        "health": lambda: host.health("main"),
    }
    return git, hosts


def table(github):
    git, hosts = calls(*prepared(github))
    assert sorted(hosts) == methods(Host)
    assert sorted(git) == methods(Forge)
    lines = ["| method | answered by |", "|---|---|"]
    for name, call in {**git, **hosts}.items():
        github.exchanges.clear()
        call()
        sources = dict.fromkeys(exchange.source for exchange in github.exchanges)
        lines.append(f"| `{name}` | {', '.join(sorted(sources))} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_parts_is_right(github):
    held = DOCS.read_text().partition(BEGIN)[2].partition(END)[0]
    assert held == table(github)


STUBBED, STUBBED_END = "<!-- stubbed -->\n", "<!-- /stubbed -->"
ABSENT = "not in the emulator"


def emulated(folder):
    """Method and pattern of every route below a repository that the emulator's source serves."""
    code = "".join(path.read_text() for path in (folder / "node_modules/emulate/dist").glob("*.js"))
    for method, path in re.findall(r'\.(get|post|put|patch|delete)\(\s*"/repos/:owner/:repo/([^"]*)"', code):
        yield method.upper(), re.compile(re.sub(r":\w+(\{\.\+\})?", lambda one: ".+" if one[1] else "[^/]+", path))


def test_the_stub_has_nothing_that_the_emulator_has(github):
    routes = list(emulated(github.folder))
    repository = github.repository()
    for method, pattern, why, _ in ROUTES:
        path = pattern.replace(r"(\d+)", "1").replace("([^/]+)", "main").replace("(.+)", "main")
        served = any(method == other and one.fullmatch(path) for other, one in routes)
        assert served is (why != ABSENT), (method, path)
        status, _ = github.rest(method, f"/repos/{repository}/{path}", None if method == "GET" else {})
        assert served or status == 404, (method, path)


def test_the_table_of_what_is_stubbed_is_right():
    names = (r"(\d+)", "ID"), ("([^/]+)", "NAME"), ("(.+)", "NAME")
    lines = ["| route below `/repos/OWNER/NAME` | why it is stubbed |", "|---|---|"]
    for method, pattern, why, _ in ROUTES:
        path = reduce(lambda text, one: text.replace(*one), names, pattern)
        lines.append(f"| `{method} {path}` | {why} |")
    table = "\n".join(lines) + "\n"
    assert DOCS.read_text().partition(STUBBED)[2].partition(STUBBED_END)[0] == table, table
