"""A device that keeps work until the service has it, as the admin page does; and the service, asked directly."""

import http.client
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from releasegate.errors import OutsideError

PATIENCE = 10.0
"""Seconds to wait for an answer."""


def ask(url: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, str, bytes]:
    """Status, content type and body of one request; `OutsideError` if no answer comes."""
    parts = urlsplit(url)
    there = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        there.request(method, path, None if body is None else json.dumps(body))
        answer = there.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise OutsideError(f"no answer ({type(error).__name__})", where=f"{url}{path}") from error
    finally:
        there.close()


def kept(service: str, items: str) -> list[str]:
    """The items that the service has and whose name begins with `items`, in its order."""
    work = json.loads(ask(service, "GET", "/api/work")[2])["work"]
    return [job["item"] for job in work if job["item"].startswith(items)]


class Device:
    """Queues work, and sends it through `address` by the rules of the page's `queue.js`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.waiting: list[Mapping[str, Any]] = []

    def add(self, item: str, quantity: int = 1) -> None:
        """Queue one job."""
        self.waiting.append({"id": str(uuid.uuid4()), "item": item, "quantity": quantity})

    def send(self) -> list[str]:
        """Send what waits until no answer comes; the items that were refused for good."""
        refused = []
        while self.waiting:
            job = self.waiting[0]
            try:
                status = ask(self._address, "POST", "/api/work", job)[0]
            except OutsideError:
                break
            if status >= 500 or status == 429:
                break
            if status >= 400:
                refused.append(str(job["item"]))
            del self.waiting[0]
        return refused
