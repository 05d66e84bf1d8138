"""Counts of both tracks from anything that can read samples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from statistics import fmean

from releasegate.canary.recording import TRACKS, Counts
from releasegate.errors import MetricsError
from releasegate.metrics.meter import Meter, Samples, selectors_of, upper_bound
from releasegate.metrics.port import Poll, Reader
from releasegate.metrics.prometheus import PrometheusReader, UnreachableError
from releasegate.policy.canary import Canary, Sli, Tracks
from releasegate.policy.presets import PRESETS
from releasegate.policy.selector import Selector, parse_selector


def source_of(canary: Canary) -> "Source":
    """The source that the policy names."""
    from releasegate.metrics.scrape import ScrapeReader  # noqa: PLC0415  keeps `--help` fast

    server = prometheus_of(canary)
    if server is not None:
        return Source(canary, server, None)
    if canary.metrics.scrape is not None:
        return Source(canary, ScrapeReader(canary.metrics.scrape))
    raise MetricsError("the policy names no source of counts")


def prometheus_of(canary: Canary) -> PrometheusReader | None:
    """The Prometheus that the policy names, which knows the past; None where counts come from elsewhere."""
    from releasegate.metrics.command import CommandApi  # noqa: PLC0415  keeps `--help` fast
    from releasegate.metrics.http_api import HttpApi  # noqa: PLC0415
    from releasegate.metrics.promql import covers  # noqa: PLC0415

    metrics, together = canary.metrics, covers(_groups(canary))
    if metrics.prometheus is not None:
        return PrometheusReader(HttpApi(metrics.prometheus), together)
    return PrometheusReader(CommandApi(metrics.command), together) if metrics.command is not None else None


def _groups(canary: Canary) -> Iterator[list[Selector]]:
    """What one query is to serve for: all that an SLI counts, on both tracks."""
    for sli in canary.slis.values():
        selectors = selectors_of(sli) if sli.gauge is None else (parse_selector(sli.gauge),)
        tracks = _tracks_of(sli.tracks or canary.tracks).values()
        yield [selector.within(track.selector) for selector in selectors for track in tracks]


def _no_duration(canary: Canary) -> Iterator[str]:
    """Where a preset's latency has to be taken from, if the policy does not take it from there."""
    preset = canary.preset
    measured = any(sli.histogram is not None for sli in canary.slis.values())
    if preset is not None and PRESETS[preset.name].histogram is None and not measured:
        why = f"the preset {preset.name} has no duration, since it exports no histogram of it"
        yield f"{why}; take it from the application: docs/label-your-metrics.md"


def lag_of(canary: Canary, reader: Reader, at: float) -> tuple[float, str]:
    """How many seconds behind the present a Prometheus is asked, and a sentence on it where the policy does not say.

    It is the usual time between two samples of the baseline up to the moment `at`: so long after its moment a scrape is
    in. `UnreachableError` where nobody answers.
    """
    if canary.metrics.prometheus is not None and canary.metrics.prometheus.lag is not None:
        return canary.metrics.prometheus.lag, ""
    for first, *_ in _groups(canary):
        try:
            spacing = reader.spacing(first, at)
        except UnreachableError:
            raise
        except MetricsError:
            continue  # the poll itself tells what is wrong with it
        if spacing:
            lag = round(spacing + 0.04, 1)  # a tenth upwards, so that another process which goes on finds the same
            return lag, f"Prometheus is asked {lag:g} s behind the present, since it scrapes as often"
    usual = f"Prometheus is asked one poll interval ({canary.interval:g} s) behind the present"
    return canary.interval, f"{usual}, since no two samples show how often it scrapes"


PATIENCE = 2.5
"""After so many scrapes or polls without a sample a track is gone."""
GONE = 150.0
"""Seconds, at least, after which one series among others is gone: as many scrapes where they are a minute apart."""


@dataclass(frozen=True, slots=True)
class Track:
    """A track, as one SLI's series tell it apart."""

    name: str
    selector: Selector


