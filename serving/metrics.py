"""Prometheus metrics of one application."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)


class Metrics:
    """Counters and histograms; routes are templates, so no lead's id becomes a label."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        named = {"registry": self.registry}
        labels = ("method", "route", "status")
        self.requests = Counter("leadscore_requests_total", "Requests answered.", labels, **named)
        self.seconds = Histogram(
            "leadscore_request_seconds", "Time to the answer.", ("route",), buckets=_BUCKETS, registry=self.registry
        )
        self.leads = Counter("leadscore_leads_scored_total", "Leads scored.", ("how",), **named)
        self.ready = Gauge("leadscore_ready", "1 while a model is loaded.", registry=self.registry)
        self.damaged = Gauge(
            "leadscore_store_rows_left_out", "Rows of the store that leadscore never writes.", ("table",), **named
        )
        self.swaps = Counter("leadscore_model_swaps_total", "Times another model or newer data were taken up.", **named)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        method = method if method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH") else "other"
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def damaged_rows(self, counts: Mapping[str, int]) -> None:
        """How many rows of each table are left out by now."""
        self.damaged.clear()
        for table, count in counts.items():
            self.damaged.labels(table).set(count)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
