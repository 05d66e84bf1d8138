"""Four eyes: did every commit on its way into production come by a merged pull request that somebody else approved?

The facts come from the forge. What it cannot tell is `inconclusive`, never a pass.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from releasegate.verdict import Evidence, Finding, Level, Outcome, Subject, Verdict, conclude, rfc3339

GREEN = ("success", "neutral", "skipped")
"""Conclusions with which GitHub lets a required check pass."""
SHOWN = 8
"""How many of several names one line tells."""


class ReviewState(StrEnum):
    """What a review says."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes-requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review of a pull request, by somebody whom the forge knows."""

    author: str
    """The login."""
    state: ReviewState
    commit: str | None
    """The head that was looked at; None where the forge no longer knows it."""
    submitted: datetime
    bot: bool = False
    """Whether a program wrote it: two eyes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a check says of the final head."""

    name: str
    conclusion: str
    """`success`, `failure`, … as the forge spells it; `pending` while it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A merged pull request."""

    number: int
    url: str
    title: str
    body: str
    base: str
    """The branch that it was merged into."""
    head: str
    """Its final head: the last commit before the merge."""
    merged: datetime
    author: str
    contributors: tuple[str, ...]
    """The logins of those whose commits it holds; an address or a name where the forge knows no login."""
    reviews: tuple[Review, ...]
    """Oldest first."""
    required: tuple[str, ...] | None
    """The checks that the base branch asks for; None where this token may not read its rules."""
    checks: tuple[Check, ...]
    """All checks of the final head, the newest of each name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCommit:
    """A commit between two releases, and how it came."""

    sha: str
    author: str
    """A login where the forge knows one, else a name."""
    message: str
    paths: tuple[str, ...] | None
    """What it changed against its first parent; may be None where a pull request brought it."""
    pull_requests: tuple[PullRequest, ...] | None
    """The merged pull requests that it came by; None where the forge knows of none at all, as a local one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is asked of every commit."""

    branches: tuple[str, ...]
    """Globs: a pull request counts only if it was merged into one of these."""
    reviewed: bool = True
    ticket: str | None = None
    """A pattern that the title, the text or the branch's commit has to hold."""
    checks: tuple[str, ...] = ()
    """Checks that have to be green beside those which the branch requires."""
    direct: tuple[str, ...] = ()
    """Globs of paths: a commit that changes nothing else may come without a pull request."""


@dataclass(frozen=True, slots=True)
class Range:
    """What lies between two releases."""

    older: str
    """The last known good commit, which is left out."""
    newer: str
    commits: Sequence[IncomingCommit]


def judge(found: Range, rules: Rules, subject: Subject, started: datetime, finished: datetime) -> Verdict:
    """The verdict on the commits in `found`."""
    findings = tuple(_findings(found.commits, rules))
    requests = {request.number for commit in found.commits for request in commit.pull_requests or ()}
    wrong = len({finding.where for finding in findings if finding.level is Level.ERROR})
    count = f"{len(found.commits)} commit{'' if len(found.commits) == 1 else 's'} since {found.older[:12]}"
    outcome = conclude(findings)
    told = f"{count} by {len(requests)} pull request{'' if len(requests) == 1 else 's'}"
    unsure = next((f"{finding.title}; " for finding in findings if finding.unusable), "")
    good = outcome in (Outcome.PASS, Outcome.WARN)
    return Verdict(
        gate="changes",
        verdict=outcome,
        summary=f"{unsure}{told}" + ("" if good else f", {wrong} not as asked for"),
        findings=findings,
        evidence=(Evidence.of(f"changes/{found.older[:12]}..{found.newer[:12]}.json", facts(found)),),
        subject=subject,
        started=started,
        finished=finished,
    )


def facts(found: Range) -> bytes:
    """What the forge told, as bytes that a verdict can name by their hash."""
    commits = [asdict(commit) for commit in found.commits]
    document = {"schema": "releasegate/changes/1", "older": found.older, "newer": found.newer, "commits": commits}
    return f"{json.dumps(document, default=_plain, ensure_ascii=False, indent=1)}\n".encode("utf-8", "replace")


def _plain(value: object) -> str:
    return rfc3339(value) if isinstance(value, datetime) else str(value)


def _findings(commits: Sequence[IncomingCommit], rules: Rules) -> Iterator[Finding]:
    judged: set[int] = set()
    untold = [commit for commit in commits if commit.pull_requests is None and not _may_be_direct(commit, rules)]
    if untold and (rules.reviewed or rules.checks):
        yield _untold(untold)
    for commit in commits:
        requests = [one for one in commit.pull_requests or () if _counts(one, rules)]
        if requests:
            best = min(requests, key=lambda one: (len(list(_wrong(one, rules))), one.number))
            if best.number not in judged:
                judged.add(best.number)
                yield from _wrong(best, rules)
        elif _may_be_direct(commit, rules):
            title = f"pushed without a pull request, as the policy allows for {_names(commit.paths or ())}"
            yield _finding("direct", commit.sha, title, level=Level.INFO, observed=_told(commit))
        elif commit.pull_requests is not None and rules.reviewed:
            expected = f"a pull request into {_names(rules.branches)}"
            title = "this commit came without a merged pull request"
            yield _finding("direct-push", commit.sha, title, expected=expected, observed=_told(commit))
        elif rules.ticket and not re.search(rules.ticket, commit.message):
            yield _no_ticket(commit.sha, rules.ticket, _told(commit))