class Source:
    """A `CountSource` over a `Reader`, which is asked about `lag` seconds before the moment.

    Where that is None, it is found out (`lag_of`) at the first moment at which somebody answers.
    """

    def __init__(self, canary: Canary, reader: Reader, lag: float | None = 0.0) -> None:
        self._lag = lag
        self._remarks: list[str] = []
        self._begun = False
        self._canary = canary
        self._interval = canary.interval
        self._slis = canary.slis
        self._reader = reader
        self._tracks = {name: _tracks_of(sli.tracks or canary.tracks) for name, sli in canary.slis.items()}
        self._bounds: dict[str, tuple[float, ...]] = {}
        self._meters: dict[tuple[str, str], Meter] = {}
        self._seen: set[Track] = set()
        """Tracks of which any series was seen: their selectors work."""
        self._known: set[Selector] = set()
        """Selectors whose metric and labels exist, whether or not a series matches now."""

    def bounds(self, at: float) -> Mapping[str, tuple[float, ...]]:
        """See `CountSource`."""
        for name, sli in self._slis.items():
            if sli.histogram is not None and name not in self._bounds:
                self._bounds[name] = self._read_bounds(sli, self._tracks[name]["baseline"], at)
        return self._bounds

    def _read_bounds(self, sli: Sli, baseline: Track, at: float) -> tuple[float, ...]:
        (selector,) = selectors_of(sli)
        samples = self._reader.series(selector.within(baseline.selector), baseline.name, None, at)
        edges = {upper_bound(labels) for labels in samples}
        if not edges - {inf}:
            self._check_known(selector, at)
            self._check_track(baseline)
            raise MetricsError(f"{selector} has no buckets on the baseline", remedy="is it a histogram?")
        return tuple(sorted(edges - {inf}))

    def advance(self, at: float) -> Poll:
        """See `CountSource`."""
        self._remarks = [] if self._begun else list(_no_duration(self._canary))
        if self._lag is None:
            try:
                self._lag, said = lag_of(self._canary, self._reader, at)
                self._remarks += [said] if said else []
            except MetricsError as error:
                return Poll({}, {f"{name}/{track}": str(error) for track in TRACKS for name in self._slis})
        self._begun = True
        at -= self._lag
        counts: dict[str, dict[str, Counts]] = {}
        problems: dict[str, str] = {}
        # The baseline first: what it has tells whether a series that the canary lacks is a typo.
        for track in TRACKS:
            for name, sli in self._slis.items():
                try:
                    count = self._count(name, sli, self._tracks[name][track], at)
                except MetricsError as error:
                    problems[f"{name}/{track}"] = str(error)
                else:
                    if count is not None:
                        counts.setdefault(name, {})[track] = count
        return Poll(counts, problems, tuple(dict.fromkeys(self._remarks)))

    def _count(self, name: str, sli: Sli, track: Track, at: float) -> Counts | None:
        if sli.gauge is not None:
            return self._level(sli.gauge, track, at)
        if sli.histogram is not None and name not in self._bounds:
            self._bounds[name] = self._read_bounds(sli, self._tracks[name]["baseline"], at)
        meter = self._meters.setdefault((name, track.name), Meter(sli, self._bounds.get(name, ())))
        first = meter.since is None
        samples = [self._read(selector, track, meter.since, at) for selector in meter.selectors]
        if any(samples):
            meter.heard = at
        elif meter.heard is not None and not self._is_gone(meter, track, at):
            return None
        count = meter.advance(samples, at)
        patience = max(GONE, PATIENCE * max(self._lag or 0.0, self._interval))
        self._remarks += (f"{track.name}: {said}" for said in meter.turnover.take(samples[-1], at, patience))
        self._check_track(track)
        return None if first else count

    def _read(self, selector: Selector, track: Track, since: float | None, at: float) -> Samples:
        samples = self._reader.series(selector.within(track.selector), track.name, since, at)
        if samples:
            self._seen.add(track)
            self._known.add(selector)
        else:
            # Before anything is counted: a metric that turns up later begins with its marks, not with its past.
            self._check_known(selector, at)
        return samples

    def _is_gone(self, meter: Meter, track: Track, at: float) -> bool:
        """Whether a track without a new sample is gone, which is a count of 0; False where it was not scraped yet.

        `MetricsError` where a scrape was missed. To take that for silence would abort healthy canaries.
        """
        waited = at - (meter.heard or at)
        spacing = self._reader.spacing(meter.selectors[0].within(track.selector), at) or 0.0
        if waited < spacing:
            return False
        if waited < PATIENCE * max(spacing, self._interval):
            raise MetricsError("no new sample, a scrape was missed", remedy="is it up, and is its metrics page quick?")
        return True

    def _level(self, text: str, track: Track, at: float) -> float:
        selector = parse_selector(text)
        levels = self._reader.levels(selector.within(track.selector), track.name, at)
        if not levels:
            self._check_known(selector, at)
            self._check_track(track)
            raise MetricsError(
                f"{selector} has no value on the {track.name} now", remedy="is an instance up and scraped?"
            )
        self._seen.add(track)
        return fmean(levels)

    def _check_known(self, selector: Selector, at: float) -> None:
        """`MetricsError` where no series means a typo; where the metric and its labels are there, it means 0."""
        if selector in self._known:
            return
        labels = self._reader.label_names(selector.name, at)
        if labels is None:
            raise MetricsError(f"no series is called {selector.name}", remedy="is the name right?")
        for matcher in selector.matchers:
            if labels and matcher.label not in labels:
                raise MetricsError(
                    f"no series of {selector.name} has the label {matcher.label}",
                    remedy=f"they have {', '.join(sorted(labels))}",
                )
        self._known.add(selector)

    def _check_track(self, track: Track) -> None:
        """`MetricsError` where no series of any metric ever matched the track's selector."""
        if track not in self._seen and track.selector.matchers:
            raise MetricsError(
                f"no series matches {track.selector}, the selector of the {track.name}",
                remedy="has it had traffic, and is the selector right?",
            )


def _tracks_of(tracks: Tracks | None) -> dict[str, Track]:
    """Each track's selector; without any, a track is told apart by where it is read."""
    if tracks is None:
        return {name: Track(name, Selector("")) for name in TRACKS}
    return {name: Track(name, parse_selector(getattr(tracks, name), named=False)) for name in TRACKS}
