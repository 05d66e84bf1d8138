"""Lighthouse reports to a verdict. Pure."""
