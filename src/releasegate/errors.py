"""Every error that a user can meet, with its exit code.

    ReleasegateError
    ├── VerificationError   1   a check that was asked for did not hold
    ├── UsageError          2   the command, a file that people write, or the repository is not as it must be
    │   ├── PolicyError         releasegate.yaml
    │   ├── FlagError           a flag file, or a change asked of it
    │   │   ├── DuplicateKeyError   a key that stands twice in one mapping
    │   │   └── UnsafeEditError     the change is clear, but no edit of the file is safe
    │   ├── InputError          any other file or value that was handed over
    │   ├── RepositoryError     git, or the checkout
    │   └── NotNowError         the ledger, the split or a freeze does not allow it now
    ├── InconclusiveError   3   the evidence does not allow a verdict
    │   ├── FenceError          something newer was decided; traffic is not raised
    │   └── UnknownError        whether an effect happened cannot be told, and it is not repeated
    └── OutsideError        4   something outside did not answer
        ├── UnendedError        a command was ended before it came to its end; what it began may go on
        ├── PendingError        the change waits for a person: as a pull request, or as a patch
        ├── RaceError           the ref moved meanwhile (read again, decide again, retry)
        ├── MetricsError        Prometheus, or a metrics page
        └── ForgeError          git's remote, or GitHub
            ├── RefusedError        GitHub understood, and said no (with its HTTP status)
            └── UnknownOutcomeError it did not answer a write, which may or may not have been carried out

A message says what is wrong; `where` is `file:line:column` or an address; `remedy` says what to do. All three end up
in the one line that the command line prints. Codes 70 (a bug), 130 (interrupted) and 141 (nobody reads what is
printed, as a shell shows SIGPIPE) belong to `releasegate.cli.main`.
"""

import re
from typing import ClassVar

EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141


class ReleasegateError(Exception):
    """The base: something that a person can understand and act upon.

    `what` is a clause without a full stop; `where` is put before it and `remedy` after it.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        """The whole line that a user reads."""
        place = f"{self.where}: " if self.where else ""
        way_out = f"; {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{way_out}"


class VerificationError(ReleasegateError):
    """A check that was asked for did not hold."""

    exit_code = 1


class UsageError(ReleasegateError):
    """Nothing was done, because what was asked for cannot be done as it was asked."""

    exit_code = 2


class PolicyError(UsageError):
    """The policy is not one that releasegate can follow."""


class FlagError(UsageError):
    """A flag file that cannot be read or edited safely, or a change that it cannot hold."""


class DuplicateKeyError(FlagError):
    """A key stands twice in one mapping, of which readers take one or the other."""


class UnsafeEditError(FlagError):
    """The change is clear, but the file is written so that no edit of it is safe: a person has to make it."""


class InputError(UsageError):
    """A file or value that was handed over is not usable."""


class RepositoryError(UsageError):
    """The git repository is missing, or not in a state in which this can be done."""


class NotNowError(UsageError):
    """What the ledger, the split or a freeze does not allow now."""


class InconclusiveError(ReleasegateError):
    """The evidence does not allow a verdict."""

    exit_code = 3


class FenceError(InconclusiveError):
    """Something newer was decided, or somebody else changed the split: traffic is not raised."""


class UnknownError(InconclusiveError):
    """Whether an effect happened cannot be told; it is not repeated."""


class OutsideError(ReleasegateError):
    """Something outside this program did not answer, or refused."""

    exit_code = 4


class PendingError(OutsideError):
    """The change is made and not in force: it waits for a person, as a pull request or as a patch."""

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None, patch: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.patch = patch
        """What a person has to apply; empty where a pull request holds it."""


class UnendedError(OutsideError):
    """A command took too long and was ended here; what it began elsewhere may go on."""


class RaceError(OutsideError):
    """A ref moved between the read and the write; read again, decide again, retry."""


class MetricsError(OutsideError):
    """The source of counts did not answer, or answered with something that is not a count."""


class ForgeError(OutsideError):
    """Git's remote or its host did not answer, or refused."""


class RefusedError(ForgeError):
    """The host understood the request and will not carry it out; nothing was done."""

    def __init__(self, status: int, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.status = status
        """The HTTP status."""


class UnknownOutcomeError(ForgeError):
    """The host did not answer a write: whether it was carried out has to be looked up, and it is not repeated."""


def cause(error: BaseException) -> str:
    """The cause of a failed connection, by name: DNS, TCP, TLS, a timeout, a broken answer."""
    text = f"{type(error).__name__} {error}"
    signs = {
        "DNS: the host's name is not known": r"NameResolution|Name or service|getaddrinfo|nodename",
        "TLS: the certificate was not accepted": r"SSLError|CERTIFICATE|certificate",
        "TCP: the connection was refused": r"refused",
        "TCP: no answer in time": r"ConnectTimeout",
        "no answer in time": r"[Tt]imeout|timed out",
        "the proxy did not let it through": r"ProxyError",
    }
    return next((name for name, sign in signs.items() if re.search(sign, text)), "the connection broke off")
