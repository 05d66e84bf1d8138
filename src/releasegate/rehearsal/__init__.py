"""A whole release on this machine, with nothing to install."""
