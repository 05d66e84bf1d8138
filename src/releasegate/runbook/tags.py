"""Release branches and tags: the next candidate, the release, and the ledger's head in both annotations.

A candidate is `<version>-rc.<n>`, where `<version>` is the policy's prefix (`v` of `v*`) and `X.Y.Z`. Everything here
converges: run again for the same commit, it finds what is there; a tag is never moved.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from releasegate.errors import InconclusiveError, InputError, OutsideError, PolicyError, RaceError, RepositoryError
from releasegate.forge.port import Forge, Tag
from releasegate.ledger.event import Event
from releasegate.ledger.state import Release, State, fold
from releasegate.policy.model import Policy
from releasegate.runbook.journal import Draft, Journal

ATTEMPTS = 32
NUMBER = r"(?:0|[1-9]\d{0,8})"
CORE = re.compile(rf"({NUMBER})\.({NUMBER})\.({NUMBER})")
Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate's tag as it is, or would be."""

    tag: str
    commit: str
    branch: str
    """The release branch."""
    made: bool
    """False if it was there before."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a policy's tags have."""

    prefix: str

    @classmethod
    def of(cls, policy: Policy) -> "Names":
        """The prefix of `release.tags`, a glob that ends in its only `*`."""
        prefix, star, rest = policy.release.tags.partition("*")
        if star != "*" or rest or re.search(r"[?\[]", prefix):
            raise PolicyError(
                f"`release.tags` is `{policy.release.tags}`, from which no tag can be made",
                remedy="write the prefix of the tags and a `*`: `v*`",
            )
        return cls(prefix)

    def version(self, text: str) -> Version:
        """The version that a person typed, with or without the prefix."""
        found = CORE.fullmatch(text.removeprefix(self.prefix))
        if found is None:
            raise InputError(f"`{text}` is not a version", remedy=f"write it as {self.prefix}1.4.0; -rc.N is added")
        return _version(found)

    def release(self, version: Version) -> str:
        """The release's tag."""
        return self.prefix + ".".join(map(str, version))

    def parse(self, tag: str) -> tuple[Version, int | None] | None:
        """The version and the candidate's number (None for a release) of a tag; None for any other tag."""
        found = re.fullmatch(rf"{re.escape(self.prefix)}{CORE.pattern}(?:-rc\.([1-9]\d{{0,8}}))?", tag)
        return None if found is None else (_version(found), int(found[4]) if found[4] else None)


def candidate(
    forge: Forge, journal: Journal, policy: Policy, commit: str, *, version: str | None = None, dry_run: bool = False
) -> Candidate:
    """Tag `commit` as the next candidate of `version` (None: the next minor), on its release branch, and record it.

    The commit's own candidate is returned where it has one already.
    """
    names = Names.of(policy)
    wanted = None if version is None else names.version(version)
    for _ in range(ATTEMPTS):
        planned = _plan(forge, names, wanted, commit)
        if dry_run:
            return planned
        if planned.made:
            try:
                _make(forge, journal, planned)
            except RaceError:
                continue  # somebody else took the number
        with _there("tag", planned.tag):
            _record(journal, "release.candidate", _subject(policy, planned.tag, commit), {"branch": planned.branch})
        return planned
    raise RaceError(f"no candidate's number could be had in {ATTEMPTS} attempts", remedy="run the command again")


def release(forge: Forge, journal: Journal, policy: Policy, candidate: Tag) -> Tag:
    """Give the candidate's commit the release's tag, and record it."""
    present, name = released(forge, policy, candidate), release_name(policy, candidate)
    note = _annotation(journal, f"Release {name}", f"Candidate: {candidate.name}")
    tag = present or forge.create_tag(name, candidate.commit, note)
    with _there("tag", name):
        _record(journal, "release.tagged", _subject(policy, candidate.name, candidate.commit), {"release": name})
    return tag


def released(forge: Forge, policy: Policy, candidate: Tag) -> Tag | None:
    """The release's tag, None before it is made; `RepositoryError` where it is on another commit."""
    name = release_name(policy, candidate)
    present = find(forge, name)
    if present is not None and present.commit != candidate.commit:
        raise RepositoryError(
            f"the tag `{name}` is on {present.commit[:12]} already, and a tag is never moved",
            remedy=f"if it is there by mistake, delete it (git push origin --delete {name}) and run this again; else "
            "release the commit under a new version",
        )
    return present


def release_name(policy: Policy, candidate: Tag) -> str:
    """The name of the release's tag."""
    names = Names.of(policy)
    parsed = names.parse(candidate.name)
    if parsed is None or parsed[1] is None:
        raise RepositoryError(f"`{candidate.name}` is no candidate", remedy=f"name one as {names.prefix}1.4.0-rc.1")
    return names.release(parsed[0])


def find(forge: Forge, name: str) -> Tag | None:
    """The tag of exactly this name."""
    return next((tag for tag in forge.tags(name) if tag.name == name), None)


def settled(journal: Journal, policy: Policy, tag: str | None) -> Release:
    """The release that `tag` names, or the newest one; `InconclusiveError` unless the ledger shows it settled."""
    state = _state(journal, policy)
    found = state.release(tag or state.live or "")
    if found is None or found.settled is None:
        what = f"`{tag}` has not" if tag else "no candidate has"
        raise InconclusiveError(f"{what} reached the end of a rollout, as far as the ledger tells", remedy=ROLLOUT)
    return found


