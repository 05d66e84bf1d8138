"""Prometheus' HTTP API, asked over the network."""

from typing import TYPE_CHECKING, Any

import requests

from releasegate.errors import MetricsError
from releasegate.metrics.prometheus import UnreachableError
from releasegate.metrics.web import TIMEOUT, plain, public, retry, session
from releasegate.policy.metrics import Prometheus

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect


class HttpApi:
    """An `Ask` of the server that the policy names."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._where = public(prometheus.url)
        self._prometheus = prometheus
        self._connection: PrometheusConnect | None = None

    def __call__(self, query: str, at: float) -> Any:
        """See `Ask`."""
        try:
            return self._connect().custom_query(query, params={"time": f"{at:.3f}"})
        except requests.exceptions.JSONDecodeError as error:
            raise MetricsError("the answer is no JSON", where=self._where, remedy="is the URL Prometheus'?") from error
        except requests.RequestException as error:
            untrusted = isinstance(error, requests.exceptions.SSLError)
            remedy = "name its CA with tls: {ca: FILE}" if untrusted else "does Prometheus answer there?"
            raise UnreachableError(plain(error), where=self._where, remedy=remedy) from error
        except OSError as error:
            raise MetricsError(f"a TLS file cannot be read: {error}") from error

    def _connect(self) -> "PrometheusConnect":
        from prometheus_api_client import PrometheusConnect  # noqa: PLC0415  keeps `--help` fast

        if self._connection is None:
            self._connection = PrometheusConnect(
                url=self._prometheus.url.rstrip("/"),
                headers=dict(self._prometheus.headers),
                session=self._session(),
                timeout=TIMEOUT,
                retry=retry(),
            )
        return self._connection

    def _session(self) -> requests.Session:
        settings = self._prometheus
        made = session({})
        # With an `auth` of its own, requests leaves ~/.netrc alone, which would replace the policy's header.
        made.auth = (settings.basic.user, settings.basic.password) if settings.basic else lambda request: request
        if settings.bearer is not None:
            made.headers["Authorization"] = f"Bearer {settings.bearer}"
        if settings.tenant is not None:
            made.headers["X-Scope-OrgID"] = settings.tenant
        if settings.tls is not None:
            made.verify = settings.tls.ca or True
            cert, key = settings.tls.cert, settings.tls.key
            made.cert = (cert, key) if cert and key else cert
        made.hooks["response"].append(self._check)
        return made

    def _check(self, answer: requests.Response, **_: Any) -> None:
        """The server's own word on a query that it refused, or answered only in part."""
        if answer.is_redirect:
            return
        try:
            document = answer.json() if not answer.ok or b'"warnings"' in answer.content else {}
        except ValueError:
            document = {}
        if not isinstance(document, dict):
            document = {}
        if not answer.ok:
            said = document.get("error") or answer.reason
            raise MetricsError(f"the query failed with {answer.status_code}: {said}", where=self._where)
        if document.get("warnings"):
            raise MetricsError(f"the answer is not complete: {document['warnings']}", where=self._where)
