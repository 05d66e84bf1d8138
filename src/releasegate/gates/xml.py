"""Reads XML that strangers may have written: no document type, so no entities and no bombs, and no deep nesting."""

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from releasegate.errors import InconclusiveError

DEEPEST = 64
"""How deep elements may be nested; ZAP and JUnit need less than ten levels."""
MOST = 1_000_000
"""Elements in memory at once, of half a kilobyte each; the largest suites of tests have a tenth of it."""
LARGEST = 128 * 1024 * 1024
"""Bytes; XML with endlessly long attributes takes time that grows with the square of its size."""
_PIECE = 1024 * 1024
"""Bytes: small enough for a refusal to come early, large enough for a long attribute not to be read too often."""


class _Guard(ET.TreeBuilder):
    """Builds the tree, refuses document types, deep nesting and too many elements, and hands over those that end."""

    def __init__(self, path: str, finished: Mapping[str, Callable[[ET.Element], None]]) -> None:
        super().__init__()
        self.path = path
        self.finished = finished
        self.open: list[str] = []
        self.kept = 0
        self.kept_before: list[int] = []
        """For each open element, how many were in memory when it began."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called before any entity is declared."""
        del pubid, system
        what = f"declares a document type ({name!r}), which no test or scan report needs"
        raise InconclusiveError(what, where=self.path, remedy="write the report without <!DOCTYPE …>")

    def start(self, tag: str, attrs: dict[str, str], /) -> Any:
        """Count the depth, and what is in memory."""
        self.open.append(tag)
        self.kept += 1
        self.kept_before.append(self.kept)
        if self.kept > MOST:
            what = f"holds more than {MOST} elements"
            raise InconclusiveError(what, where=self.path, remedy="is this one report? Split it")
        if len(self.open) > DEEPEST:
            what = f"nests elements more than {DEEPEST} levels deep"
            raise InconclusiveError(what, where=self.path, remedy="was another file meant?")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        """Hand over what has ended, and free it."""
        element = super().end(tag)
        take = self.finished.get("/".join(self.open[-2:]))
        self.open.pop()
        before = self.kept_before.pop()
        if take is not None:
            take(element)
            element.clear()
            self.kept = before
        return element


def parse(content: bytes, path: str, finished: Mapping[str, Callable[[ET.Element], None]] | None = None) -> ET.Element:
    """The root element of `content`, which was read from `path`.

    Elements named in `finished` (`parent/tag`) are handed over as soon as they end and then emptied, so that a long
    report does not have to fit into memory as a tree. `InconclusiveError` where it is no XML that is safe to read.
    """
    if len(content) > LARGEST:
        what = f"is larger than {LARGEST // 2**20} MiB, which is too much for XML"
        raise InconclusiveError(what, where=path, remedy="is this a report? ZAP writes JSON, too")
    parser = ET.XMLParser(target=_Guard(path, finished or {}))  # noqa: S314  the guard refuses document types
    try:
        for start in range(0, len(content), _PIECE):  # a refusal takes effect at the end of the piece that it is in
            parser.feed(memoryview(content)[start : start + _PIECE])
        root: ET.Element = parser.close()
    except ET.ParseError as error:
        raise InconclusiveError(f"is not whole: {error}", where=path, remedy=_AGAIN) from error
    except (LookupError, ValueError) as error:
        raise InconclusiveError(f"has an encoding that cannot be read: {error}", where=path, remedy=_AGAIN) from error
    return root


_AGAIN = "write it again, or fetch the artifact again"
