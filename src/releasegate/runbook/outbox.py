"""Events that could not be written yet, each in a file of its own, until the ledger can be written again."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from releasegate.errors import InputError
from releasegate.verdict import rfc3339


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that waits."""

    id: str
    """Its ULID: the order in which they happened."""
    happened: str
    """RFC 3339, UTC."""
    run: str
    kind: str
    subject: dict[str, str]
    data: dict[str, Any]


class Outbox:
    """A folder on this machine with one file for each waiting event; `tell` hears once of each that is none."""

    def __init__(self, folder: Path, tell: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder
        self._tell = tell
        self._told: set[Path] = set()

    def put(self, identifier: str, happened: datetime, run: str, kind: str, **facts: Mapping[str, Any]) -> None:
        """Keep an event, whose `subject` and `data` are `facts`."""
        waiting = Waiting(identifier, rfc3339(happened), run, kind, dict(facts["subject"]), dict(facts["data"]))
        draft = self.folder / f".{identifier}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(waiting), indent=2))
            draft.replace(self._file(identifier))
        except OSError as error:
            raise InputError(f"the event cannot be kept: {error.strerror}", where=str(self.folder)) from error

    def waiting(self) -> Sequence[Waiting]:
        """All that wait, oldest first. A file that cannot be read keeps none of the others waiting: it is told."""
        found = (self._read(path) for path in sorted(self.folder.glob("*.json")))
        return [one for one in found if one is not None]

    def remove(self, waiting: Sequence[Waiting]) -> None:
        """Forget events, which are in the ledger now."""
        for one in waiting:
            self._file(one.id).unlink(missing_ok=True)

    def _file(self, identifier: str) -> Path:
        return self.folder / f"{identifier}.json"

    def _read(self, path: Path) -> Waiting | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Waiting)
        except FileNotFoundError:
            return None  # another process has recorded it meanwhile
        except (OSError, msgspec.MsgspecError) as error:
            if path not in self._told:
                self._told.add(path)
                self._tell(f"WARNING: {path}: not a waiting event: {error}; look at it, and move it away")
            return None
