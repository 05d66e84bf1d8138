"""Which track each user gets: the flag file of a git branch, evaluated for every user key."""

import subprocess
import threading
from dataclasses import dataclass

from releasegate.errors import ForgeError, ReleasegateError
from releasegate.flags.document import FlagFile
from releasegate.flags.proof import evaluator

POLL = 0.2
"""Seconds between two looks at the branch."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flag lives: a path on a branch of a bare repository."""

    repository: str
    branch: str
    path: str
    flag: str

    def blob(self) -> str:
        """The id of the blob that the branch holds at the path now; `ForgeError` if there is none."""
        return _git(self.repository, "rev-parse", "--verify", "--quiet", f"{self.branch}:{self.path}").decode().strip()

    def content(self, blob: str) -> bytes:
        """The bytes of a blob."""
        return _git(self.repository, "cat-file", "blob", blob)


@dataclass(frozen=True, slots=True)
class Split:
    """One reading of the flag file."""

    blob: str
    canary: frozenset[str]
    """The user keys that the flag sends to the canary."""


def read_split(place: Place, blob: str, keys: tuple[str, ...]) -> Split:
    """Evaluate the flag in `blob` for all keys; `FlagError` if the file cannot be read so."""
    evaluate = evaluator(FlagFile.parse(place.content(blob), place.path), place.flag)
    return Split(blob, frozenset(key for key in keys if is_on(evaluate(key))))


def is_on(value: object) -> bool:
    """Whether a flag's value for one user means the canary: true, or the variant `on`."""
    return value is True or value == "on"


class Follower:
    """Follows the branch. A file that cannot be used leaves the last good split in force, and is told in `problem`."""

    def __init__(self, place: Place, keys: tuple[str, ...]) -> None:
        self._place = place
        self._keys = keys
        self._seen = ""
        self.split = Split("", frozenset())
        self.problem: str | None = None

    def poll(self) -> None:
        """Look at the branch once."""
        try:
            blob = self._place.blob()
            if blob != self._seen or self.problem:
                self._seen = blob
                self.split = read_split(self._place, blob, self._keys)
            self.problem = None
        except ReleasegateError as error:
            self.problem = str(error)

    def follow(self, stop: threading.Event) -> None:
        """Look at the branch until told to stop."""
        while not stop.wait(POLL):
            self.poll()


def _git(repository: str, *arguments: str) -> bytes:
    done = subprocess.run(["git", "--git-dir", repository, *arguments], capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip() or "nothing is there"
        raise ForgeError(f"git {arguments[0]} {arguments[-1]}: {reason}", where=repository)
    return done.stdout
