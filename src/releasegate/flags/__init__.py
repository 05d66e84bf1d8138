"""Flag file to edited flag file, and the proof of what it does. Pure."""
