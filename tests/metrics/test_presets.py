"""Presets on a real Prometheus: HAProxy itself, and pages with the names that the others document."""

import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.load import load_policy
from releasegate.policy.presets import PRESETS
from servers import await_true, counting_app, free_port, prometheus, query, running

HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:{front}
  default_backend back
backend back
  server stable 127.0.0.1:{stable} weight 3
  server canary 127.0.0.1:{canary} weight 1
frontend metrics
  bind 127.0.0.1:{metrics}
  http-request use-service prometheus-exporter if {{ path /metrics }}
"""
# What each page of the documentation shows, for a track and a number of good requests; ten requests are bad.
DOCUMENTED = {
    "envoy": """
envoy_cluster_upstream_rq{{envoy_response_code="200",envoy_cluster_name="{track}"}} {n}
envoy_cluster_upstream_rq{{envoy_response_code="503",envoy_cluster_name="{track}"}} 10
envoy_cluster_upstream_rq_time_bucket{{envoy_cluster_name="{track}",le="0.5"}} {n}
envoy_cluster_upstream_rq_time_bucket{{envoy_cluster_name="{track}",le="+Inf"}} {n}
""",
    "istio": """
istio_requests_total{{reporter="destination",destination_workload="{track}",response_code="200"}} {n}
istio_requests_total{{reporter="source",destination_workload="{track}",response_code="200"}} 99999
istio_requests_total{{reporter="destination",destination_workload="{track}",response_code="500"}} 10
istio_request_duration_milliseconds_bucket{{reporter="destination",destination_workload="{track}",le="0.5"}} {n}
istio_request_duration_milliseconds_bucket{{reporter="destination",destination_workload="{track}",le="+Inf"}} {n}
""",
    "ingress-nginx": """
nginx_ingress_controller_requests{{ingress="shop",service="{track}",canary="",status="200"}} {n}
nginx_ingress_controller_requests{{ingress="shop",service="{track}",canary="",status="502"}} 10
nginx_ingress_controller_request_duration_seconds_bucket{{ingress="shop",service="{track}",le="0.5"}} {n}
nginx_ingress_controller_request_duration_seconds_bucket{{ingress="shop",service="{track}",le="+Inf"}} {n}
""",
    "traefik": """
traefik_service_requests_total{{code="200",method="GET",protocol="http",service="{track}"}} {n}
traefik_service_requests_total{{code="500",method="GET",protocol="http",service="{track}"}} 10
traefik_service_request_duration_seconds_bucket{{code="200",method="GET",service="{track}",le="0.5"}} {n}
traefik_service_request_duration_seconds_bucket{{code="200",method="GET",service="{track}",le="+Inf"}} {n}
""",
    "opentelemetry-http": """
http_server_request_duration_seconds_count{{http_response_status_code="200",service_version="{track}"}} {n}
http_server_request_duration_seconds_count{{http_response_status_code="500",service_version="{track}"}} 10
http_server_request_duration_seconds_bucket{{http_response_status_code="200",service_version="{track}",le="0.5"}} {n}
http_server_request_duration_seconds_bucket{{http_response_status_code="200",service_version="{track}",le="+Inf"}} {n}
""",
    "opentelemetry-genai": """
gen_ai_client_operation_duration_seconds_count{{gen_ai_operation_name="chat",service_version="{track}"}} {n}
gen_ai_client_operation_duration_seconds_count{{error_type="timeout",service_version="{track}"}} 10
gen_ai_client_operation_duration_seconds_bucket{{gen_ai_operation_name="chat",service_version="{track}",le="0.5"}} {n}
gen_ai_client_operation_duration_seconds_bucket{{gen_ai_operation_name="chat",service_version="{track}",le="+Inf"}} {n}
""",
    "prometheus-client": """
http_requests_total{{code="200",track="{track}"}} {n}
http_requests_total{{code="500",track="{track}"}} 10
http_request_duration_seconds_bucket{{track="{track}",le="0.5"}} {n}
http_request_duration_seconds_bucket{{track="{track}",le="+Inf"}} {n}
""",
}


def source(url, name):
    text = (
        "version: 1\nservice: a\nenvironment: b\ncanary:\n"
        f"  metrics: {{prometheus: {{url: '{url}', lag: 0s}}}}\n"
        f"  preset: {{name: {name}, baseline: stable, canary: canary}}\n"
    )
    return source_of(load_policy(text.encode(), "releasegate.yaml", {}).canary)


def page(stable, canary):
    return (
        "".join(
            text.format(track=track, n=n)
            for text in DOCUMENTED.values()
            for track, n in (("stable", stable), ("canary", canary))
        )
        .replace("\n\n", "\n")
        .lstrip()
    )


def test_every_preset_is_tested():
    assert {*DOCUMENTED, "haproxy"} == set(PRESETS)


@pytest.mark.servers
def test_documented_names_give_both_tracks(program, tmp_path, pages):
    pages.show("/metrics", page(100, 20))
    with prometheus(program, tmp_path / "prometheus", {urlsplit(pages.url).netloc: {}}, interval="100ms") as url:
        await_true(lambda: query(url, "http_requests_total"), "the page scraped")
        sources = {name: source(url, name) for name in DOCUMENTED}
        for found in sources.values():
            assert found.bounds(time.time()) == {"duration": (0.5,)}
            found.advance(time.time())
        pages.show("/metrics", page(107, 22))
        await_true(lambda: query(url, "http_requests_total == 107"), "the new page scraped")
        polls = {name: found.advance(time.time()) for name, found in sources.items()}
    counts = {
        "errors": {"baseline": (0, 7), "canary": (0, 2)},
        "rate": {"baseline": 7, "canary": 2},
        "duration": {"baseline": (7, 0), "canary": (2, 0)},
    }
    assert polls == {name: Poll(counts) for name in DOCUMENTED}


@pytest.mark.servers
def test_haproxy_gives_both_tracks(program, tmp_path):
    ports = {name: free_port() for name in ("front", "stable", "canary", "metrics")}
    config = tmp_path / "haproxy.cfg"
    config.write_text(HAPROXY.format(**ports))
    metrics, front = (f"127.0.0.1:{ports[name]}" for name in ("metrics", "front"))
    with (
        counting_app(tmp_path, ports["stable"]) as _,
        counting_app(tmp_path, ports["canary"]),
        running([program("haproxy"), "-f", str(config)], f"http://{metrics}/metrics", Path(tmp_path) / "haproxy.log"),
        prometheus(program, tmp_path / "prometheus", {metrics: {}}, interval="100ms") as url,
    ):
        total = 'sum(haproxy_server_http_responses_total{code="2xx"})'
        await_true(lambda: query(url, total), "HAProxy scraped")
        found = source(url, "haproxy")
        assert found.bounds(time.time()) == {}
        found.advance(time.time())
        for _ in range(8):
            urllib.request.urlopen(f"http://{front}/serve/200", timeout=5).close()
        await_true(lambda: query(url, f"{total} == 8"), "eight requests scraped")
        poll = found.advance(time.time())
    assert poll == Poll({"errors": {"baseline": (0, 6), "canary": (0, 2)}, "rate": {"baseline": 6, "canary": 2}})
