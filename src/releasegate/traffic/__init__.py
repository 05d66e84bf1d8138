"""Who gets the canary: a port with one adapter a file."""
