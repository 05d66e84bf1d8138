"""ZAP reports to a verdict. Pure."""
