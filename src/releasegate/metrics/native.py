"""Native histograms, as the buckets that classic ones have.

Their buckets are powers of a base that a server may make coarser while a process runs. The powers of 2 are bounds at
every resolution that a client uses, so that counts up to them never fall when the resolution does.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from releasegate.policy.selector import Selector

BUCKET = "_bucket"
BOUNDS = (*(2.0**power for power in range(-10, 15)), inf)
"""A millisecond to four hours where the unit is a second, and to sixteen seconds where it is a millisecond."""
SLACK = 1 + 1e-9
"""A bound is printed in decimals."""


def native_of(selector: Selector) -> Selector:
    """The native form of a classic histogram's buckets."""
    return Selector(selector.name.removesuffix(BUCKET), selector.matchers)


def as_buckets(samples: Sequence[tuple[float, Mapping[str, Any]]]) -> Mapping[str, list[tuple[float, float]]]:
    """`le` to moment and cumulative count, for one series' moments and histograms as the API gives them."""
    found: dict[str, list[tuple[float, float]]] = {repr(bound): [] for bound in BOUNDS}
    for moment, histogram in samples:
        for le, count in zip(found, _cumulative(histogram), strict=True):
            found[le].append((float(moment), count))
    return found


def _cumulative(histogram: Mapping[str, Any]) -> list[float]:
    """The count up to each of `BOUNDS`."""
    buckets = [(float(upper), float(count)) for _, _, upper, count in histogram.get("buckets") or ()]
    below = [sum(count for upper, count in buckets if upper <= bound * SLACK) for bound in BOUNDS[:-1]]
    return [*below, float(histogram["count"])]
