"""Reusable workflows and the flag action on GitHub: what a person would have seen in the API afterwards."""

import shutil

import pytest
import yaml
from act_runs import ROOT, git

from github_front import TOKEN, github_forge
from github_shop import settle, start

pytestmark = pytest.mark.soak
FLAG = """\
on: push
jobs:
  flag:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - id: flag
        uses: releasegate/releasegate/feature-flags@v1
        with: {flag: checkout-v2, value: off, reason: it burns, token: "${{ secrets.PAT }}"}
"""


@pytest.fixture
def hosted(github, shop):
    """The shop, whose remote is a repository on GitHub with a candidate that was rolled out; gives its forge."""
    repository = github.repository()
    forge = github_forge(github, repository)
    start(forge)
    settle(forge)
    git(shop, "remote", "set-url", "origin", f"https://github.com/{repository}.git")
    decided(shop, service="checkout")
    github.reset()
    return forge


def decided(shop, **more):
    """Change the shop's policy."""
    policy = yaml.safe_load((shop / "releasegate.yaml").read_text())
    (shop / "releasegate.yaml").write_text(yaml.safe_dump({**policy, **more}))
    git(shop, "commit", "--quiet", "-am", "another policy")


def written(github):
    """What was asked of the API but for reading: GraphQL's questions are posted too."""
    asked = [one for one in github.exchanges if one.path == "/graphql" and b"mutation" not in one.body]
    return [str(one) for one in github.exchanges if one.method != "GET" and one not in asked]


READING = """\
on: push
jobs:
  read:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
""" + "".join(
    f"""\
      - uses: releasegate/releasegate@v1
        continue-on-error: true
        with: {{command: {command}, token: "${{{{ secrets.PAT }}}}"}}
"""
    for command in ("doctor", "status", "kill-switch status", "tag last-good")
)


@pytest.mark.usefixtures("hosted")
def test_rollback_yml_says_what_it_would_do_and_only_reads(github, shop, act):
    (shop / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(ROOT / ".github" / "workflows" / "rollback.yml", shop / ".github" / "workflows")
    run = act(
        shop, event="workflow_dispatch", inputs={"dry-run": "true"}, secrets={"GITHUB_TOKEN": TOKEN},
        env={"GITHUB_API_URL": github.address},
    )  # fmt: skip
    assert run.code == 0, run.log
    assert "1. set the canary's weight to 0" in run.printed
    assert (written(github), github.sent() != []) == ([], True)


@pytest.mark.usefixtures("hosted")
def test_what_reads_asks_the_api(github, shop, act):
    run = act(shop, workflow=READING, secrets={"PAT": TOKEN}, env={"GITHUB_API_URL": github.address})
    lines = set(run.printed)
    name = git(shop, "config", "remote.origin.url").removeprefix("https://github.com/").removesuffix(".git")
    assert f"green   repository: {name} answers; the default branch is main" in lines, run.log
    assert "green   branch: a commit straight on main is let through: a rollback lands" in lines
    assert f"checkout (production) in {name}" in lines, run.log
    assert "the kill switch is off" in lines
    assert any(line.startswith("  split        5% to the canary (flag checkout-v2 in ") for line in lines)
    assert "v0.1.0-rc.1" in lines
    assert written(github) == []


def test_a_flag_by_pull_request_is_opened_and_said_not_to_be_live(github, hosted, shop, act):
    decided(shop, flags={"commit": "pull-request", "merge-within": "1s"})
    before = hosted.branch_head("main")
    run = act(shop, workflow=FLAG, secrets={"PAT": TOKEN}, env={"GITHUB_API_URL": github.address})
    assert (run.code, "exit status 4" in run.log) == (1, True), run.log
    assert "NOT LIVE" in run.printed
    (opened,) = [one for one in github.exchanges if one.method == "POST" and one.path.endswith("/pulls")]
    assert b"it burns" in opened.body
    assert hosted.branch_head("main") == before


@pytest.mark.usefixtures("hosted")
def test_a_flag_by_patch_is_shown_and_nothing_is_written(github, shop, act):
    decided(shop, flags={"commit": "patch"})
    run = act(shop, workflow=FLAG, secrets={"PAT": TOKEN}, env={"GITHUB_API_URL": github.address})
    assert run.code == 0, run.log
    line = '+    targeting: {fractional: [["on", 0], ["off", 100]]}'
    assert (line in run.printed, line in run.summary) == (True, True)
    assert (written(github), github.sent() != []) == ([], True)
