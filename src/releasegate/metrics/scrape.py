"""Counts from metrics pages, read directly: a canary without a Prometheus."""

import re
from collections.abc import Iterable, Mapping, Sequence

import requests

from releasegate.canary.recording import TRACKS
from releasegate.errors import MetricsError
from releasegate.metrics.port import Labels
from releasegate.metrics.web import TIMEOUT, plain, public, session
from releasegate.policy.metrics import Scrape
from releasegate.policy.selector import Selector

MOST_BYTES = 64 * 2**20
ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5"
NAME_OF_LINE = re.compile(r"(?:# (?:TYPE|HELP) )?([a-zA-Z_:][a-zA-Z0-9_:]*)")
SUFFIXES = ("_bucket", "_count", "_sum", "_total")

Page = Mapping[str, Mapping[Labels, float]]
"""Metric name to series to value; a name that is announced and has no series yet maps to nothing."""


class ScrapeReader:
    """A `Reader` of pages in Prometheus' text format or OpenMetrics; each page is one instance of its track."""

    def __init__(self, scrape: Scrape) -> None:
        self._urls = {track: getattr(scrape, track) for track in TRACKS}
        self._session = session({"Accept": ACCEPT})
        self._pages: dict[str, Page | MetricsError] = {}
        self._at: float | None = None

    def series(
        self, selector: Selector, track: str, since: float | None, at: float
    ) -> Mapping[Labels, Sequence[float]]:
        """See `Reader`: the value that each page of the track shows now. Pages that do not answer are passed over."""
        del since
        found: dict[Labels, Sequence[float]] = {}
        for url in self._urls[track]:
            page = self._page(url, at)
            if not isinstance(page, MetricsError):
                for labels, value in page.get(selector.name, {}).items():
                    if selector.accepts(dict(labels)):
                        found[labels | {("__url__", url)}] = (value,)
        self._check(track)
        return found

    def spacing(self, selector: Selector, at: float) -> float | None:
        """See `Reader`."""
        del selector, at
        return None

    def levels(self, selector: Selector, track: str, at: float) -> Sequence[float]:
        """See `Reader`."""
        return [value for (value,) in self.series(selector, track, None, at).values()]

    def label_names(self, name: str, at: float) -> frozenset[str] | None:
        """See `Reader`."""
        names: set[str] = set()
        known = False
        for url in dict.fromkeys(url for urls in self._urls.values() for url in urls):
            page = self._page(url, at)
            if not isinstance(page, MetricsError) and name in page:
                known = True
                names.update(label for labels in page[name] for label, _ in labels)
        return frozenset(names) if known else None

    def _check(self, track: str) -> None:
        """`MetricsError` where none of the track's pages answered."""
        failures = [self._pages[url] for url in self._urls[track]]
        if all(isinstance(failure, MetricsError) for failure in failures):
            raise failures[0]  # type: ignore[misc]  # all of them are errors

    def _page(self, url: str, at: float) -> Page | MetricsError:
        """The page at `url`, fetched once for each moment."""
        if self._at != at:
            self._pages, self._at = {}, at
        if url not in self._pages:
            try:
                self._pages[url] = self._fetch(url)
            except MetricsError as error:
                self._pages[url] = error
        return self._pages[url]

    def _fetch(self, url: str) -> Page:
        try:
            with self._session.get(url, timeout=TIMEOUT, stream=True) as answer:
                if answer.status_code != requests.codes.ok:
                    raise MetricsError(f"the page answered {answer.status_code}", where=public(url))
                content = b"".join(_bounded(answer.iter_content(2**16), url))
                kind = answer.headers.get("Content-Type", "")
        except requests.RequestException as error:
            raise MetricsError(plain(error), where=public(url), remedy="does the metrics page answer?") from error
        try:
            return parse_page(content.decode(), openmetrics="openmetrics" in kind)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise MetricsError(
                "the page is no Prometheus or OpenMetrics text",
                where=public(url),
                remedy="name the metrics page itself",
            ) from error


def parse_page(text: str, *, openmetrics: bool) -> Page:
    """The series of a page. Raises various errors on what is no metrics page."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open  # noqa: PLC0415
    from prometheus_client.parser import text_string_to_metric_families as parse_text  # noqa: PLC0415

    page: dict[str, dict[Labels, float]] = {}
    if not openmetrics:
        # Without its TYPE lines the parser leaves names alone; it would call a counter `x` `x_total`.
        lines = text.splitlines()
        for announced in (line for line in lines if line.startswith(("# TYPE ", "# HELP "))):
            _announce(page, announced)
        text = "\n".join(line for line in lines if not line.startswith("#")) + "\n"
    for family in (parse_open if openmetrics else parse_text)(text):
        for suffix in ("", *SUFFIXES) if openmetrics else ():
            page.setdefault(family.name + suffix, {})
        for sample in family.samples:
            page.setdefault(sample.name, {})[frozenset(sample.labels.items())] = float(sample.value)
    if not page:
        raise ValueError("no metric")
    return page


def _announce(page: dict[str, dict[Labels, float]], line: str) -> None:
    found = NAME_OF_LINE.match(line)
    for suffix in ("", *SUFFIXES) if found else ():
        page.setdefault(found[1] + suffix, {})  # type: ignore[index]  # no suffix without a match


def _bounded(parts: Iterable[bytes], url: str) -> Iterable[bytes]:
    total = 0
    for part in parts:
        total += len(part)
        if total > MOST_BYTES:
            raise MetricsError(f"the page is larger than {MOST_BYTES} bytes", where=public(url))
        yield part
