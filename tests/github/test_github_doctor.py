"""`releasegate doctor` on GitHub: each line with its light, and what to do."""
# ruff: noqa: E501  a message stands in one line, as the user gets it

import json
import ssl
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from certificates import certificates
from github_front import Fault, github_forge, threaded
from github_shop import FLAGS, POLICY, told
from servers import free_port

NO_CANARY = POLICY.partition(b"canary:")[0]
WATCHDOG = (
    b"on:\n  schedule: [{cron: '*/5 * * * *'}]\njobs: {w: {steps: [run: releasegate rollout --resume-or-rollback]}}\n"
)
RULESET = {"ruleset_source_type": "Repository", "ruleset_source": "Ada/shop", "ruleset_id": 7}


@pytest.fixture
def shop(github):
    """A repository in which all is well."""
    github.stub.environments = ["production"]
    forge = github_forge(github)
    files = {
        "releasegate.yaml": NO_CANARY, "config/feature-flags.yaml": FLAGS, ".github/workflows/watch.yml": WATCHDOG,
    }  # fmt: skip
    forge.commit("main", files, "start", parent=None)
    return forge


def examined(folder, repository, capsys):
    code, out, err = told(folder, ["doctor", "--repo", repository], capsys)
    return code, out.replace(repository, "REPO").splitlines(), err


GREEN = [
    "green   repository: REPO answers; the default branch is main",
    "green   actor: Ada, vouched for by the host",
    "green   policy: checkout in production",
    "green   flag file: config/feature-flags.yaml on main holds checkout-v2",
    "green   token: it may write",
    "green   branch: a commit straight on main is let through: a rollback lands",
    "green   environment: production is there; somebody has to approve a deployment",
    "green   approvals: what counts here: reviews of environments, reviews of pull requests, and a second person's own workflow run",
    "green   watchdog: .github/workflows/watch.yml goes on with a rollout whose runner died",
    "9 checks: 0 red, 0 yellow",
]


def test_where_all_is_well_every_line_is_green(shop, hosted, capsys):
    assert examined(hosted, shop.home, capsys) == (0, GREEN, "")


def changed(lines, **places):
    return [places.get(line[8:].partition(":")[0].replace(" ", "_"), line) for line in lines]


def test_a_branch_that_would_refuse_a_rollback_is_red(shop, github, hosted, capsys):
    github.stub.rules = [{"type": "pull_request", **RULESET}, {"type": "non_fast_forward", **RULESET}]
    code, lines, _ = examined(hosted, shop.home, capsys)
    red = "red     branch: a rollback would be refused on main: a ruleset asks for a pull request; put the GitHub App that runs it into the bypass list, or keep the flag file on a branch of its own"
    assert (code, lines) == (1, [*changed(GREEN, branch=red)[:-1], "9 checks: 1 red, 0 yellow"])
    github.stub.bypass = "always"
    assert examined(hosted, shop.home, capsys) == (0, GREEN, "")


def test_a_rule_of_the_organization_refuses_it_too(shop, github, hosted, capsys):
    rule = {**RULESET, "ruleset_source_type": "Organization", "ruleset_source": "acme"}
    pattern = {"operator": "starts_with", "pattern": "feat"}
    github.stub.rules = [{"type": "commit_message_pattern", "parameters": pattern, **rule}]
    code, lines, _ = examined(hosted, shop.home, capsys)
    why = "refused on main: a ruleset says what the messages of commits hold"
    assert (code, why in lines[5]) == (1, True)
    github.stub.bypass = "always"
    assert examined(hosted, shop.home, capsys) == (0, GREEN, "")


def test_signed_commits_are_let_through_where_github_signs_them(shop, github, hosted, capsys):
    github.stub.rules = [{"type": "required_signatures", **RULESET}]
    assert examined(hosted, shop.home, capsys) == (0, GREEN, "")
    github.graphql = False
    code, lines, _ = examined(hosted, shop.home, capsys)
    assert (code, "refused on main: a ruleset asks for signed commits" in lines[5]) == (1, True)


def test_where_flags_go_by_pull_request_their_merge_is_what_counts(shop, github, hosted, capsys):
    policy = NO_CANARY + b"flags: {commit: pull-request}\n"
    shop.commit("main", {"releasegate.yaml": policy}, "by request", parent=shop.branch_head("main"))
    github.stub.rules = [{"type": "pull_request", **RULESET}]
    slow = "branch: a rollback waits until its pull request into main is merged"
    for allowed, code, light in ((False, 1, "red     "), (True, 0, "yellow  ")):
        assert github.rest("PATCH", f"/repos/{shop.home}", {"allow_auto_merge": allowed})[0] == 200
        found, lines, _ = examined(hosted, shop.home, capsys)
        assert (found, lines[5].startswith(light + slow)) == (code, True), lines[5]