def _counts(request: PullRequest, rules: Rules) -> bool:
    return any(fnmatchcase(request.base, branch) for branch in rules.branches)


def _may_be_direct(commit: IncomingCommit, rules: Rules) -> bool:
    paths = commit.paths or ()
    return bool(paths) and all(any(fnmatchcase(path, glob) for glob in rules.direct) for path in paths)


def _untold(commits: Sequence[IncomingCommit]) -> Finding:
    title = "this forge knows no pull requests, so that nobody can tell who approved these commits"
    observed = f"{len(commits)}: {_names([commit.sha[:12] for commit in commits])}"
    return Finding(
        check="pull-requests", level=Level.ERROR, title=title, expected="a merged pull request for each commit",
        observed=observed, where=commits[0].sha, unusable=True,
    )  # fmt: skip


def _wrong(request: PullRequest, rules: Rules) -> Iterator[Finding]:
    """What is wrong with a pull request."""
    if rules.reviewed:
        yield from _review(request)
    yield from _checks(request, rules)
    if rules.ticket and not re.search(rules.ticket, f"{request.title}\n{request.body}"):
        yield _no_ticket(request.url, rules.ticket, request.title[:200])


def _review(request: PullRequest) -> Iterator[Finding]:
    """Whether somebody else looked at what was merged."""
    own = {name.casefold() for name in (request.author, *request.contributors)}
    standing = _standing(request)
    approved = [review for review in standing if review.state is ReviewState.APPROVED]
    others = [review for review in approved if review.author.casefold() not in own and not review.bot]
    current = [review for review in others if review.commit == request.head]
    before = [review for review in current if review.submitted <= request.merged]
    expected = f"an approval of {request.head[:12]} by somebody else than {_names((request.author,))}"
    if not before:
        check, title = _lacking(approved, others, current)
        yield _finding(check, request.url, title, expected=expected, observed=_reviews(approved))
    refused = [review.author for review in standing if review.state is ReviewState.CHANGES_REQUESTED]
    if refused:
        yield _finding("changes-requested", request.url, "somebody asked for changes and has not approved since",
                       level=Level.WARN, observed=_names(refused))  # fmt: skip


def _lacking(approved: Sequence[Review], others: Sequence[Review], current: Sequence[Review]) -> tuple[str, str]:
    """What stands in the place of a good approval: the check's name, and what it means."""
    if current:
        return "late-approval", "it was approved only after it had been merged"
    if others:
        return "stale-approval", "commits were added after the approval, and nobody approved the final head"
    if any(review.bot for review in approved):
        return "bot-approval", "only a program approved it"
    if approved:
        return "self-approval", "only people whose own commits it holds approved it"
    return "unapproved", "nobody approved it"


def _standing(request: PullRequest) -> list[Review]:
    """The newest review of each person that takes a side; a comment takes none."""
    newest = {
        review.author.casefold(): review
        for review in sorted(request.reviews, key=lambda review: review.submitted)
        if review.state is not ReviewState.COMMENTED
    }
    return [review for review in newest.values() if review.state is not ReviewState.DISMISSED]


def _checks(request: PullRequest, rules: Rules) -> Iterator[Finding]:
    if request.required is None and not rules.checks:
        title = "which checks the branch requires cannot be read: name them in the policy (`checks`)"
        yield _finding("required-checks", request.url, title, expected="the branch's rules", unusable=True)
    conclusions = {check.name: check.conclusion for check in request.checks}
    for name in dict.fromkeys((*(request.required or ()), *rules.checks)):
        said = conclusions.get(name, "missing")
        if said not in GREEN:
            yield _finding("required-check", request.url, f"the check `{name}` was not green on the final head",
                           expected="success", observed=said)  # fmt: skip


def _no_ticket(where: str, pattern: str, observed: str) -> Finding:
    return _finding("ticket", where, "no ticket is named", expected=f"text that matches {pattern}", observed=observed)


def _finding(check: str, where: str, title: str, *, level: Level = Level.ERROR, expected: str = "",
             observed: str = "", unusable: bool = False) -> Finding:  # fmt: skip
    return Finding(check=check, level=level, title=title, expected=expected, observed=observed, where=where,
                   unusable=unusable)  # fmt: skip


def _told(commit: IncomingCommit) -> str:
    subject = commit.message.strip().partition("\n")[0][:120]
    return f"{commit.author}: {subject}"


def _reviews(approved: Sequence[Review]) -> str:
    told = [f"{one.author} on {one.commit[:12] if one.commit else 'an unknown head'}" for one in approved]
    return _names(told) or "none"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
