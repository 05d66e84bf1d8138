"""A service of which nothing splits the traffic: one release serves everybody."""

from releasegate.errors import PolicyError
from releasegate.traffic.port import Split


class WholeTraffic:
    """Implements `releasegate.traffic.port.Traffic` where there is nothing to flip: the canary's share is always 0."""

    def split(self) -> Split:
        """All of it is the baseline's."""
        return Split(0.0, "", "nothing splits the traffic (policy: traffic)")

    def preview(self, weight: float) -> str:
        """Nothing is changed."""
        del weight
        return ""

    def set_weight(self, weight: float, *, reason: str, expected: str | None = None) -> Split:
        """Nothing to do for 0; `PolicyError` for any other share."""
        del reason, expected
        if weight:
            raise PolicyError("no `traffic` in the policy", remedy="say how traffic is split")
        return self.split()
