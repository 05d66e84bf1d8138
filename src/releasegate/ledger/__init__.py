"""Events to state, and the checks of their chain. Pure."""
