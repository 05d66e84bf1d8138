"""Evidence to a verdict. Pure."""
