"""Issues and their comments, found again by a marker that readers do not see."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from releasegate.errors import UnknownOutcomeError
from releasegate.forge.github.api import Api

LABEL = "releasegate"
"""On every issue that is opened here, so that they can be listed: the search index lags behind."""
LONGEST = 65536
"""Characters that GitHub takes as the body of an issue or comment."""
CUT = "\n\n… (cut here: GitHub takes no longer text)"


def open_issue(api: Api, marker: str, title: str, body: str) -> str:
    """Open an issue and say where it is. One with the same `marker` is found again, not doubled.

    Two that were opened at the same moment end as one: the later is closed as a duplicate.
    """

    def same() -> Iterator[Mapping[str, Any]]:
        found = api.pages("issues", labels=LABEL, state="all", sort="created", direction="desc")
        return (one for one in found if "pull_request" not in one and _has(one, marker))

    text = {"title": title, "body": _marked(body, marker), "labels": [LABEL]}
    made, own = _once(same, lambda: api.write("POST", "issues", text))
    if own:
        first = min(same(), key=lambda one: one["number"], default=made)
        if first["number"] < made["number"]:
            api.write("PATCH", f"issues/{made['number']}", {"state": "closed", "state_reason": "not_planned"})
            made = first
    return str(made["html_url"])


def comment(api: Api, issue: str, marker: str, body: str) -> str:
    """Write a comment below the issue with the address `issue`, or find the one with this `marker`."""
    path = f"issues/{issue.rstrip('/').rpartition('/')[2]}/comments"

    def same() -> Iterator[Mapping[str, Any]]:
        return (one for one in api.pages(path) if _has(one, marker))

    made, _ = _once(same, lambda: api.write("POST", path, {"body": _marked(body, marker)}))
    return str(made["html_url"])


def hidden(marker: str) -> str:
    """A line that GitHub does not show."""
    return f"<!-- releasegate: {marker.replace('--', '- -')} -->"


def _marked(body: str, marker: str) -> str:
    """The body, cut to what GitHub takes, and the marker, which is never cut."""
    text, end = body.rstrip(), f"\n\n{hidden(marker)}\n"
    if len(text) + len(end) > LONGEST:
        text = text[: LONGEST - len(CUT) - len(end)] + CUT
    return text + end


def _has(item: Mapping[str, Any], marker: str) -> bool:
    return hidden(marker) in (item.get("body") or "")


def _once(
    same: Callable[[], Iterator[Mapping[str, Any]]], make: Callable[[], Mapping[str, Any]]
) -> tuple[Mapping[str, Any], bool]:
    """The one that is there, else a new one (True), looked up once more where the answer was lost."""
    found = next(same(), None)
    if found is not None:
        return found, False
    try:
        return make(), True
    except UnknownOutcomeError:
        found = next(same(), None)
        if found is None:
            raise
        return found, True
