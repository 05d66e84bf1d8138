"""Recordings: the counts of a whole canary as JSON lines, written while it runs and judged again at any time.

A stream holds one recording after the other. Each begins with a header, which has every parameter that the judge
uses; every further line is one poll. What is malformed is an `InputError` that names `file:line`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from releasegate.canary.sli import Kind, Limit, SliSpec
from releasegate.errors import InputError
from releasegate.verdict import rfc3339

VERSION = 1
TRACKS = ("baseline", "canary")
DETECT = MappingProxyType({Kind.RATIO: 5.0, Kind.HISTOGRAM: 2.0, Kind.THROUGHPUT: 2.0, Kind.MEAN: 5.0})
"""The smallest regression, by kind, that a canary must have been able to show before it is promoted."""
RESERVED = frozenset({"t", "weight", "recording"})
_NUMBERS = frozenset({int, float})
_MOST = 2.0**53
"""Counts above this are no longer whole numbers in a float."""

Counts: TypeAlias = float | tuple[float, ...]
"""One increment: ratio `(bad, total)`, histogram one count a bucket, throughput requests, mean `(sum, count)`, gauge
level."""


@dataclass(frozen=True, slots=True)
class Header:
    """Every parameter that the judge uses. `InputError` on a value that makes no sense."""

    id: str
    started: datetime
    """When the split was seen to flow, which is `t` 0."""
    interval: float
    """Seconds between polls."""
    window: float
    """Seconds that the canary is watched for."""
    weight: float
    """The canary's share of the traffic, between 0 and 1."""
    slis: Mapping[str, SliSpec]
    warm_up: float = 0.0
    """Seconds after `t` 0 in which only limits and silence are judged."""
    false_abort: float = 0.01
    """The most likely that a healthy canary may be aborted, all SLIs and all polls together."""
    detect: Mapping[Kind, float] = field(default_factory=lambda: DETECT)
    early: bool = False
    """Whether to promote before the window ends, once each critical SLI's upper bound is under its `detect`."""
    again: tuple[float, ...] = ()
    """Each `t` at which the same candidate got its traffic again: the window begins with the last of them, the evidence
    does not."""

    def __post_init__(self) -> None:
        fits = {
            "interval": 0 < self.interval < inf,
            "window": 0 < self.window < inf,
            "weight": 0 < self.weight < 1,
            "warm_up": 0 <= self.warm_up < self.window,
            "false_abort": 0 < self.false_abort < 1,
        }
        for name, good in fits.items():
            if not good:
                raise InputError(f"{name} is {getattr(self, name):g}, which cannot be")
        if not all(before < after < inf for before, after in pairwise((0.0, *self.again))):
            raise InputError("again holds moments that do not rise from 0")
        if not all(1 < ratio < inf for ratio in self.detect.values()):
            raise InputError("detect holds a ratio that is not above 1")
        if not self.slis:
            raise InputError("no SLI", remedy="a canary is judged by at least one")
        for name in self.slis:
            if name in RESERVED or not name:
                raise InputError(f"an SLI cannot be called {name!r}")

    @property
    def end(self) -> float:
        """The `t` at which the window ends."""
        return self.carried + self.window

    @property
    def carried(self) -> float:
        """The seconds that earlier runs of the same candidate saw."""
        return self.again[-1] if self.again else 0.0

    def warms_up(self, t: float) -> bool:
        """Whether the poll at `t` is of a canary that has just got its traffic."""
        return self.warm_up > 0 and any(begun < t <= begun + self.warm_up for begun in (0.0, *self.again))


@dataclass(frozen=True, slots=True)
class Line:
    """One poll."""

    t: float
    """Seconds since the split was seen to flow; at most 0 for history."""
    counts: Mapping[str, Mapping[str, Counts]]
    """SLI to track to increment since the last line that holds this SLI and track."""
    weight: float | None = None
    """The canary's share of the traffic since the line before, where it is not what it was."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A header and its lines, in the order of time."""

    header: Header
    lines: tuple[Line, ...]


def encode_header(header: Header) -> str:
    """`header` as one line of JSON, without the newline."""
    slis = {name: _encode_spec(spec) for name, spec in header.slis.items()}
    document = {
        "recording": VERSION,
        "id": header.id,
        "started": rfc3339(header.started),
        "interval": header.interval,
        "window": header.window,
        "weight": header.weight,
        "warm_up": header.warm_up,
        "false_abort": header.false_abort,
        "detect": {kind.value: ratio for kind, ratio in header.detect.items()},
        "early": header.early,
        **({"again": header.again} if header.again else {}),
        "slis": slis,
    }
    return json.dumps(document, allow_nan=False, ensure_ascii=False)


