"""Flag commits by pull request, and as patches: `flags.commit` in the policy."""

import pytest

from fakes import MemoryForge, blob_id
from github_front import Fault, github_forge
from github_shop import FLAGS, POLICY, told
from releasegate.errors import PendingError, RaceError
from releasegate.runbook.proposal import Patches
from repositories import repository

BY_REQUEST = POLICY + b"flags: {commit: pull-request, merge-within: 1s}\n"
KILL = b"kill-switch: {flag: banner, value: 'off'}\n"
OFF = ["flags", "off", "banner", "--reason", "errors since 14:02"]


def begun(github, policy=BY_REQUEST):
    forge = github_forge(github)
    files = {"releasegate.yaml": policy, "config/feature-flags.yaml": FLAGS}
    forge.commit("main", files, "start", parent=None)
    return forge


def pulls(github, forge, state="open"):
    return github.rest("GET", f"/repos/{forge.home}/pulls?state={state}", None)[1]


def merging(github, forge):
    """What a person does while a command waits: merge whatever is open."""

    def sleep(_):
        for one in pulls(github, forge):
            status, body = github.rest("PUT", f"/repos/{forge.home}/pulls/{one['number']}/merge", {})
            assert status == 200, body

    return sleep


def on_main(forge):
    return forge.read("config/feature-flags.yaml", "main").content


@pytest.mark.parametrize("graphql", [True, False])
def test_a_flag_commit_waits_for_its_merge(github, hosted, capsys, graphql):
    forge = begun(github)
    github.graphql = graphql
    code, out, err = told(hosted, [*OFF, "--repo", forge.home], capsys, merging(github, forge))
    assert (code, err) == (0, "")
    head = forge.branch_head("main")
    assert out.splitlines()[-1] == f"committed {head[:12]} on main"
    assert on_main(forge) != FLAGS
    [merged] = pulls(github, forge, "closed")
    assert (merged["title"], merged["body"]) == (
        "Switch off banner", "errors since 14:02\n\nMade by releasegate, which waits for it to be merged.\n",
    )  # fmt: skip
    [event] = forge.history("releasegate/ledger")
    assert b'"flag.changed"' in event.changes[0].content


def test_one_that_nobody_merges_is_opened_once_and_told(github, hosted, capsys):
    forge = begun(github)
    for _ in range(2):
        code, out, err = told(hosted, [*OFF, "--repo", forge.home], capsys)
        [request] = pulls(github, forge)
        assert (code, out.splitlines()[-1]) == (4, "NOT LIVE")
        assert err == (
            f"releasegate: opened {request['html_url']}, NOT LIVE: not merged within 1 s (a person has to merge it); "
            "have it approved and merged, then run the command again\n"
        )
        assert on_main(forge) == FLAGS
    merging(github, forge)(0)
    code, out, _ = told(hosted, [*OFF, "--repo", forge.home], capsys)
    assert (code, out) == (0, "nothing to change: it is so already\n")


@pytest.mark.soak
def test_one_that_was_closed_is_not_waited_for(github, hosted, capsys):
    forge = begun(github)

    def close(_):
        for one in pulls(github, forge):
            github.rest("PATCH", f"/repos/{forge.home}/pulls/{one['number']}", {"state": "closed"})

    code, _, err = told(hosted, [*OFF, "--repo", forge.home], capsys, close)
    assert code == 4
    assert "was closed and not merged; ask who closed it, why" in err


@pytest.mark.soak
def test_a_run_that_died_over_it_is_gone_on_with(github, hosted, capsys):
    forge = begun(github)
    opened = lambda e: e.method == "POST" and e.path.endswith("/pulls")  # noqa: E731
    github.fault = lambda e: Fault(drop_before=True) if opened(e) else None
    assert told(hosted, [*OFF, "--repo", forge.home], capsys)[0] == 4
    github.fault = lambda _: None
    assert told(hosted, [*OFF, "--repo", forge.home], capsys, merging(github, forge))[0] == 0
    assert len(pulls(github, forge, "all")) == 1


@pytest.mark.soak
def test_a_rollback_by_pull_request_closes_a_raise_that_still_waits(github, hosted, capsys):
    forge = begun(github)
    head = forge.branch_head("main")
    forge.create_branch("releasegate-flags/checkout/production/traffic/abc", head)
    raised = {"config/feature-flags.yaml": FLAGS.replace(b'"on", 5], ["off", 95', b'"on", 50], ["off", 50')}
    forge.commit("releasegate-flags/checkout/production/traffic/abc", raised, "Set it to 50%", parent=head)
    asked = {"title": "x", "head": "releasegate-flags/checkout/production/traffic/abc", "base": "main"}
    github.rest("POST", f"/repos/{forge.home}/pulls", asked)
    words = ["rollback", "--traffic-only", "--yes", "--repo", forge.home]
    code, out, _ = told(hosted, words, capsys)
    assert (code, out.splitlines()[0]) == (4, "TRAFFIC IS NOT BACK: set the split to 0 by hand, now")
    assert [one["title"] for one in pulls(github, forge)] == ["Set checkout-v2 to 0%"]
    code, out, _ = told(hosted, words, capsys, merging(github, forge))
    assert (code, out.splitlines()[0]) == (0, "traffic is back, and every step held")
    assert b'"off"' in on_main(forge)
    github.rest("POST", f"/repos/{forge.home}/pulls", {**asked, "title": "again"})
    code, out, _ = told(hosted, words, capsys)
    assert (code, "; closed http" in out, pulls(github, forge)) == (0, True, [])


