"""What docs/label-your-metrics.md shows of Python, OpenTelemetry and Node, run as it stands there and scraped.

Each snippet has two parts with an empty line between: what a process does once, and what it does for each request.
"""

import os
import re
import sys
import textwrap
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.load import load_policy
from releasegate.policy.presets import PRESETS
from servers import free_port, running

PAGE = (Path(__file__).parents[2] / "docs" / "label-your-metrics.md").read_text()
PYTHON = """\
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import Counter, Histogram, generate_latest

meter = MeterProvider([PrometheusMetricReader()]).get_meter("shop")


def told(flag, who):
    return FlagResolutionDetails(who.targeting_key == "on")


flag = InMemoryFlag("off", {{"on": True, "off": False}}, context_evaluator=told)
api.set_provider_and_wait(InMemoryProvider({{"checkout-v2": flag}}))
flags = api.get_client()
{once}


def serve(code, user):
    context, request, route = EvaluationContext(user), code, "/serve"

    def handle(request, *, new_checkout):
        return SimpleNamespace(status=int(request), new=new_checkout)

{each}
    return response.status


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        page = self.path == "/metrics"
        self.send_response(200 if page else serve(*self.path.split("/")[2:]))
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(generate_latest() if page else b"served")

    def log_message(self, *arguments):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
NODE = """\
const client = require("prom-client");
const {{InMemoryProvider, OpenFeature}} = require("@openfeature/server-sdk");

async function main() {{
  const flag = {{
    variants: {{on: true, off: false}}, defaultVariant: "off", disabled: false,
    contextEvaluator: (who) => who.targetingKey,
  }};
  await OpenFeature.setProviderAndWait(new InMemoryProvider({{"checkout-v2": flag}}));
  const flags = OpenFeature.getClient();
{once}
  require("http").createServer(async (req, res) => {{
    if (req.url === "/metrics") {{
      res.setHeader("Content-Type", client.register.contentType);
      res.end(await client.register.metrics());
      return;
    }}
    const [, , code, user] = req.url.split("/");
    const context = {{targetingKey: user}};
{each}
    res.statusCode = Number(code);
    res.end("served");
  }}).listen(Number(process.argv[2]), "127.0.0.1");
}}
main();
"""
OWN = (
    "slis: {errors: {ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}},"
    " duration: {histogram: http_request_duration_seconds}, rate: {throughput: http_requests_total}}"
)


def program(template, language, metric):
    (snippet,) = [
        text for text in re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if metric in text
    ]
    once, each = snippet.split("\n\n")
    return template.format(
        once=textwrap.indent(once, "  " if language == "js" else ""), each=textwrap.indent(each, "    ")
    )


@contextmanager
def served(command, folder, environ):
    """The application on a port of its own, by its address."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {**os.environ, **environ}
    with running([*command, str(port)], f"{url}/metrics", folder / "app.log", env=environment):
        yield url


def watched(url, measured):
    text = (
        "version: 1\nservice: a\nenvironment: b\ncanary:\n"
        f"  metrics: {{scrape: {{baseline: '{url}/metrics', canary: '{url}/metrics'}}}}\n"
        f"  tracks: {{baseline: '{{track=\"stable\"}}', canary: '{{track=\"canary\"}}'}}\n  {measured}\n"
    )
    return source_of(load_policy(text.encode(), "releasegate.yaml", {}).canary)


def send(url, *requests):
    for user, code, times in requests:
        for _ in range(times):
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"{url}/serve/{code}/{user}", timeout=5).close()


NEW = tuple(f"{track}: a new series, whose first value counts in full" for track in ("baseline", "canary"))
"""OpenTelemetry has no series before its first measurement; elsewhere the snippet makes them at the start."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
NODES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
PRESET = "preset: {name: opentelemetry-http}"


def test_every_preset_is_named():
    assert [name for name in PRESETS if f"| `{name}` |" not in PAGE] == []


@pytest.mark.parametrize(
    ("language", "metric", "measured", "bounds", "remarks"),
    [
        ("python", "http_requests_total", OWN, SECONDS, ()),
        ("python", "http.server.request.duration", PRESET, SECONDS, NEW),
        ("js", "http_requests_total", OWN, NODES, ()),
    ],
)
def test_a_snippet_of_the_page_tells_both_tracks_apart(
    tmp_path, node_programs, language, metric, measured, bounds, remarks
):
    command, name, template, environ = {
        "python": ([sys.executable], "app.py", PYTHON, {}),
        "js": ([str(node_programs / "node")], "app.js", NODE, {"NODE_PATH": str(node_programs / "node_modules")}),
    }[language]
    (tmp_path / name).write_text(program(template, language, metric))
    with served([*command, str(tmp_path / name)], tmp_path, environ) as url:
        send(url, ("off", 200, 1), ("on", 200, 1))
        source = watched(url, measured)
        found = source.bounds(1)
        source.advance(1)
        send(url, ("off", 200, 5), ("off", 500, 2), ("on", 200, 2), ("on", 500, 1))
        poll = source.advance(2)
    assert found == {"duration": bounds}
    assert {track: sum(counts) for track, counts in poll.counts.pop("duration").items()} == {"baseline": 7, "canary": 3}
    assert poll == Poll(
        {"errors": {"baseline": (2, 7), "canary": (1, 3)}, "rate": {"baseline": 7, "canary": 3}}, {}, remarks
    )
