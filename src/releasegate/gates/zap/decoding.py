"""What the readers share: decoding with a reason in one line, times, and ZAP's numbers."""

from datetime import datetime
from enum import IntEnum
from typing import Any, TypeVar

import msgspec

from releasegate.errors import InconclusiveError

AGAIN = "scan again, or fetch the artifact again"


def decode(decoder: "msgspec.json.Decoder[Any]", content: memoryview, path: str) -> Any:
    """Decode `content`, or say in one line why it cannot be a report."""
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        raise InconclusiveError(f"has not the shape of a ZAP report: {error}", where=path, remedy=AGAIN) from error
    except msgspec.DecodeError as error:
        raise InconclusiveError(f"is not whole: {error}", where=path, remedy=AGAIN) from error
    except UnicodeDecodeError as error:
        raise InconclusiveError("is not UTF-8", where=path, remedy=AGAIN) from error
    except RecursionError as error:
        raise InconclusiveError("is nested too deeply", where=path, remedy="was another file meant?") from error


def moment(text: str) -> datetime | None:
    """`created`, an ISO time with nanoseconds; None where it is missing, has no zone, or is no time."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


Code = TypeVar("Code", bound=IntEnum)


def rated(kind: type[Code], number: int, path: str) -> Code:
    """`number` as a risk or a confidence; `InconclusiveError` where ZAP has no such number."""
    try:
        return kind(number)
    except ValueError:
        name = kind.__name__.lower()
        what = f"holds the {name} {number}, which ZAP does not have (it has 0 to {max(kind).value})"
        raise InconclusiveError(what, where=path, remedy=AGAIN) from None
