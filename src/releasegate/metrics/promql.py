"""The queries that a Prometheus is asked: few of them, and none that extrapolates."""

import re
from collections.abc import Iterable, Mapping, Sequence

from releasegate.policy.selector import Matcher, Selector

LOOK_BACK = "1h"
"""How far back a series is known though it has no sample now: a pod that went away may come back."""
PLAIN = re.compile(r"(?!.*\(\?)[\w .*+?|()\[\]/:,-]*")
"""Regular expressions that mean the same to Prometheus as to Python, so that its answers can be told apart here."""


def known(selector: Selector) -> str:
    """The newest sample of each series, also of one that has had none for some time."""
    return _earlier(selector, 0.0)


def raw(selector: Selector, seconds: float) -> str:
    """All samples of the last `seconds`."""
    return f"{selector}[{max(round(seconds * 1000), 1)}ms]"


def scraped(selector: Selector, seconds: float) -> str:
    """How many series had a sample in the last `seconds`; no answer where none had."""
    return f"count(count_over_time({raw(selector, seconds)}))"


def increments(selector: Selector, seconds: float, by: Sequence[str], shift: float = 0.0) -> str:
    """What the selector's series counted in the last `seconds`, summed by labels on the server; `shift` seconds ago.

    The difference of each series to what it was before; one below 0 stands for a start from zero, and a series that was
    not there before is new: of both the value counts in full. Nothing is extrapolated, so that counts stay whole.
    Unlike raw samples it does not see what was counted between the last sample before a reset and the reset.
    """
    now, before = (_earlier(selector, ago) for ago in (shift, shift + seconds))
    return f"sum by ({', '.join(by)}) ((({now} - {before}) >= 0) or {now})"


def _earlier(selector: Selector, seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    offset = f" offset {milliseconds}ms" if milliseconds else ""
    return f"last_over_time({selector}[{LOOK_BACK}]{offset})"


def covers(groups: Iterable[Sequence[Selector]]) -> Mapping[Selector, Selector]:
    """Each selector to one that selects what its whole group does, so that one query serves for both tracks.

    Selectors that cannot be covered without asking for much more than they do are left out.
    """
    found: dict[Selector, Selector] = {}
    for group in groups:
        cover = _cover(group)
        if cover is not None:
            found = {**dict.fromkeys(group, cover), **found}
    return found


def _cover(group: Sequence[Selector]) -> Selector | None:
    """The narrowest selector of all that the group selects, without a name where it is several metrics; else None."""
    names = list(dict.fromkeys(selector.name for selector in group))
    if not all(_is_plain(matcher) for selector in group for matcher in selector.matchers):
        return None
    common = [matcher for matcher in group[0].matchers if all(matcher in selector.matchers for selector in group)]
    rest = [[matcher for matcher in selector.matchers if matcher not in common] for selector in group]
    joined: list[Matcher] = []
    for label in dict.fromkeys(matcher.label for matchers in rest for matcher in matchers):
        alternatives = [[matcher for matcher in matchers if matcher.label == label] for matchers in rest]
        if not all(alternatives):
            continue  # what one asks for less of, it asks for all of
        flat = [matcher for matchers in alternatives for matcher in matchers]
        if any(len(matchers) > 1 for matchers in alternatives) or any(matcher.op.startswith("!") for matcher in flat):
            return None
        joined.append(Matcher(label, "=~", "|".join(dict.fromkeys(map(_pattern, flat)))))
    if len(names) > 1:
        return Selector("", (Matcher("__name__", "=~", "|".join(names)), *common, *joined))
    return Selector(names[0], (*common, *joined))


def _is_plain(matcher: Matcher) -> bool:
    return "~" not in matcher.op or PLAIN.fullmatch(matcher.value) is not None


def _pattern(matcher: Matcher) -> str:
    return re.escape(matcher.value) if matcher.op == "=" else f"(?:{matcher.value})"
