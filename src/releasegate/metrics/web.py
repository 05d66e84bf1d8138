"""HTTP for metrics: bounded retries, timeouts and sizes; no credential in a message."""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from releasegate.errors import cause

TIMEOUT = (3.0, 10.0)
"""Seconds to connect, and between two parts of an answer."""
LONGEST_WAIT = 10
"""Seconds that a server's Retry-After can make us wait."""


class _Retry(Retry):
    """Retry that does not sleep for as long as a server likes."""

    def get_retry_after(self, response: object) -> float | None:
        after = super().get_retry_after(response)  # type: ignore[arg-type]
        return None if after is None else min(after, LONGEST_WAIT)


def retry() -> Retry:
    """Two more tries where the network or the server stumbles; the last answer is handed back."""
    return _Retry(
        total=2, backoff_factor=0.2, backoff_max=2, status_forcelist=(429, 502, 503, 504), raise_on_status=False
    )


def session(headers: Mapping[str, str]) -> requests.Session:
    """A session that tries again as `retry` says."""
    made = requests.Session()
    made.headers.update(headers)
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=retry()))
    return made


def public(url: str) -> str:
    """`url` without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def plain(error: requests.RequestException) -> str:
    """What went wrong, by its name and without the address, which may hold a secret."""
    return cause(error) if isinstance(error, requests.Timeout | requests.ConnectionError) else type(error).__name__
