"""The smoke checks of a release as a list that a person ticks off."""

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~@&]|:(?=//))")


def checklist(title: str, headline: str, names: Sequence[str], *, green: bool) -> str:
    """Markdown: every check by its name, ticked where all of them were seen `green`."""
    sign = "x" if green else " "
    lines = [f"- [{sign}] {_plain(name)}" for name in names]
    none = "The policy names no smoke checks (`rollback.smoke`): look at the pages that your users need."
    told = "" if green or not lines else "\nNobody has seen these green yet.\n"
    return "\n".join([f"# Smoke checklist: {_plain(title)}", "", _plain(headline), told, *(lines or [none]), ""])


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