def live(journal: Journal, policy: Policy) -> str | None:
    """The candidate's tag of the release that is the baseline, as far as the ledger tells."""
    return _state(journal, policy).live


def last_good(journal: Journal, policy: Policy, leaving: str | None = None) -> Release:
    """The last known good release, older than `leaving`; `InconclusiveError` if there is none."""
    found = _state(journal, policy).last_known_good(leaving)
    if found is None:
        raise InconclusiveError(
            "the ledger knows no release that passed its gates, was rolled out and is not marked bad", remedy=ROLLOUT
        )
    return found


def mark_bad(forge: Forge, journal: Journal, policy: Policy, tag: str, reason: str) -> bool:
    """Record that nobody should go back to `tag`; False if that was recorded before."""
    found = find(forge, tag)
    if found is None:
        raise RepositoryError(f"there is no tag `{tag}`", remedy="look at `git ls-remote --tags origin`")
    events = journal.events()
    known = fold(events, _scope(policy)).release(tag)
    name = known.candidate if known else tag
    draft = Draft("release.marked-bad", _subject(policy, name, found.commit), {"reason": reason})
    journal.decide(lambda events: [] if _is_bad(events, policy, name) else [draft])
    return not _is_bad(events, policy, name)


ROLLOUT = "run `releasegate rollout`, or look at `releasegate ledger show`"


def _plan(forge: Forge, names: Names, wanted: Version | None, commit: str) -> Candidate:
    """Which candidate `commit` has, or gets."""
    known = {tag.name: (tag, parsed) for tag in forge.tags(f"{names.prefix}*") if (parsed := names.parse(tag.name))}
    releases = {version: tag for tag, (version, number) in known.values() if number is None}
    numbers = [(version, number, tag) for tag, (version, number) in known.values() if number is not None]
    own = [(v, n) for v, n, tag in numbers if tag.commit == commit and wanted in (None, v)]
    if own:
        version, number = max(own)
        return Candidate(f"{names.release(version)}-rc.{number}", commit, _branch(names, version), made=False)
    version = wanted or _next_minor(releases)
    if version in releases:
        raise RepositoryError(
            f"{names.release(version)} is released already, on {releases[version].commit[:12]}",
            remedy="name a newer version",
        )
    number = max((n for v, n, _ in numbers if v == version), default=0) + 1
    return Candidate(f"{names.release(version)}-rc.{number}", commit, _branch(names, version), made=True)


def _make(forge: Forge, journal: Journal, planned: Candidate) -> None:
    """The branch first: a host may refuse a tag on a commit that no branch holds."""
    try:
        forge.create_branch(planned.branch, planned.commit)
    except RaceError as error:
        head = forge.branch_head(planned.branch)
        if head is None or forge.is_ancestor(head, planned.commit):
            raise
        raise RepositoryError(
            f"{planned.commit[:12]} does not follow from the head of `{planned.branch}` ({head[:12]})",
            remedy=f"merge it there, or tag a commit of `{planned.branch}` with --commit",
        ) from error
    with _there("branch", planned.branch):
        journal.events()
        forge.create_tag(planned.tag, planned.commit, _annotation(journal, f"Release candidate {planned.tag}"))


@contextmanager
def _there(kind: str, name: str) -> Iterator[None]:
    """Have what goes wrong outside from now on say what was made before it."""
    try:
        yield
    except RaceError:
        raise
    except OutsideError as error:
        what = f"the {kind} `{name}` is there, but {error.what}"
        raise OutsideError(what, where=error.where, remedy=error.remedy) from error


def _annotation(journal: Journal, *lines: str) -> str:
    """A tag's text, whose last line anchors the ledger."""
    journal.events()
    anchor = [f"Ledger: {journal.head}"] if journal.head else []
    return "\n\n".join([lines[0], "\n".join([*lines[1:], *anchor])]).rstrip() + "\n"


def _record(journal: Journal, kind: str, subject: Mapping[str, str], data: Mapping[str, str]) -> None:
    """Record it once, whoever was here before."""

    def choose(events: Sequence[Event]) -> Sequence[Draft]:
        there = any(event.kind == kind and event.about(subject) for event in events)
        return [] if there else [Draft(kind, subject, data)]

    journal.decide(choose)


def _is_bad(events: Sequence[Event], policy: Policy, tag: str) -> bool:
    known = fold(events, _scope(policy)).release(tag)
    return known is not None and known.bad is not None


def _state(journal: Journal, policy: Policy) -> State:
    return fold(journal.events(), _scope(policy))


def _scope(policy: Policy) -> Mapping[str, str]:
    return {"service": policy.service, "environment": policy.environment}


def _subject(policy: Policy, tag: str, commit: str) -> Mapping[str, str]:
    return {**_scope(policy), "tag": tag, "commit": commit}


def _branch(names: Names, version: Version) -> str:
    return f"release/{names.release(version)}"


def _next_minor(releases: Mapping[Version, Tag]) -> Version:
    newest = max(releases, default=None)
    return (0, 1, 0) if newest is None else (newest[0], newest[1] + 1, 0)


def _version(found: re.Match[str]) -> Version:
    return int(found[1]), int(found[2]), int(found[3])
