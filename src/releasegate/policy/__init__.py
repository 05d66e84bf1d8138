"""releasegate.yaml to a typed policy. Pure."""