def test_an_older_one_that_cannot_be_closed_keeps_no_taking_back_from_being_merged(github, hosted, capsys):
    forge = begun(github, BY_REQUEST + KILL)
    head, branch = forge.branch_head("main"), "releasegate-flags/checkout/production/kill-switch/abc"
    forge.create_branch(branch, head)
    forge.commit(branch, {"config/feature-flags.yaml": FLAGS + b"# on again\n"}, "On again", parent=head)
    older = github.rest("POST", f"/repos/{forge.home}/pulls", {"title": "on", "head": branch, "base": "main"})[1]
    closes = lambda e: e.method == "PATCH" and e.path.endswith(f"/pulls/{older['number']}")  # noqa: E731
    github.fault = lambda e: Fault(status=502) if closes(e) else None
    mine = lambda: [one for one in pulls(github, forge) if one["number"] != older["number"]]  # noqa: E731

    def merge(_):
        for one in mine():
            github.rest("PUT", f"/repos/{forge.home}/pulls/{one['number']}/merge", {})

    code, out, err = told(hosted, ["kill-switch", "on", "--repo", forge.home], capsys, merge)
    assert (code, out.splitlines()[0]) == (0, "the agents are stopped")
    assert f"LOOK: {older['html_url']} could not be closed (GitHub answered 502" in err
    assert on_main(forge) != FLAGS


@pytest.mark.soak
def test_the_kill_switch_by_pull_request(github, hosted, capsys):
    forge = begun(github, BY_REQUEST + KILL)
    code, out, _ = told(hosted, ["kill-switch", "on", "--repo", forge.home], capsys)
    assert (code, out.splitlines()[0]) == (4, "THE AGENTS ARE NOT STOPPED: set the flag by hand, now")
    assert "NOT LIVE: not merged within 1 s" in out.splitlines()[1]
    code, out, _ = told(hosted, ["kill-switch", "on", "--repo", forge.home], capsys, merging(github, forge))
    assert (code, out.splitlines()[0]) == (0, "the agents are stopped")
    assert len(pulls(github, forge, "all")) == 1


PATCH = POLICY + b"flags: {commit: patch}\n" + KILL


def test_a_patch_is_of_the_file_that_was_decided_on(tmp_path):
    forge = MemoryForge()
    forge.commit("main", {"flags.yaml": b"a: 2\n"}, "raised meanwhile", parent=None)
    patches, where = Patches(forge, tmp_path), ("main", "flags.yaml", b"a: 0\n", "Off")
    with pytest.raises(RaceError):
        patches.replace(*where, blob=blob_id(b"a: 1\n"), parent=None)
    assert not list(tmp_path.iterdir())
    with pytest.raises(PendingError):
        patches.replace(*where, blob=blob_id(b"a: 2\n"), parent=None)
    assert (tmp_path / "flags.patch").read_text().splitlines()[-2:] == ["-a: 2", "+a: 0"]


def test_a_patch_is_printed_and_nothing_is_committed(github, hosted, capsys):
    forge = begun(github, PATCH)
    head = forge.branch_head("main")
    code, out, err = told(hosted, [*OFF, "--repo", forge.home], capsys)
    assert (code, out.splitlines()[0], err) == (0, "--- a/config/feature-flags.yaml", "")
    code, out, _ = told(hosted, ["kill-switch", "on", "--repo", forge.home], capsys)
    assert (code, out.splitlines()[0]) == (4, "THE AGENTS ARE NOT STOPPED: set the flag by hand, now")
    assert "--- a/config/feature-flags.yaml" in out.splitlines()
    code, out, _ = told(hosted, ["rollback", "--traffic-only", "--yes", "--repo", forge.home], capsys)
    assert code == 4
    assert "NOT LIVE: nothing is committed (policy: flags.commit: patch); apply flags.patch" in out
    assert forge.branch_head("main") == head


@pytest.mark.parametrize(
    ("mode", "words", "why"),
    [
        ("pull-request", OFF, "flags.commit: pull-request needs GitHub, and this is a plain git repository"),
        ("pull-request", ["rollout"], "flags.commit: pull-request needs GitHub, and this is a plain git repository"),
        ("patch", ["rollout"], "flags.commit: patch commits nothing, so nothing can send traffic to a canary"),
    ],
)
def test_a_way_that_cannot_work_here_is_refused_with_the_reason(tmp_path, capsys, mode, words, why):
    folder = repository(tmp_path / "shop")
    (folder / "releasegate.yaml").write_bytes(POLICY + f"flags: {{commit: {mode}}}\n".encode())
    code, out, err = told(folder, [*words, "--repo", "local"], capsys)
    assert (code, out, err.startswith(f"releasegate: {why}; write flags.commit: direct or ")) == (2, "", True), err