def encode_line(line: Line) -> str:
    """`line` as one line of JSON, without the newline; floats are written so that they read back to the bit."""
    weight = {} if line.weight is None else {"weight": line.weight}
    return json.dumps({"t": line.t, **weight, **line.counts}, allow_nan=False, ensure_ascii=False)


def parse(lines: Iterable[str | bytes], name: str) -> Iterator[Recording]:
    """The recordings of a stream that is called `name` in errors."""
    header: Header | None = None
    polls: list[Line] = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            entry = _decode_entry(text, header, polls[-1].t if polls else -inf)
        except InputError as error:
            raise InputError(error.what, where=f"{name}:{number}", remedy=error.remedy) from error
        if isinstance(entry, Line):
            polls.append(entry)
            continue
        if header is not None:
            yield Recording(header, tuple(polls))
        header, polls = entry, []
    if header is None:
        raise InputError("no recording in it", where=name, remedy="`releasegate canary watch --record FILE` makes one")
    yield Recording(header, tuple(polls))


def fault(spec: SliSpec, counts: object) -> str | None:
    """What is wrong with `counts` as an increment of `spec`, or None."""
    if spec.kind is Kind.THROUGHPUT:
        return None if _is_count(counts) else "a throughput is one count, 0 or more"
    if spec.kind is Kind.GAUGE:
        return None if _is_number(counts) else "a gauge is one finite number"
    size = len(spec.bounds) + 1 if spec.kind is Kind.HISTOGRAM else 2
    if not isinstance(counts, list | tuple) or len(counts) != size or not _are_counts(counts):
        return f"a {spec.kind} is a list of {size} counts here, 0 or more"
    if spec.kind is Kind.RATIO and counts[0] > counts[1]:
        return f"{counts[0]:g} bad events of {counts[1]:g}"
    if spec.kind is Kind.MEAN and counts[0] > 0 and counts[1] == 0:
        return f"a sum of {counts[0]:g} over no events"
    return None


def _decode_entry(text: str | bytes, header: Header | None, after: float) -> Header | Line:
    document = _decode(text)
    if "recording" in document:
        return _decode_header(document)
    if header is None:
        raise InputError("a poll before any header", remedy="a recording begins with its header line")
    return _decode_line(document, header.slis, after)


def _decode_line(document: dict[str, Any], slis: Mapping[str, SliSpec], after: float) -> Line:
    changed = "weight" in document
    t, weight = document.pop("t", None), document.pop("weight", None)
    if t is None or not _is_number(t):
        raise InputError("t is no number", remedy="it is the seconds since the split was seen to flow")
    if t <= after:
        raise InputError(f"time runs backwards: {t:g} after {after:g}")
    if changed and not (weight is not None and _is_number(weight) and 0 < weight < 1):
        raise InputError("weight is no number between 0 and 1")
    for name, tracks in document.items():
        if name not in slis:
            raise InputError(f"{name} is no SLI of the header")
        _check_tracks(name, slis[name], tracks)
    return Line(t, document, weight)


def _check_tracks(name: str, spec: SliSpec, tracks: object) -> None:
    if not isinstance(tracks, dict):
        raise InputError(f"{name} holds no tracks", remedy='write {"baseline": …, "canary": …}')
    for track, value in tracks.items():
        if track not in TRACKS:
            raise InputError(f"{name}: {track} is no track", remedy="tracks are baseline and canary")
        wrong = fault(spec, value)
        if wrong:
            raise InputError(f"{name}: {track}: {wrong}")
        if isinstance(value, list):
            tracks[track] = tuple(value)


def _decode_header(document: Mapping[str, Any]) -> Header:
    if document["recording"] != VERSION:
        raise InputError(f"recording {document['recording']!r} is not known", remedy=f"this reads version {VERSION}")
    numbers = {"interval": None, "window": None, "weight": None, "warm_up": 0.0, "false_abort": 0.01}
    _known(document, {"recording", "id", "started", "detect", "early", "again", "slis", *numbers}, "the header")
    values = {name: _number(document, name, default) for name, default in numbers.items()}
    slis = document.get("slis")
    if not isinstance(slis, dict):
        raise InputError("slis holds no SLIs")
    if not isinstance(document.get("id"), str):
        raise InputError("id is no text")
    return Header(
        id=document["id"],
        started=_moment(document.get("started")),
        slis={name: _decode_spec(name, spec) for name, spec in slis.items()},
        detect={**DETECT, **_decode_detect(document.get("detect", {}))},
        early=_flag(document, "early", default=False),
        again=_decode_numbers("again", document.get("again", [])),
        **values,
    )


