"""What well-known proxies and libraries call their metrics, so that a policy need not."""

import re
from dataclasses import dataclass

from releasegate.policy.selector import Matcher


@dataclass(frozen=True, slots=True)
class Preset:
    """The series of one exporter, as its documentation names them."""

    label: str
    """The label whose value tells one track from the other."""
    total: str
    """A counter of all requests."""
    bad: str
    """The same counter, of the failed ones."""
    histogram: str | None
    """The base name of the latency histogram; None where there is none."""
    upstream: str | None = None
    """Where `label` names the baseline's service on both tracks: the label that names the canary's, between its
    namespace and its port, on what was sent to it, and is empty on everything else."""

    @property
    def labels(self) -> str:
        """What tells the tracks apart, in words."""
        return " with ".join(f"`{label}`" for label in (self.label, self.upstream) if label)

    def selectors(self, baseline: str, canary: str) -> tuple[str, str]:
        """The selector of each track, by the values that its label has."""
        if self.upstream is None:
            return _braced(Matcher(self.label, "=", baseline)), _braced(Matcher(self.label, "=", canary))
        served = Matcher(self.label, "=", baseline)
        name = re.escape(canary).replace("\\-", "-")
        return (
            _braced(served, Matcher(self.upstream, "=", "")),
            _braced(served, Matcher(self.upstream, "=~", f".+-{name}-.+")),
        )


def _braced(*matchers: Matcher) -> str:
    return f"{{{','.join(map(str, matchers))}}}"


PRESETS = {
    "envoy": Preset(
        "envoy_cluster_name",
        "envoy_cluster_upstream_rq",
        'envoy_cluster_upstream_rq{envoy_response_code=~"5.."}',
        "envoy_cluster_upstream_rq_time",
    ),
    "istio": Preset(
        "destination_workload",
        'istio_requests_total{reporter="destination"}',
        'istio_requests_total{reporter="destination",response_code=~"5.."}',
        'istio_request_duration_milliseconds{reporter="destination"}',
    ),
    "ingress-nginx": Preset(
        "service",
        "nginx_ingress_controller_requests",
        'nginx_ingress_controller_requests{status=~"5.."}',
        "nginx_ingress_controller_request_duration_seconds",
        upstream="canary",
    ),
    "traefik": Preset(
        "service",
        "traefik_service_requests_total",
        'traefik_service_requests_total{code=~"5.."}',
        "traefik_service_request_duration_seconds",
    ),
    # It exports no latency histogram: the duration comes from the application.
    "haproxy": Preset(
        "server",
        "haproxy_server_http_responses_total",
        'haproxy_server_http_responses_total{code="5xx"}',
        None,
    ),
    "opentelemetry-http": Preset(
        "service_version",
        "http_server_request_duration_seconds_count",
        'http_server_request_duration_seconds_count{http_response_status_code=~"5.."}',
        "http_server_request_duration_seconds",
    ),
    "opentelemetry-genai": Preset(
        "service_version",
        "gen_ai_client_operation_duration_seconds_count",
        'gen_ai_client_operation_duration_seconds_count{error_type!=""}',
        "gen_ai_client_operation_duration_seconds",
    ),
    # The library has no names of its own; these are the ones that most services use with it.
    "prometheus-client": Preset(
        "track",
        "http_requests_total",
        'http_requests_total{code=~"5.."}',
        "http_request_duration_seconds",
    ),
}
