"""Which ids rules of ZAP can have, so that a rules file with another is told: a line for it would decide nothing.

Facts from ZAP's own registry, https://github.com/zaproxy/zaproxy/blob/main/docs/scanners.md, which names each id, and
those whose rule is gone. Ids that a range leaves room for are taken to be of younger rules; scripts of a team's own
have ids of 100000 and above.
"""

SCRIPTS = 100_000
"""From here on an id may be anybody's."""
_RANGES = (
    range(8), range(41, 44), range(10000, 10064), range(10070, 10071), range(10094, 10121), range(10200, 10211),
    range(20000, 20007), range(20010, 20020), range(30001, 30004), range(40000, 40061), range(50000, 50007),
    range(60000, 60301), range(90001, 90006), range(90011, 90012), range(90017, 90051),
)  # fmt: skip
_RETIRED = frozenset(
    (
        *range(4, 6), *range(10000, 10002), *range(10012, 10015), 10016, 10022, 10046, *range(20000, 20007),
        *range(40000, 40003), *range(40004, 40008), *range(40010, 40012),
    )
)  # fmt: skip


def retired(plugin: str) -> bool:
    """Whether ZAP once had the rule, and raises it no more."""
    return _number(plugin) in _RETIRED


def unknown(plugin: str) -> bool:
    """Whether no rule of ZAP has this id: a slip of the pen, most likely."""
    number = _number(plugin)
    return number < SCRIPTS and not any(number in known for known in _RANGES)


def _number(plugin: str) -> int:
    """The id as a number; what is none, or endless, may be anybody's."""
    return int(plugin) if plugin.isdecimal() and len(plugin) <= 6 else SCRIPTS
