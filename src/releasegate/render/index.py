"""The ledger's index as a person reads it: Markdown, one section for each release."""

from collections.abc import Sequence

from releasegate.ledger.evidence import Entry
from releasegate.render.text import printable


def markdown(entries: Sequence[Entry], head: str | None) -> str:
    """The index of `entries`, newest release first, of the ledger at `head`."""
    lines = ["# Evidence of every release", "", f"Ledger: {head or 'none yet'}"]
    for entry in reversed(entries):
        lines += ["", f"## {printable(entry.release.name)}", "", *_facts(entry)]
        if entry.items:
            lines += ["", "| event | evidence | SHA-256 |", "|---|---|---|"]
            lines += [f"| {item.kind} | {_cell(item.place)} | `{_cell(item.sha256)}` |" for item in entry.items]
    return "\n".join(lines) + "\n"


def _facts(entry: Entry) -> Sequence[str]:
    release = entry.release
    settled = "no" if release.settled is None else f"{release.settled:%Y-%m-%d %H:%M} UTC"
    verdicts = ", ".join(f"{stage} {verdict}" for stage, verdict in release.verdicts.items())
    facts = {
        "candidate": release.candidate,
        "commit": release.commit,
        "verdicts": verdicts or "none",
        "settled": settled,
        "marked bad": "no" if release.bad is None else release.bad or "yes",
    }
    return [f"- {name}: {printable(value)}" for name, value in facts.items()]


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")
