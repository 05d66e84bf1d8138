"""Zip artifacts, read in memory: nothing is unpacked, so nothing can escape; bombs and links are refused."""

import stat
import zipfile
import zlib
from io import BytesIO
from lzma import LZMAError

from releasegate.errors import InconclusiveError

MOST_MEMBERS = 10_000
LARGEST = 512 * 1024 * 1024
"""Bytes of all members together, unpacked."""
RATIO = 200
"""How much larger than its packed bytes a member above `SMALL` may be; reports pack to a fiftieth at best."""
SMALL = 1024 * 1024

_FETCH = "fetch the artifact again"


class Archive:
    """The files of a zip, by name. `InconclusiveError` where it is cut off, or not safe to read."""

    def __init__(self, content: bytes, path: str) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RecursionError) as error:
            raise InconclusiveError(f"is no whole zip: {error}", where=path, remedy=_FETCH) from error
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise self._refused(f"holds {len(members)} files, more than {MOST_MEMBERS}")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            self._check(member)
            if not member.is_dir():
                self._members[member.filename] = member
        total = sum(member.file_size for member in members)
        if total > LARGEST:
            raise self._refused(f"unpacks to {total} bytes, more than {LARGEST}")

    @property
    def names(self) -> list[str]:
        """The files' names, with `/` between folders, in order."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        member = self._members[name]
        try:
            with self._zip.open(member) as file:
                content = file.read(member.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise InconclusiveError(f"is damaged: {error}", where=f"{self._path}/{name}", remedy=_FETCH) from error
        if len(content) != member.file_size:
            raise self._refused(f"holds {name[:100]!r}, which has not the length that it states")
        return content

    def _check(self, member: zipfile.ZipInfo) -> None:
        name = member.filename
        parts = [part for part in name.split("/") if part not in {"", "."}]
        if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0] or "\0" in name:
            raise self._refused(f"holds the path {name[:100]!r}, which leads out of it")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise self._refused(f"holds the link {name[:100]!r}")
        if member.flag_bits & 0x1:
            raise self._refused(f"holds {name[:100]!r}, which is encrypted")
        if name in self._members:
            raise self._refused(f"holds {name[:100]!r} twice")
        if member.file_size > SMALL and member.file_size > RATIO * member.compress_size:
            raise self._refused(f"holds {name[:100]!r}, which unpacks to more than {RATIO} times its bytes")

    def _refused(self, what: str) -> InconclusiveError:
        return InconclusiveError(what, where=self._path, remedy="pack the reports alone, as upload-artifact does")
