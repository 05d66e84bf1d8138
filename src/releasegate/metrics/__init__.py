"""Where counts come from: a port with one adapter a file."""
