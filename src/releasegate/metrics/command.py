"""Prometheus' HTTP API, asked by a command of the user's: where only a bastion can reach it."""

import json
import subprocess
from typing import Any

from releasegate.errors import MetricsError
from releasegate.metrics.prometheus import UnreachableError
from releasegate.policy.section import Command

LONGEST = 30
"""Seconds that the command may take."""


class CommandApi:
    """An `Ask` that runs a command, which prints the API's JSON."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def __call__(self, query: str, at: float) -> Any:
        """See `Ask`."""
        argv = [part.replace("{query}", query).replace("{time}", f"{at:.3f}") for part in self._command]
        name = self._command[0]
        try:
            done = subprocess.run(argv, capture_output=True, timeout=LONGEST, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise UnreachableError(f"no answer within {LONGEST} s", where=name) from None
        except (OSError, ValueError) as error:
            raise MetricsError("the command cannot be run", where=name, remedy="is it there and executable?") from error
        if done.returncode != 0:
            # What it printed may hold a secret.
            raise MetricsError(f"the command ended with {done.returncode}", where=name, remedy="try it by hand")
        try:
            document = json.loads(done.stdout)
            result = document["data"]["result"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise MetricsError("the command printed no answer of Prometheus' API", where=name) from error
        if document.get("warnings"):
            raise MetricsError(f"the answer is not complete: {document['warnings']}", where=name)
        return result
