"""Durations, shares and sizes as people write them."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
NUMBER = r"[0-9]+(?:\.[0-9]+)?"


@dataclass(frozen=True, slots=True)
class Unit:
    """How a quantity is written: its parser (`ValueError` where it cannot be read) and what a person is told."""

    name: str
    parse: Callable[[str], float]
    accepted: str
    """What is accepted, with examples; an error ends with it."""
    pattern: str
    """For the JSON Schema: what the text form looks like."""
    bare: bool = False
    """Whether the JSON Schema accepts a number without a unit."""


def seconds(text: str) -> float:
    """`30m`, `15s`, `1h30m`, `500ms`, `7y` (of 365 days) or `0`, in seconds."""
    if text == "0":
        return 0.0
    if not re.fullmatch(rf"(?:{NUMBER}(?:{'|'.join(SECONDS)}))+", text):
        raise ValueError(text)
    return _finite(sum(float(n) * SECONDS[u] for n, u in re.findall(rf"({NUMBER})({'|'.join(SECONDS)})", text)))


def share(text: str) -> float:
    """`5%` or `0.05` as 0.05; a bare 1 or more could mean two things, and is refused."""
    if not re.fullmatch(rf"{NUMBER} ?%|0|0?\.[0-9]+|0\.[0-9]+", text):
        raise ValueError(text)
    value = float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    if value > 1:
        raise ValueError(text)
    return value


def level(text: str) -> float:
    """A limit: `5%` as 0.05, or a plain number in the SLI's own unit."""
    if not re.fullmatch(rf"(?:{NUMBER}|\.[0-9]+)(?:e[+-]?[0-9]+)?|{NUMBER} ?%", text):
        raise ValueError(text)
    return _finite(float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text))


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(value)
    return value


DURATION = Unit(
    "duration",
    seconds,
    "write a number and a unit: 500ms, 15s, 30m, 2h, 7d, 4w, 7y, or 1h30m",
    rf"^(0|({NUMBER}({'|'.join(SECONDS)}))+)$",
)
SHARE = Unit("share", share, "write a percentage (5%) or a fraction below 1 (0.05)", rf"^{NUMBER} ?%$", bare=True)
LEVEL = Unit("level", level, "write a number (100) or a percentage (5%)", rf"^{NUMBER} ?%$", bare=True)