def _decode(text: str | bytes) -> dict[str, Any]:
    quick = _decode_poll(text)
    if quick is not None:
        return quick
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError("not a line of JSON", remedy="a recording is one JSON object a line, in UTF-8") from error
    if not isinstance(document, dict):
        raise InputError("not a JSON object")
    return document


def _decode_poll(text: str | bytes) -> dict[str, Any] | None:
    """The same four times as fast, for a sound line of counts: all its strings are keys, and none of them stands twice.

    A key that stands twice has quotes in the text and no place in the document.
    """
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None  # what is wrong with it is told by the slow way
    if not isinstance(document, dict) or b"\\" in raw:
        return None
    keys = len(document) + sum(len(value) for value in document.values() if isinstance(value, dict))
    return document if raw.count(b'"') == 2 * keys else None


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        raise InputError(f"{max(keys, key=keys.count)} stands twice")
    return document


def _no_constant(text: str) -> float:
    raise InputError(f"{text} is no number")


def _encode_spec(spec: SliSpec) -> dict[str, Any]:
    limit = {"le": spec.limit.le, "share": spec.limit.share} if isinstance(spec.limit, Limit) else spec.limit
    document: dict[str, Any] = {"kind": spec.kind.value, "tolerate": spec.tolerate, "critical": spec.critical}
    if limit is not None:
        document["limit"] = limit
    if spec.kind is Kind.HISTOGRAM:
        document["bounds"] = spec.bounds
    if spec.kind is Kind.THROUGHPUT:
        document["starved_below"] = spec.starved_below
    if spec.kind is Kind.GAUGE:
        document["compare"] = spec.compare
    return document


def _decode_spec(name: str, document: object) -> SliSpec:
    if not isinstance(document, dict) or document.get("kind") not in list(Kind):
        raise InputError(f"{name} has no kind", remedy=f"it is one of {', '.join(Kind)}")
    try:
        _known(document, {"kind", "tolerate", "limit", "critical", "bounds", "starved_below", "compare"}, "an SLI")
        return SliSpec(
            Kind(document["kind"]),
            tolerate=_number(document, "tolerate", 1.0),
            limit=_decode_limit(document.get("limit")),
            critical=_flag(document, "critical", default=True),
            bounds=_decode_numbers("bounds", document.get("bounds", [])),
            starved_below=_number(document, "starved_below", 0.5),
            compare=_flag(document, "compare", default=False),
        )
    except InputError as error:
        raise InputError(f"{name}: {error.what}", remedy=error.remedy) from error


def _decode_numbers(name: str, document: object) -> tuple[float, ...]:
    if not isinstance(document, list) or not all(map(_is_number, document)):
        raise InputError(f"{name} is no list of numbers")
    return tuple(map(float, document))


def _decode_limit(document: object) -> float | Limit | None:
    if isinstance(document, dict):
        _known(document, {"le", "share"}, "a limit")
        return Limit(_number(document, "le", None), _number(document, "share", None))
    return None if document is None else _number({"limit": document}, "limit", None)


def _decode_detect(document: object) -> dict[Kind, float]:
    if not isinstance(document, dict):
        raise InputError("detect is no object")
    _known(document, set(DETECT), "detect")
    return {Kind(kind): _number(document, kind, None) for kind in document}


def _known(document: Mapping[str, Any], names: set[str] | set[Kind], what: str) -> None:
    for name in document:
        if name not in names:
            raise InputError(f"{name} is no key of {what}", remedy=f"known are {', '.join(sorted(names))}")


def _number(document: Mapping[str, Any], name: str, default: float | None) -> float:
    value = document.get(name, default)
    if not _is_number(value):
        raise InputError(f"{name} is no number")
    return float(value)


def _flag(document: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = document.get(name, default)
    if not isinstance(value, bool):
        raise InputError(f"{name} is neither true nor false")
    return value


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError("started is no RFC 3339 time") from error


def _is_number(value: object) -> Any:
    return type(value) in _NUMBERS and -_MOST <= value <= _MOST  # type: ignore[operator]


def _is_count(value: object) -> Any:
    return type(value) in _NUMBERS and 0 <= value <= _MOST  # type: ignore[operator]


def _are_counts(values: Sequence[Any]) -> bool:
    return bool(_NUMBERS.issuperset(map(type, values)) and min(values) >= 0 and sum(values) <= _MOST)
