"""Prometheus' remote write, by which a test says what was scraped and when: protobuf by hand, snappy unpacked.

Native histograms, which no exporter at hand exposes, and the marker of a stale series come in no other way.

Field numbers are those of prometheus/prompb/types.proto.
"""

import struct
import urllib.request
from itertools import pairwise


def varint(number):
    out = bytearray()
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def zigzag(number):
    return number << 1 if number >= 0 else (-number << 1) - 1


def integer(field, number):
    return varint(field << 3) + varint(number)


def double(field, number):
    return varint(field << 3 | 1) + struct.pack("<d", number)


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def label(name, value):
    return message(1, message(1, name.encode()) + message(2, value.encode()))


def histogram(counts, moment):
    """Counts of the buckets that end at 2 to the power of their keys (schema 0)."""
    first, last = min(counts), max(counts)
    steady = [counts.get(index, 0) for index in range(first, last + 1)]
    deltas = [steady[0], *(b - a for a, b in pairwise(steady))]
    return (
        integer(1, sum(steady)) + double(3, 1.0) + integer(4, zigzag(0)) + double(5, 1e-128) + integer(6, 0)
        + message(11, integer(1, zigzag(first)) + integer(2, len(steady)))
        + message(12, b"".join(varint(zigzag(delta)) for delta in deltas))
        + integer(15, round(moment * 1000))
    )  # fmt: skip


def sample(value, moment):
    """A plain value; None is the marker of a stale series, a NaN of its own."""
    bits = b"\x02\x00\x00\x00\x00\x00\xf0\x7f" if value is None else struct.pack("<d", value)
    return varint(1 << 3 | 1) + bits + integer(2, round(moment * 1000))


def snappy(content):
    """Snappy's block format without any compression."""
    parts = [content[at : at + 60] for at in range(0, len(content), 60)]
    return varint(len(content)) + b"".join(bytes([(len(part) - 1) << 2]) + part for part in parts)


def push(url, series):
    """Send `(labels, [(value, moment)])`, where a value is a number or a native histogram's counts."""
    body = b"".join(
        message(
            1,
            b"".join(label(*pair) for pair in sorted(labels.items()))
            + b"".join(
                message(4, histogram(value, moment)) if isinstance(value, dict) else message(2, sample(value, moment))
                for value, moment in samples
            ),
        )
        for labels, samples in series
    )
    headers = {
        "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }  # fmt: skip
    request = urllib.request.Request(f"{url}/api/v1/write", snappy(body), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status in {200, 204}
