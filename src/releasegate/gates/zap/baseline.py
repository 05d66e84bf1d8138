"""What ZAP's packaged scans (`zap-baseline.py` and its siblings) would have said of the same alerts.

Their way of counting is kept to the letter, with what surprises in it: counts are rules, not alerts; Informational
alerts do not count; every rule that is not listed is WARN; a false positive counts like any other; levels other than
FAIL and WARN never change the exit code, and an issue in progress counts for nothing. Compared with the real program
in `tests/gates/test_zap_baseline.py`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from releasegate.errors import InconclusiveError, InputError
from releasegate.gates.zap.report import Alert, Risk

LEVELS = ("PASS", "IGNORE", "INFO", "WARN", "FAIL")
NEVER_COUNTED = frozenset(("-1", "50003", "60000", "60001"))
"""Script, statistics and example rules, which the packaged scans leave out."""
# A report does not say which rules ran without finding anything. These passive rules are taken to have run.
PASSIVE_RULES = frozenset(
    (
        "10010",
        "10011",
        "10015",
        "10017",
        "10020",
        "10021",
        "10027",
        "10035",
        "10036",
        "10038",
        "10049",
        "10055",
        "10063",
        "10096",
        "10098",
        "10109",
        "10202",
        "90004",
    )
)


@dataclass(frozen=True, slots=True)
class Config:
    """A rules file as the packaged scans take it."""

    levels: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    out_of_scope: Sequence[tuple[str, re.Pattern[str]]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line of a packaged scan."""

    config: Config = field(default_factory=Config)
    ignore_warnings: bool = False
    """`-I`"""
    unlisted_is_info: bool = False
    """`-i`"""
    lowest: int = 0
    """`-l`: index of the lowest level that is printed."""
    in_progress: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """`-p`: issues by rule id."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the packaged scan says."""

    exit_code: int
    counts: Mapping[str, int]
    lines: tuple[str, ...]
    """One for each rule, and the counts."""


def read_config(content: bytes, path: str) -> Config:
    """The rules file in `content`: `InconclusiveError` where the scans exit with 3, `InputError` where they crash."""
    levels: dict[str, str] = {}
    messages: dict[str, str] = {}
    scopes: list[tuple[str, re.Pattern[str]]] = []
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path}:{number}"
        columns = line.rstrip().split("\t", 2)
        if len(columns) < 3 or (columns[1] != "OUTOFSCOPE" and columns[2].count("\t") > 1):
            what = "has not three or four columns, which stops zap-baseline"
            raise InconclusiveError(what, where=where, remedy="write `<id><TAB><LEVEL><TAB>(name)`")
        if columns[1] == "OUTOFSCOPE":
            scopes += [(key, _compile(columns[2], where)) for key in columns[0].split(",")]
        elif columns[1] in LEVELS:
            levels[columns[0]] = columns[1]
            messages[columns[0]] = columns[2].partition("\t")[2]
        else:
            what = f"{columns[1][:40]!r} is no level, which stops zap-baseline"
            raise InconclusiveError(what, where=where, remedy=f"write one of {', '.join(LEVELS)}")
    return Config(levels, messages, scopes)


def _compile(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        what = f"is no regular expression, which crashes zap-baseline: {error}"
        raise InputError(what, where=where, remedy="escape dots and brackets") from error


def read_lowest(name: str) -> int:
    """The index of a level that `-l` names; `InconclusiveError` where the scans exit with 3."""
    if name not in LEVELS:
        what = f"-l {name[:40]!r} is no level, which stops zap-baseline"
        raise InconclusiveError(what, remedy=f"write one of {', '.join(LEVELS)}")
    return LEVELS.index(name)


def read_progress(content: bytes, path: str) -> dict[str, Mapping[str, Any]]:
    """The issues in progress of a `-p` file, by rule id; `InputError` where the scans crash."""
    try:
        issues = msgspec.json.decode(content)["issues"]
        return {str(issue["id"]): issue for issue in issues if issue["state"] == "inprogress"}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError) as error:
        what = f"is no progress file, which crashes zap-baseline: {type(error).__name__} {error}"
        remedy = 'write {"issues": [{"id": "10038", "state": "inprogress", "link": "https://…"}]}'
        raise InputError(what, where=path, remedy=remedy) from error


