"""The gate `changes`: four eyes on every commit between two releases."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.gates.changes import (
    Check,
    IncomingCommit,
    PullRequest,
    Range,
    Review,
    ReviewState,
    Rules,
    facts,
    judge,
)
from releasegate.verdict import Subject

MERGED = datetime(2026, 11, 23, 12, tzinfo=UTC)
HEAD = "b" * 40
RULES = Rules(branches=("main", "release/*"))


LACKING = {
    "unapproved": "nobody approved it",
    "self-approval": "only people whose own commits it holds approved it",
    "bot-approval": "only a program approved it",
    "stale-approval": "commits were added after the approval, and nobody approved the final head",
    "late-approval": "it was approved only after it had been merged",
}


def review(author="grace", state="approved", commit=HEAD, *, minutes=-30, **more):
    return Review(
        author=author, state=ReviewState(state), commit=commit, submitted=MERGED + timedelta(minutes=minutes), **more
    )


def request(number=7, *, reviews=None, **more):
    fields = {
        "number": number, "url": f"https://forge.test/shop/pull/{number}", "title": "SHOP-12 Faster checkout",
        "body": "", "base": "main", "head": HEAD, "merged": MERGED, "author": "ada", "contributors": ("ada",),
        "required": ("test",), "checks": (Check(name="test", conclusion="success"),),
    }  # fmt: skip
    return PullRequest(**{**fields, "reviews": (review(),) if reviews is None else tuple(reviews), **more})


def commit(*requests, sha="c" * 40, message="Faster checkout\n\nwhy", paths=("src/a.py",), untold=False):
    return IncomingCommit(
        sha=sha, author="ada", message=message, paths=paths, pull_requests=None if untold else requests
    )


def verdict(*commits, rules=RULES):
    found = Range("a" * 40, "c" * 40, commits)
    return judge(found, rules, Subject("v1.1.0-rc.1", "c" * 40), MERGED, MERGED)


def said(*commits, rules=RULES):
    found = verdict(*commits, rules=rules)
    return found.verdict.value, [(finding.check, finding.level.value) for finding in found.findings]


def test_an_approval_of_the_final_head_by_somebody_else_passes():
    found = verdict(commit(request()), commit(request(), sha="d" * 40), commit(request(8), sha="e" * 40))
    assert (found.verdict.value, found.findings) == ("pass", ())
    assert found.summary == "3 commits since aaaaaaaaaaaa by 2 pull requests"
    assert found.subject == Subject("v1.1.0-rc.1", "c" * 40)


def test_nothing_between_the_releases_passes():
    found = verdict()
    assert (found.verdict.value, found.summary) == ("pass", "0 commits since aaaaaaaaaaaa by 0 pull requests")


def test_a_direct_push_fails_and_says_whose():
    found = verdict(commit(), commit(request(), sha="d" * 40))
    assert found.verdict.value == "fail"
    assert found.summary == "2 commits since aaaaaaaaaaaa by 1 pull request, 1 not as asked for"
    (finding,) = found.findings
    assert (finding.check, finding.where, finding.observed, finding.expected, finding.title) == (
        "direct-push",
        "c" * 40,
        "ada: Faster checkout",
        "a pull request into main, release/*",
        "this commit came without a merged pull request",
    )


@pytest.mark.parametrize(
    ("reviews", "check", "observed"),
    [
        ([], "unapproved", "none"),
        ([review(state="commented")], "unapproved", "none"),
        ([review(state="dismissed")], "unapproved", "none"),
        ([review("ada")], "self-approval", "ada on bbbbbbbbbbbb"),
        ([review("Ada")], "self-approval", "Ada on bbbbbbbbbbbb"),
        ([review("linus")], "self-approval", "linus on bbbbbbbbbbbb"),
        ([review("helper[bot]", bot=True)], "bot-approval", "helper[bot] on bbbbbbbbbbbb"),
        ([review(commit="a" * 40)], "stale-approval", "grace on aaaaaaaaaaaa"),
        ([review(commit=None)], "stale-approval", "grace on an unknown head"),
        ([review(minutes=1)], "late-approval", "grace on bbbbbbbbbbbb"),
    ],
)
def test_what_is_no_second_pair_of_eyes(reviews, check, observed):
    found = verdict(commit(request(reviews=reviews, contributors=("ada", "linus"))))
    assert (found.verdict.value, [one.check for one in found.findings]) == ("fail", [check])
    (finding,) = found.findings
    assert (finding.title, finding.observed) == (LACKING[check], observed)
    assert finding.where == "https://forge.test/shop/pull/7"
    assert finding.expected == "an approval of bbbbbbbbbbbb by somebody else than ada"


def test_the_newest_word_of_each_reviewer_counts_whatever_the_order_they_are_told_in():
    taken_back = [review(minutes=-10, state="changes-requested"), review(minutes=-30)]
    assert said(commit(request(reviews=taken_back))) == (
        "fail", [("unapproved", "error"), ("changes-requested", "warn")],
    )  # fmt: skip
    given_after_all = [review(minutes=-10), review(minutes=-30, state="changes-requested")]
    assert said(commit(request(reviews=given_after_all))) == ("pass", [])
    commented_after = [review(minutes=-30), review(minutes=-10, state="commented")]
    assert said(commit(request(reviews=commented_after))) == ("pass", [])
    another_refuses = [review(), review("linus", "changes-requested")]
    (finding,) = verdict(commit(request(reviews=another_refuses))).findings
    assert (finding.check, finding.level.value, finding.where, finding.title, finding.observed) == (
        "changes-requested", "warn", "https://forge.test/shop/pull/7",
        "somebody asked for changes and has not approved since", "linus",
    )  # fmt: skip


def test_an_approval_at_the_moment_of_the_merge_counts():
    assert said(commit(request(reviews=[review(minutes=0)]))) == ("pass", [])


def test_required_checks_have_to_be_green_on_the_final_head():
    for conclusion in ("failure", "cancelled", "pending", "timed_out", "action_required"):
        found = verdict(commit(request(checks=(Check(name="test", conclusion=conclusion),))))
        assert [(one.check, one.observed) for one in found.findings] == [("required-check", conclusion)]
    (finding,) = verdict(commit(request(checks=()))).findings
    assert (finding.title, finding.expected, finding.observed) == (
        "the check `test` was not green on the final head", "success", "missing",
    )  # fmt: skip
    for conclusion in ("success", "neutral", "skipped"):
        assert said(commit(request(checks=(Check(name="test", conclusion=conclusion),)))) == ("pass", [])
    assert said(commit(request(required=(), checks=(Check(name="lint", conclusion="failure"),)))) == ("pass", [])


def test_rules_that_may_not_be_read_are_inconclusive_unless_the_policy_names_the_checks():
    found = verdict(commit(request(required=None)))
    (finding,) = found.findings
    assert (found.verdict.value, finding.check, finding.where, finding.title, finding.expected) == (
        "inconclusive", "required-checks", "https://forge.test/shop/pull/7",
        "which checks the branch requires cannot be read: name them in the policy (`checks`)", "the branch's rules",
    )  # fmt: skip
    named = replace(RULES, checks=("test",))
    assert said(commit(request(required=None)), rules=named) == ("pass", [])
    named = replace(RULES, checks=("e2e",))
    assert said(commit(request(required=None)), rules=named) == ("fail", [("required-check", "error")])


def test_a_ticket_is_looked_for_in_title_and_text():
    rules = replace(RULES, ticket=r"SHOP-\d+")
    assert said(commit(request()), rules=rules) == ("pass", [])
    assert said(commit(request(title="Faster", body="Closes SHOP-3")), rules=rules) == ("pass", [])
    assert said(commit(request(title="Faster")), rules=rules) == ("fail", [("ticket", "error")])
    (finding,) = verdict(commit(request(title="Faster")), rules=rules).findings
    assert finding.where == "https://forge.test/shop/pull/7"
    assert (finding.title, finding.expected) == ("no ticket is named", r"text that matches SHOP-\d+")
    assert finding.observed == "Faster"


def test_a_pull_request_into_another_branch_is_none_but_one_of_several_is_enough():
    feature = request(5, base="feature/x", reviews=[])
    assert said(commit(feature)) == ("fail", [("direct-push", "error")])
    assert said(commit(feature, request(6))) == ("pass", [])
    assert said(commit(request(5, reviews=[]), request(6, base="release/v1.1.0"))) == ("pass", [])


def test_what_is_wrong_with_a_pull_request_is_said_once():
    bad = request(reviews=[])
    found = said(commit(bad), commit(bad, sha="d" * 40), commit(bad, sha="e" * 40))
    assert found == ("fail", [("unapproved", "error")])


def test_a_forge_without_pull_requests_is_inconclusive():
    found = verdict(commit(untold=True), commit(untold=True, sha="d" * 40))
    assert found.verdict.value == "inconclusive"
    (finding,) = found.findings
    assert finding.observed == "2: cccccccccccc, dddddddddddd"
    assert found.summary.startswith("this forge knows no pull requests, so that nobody can tell who approved")


def test_without_reviews_asked_for_a_ticket_is_looked_for_in_the_commits_of_a_forge_without_pull_requests():
    rules = Rules(branches=("main",), reviewed=False, ticket=r"SHOP-\d+")
    assert said(commit(untold=True, message="SHOP-1 a"), rules=rules) == ("pass", [])
    assert said(commit(untold=True), rules=rules) == ("fail", [("ticket", "error")])
    assert said(commit(message="SHOP-1 a"), rules=rules) == ("pass", [])


def test_only_the_paths_that_may_be_pushed_may_be_pushed():
    rules = replace(RULES, direct=("config/*.yaml",))
    flags = commit(paths=("config/flags.yaml",))
    assert said(flags, rules=rules) == ("pass", [("direct", "info")])
    assert said(flags) == ("fail", [("direct-push", "error")])
    assert said(commit(paths=("config/flags.yaml", "src/a.py")), rules=rules)[0] == "fail"
    assert said(commit(paths=()), rules=rules)[0] == "fail"
    assert said(commit(paths=None), rules=rules)[0] == "fail"
    assert said(commit(paths=("config/flags.yaml",), untold=True), rules=rules) == ("pass", [("direct", "info")])


def test_the_facts_are_the_evidence_and_hold_everything_that_was_judged():
    found = Range("a" * 40, "c" * 40, [commit(request(), message="\udc80")])
    document = json.loads(facts(found))
    assert (document["schema"], document["older"], document["newer"]) == ("releasegate/changes/1", "a" * 40, "c" * 40)
    assert document["commits"][0]["pull_requests"][0]["reviews"][0] == {
        "author": "grace", "state": "approved", "commit": HEAD, "submitted": "2026-11-23T11:30:00Z", "bot": False,
    }  # fmt: skip
    (evidence,) = verdict(commit(request())).evidence
    assert evidence.path == "changes/aaaaaaaaaaaa..cccccccccccc.json"
    other = verdict(commit(request(reviews=[review("linus")]))).evidence[0]
    assert other.sha256 != evidence.sha256


reviews = st.builds(
    review, st.sampled_from(["ada", "grace", "linus"]), st.sampled_from([state.value for state in ReviewState]),
    st.sampled_from([HEAD, "a" * 40, None]), minutes=st.integers(-60, 60), bot=st.booleans(),
)  # fmt: skip


@given(st.lists(reviews, max_size=6))
def test_it_passes_only_if_somebody_else_s_last_word_before_the_merge_approves_the_final_head(given_reviews):
    good = False
    for name in ("grace", "linus"):
        words = [one for one in given_reviews if one.author == name and one.state is not ReviewState.COMMENTED]
        if words:
            _, last = max(enumerate(words), key=lambda word: (word[1].submitted, word[0]))
            good |= last.state is ReviewState.APPROVED and last.commit == HEAD and not last.bot and (
                last.submitted <= MERGED
            )  # fmt: skip
    outcome, _ = said(commit(request(reviews=given_reviews)))
    assert (outcome in ("pass", "warn")) is good
