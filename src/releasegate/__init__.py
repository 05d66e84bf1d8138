"""releasegate: an operations runbook that runs."""

__version__ = "0.1.0"
