"""Where the shared refs are: this repository's own, or those of its remote. Full ref names throughout."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from releasegate.errors import ForgeError, RaceError, RepositoryError
from releasegate.forge.git import Git, Result, redact

MIRROR = "refs/releasegate/origin/"
"""Where fetched refs are kept, so that nobody's own branches, tags and tracking refs are touched."""


class Refs(Protocol):
    """Refs that every writer sees. What they point to can be read locally once a method has returned it."""

    def get(self, ref: str) -> str | None:
        """What `ref` points to, or None."""

    def those(self, *refs: str) -> Mapping[str, str]:
        """Those of `refs` that are there, and what they point to."""

    def under(self, prefix: str) -> Mapping[str, str]:
        """All refs below `prefix`, and what they point to."""

    def swap(self, ref: str, new: str, old: str | None) -> None:
        """Point `ref` from `old` (None: it does not exist) to `new`; `RaceError` if it is no longer at `old`."""

    def default_branch(self) -> str | None:
        """The branch that stands for the whole, or None if that cannot be told."""


class OwnRefs:
    """The refs of a repository without a remote."""

    def __init__(self, git: Git) -> None:
        self.git = git

    def get(self, ref: str) -> str | None:
        """What `ref` points to, or None."""
        return self.those(ref).get(ref)

    def those(self, *refs: str) -> Mapping[str, str]:
        """Those of `refs` that are there, and what they point to."""
        return {ref: sha for ref, sha in self._listed(*refs).items() if ref in refs}

    def under(self, prefix: str) -> Mapping[str, str]:
        """All refs below `prefix`, and what they point to."""
        found = self._listed(prefix.rpartition("/")[0])
        return {ref: sha for ref, sha in found.items() if ref.startswith(prefix)}

    def _listed(self, *paths: str) -> Mapping[str, str]:
        return _listing(self.git.ok("for-each-ref", "--format=%(objectname)%09%(refname)", *paths).text)

    def swap(self, ref: str, new: str, old: str | None) -> None:
        """Point `ref` from `old` to `new`, or `RaceError`."""
        result = self.git.run("update-ref", "-m", "releasegate", ref, new, old or "")
        if not result.code:
            return
        now = self.get(ref)
        if "Unable to create" in result.stderr or now != old:
            raise _lost(ref, now, old)
        raise self.git.failure(result)

    def default_branch(self) -> str | None:
        """`main` or `master` where there is one, else the branch that is checked out."""
        heads = self.under("refs/heads/")
        for name in ("main", "master"):
            if f"refs/heads/{name}" in heads:
                return name
        head = self.git.run("symbolic-ref", "--quiet", "--short", "HEAD")
        return None if head.code else head.text


