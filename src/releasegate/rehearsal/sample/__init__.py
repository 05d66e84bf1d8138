"""The service that a rehearsal releases: a page and a JSON API that expose real Prometheus metrics."""
