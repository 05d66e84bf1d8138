"""`budgets.json`, as the assertions that LHCI makes of it.

The format: https://github.com/GoogleChrome/lighthouse-ci/blob/main/docs/configuration.md#budgetsfile (Lighthouse's
own budgets, sizes in units of 1,024 bytes). A key that the format does not have is an error, as with the peer.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from releasegate.errors import InputError
from releasegate.gates.lighthouse.report import number

METRIC = (
    "metric",
    (
        "first-contentful-paint",
        "interactive",
        "first-meaningful-paint",
        "max-potential-fid",
        "total-blocking-time",
        "speed-index",
        "largest-contentful-paint",
        "cumulative-layout-shift",
    ),
)
RESOURCE = (
    "resourceType",
    ("total", "document", "script", "stylesheet", "image", "media", "font", "other", "third-party"),
)
KILOBYTE = 1024


def budget_options(document: Any, path: str) -> dict[str, Any]:
    """LHCI's assert options (an `assertMatrix`) for the budgets in `document`; `InputError` with what is wrong."""
    if not isinstance(document, list) or not all(isinstance(budget, Mapping) for budget in document):
        raise InputError("Budget file is not defined as an array of budgets.", where=path, remedy="write [{…}]")
    return {"assertMatrix": [_entry(budget, f"{path}: budgets[{index}]") for index, budget in enumerate(document)]}


def _entry(budget: Mapping[str, Any], where: str) -> dict[str, Any]:
    _only(budget, ("path", "options", "resourceSizes", "resourceCounts", "timings"), where, "Budget")
    pattern = _pattern(budget.get("path"), where) if "path" in budget else ".*"
    _options(budget.get("options", {}), where)
    assertions = {
        **_lines(budget, "timings", METRIC, where, str),
        **_lines(budget, "resourceCounts", RESOURCE, where, "resource-summary:{}:count".format),
    }
    sizes = _lines(budget, "resourceSizes", RESOURCE, where, "resource-summary:{}:size".format)
    assertions |= {key: limit * KILOBYTE for key, limit in sizes.items()}
    return {
        "matchingUrlPattern": pattern,
        "assertions": {key: ["error", {"maxNumericValue": limit}] for key, limit in assertions.items()},
    }


def _lines(
    budget: Mapping[str, Any], section: str, kind: tuple[str, tuple[str, ...]], where: str, key: Callable[[str], str]
) -> dict[str, float]:
    """One section's limits, by the assertion's key; `kind` is the field that names a line's subject, and its names."""
    name, names = kind
    lines = budget.get(section, [])
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise InputError(f"Invalid {section} entry", where=where, remedy="write a list of objects")
    found: dict[str, float] = {}
    for line in lines:
        _only(line, (name, "budget"), where, "Timing Budget" if name == "metric" else "Resource Budget")
        what, limit = line.get(name), number(line.get("budget"))
        if what not in names:
            raise InputError(f"Invalid {name} {what!r}"[:200], where=where, remedy=f"write one of {', '.join(names)}")
        if limit is None:
            raise InputError(f"Invalid budget: {line.get('budget')!r}"[:200], where=where, remedy="write a number")
        if key(what) in found:
            raise InputError(f"{section} has duplicate entry of type '{what}'", where=where, remedy="keep one")
        found[key(what)] = limit
    return found


def _only(value: Mapping[str, Any], known: tuple[str, ...], where: str, what: str) -> None:
    unknown = [str(key) for key in value if key not in known]
    if unknown:
        names = ", ".join(unknown)[:200]
        raise InputError(f"{what} has unrecognized properties: [{names}]", where=where, remedy="remove them")


def _options(options: Any, where: str) -> None:
    """`firstPartyHostnames` is checked as LHCI does it, and of no use: the reports have been made."""
    if not isinstance(options, Mapping):
        raise InputError("Invalid options property", where=where, remedy="write an object")
    _only(options, ("firstPartyHostnames",), where, "Options property")
    hosts = options.get("firstPartyHostnames", [])
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise InputError("firstPartyHostnames should be defined as an array of strings", where=where)
    for host in hosts:
        starred = "*" in host and (not host.startswith("*.") or host.rindex("*") > 0)
        if not host or "/" in host or ":" in host or starred:
            raise InputError(f"{host[:200]} is not a valid hostname", where=where, remedy="write example.com")


def _pattern(path: Any, where: str) -> str:
    """The URL pattern of a robots.txt-like path: one `*`, and `$` at the end alone."""
    if not isinstance(path, str) or not path.startswith("/") or path.count("*") > 1 or "$" in path[:-1]:
        remedy = "begin it with `/`, with at most one `*`, and `$` only at its end"
        raise InputError(f"Invalid path {path!r}"[:200], where=where, remedy=remedy)
    if path == "/":
        return ".*"
    parts = [re.sub(r"([-\[\]{}()*+?.,\\^|#\s])", r"\\\1", part) for part in path.split("*")]
    return r"https?:\/\/[^/]+" + ".*".join(parts).replace("/", r"\/")