def test_what_is_missing_is_said(shop, github, hosted, capsys):
    github.stub.environments = []
    head = shop.branch_head("main")
    gone = {".github/workflows/watch.yml": None, "config/feature-flags.yaml": b"other: true\n"}
    shop.commit("main", gone, "less", parent=head)
    code, lines, _ = examined(hosted, shop.home, capsys)
    assert (code, lines) == (
        1,
        [
            *changed(
                GREEN,
                flag_file="red     flag file: config/feature-flags.yaml has no flag checkout-v2; add it, or mend its name in the policy",
                environment="yellow  environment: there is no environment production; make it, if deployments are to be shown there",
                watchdog="yellow  watchdog: no workflow would notice that a runner died during a canary; add a workflow with `schedule` that runs `releasegate rollout --resume-or-rollback`",
            )[:-1],
            "9 checks: 1 red, 2 yellow",
        ],
    )


WORKFLOWS = b"""release: {ci: {workflow: ci.yml}}
deploy: {staging: {workflow: deploy.yml}, production: {workflow: deploy.yml}}
staging-tests: {workflow: e2e.yml}
gates:
  zap: {reports: [zap.json], artifact: zap}
  tests: {regression: {junit: r.xml, artifact: regression}, offline-sync: {junit: o.xml, artifact: offline-sync}}
"""
CI = b"on: {push: {}, workflow_dispatch: {}}\njobs: {a: {steps: [{with: {name: zap}}]}}\n"
DEPLOY = b"run-name: deploy ${{ inputs.id }}\non: workflow_dispatch\n"
E2E = b"run-name: e2e ${{ inputs.id }}\non: workflow_dispatch\nenv: {A: regression, B: offline-sync}\n"


def test_the_policys_workflows_and_their_artifacts(shop, hosted, capsys):
    def with_files(**files):
        paths = {f".github/workflows/{name}.yml": text for name, text in files.items()}
        head = shop.branch_head("main")
        shop.commit("main", {"releasegate.yaml": NO_CANARY + WORKFLOWS, **paths}, "workflows", parent=head)
        code, lines, _ = examined(hosted, shop.home, capsys)
        return code, [line for line in lines if "workflows:" in line or "artifacts:" in line]

    assert with_files(ci=CI, deploy=DEPLOY, e2e=E2E) == (
        0,
        [
            "green   workflows: ci.yml, deploy.yml, e2e.yml",
            "green   artifacts: ci.yml names zap",
            "green   artifacts: e2e.yml names regression, offline-sync",
        ],
    )
    bare = {"ci": b"on: push\n", "deploy": b"on: workflow_dispatch\n", "e2e": None}
    found = "a run of deploy.yml would not be found again"
    assert with_files(**bare) == (
        1,
        [
            "yellow  workflows: ci.yml cannot be started (release.ci); add `on: workflow_dispatch` to it",
            f"red     workflows: {found} (deploy.staging); add `run-name: … ${{{{ inputs.id }}}}` to it",
            f"red     workflows: {found} (deploy.production); add `run-name: … ${{{{ inputs.id }}}}` to it",
            "red     workflows: there is no e2e.yml on the default branch (staging-tests); add it, or mend its name",
            "yellow  artifacts: ci.yml does not name zap; see that actions/upload-artifact gives it this `name`",
            "yellow  artifacts: e2e.yml does not name regression, offline-sync; see that actions/upload-artifact gives it this `name`",
        ],
    )


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://127.0.0.1:9", "TCP: the connection was refused"),
        ("http://prometheus.invalid", "DNS: the host's name is not known"),
    ],
)
def test_a_prometheus_that_is_not_reached_is_named_once_with_the_cause(github, hosted, capsys, url, cause):
    forge = github_forge(github)
    policy = POLICY.replace(b"http://127.0.0.1:9", url.encode())
    forge.commit("main", {"releasegate.yaml": policy, "config/feature-flags.yaml": FLAGS}, "start", parent=None)
    code, lines, _ = examined(hosted, forge.home, capsys)
    fix = "does Prometheus answer there? A runner that cannot reach it: use `runs-on` of one that can"
    assert (code, [line for line in lines if "metrics" in line]) == (1, [f"red     metrics: {url}: {cause}; {fix}"])


NETWORK = "is the network up, and GITHUB_API_URL right? A runner that cannot reach it: use `runs-on` of one that can"


