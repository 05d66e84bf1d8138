"""A second person's yes, as GitHub tells it: for a freeze, and to let the agents run again."""

import pytest

from fakes import Randomness
from github_front import github_forge
from github_shop import FLAGS, POLICY, SCOPE, told
from releasegate.cli.clock import SystemClock
from releasegate.runbook.journal import Draft, Journal

KILL = b"kill-switch: {flag: banner, value: 'off'}\n"
FROZEN = b"freeze: [{from: 2020-01-01, to: 2999-01-01, why: the fair}]\ngates: {changes: {reviewed: true}}\n"
IDLE = FLAGS.replace(b'"on", 5], ["off", 95', b'"on", 0], ["off", 100')
TAG = "v0.1.0-rc.1"


@pytest.fixture
def say(github, hosted, capsys):
    """A repository with the policy's next lines; `say` runs a command there."""

    def begin(policy):
        forge = github_forge(github)
        files = {
            "releasegate.yaml": POLICY + policy,
            "config/feature-flags.yaml": IDLE,
            "AGENT-GUARDRAILS.md": b"# 1\n",
        }
        forge.commit("main", files, "start", parent=None)

        def say(*words):
            return told(hosted, [*words, "--repo", forge.home], capsys)

        return forge, say

    return begin


def asked_for(github, forge, title, *reviews):
    """A pull request with this title, and who said what of its head."""
    head = forge.branch_head("main")
    branch = f"ask-{len(github.stub.reviews)}"
    forge.create_branch(branch, head)
    head = forge.commit(branch, {"approvals.md": title.encode()}, "ask", parent=head)
    _, made = github.rest("POST", f"/repos/{forge.home}/pulls", {"title": title, "head": branch, "base": "main"})
    github.stub.reviews[made["number"]] = [(login, state, head) for login, state in reviews]
    return str(made["number"])


@pytest.mark.soak
def test_agents_run_again_by_the_approval_of_a_pull_request(github, say):
    forge, run = say(KILL)
    assert run("kill-switch", "on")[0] == 0
    title = "Let the agents run again: banner"
    before = asked_for(github, forge, title, ("Bob", "APPROVED"))
    better = forge.commit("main", {"AGENT-GUARDRAILS.md": b"# 2\n"}, "better", parent=forge.branch_head("main"))
    judged = Draft("guardrails.judged", {**SCOPE, "commit": better}, {"verdict": "pass", "stage": "staging-gates"})
    Journal(forge, "releasegate/ledger", SystemClock(), Randomness()).append(judged)
    off = ("kill-switch", "off", "--root-cause", "a loop")
    code, _, err = run(*off)
    assert (code, "(so far Ada)" in err) == (3, True), err
    code, _, err = run(*off, "--pull-request", before)
    assert (code, f"pull request {before} was approved on other guardrails than those on main" in err) == (2, True), err
    other = asked_for(github, forge, "Mend a typo", ("Bob", "APPROVED"))
    code, _, err = run(*off, "--pull-request", other)
    assert (code, f"give it the title `{title}`" in err) == (2, True), err
    unread = asked_for(github, forge, title, ("Ada", "APPROVED"), ("Guest", "APPROVED"), ("Eve", "CHANGES_REQUESTED"))
    code, _, err = run(*off, "--pull-request", unread)
    assert (code, f"nobody has approved the present head of pull request {unread}" in err) == (3, True), err
    assert b'defaultVariant: "off"\n' in forge.read("config/feature-flags.yaml", "main").content[-40:]
    code, out, err = run(*off, "--pull-request", asked_for(github, forge, title, ("Bob", "APPROVED")))
    assert (code, out.splitlines()[0]) == (0, "the agents run again"), err
    told_in_the_review(forge, out)


def told_in_the_review(forge, out):
    """The review that the switch opened holds one comment, and no second one was opened."""
    [review] = [one for one in forge.api.get("issues", state="all") if "pull_request" not in one]
    [comment] = forge.api.get(f"issues/{review['number']}/comments")
    assert out.splitlines()[-1] == f"  ✓ tell it in the review: {comment['html_url']}"
    head, when, *rest = comment["body"].replace("\n\n", "\n").splitlines()
    assert (head, when.partition(": ")[0]) == ("The agents run again.", "- When")
    assert rest[:-1] == ["- Approved by: Ada, Bob", "- Root cause: a loop"]
    assert rest[-1].startswith("<!-- releasegate: kill-switch-off:checkout:production:")


def frozen(forge, run, github, monkeypatch, *, by):
    """Override the freeze in a job whose environment, or with a pull request that, these people approved."""
    number = str(github.stub.run(forge.branch_head("main"))["id"])
    if by == "environment":
        github.stub.approvals[int(number)] = [("Bob", "approved")]
        monkeypatch.setenv("GITHUB_RUN_ID", number)
        return run("rollout", TAG, "--override-freeze", "--reason", "urgent")
    request = asked_for(github, forge, f"Override the freeze: {TAG}", ("Bob", "APPROVED"))
    return run("rollout", TAG, "--override-freeze", "--reason", "urgent", "--pull-request", request)


@pytest.mark.parametrize("by", ["environment", pytest.param("pull request", marks=pytest.mark.soak)])
def test_a_freeze_is_overridden_by_who_reviewed_it(github, say, monkeypatch, by):
    forge, run = say(FROZEN)
    assert run("tag", "rc")[0] == 0
    begin = ("rollout", TAG, "--until", "tag")
    assert run("rollout", TAG, "--override-freeze", "--reason", "urgent")[0] == 0
    code, _, err = run(*begin)
    assert (code, err.startswith("releasegate: frozen until 2999-01-01: the fair")) == (2, True), err
    code, out, err = frozen(forge, run, github, monkeypatch, by=by)
    assert (code, out) == (0, f"recorded: Ada, Bob let one of them roll {TAG} out in the freeze\n"), err
    assert run(*begin)[0] == 0