class RemoteRefs:
    """The refs of the remote `origin`, fetched into a corner of this repository when they are asked for."""

    def __init__(self, git: Git) -> None:
        self.git = git

    def get(self, ref: str) -> str | None:
        """What `ref` points to on the remote, or None."""
        return self.those(ref).get(ref)

    def those(self, *refs: str) -> Mapping[str, str]:
        """Those of `refs` that are on the remote, and what they point to."""
        found = self._listed(*refs)
        self._fetch(found)
        return found

    def under(self, prefix: str) -> Mapping[str, str]:
        """All refs below `prefix` on the remote, and what they point to."""
        found = {ref: sha for ref, sha in self._listed(f"{prefix}*").items() if ref.startswith(prefix)}
        self._fetch(found)
        return found

    def swap(self, ref: str, new: str, old: str | None) -> None:
        """Push `new` to `ref` if it is still at `old`, else `RaceError`. Nothing is forced: `new` descends from `old`.

        Whether a push that failed was carried out nevertheless is decided by what the remote shows afterwards.
        """
        result = self.git.run(
            "push",
            "--porcelain",
            "--no-follow-tags",
            "--no-recurse-submodules",
            f"--force-with-lease={ref}:{old or ''}",
            "origin",
            f"{new}:{ref}",
        )
        now = new if not result.code else self._listed(ref).get(ref)
        if now == new:
            self.git.run("update-ref", MIRROR + ref.removeprefix("refs/"), new)
            return
        if now != old or LOST.search(redact(result.stderr + result.text)):
            if now is not None and ref.startswith("refs/heads/") and self._contains(ref, now, new):
                return
            raise _lost(ref, now, old, " of origin")
        raise ForgeError(f"origin refused `{ref}`: {_refusal(result)}", remedy="may this user push there?")

    def default_branch(self) -> str | None:
        """The branch that the remote's HEAD names."""
        named = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", self._ask("--symref", "origin", "HEAD"), re.MULTILINE)
        if named:
            return named[1]
        heads = self._listed("refs/heads/*")
        return next((name for name in ("main", "master") if f"refs/heads/{name}" in heads), None)

    def _listed(self, *patterns: str) -> Mapping[str, str]:
        refs = _listing(self._ask("--refs", "origin", *patterns))
        return {ref: sha for ref, sha in refs.items() if patterns[0].endswith("*") or ref in patterns}

    def _ask(self, *arguments: str) -> str:
        return self._network("ls-remote", *arguments).text

    def _network(self, *arguments: str, stdin: bytes = b"") -> Result:
        result = self.git.run(*arguments, stdin=stdin)
        if not result.code:
            return result
        if "not a git repository (or any" in result.stderr or "dubious ownership" in result.stderr:
            raise self.git.failure(result)
        raise ForgeError(
            f"origin did not answer: {result.reason}", remedy="check the network, `git remote -v` and the credentials"
        )

    def _fetch(self, refs: Mapping[str, str]) -> None:
        """Bring what `refs` point to here. Retried, since another process may be fetching into the same corner."""
        for last in (False, False, False, True):
            missing = self._missing(refs)
            if not missing:
                return
            try:
                self._fetch_once(missing)
            except ForgeError as error:
                if last or not re.search(r"lock|update local ref", error.what):
                    raise
                self._clear_clashes(missing)
        if self._missing(refs):
            raise RaceError("the refs of origin moved while they were read", remedy="run the command again")

    def _fetch_once(self, refs: Sequence[str]) -> None:
        shallow_tags = refs[0].startswith("refs/tags/") and is_shallow(self.git)
        specs = "".join(f"+{ref}:{MIRROR}{ref.removeprefix('refs/')}\n" for ref in refs)
        self._network(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-prune",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--refmap=",
            *(["--depth=1"] if shallow_tags else []),  # in a shallow clone a tag is not worth its whole history
            "--stdin",
            "origin",
            stdin=specs.encode(),
        )

    def _missing(self, refs: Mapping[str, str]) -> list[str]:
        if not refs:
            return []
        asked = "".join(f"{sha}\n" for sha in refs.values()).encode()
        answers = self.git.ok("cat-file", "--batch-check=%(objecttype)", stdin=asked).text.splitlines()
        return [ref for ref, answer in zip(refs, answers, strict=True) if answer.endswith("missing")]

    def _clear_clashes(self, refs: Sequence[str]) -> None:
        """Forget our own copies that block `refs`: `release` cannot be kept beside `release/v1`."""
        wanted = [MIRROR + ref.removeprefix("refs/") for ref in refs]
        for kept in OwnRefs(self.git).under(MIRROR):
            if any(kept.startswith(f"{ref}/") or ref.startswith(f"{kept}/") for ref in wanted):
                self.git.run("update-ref", "-d", kept)

    def _contains(self, ref: str, head: str, commit: str) -> bool:
        """Whether `commit` landed on `ref` before others went on from it."""
        self._fetch({ref: head})
        return self.git.run("merge-base", "--is-ancestor", commit, head).code == 0


LOST = re.compile(r"stale info|fetch first|non-fast-forward|failed to (update|lock)|cannot lock|incorrect old|exists")


def _lost(ref: str, now: str | None, old: str | None, where: str = "") -> RaceError:
    """Why `ref` was not brought on from `old`."""
    if now is None and old is not None:
        return RaceError(f"there is no branch `{ref.removeprefix('refs/heads/')}`{where}")
    return RaceError(f"`{ref}`{where} moved meanwhile", remedy="run the command again")


def is_shallow(git: Git) -> bool:
    """Whether this clone holds only the newest part of the history."""
    return git.ok("rev-parse", "--is-shallow-repository").text == "true"


def common_directory(git: Git) -> Path:
    """The `.git` folder that all worktrees share."""
    return (git.directory / git.ok("rev-parse", "--git-common-dir").text).resolve()


def has_remote(git: Git) -> bool:
    """Whether there is a remote named `origin`."""
    result = git.run("config", "--get", "remote.origin.url")
    if result.code in (0, 1):
        return result.code == 0
    raise git.failure(result)


def _listing(text: str) -> dict[str, str]:
    lines = (line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    return {ref: sha for sha, ref in lines}


def _refusal(result: Result) -> str:
    """What the remote said to a push: its own words, then git's summary of them."""
    said = [line.removeprefix("remote:").strip() for line in result.stderr.splitlines() if line.startswith("remote:")]
    told = re.findall(r"^!\t[^\t]*\t(.*)$", result.text, re.MULTILINE)
    words = [line for line in said if line][:2] + told
    return redact("; ".join(words)) or result.reason


def check_ref(git: Git, ref: str) -> None:
    """`RepositoryError` if git does not allow such a name."""
    if not allows_ref(git, ref):
        raise RepositoryError(f"git does not allow the name `{ref.split('/', 2)[-1]}`", remedy="choose another name")


def allows_ref(git: Git, ref: str) -> bool:
    """Whether git allows such a name; like its own commands, not one that looks like an option."""
    if ref not in git.names:
        git.names[ref] = not ref.split("/", 2)[-1].startswith("-") and git.run("check-ref-format", ref).code == 0
    return git.names[ref]
