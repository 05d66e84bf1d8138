"""Running git: argv lists, no shell, English output, no prompts, bounded time, and none of the user's own automation.

Plumbing commands are used wherever there is one, since their behaviour does not depend on the user's configuration.
Needs git 2.31 or newer.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from releasegate.errors import ForgeError, ReleasegateError, RepositoryError

PATIENCE = 120.0
"""Seconds that one git command may take."""

# Variables that point git to another repository (set inside hooks), or fill its error output.
FOREIGN = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_QUARANTINE_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
}

OURS = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # replaced or grafted commits would show another history than the one that is there
    "GIT_GRAFT_FILE": os.devnull,
}

# Hooks, signatures and conveniences of the user that have no place in a machine's commit.
SETTINGS = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "push.gpgSign=false",
    "push.pushOption=",
    "remote.origin.mirror=false",
    "remote.origin.pruneTags=false",
    "fetch.pruneTags=false",
    "fetch.unpackLimit=1",  # whole packs appear at once; loose objects would show a commit before its tree
    "gc.auto=0",
    "maintenance.auto=false",
    "i18n.commitEncoding=UTF-8",
    "user.useConfigOnly=true",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
    "advice.graftFileDeprecated=false",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a git command answered."""

    command: str
    """Its subcommand: `push`, `fetch`, …"""
    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output without the last newline."""
        return self.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    @property
    def reason(self) -> str:
        """Git's own first complaint, in one line, without credentials."""
        lines = [line.strip() for line in redact(self.stderr).splitlines() if line.strip()]
        complaints = [line for line in lines if re.match(r"(fatal|error|ssh): ", line)]
        first = next(iter(complaints or lines), f"exit code {self.code}")
        return re.sub(r"^(fatal|error): ", "", first)


class Git:
    """The git command in one directory."""

    def __init__(self, directory: Path, *, patience: float = PATIENCE) -> None:
        self.directory = directory
        self.patience = patience
        self.names: dict[str, bool] = {}
        """Which names of refs git allows, as far as it was asked."""

    def run(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Result:
        """Run `git ARGUMENTS` and return whatever it answered; only a git that never answers is an error."""
        argv = ["git", "--no-pager", *(part for setting in SETTINGS for part in ("-c", setting)), *arguments]
        kept = {k: v for k, v in os.environ.items() if k not in FOREIGN and not k.startswith("GIT_TRACE")}
        try:
            process = subprocess.Popen(
                argv,
                cwd=self.directory,
                env={**kept, **OURS, **(env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # no terminal for ssh to ask on, and one group to end when time is over
            )
        except FileNotFoundError as error:
            raise self._missing() from error
        except (OSError, ValueError) as error:
            raise RepositoryError(f"git cannot be run: {error}", where=str(self.directory)) from error
        stdout, stderr = self._communicate(process, stdin, arguments[0])
        return Result(arguments[0], process.returncode, stdout, stderr.decode("utf-8", "replace"))

    def _communicate(self, process: "subprocess.Popen[bytes]", stdin: bytes, command: str) -> tuple[bytes, bytes]:
        with process:
            try:
                return process.communicate(stdin, self.patience)
            except subprocess.TimeoutExpired as error:
                raise ForgeError(
                    f"`git {command}` did not answer within {self.patience:g} s", remedy="is the remote reachable?"
                ) from error
            finally:
                if process.poll() is None:
                    _end(process)

    def ok(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Result:
        """Run `git ARGUMENTS`; a non-zero exit is `RepositoryError` with git's own reason."""
        result = self.run(*arguments, stdin=stdin, env=env)
        if result.code:
            raise self.failure(result)
        return result

    def objects(self, names: Iterable[str]) -> Iterator[tuple[str, str, bytes] | None]:
        """For each name, in turn, the object's id, type and content, or None where there is none."""
        wanted = list(names)
        if not wanted:
            return
        data = self.ok("cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode()).stdout
        position = 0
        for _ in wanted:
            end = data.index(b"\n", position)
            header = data[position:end].decode("utf-8", "replace").split(" ")
            position = end + 1
            if len(header) != 3 or not header[2].isdigit():
                yield None
                continue
            size = int(header[2])
            yield header[0], header[1], data[position : position + size]
            position += size + 1

    def failure(self, result: Result) -> ReleasegateError:
        """The error that a user reads for a git command that failed on this machine's repository."""
        known = (
            ("not a git repository", "not a git repository", "run this inside a checkout, or make one with `git init`"),
            (
                "dubious ownership",
                "git refuses this repository, since somebody else owns it",
                f"run `git config --global --add safe.directory {self.directory.resolve()}`",
            ),
            ("this operation must be run in a work tree", "a bare repository has no working tree", "run in a checkout"),
        )
        for sign, what, remedy in known:
            if sign in result.stderr:
                return RepositoryError(what, where=str(self.directory.resolve()), remedy=remedy)
        if re.search(r"tell me who you are|empty ident|auto-detect|no (email|name) was given", result.stderr):
            return RepositoryError(
                "git does not know who you are",
                remedy='run `git config user.name "…"` and `git config user.email "…"`',
            )
        return RepositoryError(f"`git {result.command}` failed: {result.reason}")

    def _missing(self) -> ReleasegateError:
        if not self.directory.is_dir():
            return RepositoryError("there is no such folder", where=str(self.directory))
        return RepositoryError("git is not installed", remedy="install git 2.31 or newer")


def redact(text: str) -> str:
    """`text` without the credentials of any URL in it."""
    return re.sub(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@]*(?:@[^\s/@]*)*@", r"\1***@", text)


def uncommitted(directory: Path) -> list[str]:
    """The tracked files of the checkout that hold changes no commit has, by path."""
    status = Git(directory).ok("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=none").stdout
    entries = iter(status.decode("utf-8", "replace").split("\0"))
    paths = []
    for entry in entries:
        if entry:
            paths.append(entry[3:])
        if entry[:2].strip().startswith(("R", "C")):
            next(entries, None)  # the path it was renamed from
    return paths


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End git and everything that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
