"""Who is told: a port with one adapter a file."""