def level_of(plugin: str, options: Options) -> str:
    """The level of a rule's alerts."""
    return options.config.levels.get(plugin, "INFO" if options.unlisted_is_info else "WARN")


def counted(alert: Alert, uri: str, config: Config) -> bool:
    """Whether one instance counts at all."""
    if alert.dropped or alert.risk is Risk.INFO or alert.plugin in NEVER_COUNTED:
        return False
    return not any(key in ("*", alert.plugin) and address.match(uri) for key, address in config.out_of_scope)


def baseline(alerts: Iterable[Alert], options: Options, ran: Collection[str] = PASSIVE_RULES) -> Result:
    """Count `alerts` as the packaged scans do; `ran` are the ids of the rules that were run."""
    places: dict[str, int] = {}
    names: dict[str, str] = {}
    for alert in alerts:
        for instance in alert.instances:
            if counted(alert, instance.uri, options.config):
                places[alert.plugin] = places.get(alert.plugin, 0) + 1
                names.setdefault(alert.plugin, alert.name)
    counts = _counts(places, options)
    counts["pass"] = len(set(ran) - NEVER_COUNTED - places.keys())
    lines = [line for level in LEVELS[1:] for line in _lines(level, places, names, options)]
    return Result(_exit_code(counts, options), counts, (*lines, _total(counts)))


def _counts(places: Mapping[str, int], options: Options) -> dict[str, int]:
    """Rules by level, and apart from them those in progress."""
    counts = dict.fromkeys(("fail_new", "fail_inprog", "warn_new", "warn_inprog", "info", "ignore"), 0)
    for plugin in places:
        level = level_of(plugin, options).lower()
        if level in ("fail", "warn"):
            counts[f"{level}_{'inprog' if plugin in options.in_progress else 'new'}"] += 1
        elif level == "ignore" or (level == "info" and plugin not in options.in_progress):
            counts[level] += 1
    return counts


def _lines(level: str, places: Mapping[str, int], names: Mapping[str, str], options: Options) -> list[str]:
    """The lines of one level's rules, in the order of their ids as text."""
    if LEVELS.index(level) < options.lowest:
        return []
    lines = []
    for plugin in sorted(places):
        if level_of(plugin, options) != level:
            continue
        issue = options.in_progress.get(plugin) if level != "IGNORE" else None
        message = options.config.messages.get(plugin, "")
        state = "NEW" if issue is None else "IN_PROGRESS"
        lines.append(f"{level}-{state}: {names[plugin]} [{plugin}] x {places[plugin]} {message}")
        if issue is not None and _link(issue, plugin):
            lines.append(f"\tProgress link: {issue['link']}")
    return lines


def _link(issue: Mapping[str, Any], plugin: str) -> str:
    if "link" not in issue:
        what = f"the issue in progress for rule {plugin} has no `link`, which stops zap-baseline"
        raise InconclusiveError(what, remedy='write "link": "" where there is none')
    return str(issue["link"])


def _exit_code(counts: Mapping[str, int], options: Options) -> int:
    if counts["fail_new"]:
        return 1
    if counts["warn_new"] and not options.ignore_warnings:
        return 2
    return 0 if counts["pass"] else 3


def _total(counts: Mapping[str, int]) -> str:
    names = {"fail_new": "FAIL-NEW", "fail_inprog": "FAIL-INPROG", "warn_new": "WARN-NEW", "warn_inprog": "WARN-INPROG"}
    return "\t".join(f"{names.get(name, name.upper())}: {count}" for name, count in counts.items())
