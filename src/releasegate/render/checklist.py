"""The smoke checks of a release as a list that a person ticks off."""

import re
from collections.abc import Mapping, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~@&]|:(?=//))")


def checklist(title: str, headline: str, names: Sequence[str], manual: Mapping[str, str | None], *, green: bool) -> str:
    """Markdown: every check by its name, ticked where all of them were seen `green`, and what a person looks at."""
    sign = "x" if green else " "
    lines = [f"- [{sign}] {_plain(name)}" for name in names]
    none = "The policy names no smoke checks (`rollback.smoke`): look at the pages that your users need."
    told = "" if green or not lines else "\nNobody has seen these green yet.\n"
    people = ["", "To be looked at by a person:", "", *manual_checks(manual)] if manual else []
    head = [f"# Smoke checklist: {_plain(title)}", "", _plain(headline), told]
    return "\n".join([*head, *(lines or [none]), *people, ""])


def manual_checks(manual: Mapping[str, str | None]) -> list[str]:
    """Markdown: each manual check, with who looked at it and when, or (None) with the command that records it."""
    return [
        f"- [{'x' if who else ' '}] {number}. {_plain(check)} "
        f"({_plain(who) if who else f'`releasegate rollback --tick {number}` records who and when'})"
        for number, (check, who) in enumerate(manual.items(), start=1)
    ]


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
