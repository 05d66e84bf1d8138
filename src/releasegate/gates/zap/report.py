"""What a ZAP report says, whatever its format: the values that every reader fills and every rule looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

import msgspec


class Risk(IntEnum):
    """ZAP's `riskcode`."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def label(self) -> str:
        """As ZAP writes it: `Informational`, `Low`, `Medium`, `High`."""
        return ("Informational", "Low", "Medium", "High")[self]


class Confidence(IntEnum):
    """ZAP's `confidence`."""

    FALSE_POSITIVE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CONFIRMED = 4

    @property
    def label(self) -> str:
        """As ZAP writes it: `False Positive`, `Low`, `Medium`, `High`, `Confirmed`."""
        return ("False Positive", "Low", "Medium", "High", "Confirmed")[self]


class Method(StrEnum):
    """An HTTP method. Reports repeat a few of them very often: one object for each saves a seventh of the memory."""

    NONE = ""
    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"
    PATCH = "PATCH"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"

    @classmethod
    def _missing_(cls, value: object) -> Any:
        """Scanners send methods of their own making, too."""
        member = str.__new__(cls, str(value))
        member._name_ = member._value_ = str(value)
        return member


class Instance(msgspec.Struct, frozen=True, gc=False):
    """One place where an alert was raised. Requests, responses, attack and evidence are left where they are:
    they may hold secrets.
    """

    uri: str = ""
    method: Method = Method.NONE
    param: str = ""


class Node(Instance, frozen=True, gc=False):
    """An instance with ZAP's own name for the place, where reports have it and comparing needs it."""

    node: str = msgspec.field(name="nodeName", default="")
    """The URL with parameter names in place of their values."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of one site."""

    site: str
    """The site's name, `https://host:port`."""
    plugin: str
    """The rule's id, `pluginid`."""
    ref: str
    """The rule's id with the kind of alert, `10055-4`; the rule's id alone in reports without `alertRef`."""
    name: str
    risk: Risk
    confidence: Confidence
    instances: Sequence[Instance]
    systemic: bool = False
    """True where ZAP found it all over the site and lists a few instances only."""
    dropped: bool = False
    """True where the scan's GitHub action took it out of the list by its own rules (`ignoredAlerts`)."""


class Insight(msgspec.Struct, frozen=True, gc=False):
    """Something that ZAP says about the scan itself: how many requests failed, and so on."""

    key: str = ""
    level: str = ""
    """`Info`, `Low`, `Medium` or `High`."""
    description: str = ""
    statistic: str | int | float = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One report: what was scanned, and what was found."""

    path: str
    sites: tuple[str, ...]
    alerts: tuple[Alert, ...]
    insights: tuple[Insight, ...] = ()
    stopped: str | None = None
    """Why the scan was stopped before its end."""
    plan_errors: int = 0
    """How many errors the automation plan met."""
    created: datetime | None = None
    """When the report was written; None in older reports, which give no time zone."""
