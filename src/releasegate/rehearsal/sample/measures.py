"""The Prometheus metrics of the sample service, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, disable_created_metrics
from prometheus_client.exposition import generate_latest

BOUNDS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.045, 0.07, 0.12, 0.25, 1.0)
"""Upper bounds of the latency buckets, in seconds: close together where the simulated latencies lie."""


class Measures:
    """What one process of the service counts. All series exist from the start, so that a zero is a zero."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, routes: tuple[str, ...]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        requests = Counter("http_requests_total", "Requests answered.", ("code", "route"), registry=registry)
        self._requests = {(code, route): requests.labels(code, route) for code in ("200", "500") for route in routes}
        self._duration = Histogram(
            "http_request_duration_seconds", "Time to answer a request.", buckets=BOUNDS, registry=registry
        )
        self._cost = Summary("agent_task_cost_usd", "What the agent's tasks cost, in US dollars.", registry=registry)
        self.queue = Gauge("job_queue_depth", "Agent tasks that were taken on and are not done.", registry=registry)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests[str(status), route].inc()
        self._duration.observe(seconds)

    def agent_task(self, cost: float) -> None:
        """Count one agent task and its cost in US dollars."""
        self._cost.observe(cost)

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)
