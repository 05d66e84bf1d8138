"""What every release rests on: its verdicts, and the bytes behind them by hash. Where an audit begins."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from releasegate.ledger.event import Event
from releasegate.ledger.state import Release, fold
from releasegate.verdict import rfc3339


@dataclass(frozen=True, slots=True)
class Item:
    """Bytes that something rests on."""

    kind: str
    """The kind of the event that names them."""
    event: str
    """Its id."""
    place: str
    """A path or URL."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One release with its evidence."""

    release: Release
    items: tuple[Item, ...]

    def document(self) -> dict[str, Any]:
        """The entry as JSON holds it."""
        release = self.release
        return {
            "tag": release.tag,
            "candidate": release.candidate,
            "commit": release.commit,
            "verdicts": dict(release.verdicts),
            "settled": None if release.settled is None else rfc3339(release.settled),
            "bad": release.bad,
            "evidence": [
                {"kind": item.kind, "event": item.event, "place": item.place, "sha256": item.sha256}
                for item in self.items
            ],
        }


def index(events: Iterable[Event], scope: Mapping[str, str] | None = None) -> tuple[Entry, ...]:
    """Every release of the `scope`, in the order of `State.releases`, with all evidence that its events name."""
    ours = [event for event in events if event.about(scope or {})]
    return tuple(
        Entry(
            release,
            tuple(
                i for event in ours if event.subject.get("tag") == release.candidate for i in _items(event, event.data)
            ),
        )
        for release in fold(ours).releases
    )


def _items(event: Event, data: object) -> Iterator[Item]:
    """Whatever in `data`, at any depth, has a `sha256` and a `path` or `url`."""
    if isinstance(data, Mapping):
        place = data.get("path") or data.get("url")
        if isinstance(data.get("sha256"), str) and isinstance(place, str):
            yield Item(event.kind, event.id, place, data["sha256"])
        for value in data.values():
            yield from _items(event, value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _items(event, value)
