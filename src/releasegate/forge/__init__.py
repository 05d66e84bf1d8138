"""Git and its host: a port with one adapter a file."""
