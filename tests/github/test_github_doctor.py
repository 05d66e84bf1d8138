"""`releasegate doctor` on GitHub: each line with its light, and what to do."""
# ruff: noqa: E501  a message stands in one line, as the user gets it

import pytest

from github_front import github_forge
from github_shop import FLAGS, POLICY, start, told
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
    github.stub.rules = [
        {"type": "required_signatures", **RULESET, "ruleset_source_type": "Organization", "ruleset_source": "acme"}
    ]
    code, lines, _ = examined(hosted, shop.home, capsys)
    assert (code, "refused on main: a ruleset asks for signed commits" in lines[5]) == (1, True)
    github.stub.bypass = "always"
    assert examined(hosted, shop.home, capsys) == (0, GREEN, "")


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


def test_a_prometheus_that_is_not_there_is_named(github, hosted, capsys):
    forge = github_forge(github)
    start(forge)
    code, lines, _ = examined(hosted, forge.home, capsys)
    assert code == 1
    assert next(line for line in lines if "metrics" in line).startswith("red     metrics: ")
    assert "http://127.0.0.1:9" in "\n".join(lines)


def test_a_connection_that_fails_is_named_by_its_cause(shop, hosted, monkeypatch, capsys):
    for address, cause in (
        (f"http://127.0.0.1:{free_port()}", "TCP: the connection was refused"),
        ("http://github.invalid", "DNS: the host's name is not known"),
    ):
        monkeypatch.setenv("GITHUB_API_URL", address)
        code, lines, _ = examined(hosted, shop.home, capsys)
        assert (code, len(lines)) == (1, 2)
        assert cause in lines[0]
        assert "use `runs-on` of one that can" in lines[0]


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
