"""The time zone that people see beside UTC."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def unknown(name: str) -> bool:
    """Whether there is no such time zone. A machine without the table of zones knows none, and says so of none."""
    return _zone(name) is None and _zone("UTC") is not None


def beside(moment: datetime, name: str, form: str) -> str:
    """` (11:00 Europe/Berlin)`: the moment there, written as `form`; nothing for UTC, or without the table of zones."""
    zone = None if name == "UTC" else _zone(name)
    return f" ({moment.astimezone(zone):{form}} {name})" if zone else ""


def day(moment: datetime, name: str) -> date:
    """The day that it is there; in UTC where this machine has no table of zones."""
    return moment.astimezone(_zone(name) or UTC).date()


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such name; one that leads out of the table; a folder of it
        return None
