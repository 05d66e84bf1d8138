"""Options that take a quantity, or a text, as people write it."""

from collections.abc import Callable
from typing import Any

import click

from releasegate.policy import units


class Quantity(click.ParamType[float]):
    """A duration or a share, parsed as the policy parses it."""

    def __init__(self, name: str, parse: Callable[[str], float], examples: str) -> None:
        self.name = name
        self._parse = parse
        self._examples = examples

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """`value` as a number."""
        try:
            return value if isinstance(value, float) else self._parse(str(value).strip())
        except ValueError:
            self.fail(f"{value} is not {self._examples}", param, ctx)


def written(value: str) -> str:
    """What a person wrote, as UTF-8 can hold it: `?` for a byte that was none. It goes into commits."""
    return value.encode("utf-8", "replace").decode()


SHARE = Quantity("share", units.share, "a share such as 5% or 0.05")
DURATION = Quantity("duration", units.seconds, "a duration such as 30m or 1h30m")
