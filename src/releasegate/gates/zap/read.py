"""Bytes to a `Report`: finds out the format by looking, since `@version` does not tell which fields are there."""

from releasegate.errors import InconclusiveError
from releasegate.gates.zap.report import Report

LIMIT = 512 * 1024 * 1024
"""The largest report that is read, in bytes."""
MOST_VALUES = 10_000_000
"""In one JSON report: of some sixty bytes of memory each. One of 70 MB has 1.7 million."""

_BOM = b"\xef\xbb\xbf"


def read_report(content: bytes, path: str, *, nodes: bool = False) -> Report:
    """The report in `content`, which was read from `path`; `InconclusiveError` where it cannot be judged.

    With `nodes` the instances are `Node`s where the format has them, which costs memory and only comparing needs.
    """
    if len(content) > LIMIT:
        raise InconclusiveError(f"is larger than {LIMIT // 2**20} MiB", where=path, remedy="is this a ZAP report?")
    start = len(_BOM) if content.startswith(_BOM) else 0
    first = content[start : start + 4096].lstrip()[:1]
    if first == b"{":
        if content.count(b",") > MOST_VALUES:
            what = f"holds more than {MOST_VALUES} values"
            raise InconclusiveError(what, where=path, remedy="is this a ZAP report?")
        from releasegate.gates.zap.json_report import read_json  # noqa: PLC0415  one reader is enough for one report

        return read_json(memoryview(content)[start:], path, nodes=nodes)
    if first == b"<":
        from releasegate.gates.zap.xml_report import read_xml  # noqa: PLC0415  one reader is enough for one report

        return read_xml(content, path)
    what = "is empty" if not first else "is no ZAP report: neither JSON nor XML"
    raise InconclusiveError(what, where=path, remedy="scan again, and keep the report as JSON or XML")
