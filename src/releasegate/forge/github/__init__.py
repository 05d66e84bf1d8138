"""A forge on GitHub or GitHub Enterprise Server, through PyGithub's connection."""
