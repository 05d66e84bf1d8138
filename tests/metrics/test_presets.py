"""Presets on a real Prometheus: HAProxy, Envoy and prometheus-client live, pages with the others' documented names."""

import json
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from releasegate.metrics.port import Poll
from releasegate.metrics.source import source_of
from releasegate.policy.canary import Tracks
from releasegate.policy.load import load_policy
from releasegate.policy.presets import PRESETS
from releasegate.policy.selector import parse_selector
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
nginx_ingress_controller_requests{{ingress="shop",service="stable",canary="{upstream}",status="200"}} {n}
nginx_ingress_controller_requests{{ingress="shop",service="stable",canary="{upstream}",status="502"}} 10
nginx_ingress_controller_requests{{ingress="else",service="other",canary="",status="200"}} {n}
nginx_ingress_controller_request_duration_seconds_bucket{{service="stable",canary="{upstream}",le="0.5"}} {n}
nginx_ingress_controller_request_duration_seconds_bucket{{service="stable",canary="{upstream}",le="+Inf"}} {n}
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
            text.format(track=track, n=n, upstream="" if track == "stable" else "shop-canary-80")
            for text in DOCUMENTED.values()
            for track, n in (("stable", stable), ("canary", canary))
        )
        .replace("\n\n", "\n")
        .lstrip()
    )


def test_every_preset_is_tested():
    assert {*DOCUMENTED, "haproxy"} == set(PRESETS)


NO_DURATION = (
    "the preset haproxy has no duration, since it exports no histogram of it; "
    "take it from the application: docs/label-your-metrics.md"
)


@pytest.mark.parametrize(("added", "remarks"), [("", (NO_DURATION,)), ("duration: {histogram: seconds}", ())])
def test_a_preset_without_a_duration_says_where_to_take_it_from(pages, added, remarks):
    tracks = "tracks: {baseline: '{track=\"stable\"}', canary: '{track=\"canary\"}'}"
    text = (
        "version: 1\nservice: a\nenvironment: b\ncanary:\n"
        f"  metrics: {{scrape: {{baseline: '{pages.url}/b', canary: '{pages.url}/b'}}}}\n"
        f"  preset: {{name: haproxy}}\n  {tracks}\n  slis: {{{added}}}\n"
    )
    series = [f'{{code="{code}",track="{track}"}} 1\n' for code in ("2xx", "5xx") for track in ("stable", "canary")]
    buckets = "".join(f'seconds_bucket{{le="+Inf",track="{track}"}} 1\n' for track in ("stable", "canary"))
    buckets += buckets.replace("+Inf", "1")
    pages.show("/b", "".join(f"haproxy_server_http_responses_total{each}" for each in series) + buckets)
    found = source_of(load_policy(text.encode(), "releasegate.yaml", {}).canary)
    assert found.advance(0) == Poll({}, {}, remarks)
    assert found.advance(1).remarks == ()


def test_behind_ingress_nginx_the_canary_is_told_by_its_upstream():
    tracks = load_policy(
        b"version: 1\nservice: a\nenvironment: b\ncanary:\n  metrics: {prometheus: {url: 'http://127.0.0.1:9'}}\n"
        b"  preset: {name: ingress-nginx, baseline: shop, canary: shop-canary.b}\n",
        "releasegate.yaml",
        {},
    ).canary.tracks
    assert tracks == Tracks(
        baseline='{service="shop",canary=""}', canary='{service="shop",canary=~".+-shop-canary\\\\.b-.+"}'
    )
    assert parse_selector(tracks.canary, named=False).accepts({"service": "shop", "canary": "prod-shop-canary.b-80"})
    assert not parse_selector(tracks.baseline, named=False).accepts({"service": "shop", "canary": "prod-shop-b-80"})
    assert parse_selector(tracks.baseline, named=False).accepts({"service": "shop"})


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


def envoy_config(ports):
    """Three quarters of the requests to `stable`, the rest to `canary`."""

    def address(port):
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    def cluster(name):
        endpoint = {"lb_endpoints": [{"endpoint": {"address": address(ports[name])}}]}
        return {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": [endpoint]}}

    weights = [{"name": "stable", "weight": 3}, {"name": "canary", "weight": 1}]
    route = {"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": weights}}}
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {
        "admin": {"address": address(ports["admin"])},
        "stats_flush_interval": "0.1s",  # a histogram shows what was merged by then
        "static_resources": {
            "listeners": [{"address": address(ports["envoy"]), "filter_chains": [{"filters": filters}]}],
            "clusters": [cluster("stable"), cluster("canary")],
        },
    }


def send(port, code, times):
    for _ in range(times):
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/serve/{code}", timeout=5).close()


