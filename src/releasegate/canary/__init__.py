"""Counts to a decision. Pure."""
