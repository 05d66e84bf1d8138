"""The policy's part on the database's migrations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from releasegate.policy.section import Command, Fault, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations(Section):
    """Where the migrations lie, and how the user's own tool takes them back."""

    directory: str
    """The folder in the repository, from its top."""
    status: Command
    """Prints the database's state, and nothing that changes by itself (no time of day)."""
    revert: Command
    """Takes the migrations between two releases back. `{count}`, `{tag}` and `{commit}` (of the release that is gone
    back to), `{leaving}` and `{snapshot}` are filled in."""
    when: Literal["ask", "always", "never"] = "ask"
    """`ask`: only with `rollback --migrations`; `always`: by every rollback."""
    dialect: Literal["postgres", "mysql", "sqlite", "tsql", "oracle"] = "postgres"
    """The SQL in which they are written."""

    def faults(self) -> Iterator[Fault]:
        """The folder is one of the repository."""
        if not {"", ".", ".."}.isdisjoint(self.directory.split("/")):
            yield "directory", f"{self.directory} is no folder of the repository", "write migrations or db/migrations"