@pytest.fixture(scope="module")
def proxies(program, tmp_path_factory):
    """HAProxy and Envoy before two applications, all of them scraped: the ports, and the Prometheus' address."""
    folder = tmp_path_factory.mktemp("proxies")
    ports = {name: free_port() for name in ("front", "stable", "canary", "metrics", "envoy", "admin")}
    here = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    (folder / "haproxy.cfg").write_text(HAPROXY.format(**ports))
    (folder / "envoy.json").write_text(json.dumps(envoy_config(ports)))
    envoy = [
        str(Path(sys.executable).with_name("envoy")), "-c", str(folder / "envoy.json"),
        "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warn",
    ]  # fmt: skip
    targets = {
        here["metrics"]: {},
        here["admin"]: {"__metrics_path__": "/stats/prometheus"},
        **{here[track]: {"track": track} for track in ("stable", "canary")},
    }
    haproxy = [program("haproxy"), "-f", str(folder / "haproxy.cfg")]
    with ExitStack() as stack:
        for track in ("stable", "canary"):
            stack.enter_context(counting_app(folder, ports[track]))
        stack.enter_context(running(haproxy, f"http://{here['metrics']}/metrics", folder / "haproxy.log"))
        stack.enter_context(running(envoy, f"http://{here['admin']}/ready", folder / "envoy.log"))
        url = stack.enter_context(prometheus(program, folder / "prometheus", targets, interval="100ms"))
        # A metric that nobody has yet begins with its marks: each proxy is to have counted something before.
        for port in (ports["front"], ports["envoy"]):
            send(port, 200, 12)
        await_true(lambda: scraped(url, "http_requests_total") == 24, "the first requests scraped")
        await_true(lambda: scraped(url, "envoy_cluster_upstream_rq_time_count") == 12, "Envoy scraped")
        await_true(lambda: scraped(url, 'haproxy_server_http_responses_total{code="2xx"}') == 12, "HAProxy scraped")
        yield ports, url


def scraped(url, selector):
    return sum(float(row["value"][1]) for row in query(url, selector))


def caught_up(url):
    """Wait until every target was scraped once more, so that nothing counted before is still to come."""
    asked = time.time()
    await_true(lambda: scraped(url, "min(timestamp(up))") > asked, "a scrape of every target")


def by_track(url, selector, label):
    rows = {row["metric"][label]: float(row["value"][1]) for row in query(url, f"sum by ({label}) ({selector})")}
    return {track: rows.get(value, 0) for track, value in (("baseline", "stable"), ("canary", "canary"))}


@pytest.mark.servers
def test_haproxy_gives_both_tracks(proxies):
    ports, url = proxies
    caught_up(url)
    found = source(url, "haproxy")
    assert found.bounds(time.time()) == {}
    assert found.advance(time.time()) == Poll({}, {}, (NO_DURATION,))
    total = 'haproxy_server_http_responses_total{code="2xx"}'
    before = scraped(url, total)
    send(ports["front"], 200, 8)
    await_true(lambda: scraped(url, total) == before + 8, "eight requests scraped")
    poll = found.advance(time.time())
    assert poll == Poll({"errors": {"baseline": (0, 6), "canary": (0, 2)}, "rate": {"baseline": 6, "canary": 2}})


@pytest.mark.servers
@pytest.mark.parametrize(
    ("preset", "total"), [("envoy", "envoy_cluster_upstream_rq"), ("prometheus-client", "http_requests_total")]
)
def test_envoy_and_the_library_count_what_the_applications_served(proxies, preset, total):
    ports, url = proxies
    caught_up(url)
    found = source(url, preset)
    bounds = found.bounds(time.time())["duration"]
    assert bounds == ((0.1, 0.5, 1) if preset == "prometheus-client" else bounds)
    assert len(bounds) >= 3
    found.advance(time.time())
    duration = "envoy_cluster_upstream_rq_time_count" if preset == "envoy" else "http_request_duration_seconds_count"
    before = {name: scraped(url, name) for name in (total, duration)}
    served, failed = (by_track(url, f"http_requests_total{code}", "track") for code in ("", '{code="500"}'))
    send(ports["envoy"], 200, 30)
    send(ports["envoy"], 500, 10)
    await_true(lambda: all(scraped(url, name) == count + 40 for name, count in before.items()), f"{preset} scraped")
    await_true(lambda: scraped(url, "http_requests_total") == sum(served.values()) + 40, "the applications scraped")
    poll = found.advance(time.time())
    now, bad = (by_track(url, f"http_requests_total{code}", "track") for code in ("", '{code="500"}'))
    requests = {track: now[track] - served[track] for track in now}
    errors = {track: bad[track] - failed[track] for track in bad}
    assert poll.problems == {}
    assert poll.counts["rate"] == requests
    assert poll.counts["errors"] == {track: (errors[track], requests[track]) for track in requests}
    assert {track: sum(counts) for track, counts in poll.counts["duration"].items()} == requests
