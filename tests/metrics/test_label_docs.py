"""The Python that docs/label-your-metrics.md shows is what works."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from releasegate.policy.presets import PRESETS

TEXT = (Path(__file__).parents[2] / "docs" / "label-your-metrics.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_every_preset_is_named():
    assert [name for name in PRESETS if f"| `{name}` |" not in TEXT] == []


def test_the_python_of_the_page_tells_both_tracks_apart_from_the_start():
    registry = CollectorRegistry()

    class Flags:
        def get_boolean_value(self, *asked):
            return asked == ("checkout-v2", False, "the user")

    class Answer:
        status = 500

    def handle(request, *, new_checkout):
        return Answer() if (request, new_checkout) == ("a request", True) else None

    def made(kind):
        return lambda name, text, labels: kind(name, text, labels, registry=registry)

    names = {
        "Counter": made(Counter), "Histogram": made(Histogram), "flags": Flags(),
        "context": "the user", "request": "a request", "handle": handle,
    }  # fmt: skip
    code = next(block for block in blocks("python") if "http_requests_total" in block)
    exec(compile(code, "docs", "exec"), names)
    page = generate_latest(registry).decode()
    for line in (
        'http_requests_total{code="500",track="canary"} 1.0', 'http_requests_total{code="500",track="stable"} 0.0',
        'http_request_duration_seconds_count{track="canary"} 1.0',
        'http_request_duration_seconds_count{track="stable"} 0.0',
    ):  # fmt: skip
        assert line in page


def test_all_python_on_the_page_is_python():
    assert len(blocks("python")) == 2
    for block in blocks("python"):
        compile(block, "docs", "exec")