def unreached(cause, fix):
    told = f"red     repository: GET /repos/REPO: GitHub did not answer ({cause}), 6 times in a row; {fix}"
    return 1, [told, "1 checks: 1 red, 0 yellow"], ""


def test_a_connection_that_fails_is_named_by_its_cause(shop, hosted, monkeypatch, capsys):
    for address, cause in (
        (f"http://127.0.0.1:{free_port()}", "TCP: the connection was refused"),
        ("http://github.invalid", "DNS: the host's name is not known"),
    ):
        monkeypatch.setenv("GITHUB_API_URL", address)
        assert examined(hosted, shop.home, capsys) == unreached(cause, NETWORK)


def test_a_certificate_that_nobody_here_trusts_is_named_and_trusted_as_the_line_says(
    shop, hosted, monkeypatch, capsys, tmp_path
):
    certificates(tmp_path)
    secret = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secret.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # which answers 501
    server.socket = secret.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    with threaded(server):
        monkeypatch.setenv("GITHUB_API_URL", f"https://127.0.0.1:{server.server_port}")
        fix = "trust its authority: REQUESTS_CA_BUNDLE=FILE; and is GITHUB_API_URL right?"
        assert examined(hosted, shop.home, capsys) == unreached("TLS: the certificate was not accepted", fix)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        _, [line, _], _ = examined(hosted, shop.home, capsys)
        assert line.startswith("red     repository: GET /repos/REPO: GitHub answered 501")


PROTECTED = {"required_status_checks": None, "required_pull_request_reviews": None, "restrictions": None}
REVIEWED = {"required_approving_review_count": 1}
REFUSED = "red     branch: a rollback would be refused on main: the branch's protection asks for {}; put the GitHub App that runs it into the bypass list, or keep the flag file on a branch of its own"


def test_classic_protection_against_commits_straight_on_the_branch(shop, github, hosted, capsys):
    def protected(**settings):
        path = f"/repos/{shop.home}/branches/main/protection"
        assert github.rest("PUT", path, {**PROTECTED, "enforce_admins": True, **settings})[0] == 200
        code, lines, _ = examined(hosted, shop.home, capsys)
        return code, lines[5]

    pull = protected(required_pull_request_reviews=REVIEWED)
    assert pull == (1, REFUSED.format("a pull request"))
    checks = protected(required_status_checks={"strict": True, "contexts": ["ci"]})
    assert checks == (1, REFUSED.format("green checks first"))
    assert protected() == (0, GREEN[5])
    admin = protected(required_pull_request_reviews=REVIEWED, enforce_admins=False)
    assert admin == (0, GREEN[5]), "the token is an administrator's"


def test_a_protection_that_the_token_may_not_read_is_yellow(shop, github, hosted, capsys):
    github.rest("PUT", f"/repos/{shop.home}/branches/main/protection", {**PROTECTED, "enforce_admins": True})
    github.fault = lambda e: Fault(status=403) if e.path.endswith("/protection") else None
    code, lines, _ = examined(hosted, shop.home, capsys)
    yellow = "yellow  branch: main is protected, and the token may not read how; give the token `administration: read`, or try `releasegate flags off` on a harmless flag"
    assert (code, lines) == (0, [*changed(GREEN, branch=yellow)[:-1], "9 checks: 0 red, 1 yellow"])


@pytest.mark.parametrize(
    ("scopes", "code", "line"),
    [
        ("gist, read:org", 1, "red     token: its scopes are gist, read:org; it needs the scope `repo`"),
        ("", 1, "red     token: its scopes are none; it needs the scope `repo`"),
        ("repo, workflow", 0, "green   token: it may write"),
    ],
)
def test_the_scopes_of_a_classic_token(shop, github, hosted, capsys, scopes, code, line):
    body = {"full_name": shop.home, "default_branch": "main", "private": False, "permissions": {"push": True}}
    told = Fault(status=200, headers={"X-OAuth-Scopes": scopes}, body=json.dumps(body).encode())
    github.fault = lambda e: told if e.path == f"/repos/{shop.home}" else None
    found, lines, _ = examined(hosted, shop.home, capsys)
    assert (found, lines[4]) == (code, line)


def test_a_token_that_is_not_accepted_is_named(shop, hosted, monkeypatch, capsys):
    monkeypatch.setenv("GH_TOKEN", "ghp_expired")
    code, lines, _ = examined(hosted, shop.home, capsys)
    assert (code, lines) == (
        1,
        [
            "red     repository: GET /repos/REPO: GitHub answered 401: Bad credentials; the token is not accepted: is GITHUB_TOKEN or GH_TOKEN set, and not expired?",
            "1 checks: 1 red, 0 yellow",
        ],
    )
